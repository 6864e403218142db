/* The loss of BYOL: its range, its value in plain words, and its gradient by finite differences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "base/philox.h"
#include "train/loss.h"

enum { BATCH = 6, DIM = 9, COUNT = BATCH * DIM };

static void fill(float *values, uint32_t lane) {
    byol__random random = byol__random_stream(5, BYOL__PURPOSE_BENCH, 0, 0, lane);
    for (int i = 0; i < COUNT; i++) values[i] = byol__random_normal(&random);
}

/* The formula in double, so that differences are not drowned in the rounding of floats. */
static double reference(const double *p, const double *t) {
    double loss = 0;
    for (int n = 0; n < BATCH; n++) {
        double pp = 0, tt = 0, pt = 0;
        for (int i = n * DIM; i < (n + 1) * DIM; i++) {
            pp += p[i] * p[i];
            tt += t[i] * t[i];
            pt += p[i] * t[i];
        }
        loss += 2 - 2 * pt / sqrt(fmax(pp, 1e-12)) / sqrt(fmax(tt, 1e-12));
    }
    return loss / BATCH;
}

/* With steps relative to the size of each vector. */
static void check_gradient(const float *prediction, const float *target) {
    float diff[COUNT];
    double p[COUNT], t[COUNT], norm[BATCH] = {0};
    for (int i = 0; i < COUNT; i++) {
        p[i] = (double)prediction[i];
        t[i] = (double)target[i];
        norm[i / DIM] += p[i] * p[i];
    }
    assert_true(fabs(byol__byol_loss(prediction, target, BATCH, DIM, diff) - reference(p, t)) <
                1e-12);
    for (int i = 0; i < COUNT; i++) {
        double size = fmax(sqrt(norm[i / DIM]), 1e-9), step = 1e-5 * size, middle = p[i];
        p[i] = middle + step;
        double above = reference(p, t);
        p[i] = middle - step;
        double slope = (above - reference(p, t)) / (2 * step);
        p[i] = middle;
        double scale = fmin(1 / size, 1e6) / BATCH; /* the size a gradient has here */
        assert_true(fabs((double)diff[i] - slope) < 1e-5 * scale);
    }
}

static void the_gradient_is_that_of_finite_differences(void **state) {
    (void)state;
    float p[COUNT], t[COUNT];
    fill(p, 0);
    fill(t, 1);
    check_gradient(p, t);
}

/* Small vectors have steep gradients; below the floor of 1e-6 the vector is no longer normalised,
 * at 0 neither. */
static void the_gradient_holds_for_vectors_near_zero(void **state) {
    (void)state;
    const float sizes[BATCH] = {1e-3f, 1e-5f, 1e-6f, 1e-8f, 0, 1e4f};
    float p[COUNT], t[COUNT];
    fill(p, 0);
    fill(t, 1);
    for (int i = 0; i < COUNT; i++) p[i] *= sizes[i / DIM];
    for (int i = 0; i < DIM; i++) t[i] = 0; /* a target of zeros too */
    check_gradient(p, t);
}

static void one_direction_lies_between_0_and_4(void **state) {
    (void)state;
    float p[COUNT], t[COUNT], zero[COUNT] = {0};
    fill(p, 0);
    for (int i = 0; i < COUNT; i++) t[i] = 3 * p[i];
    assert_true(fabs(byol__byol_loss(p, t, BATCH, DIM, NULL)) < 1e-12);
    for (int i = 0; i < COUNT; i++) t[i] = -0.1f * p[i];
    assert_true(fabs(byol__byol_loss(p, t, BATCH, DIM, NULL) - 4) < 1e-12);
    assert_true(byol__byol_loss(p, zero, BATCH, DIM, NULL) == 2);
}

/* Others averaged the two terms (linear accuracy 51 for 62): the sum reaches 8. */
static void both_directions_sum_to_between_0_and_8(void **state) {
    (void)state;
    float view1[COUNT], view2[COUNT];
    fill(view1, 0);
    for (int i = 0; i < COUNT; i++) view2[i] = -view1[i];
    double worst = byol__byol_loss(view1, view2, BATCH, DIM, NULL) +
                   byol__byol_loss(view2, view1, BATCH, DIM, NULL);
    assert_true(fabs(worst - 8) < 1e-12);
    double best = byol__byol_loss(view1, view1, BATCH, DIM, NULL) +
                  byol__byol_loss(view2, view2, BATCH, DIM, NULL);
    assert_true(fabs(best) < 1e-12);
}

static void the_gradient_does_not_change_the_length_of_a_prediction(void **state) {
    (void)state;
    float p[COUNT], t[COUNT], diff[COUNT];
    fill(p, 0);
    fill(t, 1);
    byol__byol_loss(p, t, BATCH, DIM, diff);
    for (int n = 0; n < BATCH; n++) {
        double along = 0;
        for (int i = n * DIM; i < (n + 1) * DIM; i++) along += (double)diff[i] * (double)p[i];
        assert_true(fabs(along) < 1e-6);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gradient_is_that_of_finite_differences),
        cmocka_unit_test(the_gradient_holds_for_vectors_near_zero),
        cmocka_unit_test(one_direction_lies_between_0_and_4),
        cmocka_unit_test(both_directions_sum_to_between_0_and_8),
        cmocka_unit_test(the_gradient_does_not_change_the_length_of_a_prediction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
