/* Muon: what its iteration does to singular values, and its step against the formulas in double
 * precision. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "floats.h"
#include "optim/muon.h"
#include "optim/optim.h"

enum { MOST = 24 };

/* x x^T or x^T x, the smaller: its eigenvalues are the squares of the singular values. */
static void gram(const double *x, int rows, int columns, double *s) {
    int side = rows < columns ? rows : columns;
    for (int i = 0; i < side; i++)
        for (int j = 0; j < side; j++) {
            double sum = 0;
            if (rows <= columns)
                for (int k = 0; k < columns; k++) sum += x[i * columns + k] * x[j * columns + k];
            else
                for (int k = 0; k < rows; k++) sum += x[k * columns + i] * x[k * columns + j];
            s[i * side + j] = sum;
        }
}

/* The iteration as it is published, in double. */
static void reference(double *x, int rows, int columns) {
    int count = rows * columns, side = rows < columns ? rows : columns;
    double norm = 0, s[MOST * MOST], p[MOST * MOST], y[MOST * MOST];
    for (int i = 0; i < count; i++) norm += x[i] * x[i];
    for (int i = 0; i < count; i++) x[i] /= sqrt(norm);
    for (int step = 0; step < 5; step++) {
        gram(x, rows, columns, s);
        for (int i = 0; i < side; i++)
            for (int j = 0; j < side; j++) {
                double square = 0;
                for (int k = 0; k < side; k++) square += s[i * side + k] * s[k * side + j];
                p[i * side + j] = -4.7750 * s[i * side + j] + 2.0315 * square;
            }
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++) {
                double sum = 3.4445 * x[i * columns + j];
                for (int k = 0; k < side; k++)
                    sum += rows <= columns ? p[i * side + k] * x[k * columns + j]
                                           : x[i * columns + k] * p[k * side + j];
                y[i * columns + j] = sum;
            }
        memcpy(x, y, (size_t)count * sizeof *x);
    }
}

static const int shapes[][2] = {{7, 20}, {20, 7}, {12, 12}, {1, 9}, {9, 1}};

static byol__param row_of(int rows, int columns) {
    return (byol__param){
        .name = "w", .dims = {rows, columns}, .ndims = 2, .count = (size_t)rows * (size_t)columns};
}

static void the_iteration_is_the_published_one(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        int rows = shapes[k][0], columns = shapes[k][1], count = rows * columns;
        byol__param row = row_of(rows, columns);
        byol__table table = {.rows = &row, .count = 1, .total = row.count};
        float *x = random_floats((size_t)count, 4, (uint32_t)k),
              *scratch = floats(byol__muon_scratch(&table));
        double expected[MOST * MOST];
        for (int i = 0; i < count; i++) expected[i] = (double)x[i];
        reference(expected, rows, columns);
        byol__muon_orthogonalise(x, (size_t)rows, (size_t)columns, NULL, scratch);
        for (int i = 0; i < count; i++) assert_true(fabs((double)x[i] - expected[i]) < 1e-4);
        byol__free(x);
        byol__free(scratch);
    }
}

/* Of a matrix that is well conditioned: every singular value lies near 1, so the gram matrix near
 * the identity. */
static void singular_values_come_near_one(void **state) {
    (void)state;
    enum { ROWS = 6, COLUMNS = 20 };
    byol__param row = row_of(ROWS, COLUMNS);
    byol__table table = {.rows = &row, .count = 1, .total = row.count};
    float *x = random_floats(ROWS * COLUMNS, 5, 0), *scratch = floats(byol__muon_scratch(&table));
    double doubled[ROWS * COLUMNS], s[ROWS * ROWS];
    byol__muon_orthogonalise(x, ROWS, COLUMNS, NULL, scratch);
    for (int i = 0; i < ROWS * COLUMNS; i++) doubled[i] = (double)x[i];
    gram(doubled, ROWS, COLUMNS, s);
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < ROWS; j++) assert_true(fabs(s[i * ROWS + j] - (i == j ? 1 : 0)) < 0.55);
    byol__free(x);
    byol__free(scratch);
}

/* Of a matrix that is nearly of rank one, as gradients are: singular values of 1e-4 of the largest,
 * whose squares are as small as a rounding error of the gram matrix, are enlarged as they should
 * be. */
static void small_singular_values_are_enlarged_as_published(void **state) {
    (void)state;
    enum { ROWS = 12, COLUMNS = 20 };
    byol__param row = row_of(ROWS, COLUMNS);
    byol__table table = {.rows = &row, .count = 1, .total = row.count};
    float *x = random_floats(ROWS * COLUMNS, 7, 0), *u = random_floats(ROWS, 7, 1),
          *v = random_floats(COLUMNS, 7, 2), *scratch = floats(byol__muon_scratch(&table));
    double expected[MOST * MOST];
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLUMNS; j++) {
            float *value = &x[i * COLUMNS + j];
            *value = 1e-4f * *value + u[i] * v[j];
            expected[i * COLUMNS + j] = (double)*value;
        }
    reference(expected, ROWS, COLUMNS);
    byol__muon_orthogonalise(x, ROWS, COLUMNS, NULL, scratch);
    for (int i = 0; i < ROWS * COLUMNS; i++) assert_true(fabs((double)x[i] - expected[i]) < 1e-4);
    float *arrays[] = {x, u, v, scratch};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) byol__free(arrays[i]);
}

/* In bf16 the numbers are coarser, the directions the same. */
static void in_bf16_the_step_is_nearly_the_same(void **state) {
    (void)state;
    enum { ROWS = 48, COLUMNS = 160, COUNT = ROWS * COLUMNS };
    byol__dnn *dnn;
    if (!byol__cpu_has_bf16()) skip();
    check(byol__dnn_create(&dnn, &error));
    for (int wide = 0; wide < 2; wide++) {
        size_t rows = wide ? ROWS : COLUMNS, columns = wide ? COLUMNS : ROWS;
        byol__param row = row_of((int)rows, (int)columns);
        byol__table table = {.rows = &row, .count = 1, .total = row.count};
        float *exact = random_floats(COUNT, 5, 0), *x = random_floats(COUNT, 5, 0),
              *scratch = floats(byol__muon_scratch(&table));
        byol__muon_orthogonalise(exact, rows, columns, NULL, scratch);
        byol__muon_orthogonalise(x, rows, columns, dnn, scratch);
        double product = 0, square[2] = {0, 0};
        for (int i = 0; i < COUNT; i++) {
            product += (double)exact[i] * (double)x[i];
            square[0] += (double)exact[i] * (double)exact[i];
            square[1] += (double)x[i] * (double)x[i];
        }
        assert_true(product / sqrt(square[0] * square[1]) > 0.9995);
        assert_true(fabs(square[1] / square[0] - 1) < 0.02);
        float *arrays[] = {exact, x, scratch};
        for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) byol__free(arrays[i]);
    }
    byol__dnn_free(dnn);
}

static void zeros_stay(void **state) {
    (void)state;
    float x[12] = {0}, scratch[24 + 32];
    byol__muon_orthogonalise(x, 3, 4, NULL, scratch);
    for (int i = 0; i < 12; i++) assert_true(x[i] == 0);
}

/* A convolution's weight, a matrix and a bias, three steps: matrices by Muon, the bias as adamw
 * does it. */
static void a_step_is_nesterov_orthogonalised_and_vectors_are_adamws(void **state) {
    (void)state;
    byol__param rows[3] = {
        {.name = "conv", .dims = {4, 3, 2, 2}, .ndims = 4, .count = 48, .offset = 0},
        {.name = "fc", .dims = {8, 5}, .ndims = 2, .count = 40, .offset = 48},
        {.name = "bias",
         .dims = {8},
         .ndims = 1,
         .count = 8,
         .offset = 96,
         .flags = BYOL__NO_DECAY}};
    byol__table table = {.rows = rows, .count = 3, .total = 112};
    float *w = random_floats(112, 6, 0), *w_adamw = floats(112), *m = floats(112), *v = floats(112),
          *m2 = floats(112), *v2 = floats(112), *scratch = floats(byol__muon_scratch(&table));
    memcpy(w_adamw, w, 112 * sizeof *w);
    double expected[96], momentum[96] = {0};
    for (int i = 0; i < 96; i++) expected[i] = (double)w[i];
    byol__optimizer_options muon = {.name = BYOL_MUON,
                                    .momentum = 0.95f,
                                    .weight_decay = 0.1f,
                                    .beta1 = 0.9f,
                                    .beta2 = 0.999f,
                                    .epsilon = 1e-8f,
                                    .scratch = scratch};
    byol__optimizer_options adamw = muon;
    adamw.name = BYOL_ADAMW;
    for (uint64_t step = 1; step <= 3; step++) {
        float *g = random_floats(112, 6, (uint32_t)step);
        byol__optimizer_update(&muon, &table, 0.02f, 0.5f, step, w, g, (float *[2]){m, v});
        byol__optimizer_update(&adamw, &table, 0.02f, 0.5f, step, w_adamw, g, (float *[2]){m2, v2});
        for (int r = 0; r < 2; r++) {
            double direction[48];
            int begin = (int)rows[r].offset, count = (int)rows[r].count, out = rows[r].dims[0],
                in = count / out;
            for (int i = 0; i < count; i++) {
                double gradient = 0.5 * (double)g[begin + i], *mean = &momentum[begin + i];
                *mean = (double)0.95f * *mean + gradient;
                direction[i] = gradient + (double)0.95f * *mean;
            }
            reference(direction, out, in);
            for (int i = 0; i < count; i++)
                expected[begin + i] = (1 - 0.02 * 0.1) * expected[begin + i] -
                                      0.02 * 0.2 * sqrt(out > in ? out : in) * direction[i];
        }
        byol__free(g);
    }
    for (int i = 0; i < 96; i++) assert_true(fabs((double)w[i] - expected[i]) < 1e-5);
    assert_memory_equal(w + 96, w_adamw + 96, 8 * sizeof *w);
    float *arenas[] = {w, w_adamw, m, v, m2, v2, scratch};
    for (size_t i = 0; i < sizeof arenas / sizeof *arenas; i++) byol__free(arenas[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_iteration_is_the_published_one),
        cmocka_unit_test(singular_values_come_near_one),
        cmocka_unit_test(small_singular_values_are_enlarged_as_published),
        cmocka_unit_test(in_bf16_the_step_is_nearly_the_same),
        cmocka_unit_test(zeros_stay),
        cmocka_unit_test(a_step_is_nesterov_orthogonalised_and_vectors_are_adamws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
