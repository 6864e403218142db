#include "dnn/matmul.h"

#include <dnnl.h>

#include "base/error.h"

/* One thread makes one tile, and oneDNN, called within a parallel region, stays on that thread: so how the sums are
 * split never depends on the number of threads. On AVX2 this shape is as fast as oneDNN's own threading. */
enum { TILE_ROWS = 128, TILE_COLUMNS = 256 };

static size_t at_most(size_t value, size_t limit) { return value < limit ? value : limit; }

byol_status byol__sgemm(size_t m, size_t n, size_t k, float alpha, byol__matrix a, byol__matrix b, float beta,
                        float *dst, size_t dst_stride, byol_error *error) {
    size_t row_step = a.transpose == BYOL__AS_IS ? a.stride : 1,
           column_step = b.transpose == BYOL__AS_IS ? 1 : b.stride;
    char transpose_a = a.transpose == BYOL__AS_IS ? 'N' : 'T', transpose_b = b.transpose == BYOL__AS_IS ? 'N' : 'T';
    int failures = 0;
#pragma omp parallel for collapse(2) schedule(dynamic) reduction(+ : failures)
    for (size_t i = 0; i < m; i += TILE_ROWS)
        for (size_t j = 0; j < n; j += TILE_COLUMNS) {
            dnnl_status_t status =
                dnnl_sgemm(transpose_a, transpose_b, (dnnl_dim_t)at_most(TILE_ROWS, m - i),
                           (dnnl_dim_t)at_most(TILE_COLUMNS, n - j), (dnnl_dim_t)k, alpha, a.values + i * row_step,
                           (dnnl_dim_t)a.stride, b.values + j * column_step, (dnnl_dim_t)b.stride, beta,
                           dst + i * dst_stride + j, (dnnl_dim_t)dst_stride);
            failures += status != dnnl_success;
        }
    if (failures > 0)
        return byol__fail(error, BYOL_MEMORY, "matrix multiplication (%zu, %zu) x (%zu, %zu) failed in oneDNN", m, k, k,
                          n);
    return BYOL_OK;
}
