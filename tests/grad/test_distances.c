/* Every distance of the family: its value in plain words (a reference in double, from the formula
 * in docs/family.md) and both its gradients by finite differences of that reference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "base/philox.h"
#include "train/distance.h"

enum { BATCH = 7, DIM = 9, COUNT = BATCH * DIM };
static const uint64_t number = 5;

static void fill(float *values, uint32_t lane) {
    byol__random random = byol__random_stream(5, BYOL__PURPOSE_BENCH, 0, 0, lane);
    for (int i = 0; i < COUNT; i++) values[i] = byol__random_normal(&random);
}

/* ---- The formulas ---- */

static double cosine_of(const double *p, const double *z, int i, int j) {
    double pp = 0, zz = 0, pz = 0;
    for (int d = 0; d < DIM; d++) {
        pp += p[i * DIM + d] * p[i * DIM + d];
        zz += z[j * DIM + d] * z[j * DIM + d];
        pz += p[i * DIM + d] * z[j * DIM + d];
    }
    return pz / sqrt(fmax(pp, 1e-12)) / sqrt(fmax(zz, 1e-12));
}

static double g(double x) { return 1 / (1 + exp(-x)); }

/* `chosen[i]`: the other image of a random triplet. */
static double sample_loss(const byol_config *c, const double *p, const double *z, int i,
                          const int *chosen) {
    double t = (double)c->loss.temperature, margin = (double)c->loss.margin,
           candidates = (double)c->loss.candidates;
    double own = cosine_of(p, z, i, i), sum = 0, hardest = -2;
    switch (c->loss.distance) {
    case BYOL_COSINE: return 2 - 2 * own;
    case BYOL_SOFTMAX_PAIR: return -log(exp(own) / (exp(own) + candidates - 1));
    case BYOL_MSE:
    case BYOL_SMOOTH_L1:
        for (int d = i * DIM; d < (i + 1) * DIM; d++) {
            double far = fabs(p[d] - z[d]);
            sum += c->loss.distance == BYOL_MSE ? far * far : far < 1 ? far * far / 2 : far - 0.5;
        }
        return sum / DIM;
    case BYOL_INFONCE:
        for (int j = 0; j < BATCH; j++) sum += exp(cosine_of(p, z, i, j) / t);
        for (int j = 0; j < BATCH && c->loss.own_negatives; j++)
            if (j != i) sum += exp(cosine_of(p, p, i, j) / t);
        return -log(exp(own / t) / sum);
    case BYOL_NCE:
        for (int j = 0; j < BATCH; j++)
            sum -= log(j == i ? g(own / t) : 1 - g(cosine_of(p, z, i, j) / t));
        return sum;
    case BYOL_TRIPLET:
        for (int j = 0; j < BATCH; j++)
            if (j != i) hardest = fmax(hardest, cosine_of(p, z, i, j));
        if (chosen != NULL) hardest = cosine_of(p, z, i, chosen[i]);
        return fmax(0, (2 - 2 * own) - (2 - 2 * hardest) + margin);
    case BYOL_CROSS_CORRELATION: break; /* no mean over images: test_regularizers.c */
    }
    return NAN;
}

static double reference(const byol_config *c, const double *p, const double *z, const int *chosen) {
    double sum = 0;
    for (int i = 0; i < BATCH; i++) sum += sample_loss(c, p, z, i, chosen);
    return sum / BATCH;
}

/* ---- Checking ---- */

/* By the reference, along one element of `values`, which is p or z. */
static double slope(const byol_config *c, const double *p, const double *z, const int *chosen,
                    double *element, double size) {
    double middle = *element, step = 1e-5 * size;
    *element = middle + step;
    double above = reference(c, p, z, chosen);
    *element = middle - step;
    double result = (above - reference(c, p, z, chosen)) / (2 * step);
    *element = middle;
    return result;
}

static double norm_of_row(const double *x, int i) {
    double sum = 0;
    for (int d = 0; d < DIM; d++) sum += x[i * DIM + d] * x[i * DIM + d];
    return sqrt(sum);
}

/* Of gradients that are as large as 1 / |x| over the batch: what float's rounding of cosines
 * leaves, 1e-5 of that. */
static void check_gradients(const byol_config *c, const float *prediction, const float *target,
                            const int *chosen) {
    byol__distance distance = {0};
    assert_int_equal(byol__distance_init(&distance, c, BATCH, DIM, NULL), BYOL_OK);
    float diff_p[COUNT], diff_z[COUNT];
    double p[COUNT], z[COUNT], sharpness = 2 + 1 / (double)c->loss.temperature;
    for (int i = 0; i < COUNT; i++) {
        p[i] = (double)prediction[i];
        z[i] = (double)target[i];
    }
    double loss = byol__distance_between(&distance, prediction, target, number, diff_p, diff_z);
    double expected = reference(c, p, z, chosen);
    if (!(fabs(loss - expected) < 1e-6 * (1 + fabs(expected))))
        fail_msg("loss %.9g, should be %.9g", loss, expected);
    for (int i = 0; i < COUNT; i++) {
        int by_cosine = c->loss.distance != BYOL_MSE && c->loss.distance != BYOL_SMOOTH_L1;
        double size_p = by_cosine ? fmax(norm_of_row(p, i / DIM), 1e-9) : 1;
        double size_z = by_cosine ? fmax(norm_of_row(z, i / DIM), 1e-9) : 1;
        double by_p = slope(c, p, z, chosen, &p[i], size_p),
               by_z = slope(c, p, z, chosen, &z[i], size_z);
        double scale_p = sharpness * fmin(1 / size_p, 1e6) / BATCH,
               scale_z = sharpness * fmin(1 / size_z, 1e6) / BATCH;
        if (c->loss.own_negatives) scale_p *= BATCH; /* every row may push at one prediction */
        if (!(fabs((double)diff_p[i] - by_p) < 1e-5 * scale_p))
            fail_msg("by the prediction, element %d: %.9g, should be %.9g", i, (double)diff_p[i],
                     by_p);
        if (!(fabs((double)diff_z[i] - by_z) <
              1e-5 * scale_z * BATCH)) /* every row may pull at one target */
            fail_msg("by the target, element %d: %.9g, should be %.9g", i, (double)diff_z[i], by_z);
    }
    byol__distance_release(&distance);
}

static byol_config config_for(byol_distance_kind distance) {
    byol_config config;
    byol_config_init(&config);
    byol_config_set(&config, "recipe", "byol", NULL);
    config.loss.distance = distance;
    config.loss.temperature = 0.5f;
    config.loss.margin = 0.75f;
    config.loss.candidates = 20;
    return config;
}

static void check(byol_config config) {
    float p[COUNT], z[COUNT];
    fill(p, 0);
    fill(z, 1);
    check_gradients(&config, p, z, NULL);
}

static void cosine_and_softmax_pair_have_their_gradients(void **state) {
    (void)state;
    check(config_for(BYOL_COSINE));
    check(config_for(BYOL_SOFTMAX_PAIR));
}

static void mse_and_smooth_l1_have_their_gradients(void **state) {
    (void)state;
    check(config_for(BYOL_MSE));
    check(config_for(BYOL_SMOOTH_L1));
}

static void infonce_and_nce_have_their_gradients(void **state) {
    (void)state;
    for (int sharp = 0; sharp < 2; sharp++) {
        byol_config infonce = config_for(BYOL_INFONCE), nce = config_for(BYOL_NCE);
        infonce.loss.temperature = nce.loss.temperature = sharp ? 0.07f : 0.5f;
        check(infonce);
        check(nce);
        infonce.loss.own_negatives = 1;
        check(infonce);
    }
}

static void hardest_triplets_have_their_gradients(void **state) {
    (void)state;
    check(config_for(BYOL_TRIPLET));
}

/* The choice is no part of the formula: a batch and a row name it. */
static void random_triplets_take_another_image_and_have_their_gradients(void **state) {
    (void)state;
    byol_config config = config_for(BYOL_TRIPLET);
    config.loss.negatives = BYOL_NEGATIVES_RANDOM;
    config.loss.margin = 4; /* as far as two can be apart */
    int chosen[BATCH];
    for (int i = 0; i < BATCH; i++) {
        byol__random random = byol__random_stream(config.train.seed, BYOL__PURPOSE_NEGATIVE,
                                                  (uint32_t)number, (uint32_t)i, 0);
        int j = (int)byol__random_below(&random, BATCH - 1);
        chosen[i] = j < i ? j : j + 1;
        assert_true(chosen[i] != i && chosen[i] < BATCH);
    }
    float p[COUNT], z[COUNT];
    fill(p, 0);
    fill(z, 1);
    check_gradients(&config, p, z, chosen);
}

/* Small vectors have steep gradients; below 1e-6 a vector is no longer normalised, at 0 neither. */
static void gradients_hold_for_vectors_near_zero(void **state) {
    (void)state;
    const float sizes[BATCH] = {1e-3f, 1e-5f, 1, 1e-8f, 0, 1e4f, 30};
    const byol_distance_kind kinds[] = {BYOL_COSINE, BYOL_SOFTMAX_PAIR, BYOL_INFONCE, BYOL_NCE,
                                        BYOL_TRIPLET};
    float p[COUNT], z[COUNT];
    fill(p, 0);
    fill(z, 1);
    for (int i = 0; i < COUNT; i++) p[i] *= sizes[i / DIM];
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        byol_config config = config_for(kinds[k]);
        if (kinds[k] == BYOL_TRIPLET)
            p[4 * DIM] = 1e-7f; /* at 0, all others are equally hard: a kink */
        check_gradients(&config, p, z, NULL);
    }
}

/* ---- What the formulas say beyond their gradients ---- */

static double between(const byol_config *config, const float *p, const float *z, float *diff_p,
                      float *diff_z) {
    byol__distance distance = {0};
    assert_int_equal(byol__distance_init(&distance, config, BATCH, DIM, NULL), BYOL_OK);
    float unused[COUNT];
    double loss =
        byol__distance_between(&distance, p, z, number, diff_p != NULL ? diff_p : unused, diff_z);
    byol__distance_release(&distance);
    return loss;
}

/* d(p, z) + w d(stop(p), z): the value is 1 + w times as large, the gradient by p as it was. */
static void a_second_term_changes_the_value_and_the_targets_gradient_only(void **state) {
    (void)state;
    float p[COUNT], z[COUNT], diff[2][COUNT], diff_target[2][COUNT];
    fill(p, 0);
    fill(z, 1);
    byol_config one = config_for(BYOL_MSE), two = one;
    two.loss.second_term = 1;
    double loss = between(&one, p, z, diff[0], diff_target[0]);
    assert_true(fabs(between(&two, p, z, diff[1], diff_target[1]) - 2 * loss) < 1e-12);
    assert_memory_equal(diff[0], diff[1], sizeof diff[0]);
    for (int i = 0; i < COUNT; i++) assert_true(diff_target[1][i] == 2 * diff_target[0][i]);
}

/* Where nothing is learnt yet, InfoNCE knows as much as a guess among the batch. */
static void infonce_of_equal_vectors_is_the_logarithm_of_the_batch(void **state) {
    (void)state;
    float p[COUNT];
    for (int i = 0; i < COUNT; i++) p[i] = (float)(i % DIM) - 3.5f;
    byol_config config = config_for(BYOL_INFONCE);
    assert_true(fabs(between(&config, p, p, NULL, NULL) - log(BATCH)) < 1e-6);
}

/* A temperature of 0.001 makes exponents of a thousand. */
static void cold_temperatures_do_not_overflow(void **state) {
    (void)state;
    float p[COUNT], z[COUNT], diff[COUNT];
    fill(p, 0);
    for (int i = 0; i < COUNT; i++) z[i] = -p[i];
    const byol_distance_kind kinds[] = {BYOL_INFONCE, BYOL_NCE};
    for (int k = 0; k < 2; k++) {
        byol_config config = config_for(kinds[k]);
        config.loss.temperature = 0.001f;
        config.loss.own_negatives = kinds[k] == BYOL_INFONCE;
        double loss = between(&config, p, z, diff, NULL);
        assert_true(isfinite(loss) && loss > 900);
        for (int i = 0; i < COUNT; i++) assert_true(isfinite((double)diff[i]));
    }
}

static void a_triplet_that_is_far_enough_apart_has_no_gradient(void **state) {
    (void)state;
    float p[COUNT] = {0}, diff[COUNT], diff_target[COUNT];
    for (int i = 0; i < BATCH; i++)
        p[i * DIM + i] = 2; /* all at right angles: squared distance 2 */
    byol_config config = config_for(BYOL_TRIPLET);
    assert_true(between(&config, p, p, diff, diff_target) == 0);
    for (int i = 0; i < COUNT; i++) assert_true(diff[i] == 0 && diff_target[i] == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cosine_and_softmax_pair_have_their_gradients),
        cmocka_unit_test(mse_and_smooth_l1_have_their_gradients),
        cmocka_unit_test(infonce_and_nce_have_their_gradients),
        cmocka_unit_test(hardest_triplets_have_their_gradients),
        cmocka_unit_test(random_triplets_take_another_image_and_have_their_gradients),
        cmocka_unit_test(gradients_hold_for_vectors_near_zero),
        cmocka_unit_test(a_second_term_changes_the_value_and_the_targets_gradient_only),
        cmocka_unit_test(infonce_of_equal_vectors_is_the_logarithm_of_the_batch),
        cmocka_unit_test(cold_temperatures_do_not_overflow),
        cmocka_unit_test(a_triplet_that_is_far_enough_apart_has_no_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
