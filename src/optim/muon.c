#include "optim/muon.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/smaller.h"
#include "dnn/matmul.h"
#include "optim/optim.h"

size_t byol__muon_scratch(const byol__table *table) {
    size_t most = 0;
    for (int r = 0; r < table->count; r++) {
        const byol__param *row = &table->rows[r];
        if (row->ndims < 2) continue;
        size_t rows = (size_t)row->dims[0], side = byol__smaller_size(rows, row->count / rows),
               floats = 2 * row->count + 4 * side * side;
        most = floats > most ? floats : most;
    }
    return most;
}

/* p = a I + b s + c s s, all (side, side). */
static byol_status make_polynomial(float *p, const float *s, size_t side) {
    static const float a = 3.4445f, b = -4.7750f, c = 2.0315f;
    byol__matrix square = {s, side, BYOL__AS_IS};
    memcpy(p, s, side * side * sizeof *p);
    BYOL__TRY(byol__sgemm_symmetric(side, side, c, square, square, b, p, NULL));
    for (size_t i = 0; i < side; i++) p[i * side + i] += a;
    return BYOL_OK;
}

/* x -> p x with p = a I + b s + c s s and s = x x^T, five times. The p and s are polynomials of the
 * first s: they are symmetric and commute, so the iteration needs the small matrices only. s
 * becomes p s p, and x is multiplied by the product q of all p in the end. For a tall matrix the
 * same from the right, s = x^T x. */
static byol_status iterate(float *x, size_t rows, size_t columns, float *scratch) {
    size_t side = byol__smaller_size(rows, columns), square = side * side, count = rows * columns;
    bool wide = rows <= columns;
    float *s = scratch, *p = s + square, *q = p + square, *spare = q + square,
          *old = spare + square;
    memcpy(old, x, count * sizeof *x);
    byol__matrix m = {old, columns, BYOL__AS_IS}, turned = {old, columns, BYOL__TRANSPOSED};
    BYOL__TRY(byol__sgemm_symmetric(side, wide ? columns : rows, 1, wide ? m : turned,
                                    wide ? turned : m, 0, s, NULL));
    BYOL__TRY(make_polynomial(q, s, side));
    memcpy(p, q, square * sizeof *p);
    for (int step = 1; step < 5; step++) {
        byol__matrix by = {p, side, BYOL__AS_IS};
        BYOL__TRY(byol__sgemm_symmetric(side, side, 1, by, (byol__matrix){s, side, BYOL__AS_IS}, 0,
                                        spare, NULL));
        BYOL__TRY(byol__sgemm_symmetric(side, side, 1, by, (byol__matrix){spare, side, BYOL__AS_IS},
                                        0, s, NULL));
        BYOL__TRY(make_polynomial(p, s, side));
        memcpy(spare, q, square * sizeof *q);
        BYOL__TRY(byol__sgemm_symmetric(side, side, 1, by, (byol__matrix){spare, side, BYOL__AS_IS},
                                        0, q, NULL));
    }
    byol__matrix all = {q, side, BYOL__AS_IS};
    return byol__sgemm(rows, columns, side, 1, wide ? all : m, wide ? m : all, 0, x, columns, NULL);
}

void byol__muon_orthogonalise(float *x, size_t rows, size_t columns, float *scratch) {
    size_t count = rows * columns;
    double norm = byol__arena_norm(x, count);
    if (norm == 0) return;
    for (size_t i = 0; i < count; i++) x[i] = (float)((double)x[i] / norm);
    if (iterate(x, rows, columns, scratch) == BYOL_OK) return;
    for (size_t i = 0; i < count; i++) x[i] = (float)NAN;
}
