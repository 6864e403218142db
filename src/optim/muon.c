#include "optim/muon.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/bf16.h"
#include "base/error.h"
#include "base/smaller.h"
#include "dnn/matmul.h"
#include "optim/optim.h"

bool byol__is_for_muon(const byol__param *row) {
    return row->ndims > 1 && !(row->flags & BYOL__NO_MUON);
}

size_t byol__muon_scratch(const byol__table *table) {
    size_t most = 0;
    for (int r = 0; r < table->count; r++) {
        const byol__param *row = &table->rows[r];
        if (!byol__is_for_muon(row)) continue;
        size_t rows = (size_t)row->dims[0], side = byol__smaller_size(rows, row->count / rows),
               floats = 2 * row->count + 4 * side * side;
        most = floats > most ? floats : most;
    }
    return most;
}

enum { STEPS = 5, PARALLEL_FROM = 1 << 16 };
static const float a = 3.4445f, b = -4.7750f, c = 2.0315f; /* of the polynomial */

/* p = a I + b s + c s s, all (side, side). */
static byol_status make_polynomial(float *p, const float *s, size_t side) {
    byol__matrix square = {s, side, BYOL__AS_IS};
    memcpy(p, s, side * side * sizeof *p);
    BYOL__TRY(byol__sgemm_symmetric(side, side, c, square, square, b, p, NULL));
    for (size_t i = 0; i < side; i++) p[i * side + i] += a;
    return BYOL_OK;
}

/* x -> p x with p = a I + b s + c s s and s = x x^T, five times. All p and s are polynomials of the
 * first s, so they are symmetric and commute, and the iteration needs only the small matrices. s
 * becomes p s p; at the end x is multiplied by q, the product of all p. For a tall matrix the same
 * from the right, with s = x^T x. */
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
    for (int step = 1; step < STEPS; step++) {
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

/* p = a I + b s + c t, with t = s s. */
static void add_up_polynomial(byol__bf16 *p, const byol__bf16 *s, const float *t, size_t side) {
#pragma omp parallel for schedule(static) if (parallel : side * side >= PARALLEL_FROM)
    for (size_t i = 0; i < side; i++)
        for (size_t j = 0; j < side; j++) {
            size_t at = i * side + j;
            p[at] = byol__bf16_from_float((i == j ? a : 0) + b * byol__bf16_to_float(s[at]) +
                                          c * t[at]);
        }
}

/* The iteration as published, with x itself in each step: the Gram matrix of bf16 numbers would
 * lose the small singular values. */
static byol_status iterate_in_bf16(float *x, size_t rows, size_t columns, byol__dnn *dnn,
                                   float *scratch) {
    size_t side = byol__smaller_size(rows, columns), count = rows * columns;
    bool wide = rows <= columns;
    float *t = scratch;
    byol__bf16 *s = (byol__bf16 *)(t + side * side), *p = s + side * side, *now = p + side * side,
               *next = now + count;
    byol__bf16_narrow(now, x, count);
    for (int step = 0; step < STEPS; step++) {
        BYOL__TRY(byol__bf16_matmul(dnn, side, side, wide ? columns : rows, now,
                                    wide ? BYOL__AS_IS : BYOL__TRANSPOSED, now,
                                    wide ? BYOL__TRANSPOSED : BYOL__AS_IS, BYOL__BF16, s, NULL));
        BYOL__TRY(byol__bf16_matmul(dnn, side, side, side, s, BYOL__AS_IS, s, BYOL__AS_IS,
                                    BYOL__F32, t, NULL));
        add_up_polynomial(p, s, t, side);
        BYOL__TRY(byol__bf16_matmul(dnn, rows, columns, side, wide ? p : now, BYOL__AS_IS,
                                    wide ? now : p, BYOL__AS_IS, BYOL__BF16, next, NULL));
        byol__bf16 *other = now;
        now = next;
        next = other;
    }
    byol__bf16_widen(x, now, count);
    return BYOL_OK;
}

void byol__muon_orthogonalise(float *x, size_t rows, size_t columns, byol__dnn *dnn,
                              float *scratch) {
    size_t count = rows * columns;
    double norm = byol__arena_norm(x, count);
    if (norm == 0) return;
#pragma omp parallel for simd schedule(static) if (parallel : count >= PARALLEL_FROM)
    for (size_t i = 0; i < count; i++) x[i] = (float)((double)x[i] / norm);
    if (dnn != NULL && iterate_in_bf16(x, rows, columns, dnn, scratch) == BYOL_OK) return;
    if (iterate(x, rows, columns, scratch) == BYOL_OK) return;
    for (size_t i = 0; i < count; i++) x[i] = (float)NAN;
}
