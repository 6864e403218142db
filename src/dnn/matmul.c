#include "dnn/matmul.h"

#include <dnnl.h>

#include "base/error.h"
#include "base/smaller.h"

/* One thread makes one tile, and oneDNN, called within a parallel region, stays on that thread: so
 * how the sums are split never depends on the number of threads. On AVX2 this shape is as fast as
 * oneDNN's own threading. */
enum { TILE_ROWS = 128, TILE_COLUMNS = 256, SYMMETRIC_TILE = 64 };

/* alpha a b + beta dst as one tile after another asks for it. */
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

static byol_status told(int failures, size_t m, size_t n, size_t k, byol_error *error) {
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
    return told(failures, m, n, k, error);
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
    return told(failures, n, n, k, error);
}
