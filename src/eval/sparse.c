#include "eval/sparse.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"

byol_status byol__sparse_create(byol__sparse *matrix, size_t rows, size_t columns, size_t entries,
                                byol_error *error) {
    *matrix = (byol__sparse){.rows = rows, .columns = columns};
    const char *what = "a sparse matrix";
    byol_status status =
        byol__alloc(&matrix->starts, rows + 1, sizeof *matrix->starts, what, error);
    if (status == BYOL_OK)
        status = byol__alloc(&matrix->index, entries, sizeof *matrix->index, what, error);
    if (status == BYOL_OK)
        status = byol__alloc(&matrix->values, entries, sizeof *matrix->values, what, error);
    if (status != BYOL_OK) byol__sparse_release(matrix);
    return status;
}

void byol__sparse_release(byol__sparse *matrix) {
    byol__free(matrix->starts);
    byol__free(matrix->index);
    byol__free(matrix->values);
    *matrix = (byol__sparse){0};
}

byol_status byol__sparse_transpose(byol__sparse *out, const byol__sparse *matrix,
                                   byol_error *error) {
    size_t entries = matrix->starts[matrix->rows];
    if (matrix->rows > UINT32_MAX)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED, "a sparse matrix has %zu rows, above %u",
                          matrix->rows, UINT32_MAX);
    BYOL__TRY(byol__sparse_create(out, matrix->columns, matrix->rows, entries, error));
    size_t *starts = out->starts;
    for (size_t e = 0; e < entries; e++) starts[matrix->index[e] + 1]++;
    for (size_t c = 0; c < out->rows; c++) starts[c + 1] += starts[c];
    for (size_t row = 0; row < matrix->rows; row++)
        for (size_t e = matrix->starts[row]; e < matrix->starts[row + 1]; e++) {
            size_t to = starts[matrix->index[e]]++;
            out->index[to] = (uint32_t)row;
            out->values[to] = matrix->values[e];
        }
    /* Each start has walked to its row's end, which is where the next row starts. */
    memmove(starts + 1, starts, out->rows * sizeof *starts);
    starts[0] = 0;
    return BYOL_OK;
}

void byol__sparse_multiply(const byol__sparse *matrix, const double *dense, size_t width,
                           const double *constant, double *out) {
#pragma omp parallel for schedule(dynamic, 256)
    for (size_t row = 0; row < matrix->rows; row++) {
        double *sums = out + row * width;
        for (size_t k = 0; k < width; k++) sums[k] = constant != NULL ? constant[k] : 0;
        for (size_t e = matrix->starts[row]; e < matrix->starts[row + 1]; e++) {
            double value = (double)matrix->values[e];
            const double *src = dense + matrix->index[e] * width;
            for (size_t k = 0; k < width; k++) sums[k] += value * src[k];
        }
    }
}
