#include "optim/muon.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "dnn/matmul.h"
#include "optim/optim.h"

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

size_t byol__muon_scratch(const byol__table *table) {
    size_t most = 0;
    for (int r = 0; r < table->count; r++) {
        const byol__param *row = &table->rows[r];
        if (row->ndims < 2) continue;
        size_t rows = (size_t)row->dims[0], side = smaller(rows, row->count / rows),
               floats = 2 * row->count + 2 * side * side;
        most = floats > most ? floats : most;
    }
    return most;
}

/* x -> a x + (b s + c s s) x, s = x x^T; for a tall matrix the same from the right, s = x^T x. */
static byol_status iterate(float *x, size_t rows, size_t columns, float *scratch) {
    static const float a = 3.4445f, b = -4.7750f, c = 2.0315f;
    size_t side = smaller(rows, columns), count = rows * columns;
    bool wide = rows <= columns;
    float *s = scratch, *polynomial = s + side * side, *old = polynomial + side * side;
    memcpy(old, x, count * sizeof *x);
    byol__matrix m = {old, columns, BYOL__AS_IS}, turned = {old, columns, BYOL__TRANSPOSED},
                 square = {s, side, BYOL__AS_IS}, p = {polynomial, side, BYOL__AS_IS};
    BYOL__TRY(
        byol__sgemm(side, side, wide ? columns : rows, 1, wide ? m : turned, wide ? turned : m, 0, s, side, NULL));
    memcpy(polynomial, s, side * side * sizeof *s);
    BYOL__TRY(byol__sgemm(side, side, side, c, square, square, b, polynomial, side, NULL));
    return byol__sgemm(rows, columns, side, 1, wide ? p : m, wide ? m : p, a, x, columns, NULL);
}

void byol__muon_orthogonalise(float *x, size_t rows, size_t columns, float *scratch) {
    size_t count = rows * columns;
    double norm = byol__arena_norm(x, count);
    if (norm == 0) return;
    for (size_t i = 0; i < count; i++) x[i] = (float)((double)x[i] / norm);
    for (int step = 0; step < 5; step++) {
        if (iterate(x, rows, columns, scratch) == BYOL_OK) continue;
        for (size_t i = 0; i < count; i++) x[i] = (float)NAN;
        return;
    }
}
