#include "dnn/matmul.h"

#include <dnnl.h>

#include "base/error.h"
#include "base/smaller.h"
#include "dnn/dnn.h"
#include "dnn/dnn_face.h"
#include "dnn/dnn_private.h"

/* One thread makes one tile. oneDNN, called within a parallel region, stays on that thread. So the
 * way the sums are split never depends on the number of threads. On AVX2 this shape is as fast as
 * oneDNN's own threading. */
enum { TILE_ROWS = 128, TILE_COLUMNS = 256, SYMMETRIC_TILE = 64 };

/* alpha a b + beta dst, computed tile by tile. */
typedef struct product {
    size_t k;
    float alpha, beta;
    byol__matrix a, b;
    float *dst;
    size_t dst_stride;
} product;

/* Rows i .. i + rows, columns j .. j + columns. Returns 1 where oneDNN failed, else 0. */
static int make_tile(const product *p, size_t i, size_t rows, size_t j, size_t columns) {
    size_t row_step = p->a.transpose == BYOL__AS_IS ? p->a.stride : 1,
           column_step = p->b.transpose == BYOL__AS_IS ? 1 : p->b.stride;
    char transpose_a = p->a.transpose == BYOL__AS_IS ? 'N' : 'T',
         transpose_b = p->b.transpose == BYOL__AS_IS ? 'N' : 'T';
    return dnnl_sgemm(transpose_a, transpose_b, (dnnl_dim_t)rows, (dnnl_dim_t)columns,
                      (dnnl_dim_t)p->k, p->alpha, p->a.values + i * row_step,
                      (dnnl_dim_t)p->a.stride, p->b.values + j * column_step,
                      (dnnl_dim_t)p->b.stride, p->beta, p->dst + i * p->dst_stride + j,
                      (dnnl_dim_t)p->dst_stride) != dnnl_success;
}

static byol_status status_of(int failures, size_t m, size_t n, size_t k, byol_error *error) {
    if (failures == 0) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_MEMORY,
                      "matrix multiplication (%zu, %zu) x (%zu, %zu) failed in oneDNN", m, k, k, n);
}

byol_status byol__sgemm(size_t m, size_t n, size_t k, float alpha, byol__matrix a, byol__matrix b,
                        float beta, float *dst, size_t dst_stride, byol_error *error) {
    product p = {k, alpha, beta, a, b, dst, dst_stride};
    int failures = 0;
#pragma omp parallel for collapse(2) schedule(dynamic) reduction(+ : failures)
    for (size_t i = 0; i < m; i += TILE_ROWS)
        for (size_t j = 0; j < n; j += TILE_COLUMNS)
            failures += make_tile(&p, i, byol__smaller_size(TILE_ROWS, m - i), j,
                                  byol__smaller_size(TILE_COLUMNS, n - j));
    return status_of(failures, m, n, k, error);
}

byol_status byol__sgemm_symmetric(size_t n, size_t k, float alpha, byol__matrix a, byol__matrix b,
                                  float beta, float *dst, byol_error *error) {
    product p = {k, alpha, beta, a, b, dst, n};
    int failures = 0, side = (int)((n + SYMMETRIC_TILE - 1) / SYMMETRIC_TILE);
#pragma omp parallel for schedule(dynamic) reduction(+ : failures)
    for (int tile = 0; tile < side * (side + 1) / 2; tile++) {
        int row = 0;
        while ((row + 1) * (row + 2) / 2 <= tile) row++;
        size_t i = (size_t)row * SYMMETRIC_TILE,
               j = (size_t)(tile - row * (row + 1) / 2) * SYMMETRIC_TILE;
        size_t rows = byol__smaller_size(SYMMETRIC_TILE, n - i),
               columns = byol__smaller_size(SYMMETRIC_TILE, n - j);
        failures += make_tile(&p, i, rows, j, columns);
        for (size_t r = i; r < i + rows; r++)
            for (size_t c = j; c < j + columns && c < r; c++) dst[c * n + r] = dst[r * n + c];
    }
    return status_of(failures, n, n, k, error);
}

/* ---- bf16 ---- */

enum { A, B, DST, OPERANDS };

static dnnl_status_t create_operands(const byol__dnn *dnn, const byol__owned_md md[OPERANDS],
                                     void *const pointers[OPERANDS],
                                     dnnl_memory_t memory[OPERANDS]) {
    dnnl_status_t status = dnnl_success;
    for (int i = 0; i < OPERANDS && status == dnnl_success; i++)
        status = dnnl_memory_create(&memory[i], byol__md_borrow(&md[i]), dnn->engine, pointers[i]);
    return status;
}

/* oneDNN caches what it compiles for a shape: only the first product of a shape is slow. */
static dnnl_status_t multiply(const byol__dnn *dnn, const byol__owned_md md[OPERANDS],
                              void *const pointers[OPERANDS]) {
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t primitive = NULL;
    dnnl_memory_t memory[OPERANDS] = {NULL};
    dnnl_status_t status =
        byol__matmul_pd_create(&pd, dnn->engine, byol__md_borrow(&md[A]), byol__md_borrow(&md[B]),
                               byol__md_borrow(&md[DST]));
    if (status == dnnl_success) status = dnnl_primitive_create(&primitive, pd);
    if (status == dnnl_success) status = create_operands(dnn, md, pointers, memory);
    if (status == dnnl_success)
        status = dnnl_primitive_execute(primitive, dnn->stream, OPERANDS,
                                        (dnnl_exec_arg_t[]){{DNNL_ARG_SRC, memory[A]},
                                                            {DNNL_ARG_WEIGHTS, memory[B]},
                                                            {DNNL_ARG_DST, memory[DST]}});
    if (status == dnnl_success) status = dnnl_stream_wait(dnn->stream);
    for (int i = 0; i < OPERANDS; i++) dnnl_memory_destroy(memory[i]);
    dnnl_primitive_destroy(primitive);
    if (pd != NULL) dnnl_primitive_desc_destroy(pd);
    return status;
}

static dnnl_status_t describe(byol__owned_md *md, size_t rows, size_t columns, byol__dtype dtype,
                              byol__transpose transpose) {
    return byol__md_init(md, 2, (dnnl_dims_t){(dnnl_dim_t)rows, (dnnl_dim_t)columns},
                         dtype == BYOL__BF16 ? dnnl_bf16 : dnnl_f32,
                         transpose == BYOL__AS_IS ? dnnl_ab : dnnl_ba);
}

byol_status byol__bf16_matmul(byol__dnn *dnn, size_t m, size_t n, size_t k, const byol__bf16 *a,
                              byol__transpose a_lies, const byol__bf16 *b, byol__transpose b_lies,
                              byol__dtype dtype, void *dst, byol_error *error) {
    byol__owned_md md[OPERANDS] = {{.set = false}};
    void *pointers[OPERANDS] = {(void *)(uintptr_t)a, (void *)(uintptr_t)b, dst}; /* a, b: read */
    dnnl_status_t status = describe(&md[A], m, k, BYOL__BF16, a_lies);
    if (status == dnnl_success) status = describe(&md[B], k, n, BYOL__BF16, b_lies);
    if (status == dnnl_success) status = describe(&md[DST], m, n, dtype, BYOL__AS_IS);
    if (status == dnnl_success) status = multiply(dnn, md, pointers);
    for (int i = 0; i < OPERANDS; i++) byol__md_release(&md[i]);
    return byol__dnn_fail(error, status, "matrix multiplication");
}
