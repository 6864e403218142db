/* The linear probe: its gradient, what it can and cannot learn, and that the test set decides
 * nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <omp.h>
#include <string.h>

#include "blobs.h"
#include "eval/softmax.h"

static byol_linear_options quick(void) {
    byol_linear_options options;
    byol_linear_options_init(&options);
    options.epochs = 10;
    options.batch_size = 64;
    return options;
}

static byol_linear_result probe(const byol_features *train, int passes, const byol_features *test,
                                const byol_linear_options *options) {
    byol_error error = {0};
    byol_linear_result result = {0};
    byol_status status =
        byol_linear(train, passes, test, options, &result, NULL, NULL, NULL, &error);
    if (status != BYOL_OK) fail_msg("%s", error.text);
    return result;
}

static double cross_entropy(const double *logits, int classes, int label) {
    double sum = 0;
    for (int c = 0; c < classes; c++) sum += exp(logits[c]);
    return log(sum) - logits[label];
}

static void the_gradient_is_that_of_finite_differences(void **state) {
    (void)state;
    enum { CLASSES = 7 };
    byol__random random = byol__random_stream(2, BYOL__PURPOSE_BENCH, 0, 0, 0);
    for (int32_t label = 0; label < CLASSES; label++) {
        float gradient[CLASSES];
        double logits[CLASSES];
        for (int c = 0; c < CLASSES; c++)
            logits[c] = (double)(gradient[c] = 3 * byol__random_normal(&random));
        byol__softmax_gradient(gradient, CLASSES, label);
        for (int c = 0; c < CLASSES; c++) {
            double middle = logits[c], step = 1e-5;
            logits[c] = middle + step;
            double above = cross_entropy(logits, CLASSES, label);
            logits[c] = middle - step;
            double slope = (above - cross_entropy(logits, CLASSES, label)) / (2 * step);
            logits[c] = middle;
            assert_true(fabs((double)gradient[c] - slope) < 1e-6);
        }
    }
}

static void the_gradient_of_huge_logits_is_finite(void **state) {
    (void)state;
    float logits[] = {1e30f, -1e30f, 0};
    byol__softmax_gradient(logits, 3, 1);
    assert_true(logits[0] == 1 && logits[1] == -1 && logits[2] == 0);
}

static void clouds_far_apart_are_told_apart(void **state) {
    (void)state;
    blobs train = blobs_create(1000, 16, 10, 3, 1), test = blobs_create(500, 16, 10, 3, 2);
    byol_linear_options options = quick();
    for (int standardize = 0; standardize < 2; standardize++) {
        options.standardize = standardize != 0;
        byol_linear_result result = probe(&train.features, 1, &test.features, &options);
        assert_true(result.accuracy > 99);
        assert_true(result.held_out_accuracy > 99);
    }
    blobs_free(train);
    blobs_free(test);
}

/* Two clouds on a line through the origin's far side, both at positive numbers: only a bias can
 * part them. */
static void the_classifier_has_a_bias(void **state) {
    (void)state;
    enum { COUNT = 400 };
    static float values[COUNT];
    static int32_t labels[COUNT];
    byol__random random = byol__random_stream(4, BYOL__PURPOSE_BENCH, 0, 0, 0);
    for (int i = 0; i < COUNT; i++) {
        labels[i] = i % 2;
        values[i] = (float)(1 + 2 * labels[i]) + 0.2f * byol__random_normal(&random);
    }
    byol_features features = {values, labels, COUNT, 1, 2};
    byol_linear_options options = quick();
    options.standardize = 0;
    assert_true(probe(&features, 1, &features, &options).accuracy > 99);
}

/* Chance is 10 % with a standard error of 0.67 % on the test set and 3 % on the held-out images, of
 * which the best of nine is reported. On its own training images the probe does far better: a leak
 * would show. */
static void labels_without_meaning_are_guessed_at_chance(void **state) {
    (void)state;
    blobs train = blobs_create(1000, 64, 10, 0, 1), test = blobs_create(2000, 64, 10, 0, 2);
    byol_linear_options options = quick();
    byol_linear_result result = probe(&train.features, 1, &test.features, &options);
    assert_true(result.accuracy > 7 && result.accuracy < 13);
    assert_true(result.held_out_accuracy > 3 && result.held_out_accuracy < 22);
    assert_true(probe(&train.features, 1, &train.features, &options).accuracy > 25);
    blobs_free(train);
    blobs_free(test);
}

/* Whatever the test set says, the choice and everything else but the test accuracy stay the same.
 */
static void the_test_set_never_decides_the_learning_rate(void **state) {
    (void)state;
    blobs train = blobs_create(800, 12, 5, 0.5f, 1), test = blobs_create(400, 12, 5, 0.5f, 2);
    byol_linear_options options = quick();
    byol_linear_result fair = probe(&train.features, 1, &test.features, &options);
    for (int i = 0; i < 400; i++) test.labels[i] = (test.labels[i] + 1) % 5;
    for (int i = 0; i < 400 * 12; i++) test.values[i] *= 1.5f;
    byol_linear_result spoilt = probe(&train.features, 1, &test.features, &options);
    assert_true(fair.lr == spoilt.lr && fair.held_out_accuracy == spoilt.held_out_accuracy);
    assert_true(fair.accuracy > 60 && spoilt.accuracy < 20);
    blobs_free(train);
    blobs_free(test);
}

/* One rate far too low to learn anything, one that learns: the held-out images must tell them
 * apart. */
static void the_learning_rate_that_does_best_on_held_out_images_is_chosen(void **state) {
    (void)state;
    blobs train = blobs_create(1000, 16, 10, 1, 1), test = blobs_create(500, 16, 10, 1, 2);
    byol_linear_options options = quick();
    const float lrs[] = {1e-9f, 0.1f, 1e-8f};
    options.lrs = lrs;
    options.lr_count = 3;
    options.epochs = 5;
    assert_true(probe(&train.features, 1, &test.features, &options).lr == 0.1f);
    blobs_free(train);
    blobs_free(test);
}

/* Candidates train side by side, yet each as if it were alone. */
static void candidates_do_not_touch_each_other(void **state) {
    (void)state;
    blobs train = blobs_create(800, 12, 5, 0.5f, 1), test = blobs_create(400, 12, 5, 0.5f, 2);
    byol_linear_options options = quick();
    const float alone[] = {0.05f}, among[] = {1e-9f, 0.05f, 1e-9f, 1e-9f};
    options.lrs = alone;
    options.lr_count = 1;
    byol_linear_result first = probe(&train.features, 1, &test.features, &options);
    options.lrs = among;
    options.lr_count = 4;
    byol_linear_result second = probe(&train.features, 1, &test.features, &options);
    assert_true(second.lr == 0.05f);
    assert_true(fabs(first.held_out_accuracy - second.held_out_accuracy) < 1e-9);
    assert_true(first.accuracy == second.accuracy);
    blobs_free(train);
    blobs_free(test);
}

/* Features on scales from 1e-4 to 1e4: hopeless as they are, easy when standardised. */
static void standardising_makes_scales_equal(void **state) {
    (void)state;
    blobs train = blobs_create(1000, 9, 5, 2, 1), test = blobs_create(500, 9, 5, 2, 2);
    byol_linear_options options = quick();
    byol_linear_result before = probe(&train.features, 1, &test.features, &options);
    for (int i = 0; i < 1000 * 9; i++)
        train.values[i] = train.values[i] * powf(10, (float)(i % 9 - 4)) + 7;
    for (int i = 0; i < 500 * 9; i++)
        test.values[i] = test.values[i] * powf(10, (float)(i % 9 - 4)) + 7;
    byol_linear_result after = probe(&train.features, 1, &test.features, &options);
    assert_true(fabs(before.accuracy - after.accuracy) < 1);
    options.standardize = 0;
    assert_true(probe(&train.features, 1, &test.features, &options).accuracy < after.accuracy - 5);
    blobs_free(train);
    blobs_free(test);
}

static void a_feature_that_never_changes_is_no_harm(void **state) {
    (void)state;
    blobs train = blobs_create(500, 8, 4, 3, 1), test = blobs_create(300, 8, 4, 3, 2);
    for (int i = 0; i < 500; i++) train.values[8 * i] = 0.1f;
    for (int i = 0; i < 300; i++)
        test.values[8 * i] = 0.1f + (float)i; /* and in the test set says nothing */
    byol_linear_options options = quick();
    assert_true(probe(&train.features, 1, &test.features, &options).accuracy > 97);
    blobs_free(train);
    blobs_free(test);
}

/* Pass 0 knows nothing of the labels; only if pass 1 is used is there anything to learn. */
static void every_pass_is_used(void **state) {
    (void)state;
    blobs noise = blobs_create(1000, 16, 10, 0, 1), train = blobs_create(1000, 16, 10, 3, 1);
    blobs test = blobs_create(500, 16, 10, 3, 2);
    memcpy(noise.labels, train.labels, 1000 * sizeof *noise.labels);
    byol_features passes[] = {noise.features, train.features};
    byol_linear_options options = quick();
    assert_true(probe(passes, 2, &test.features, &options).accuracy > 90);
    assert_true(probe(passes, 1, &test.features, &options).accuracy < 40);
    blobs_free(noise);
    blobs_free(train);
    blobs_free(test);
}

static void the_result_depends_on_the_seed_and_on_nothing_else(void **state) {
    (void)state;
    blobs train = blobs_create(1100, 33, 10, 0.3f, 1), test = blobs_create(700, 33, 10, 0.3f, 2);
    byol_linear_options options = quick();
    byol_linear_result first = {0};
    for (int t = 1; t <= 3; t++) {
        options.threads = t;
        byol_linear_result result = probe(&train.features, 1, &test.features, &options);
        if (t == 1) first = result;
        assert_memory_equal(&first, &result, sizeof result);
    }
    options.seed = 2;
    byol_linear_result other = probe(&train.features, 1, &test.features, &options);
    assert_true(other.accuracy != first.accuracy ||
                other.held_out_accuracy != first.held_out_accuracy);
    blobs_free(train);
    blobs_free(test);
}

/* Features of 1 .. 0.01 as a trained encoder of little spread has them, not standardised: the best
 * rate is far above 0.6, and the held-out images say so. */
static void the_range_of_learning_rates_reaches_far_enough(void **state) {
    (void)state;
    blobs train = blobs_create(1000, 16, 10, 1, 1), test = blobs_create(500, 16, 10, 1, 2);
    for (int i = 0; i < 1000 * 16; i++) train.values[i] *= 0.05f;
    for (int i = 0; i < 500 * 16; i++) test.values[i] *= 0.05f;
    byol_linear_options options = quick();
    options.standardize = 0;
    assert_true(probe(&train.features, 1, &test.features, &options).lr > 0.6f);
    blobs_free(train);
    blobs_free(test);
}

static void predictions_are_those_that_the_accuracy_counts(void **state) {
    (void)state;
    enum { TEST = 300 };
    blobs train = blobs_create(700, 12, 5, 0.5f, 1), test = blobs_create(TEST, 12, 5, 0.5f, 2);
    byol_linear_options options = quick();
    byol_linear_result result;
    int32_t predicted[TEST], right = 0;
    assert_int_equal(byol_linear(&train.features, 1, &test.features, &options, &result, predicted,
                                 NULL, NULL, NULL),
                     BYOL_OK);
    for (int i = 0; i < TEST; i++) right += predicted[i] == test.labels[i];
    assert_true(result.accuracy == 100.0 * right / TEST);
    assert_true(right > TEST / 2 && right < TEST);
    blobs_free(train);
    blobs_free(test);
}

static void the_callers_threads_stay_as_they_were(void **state) {
    (void)state;
    blobs train = blobs_create(50, 4, 3, 1, 1), test = blobs_create(20, 4, 3, 1, 2);
    byol_linear_options options = quick();
    options.threads = 1;
    int threads = omp_get_max_threads();
    omp_set_num_threads(3);
    probe(&train.features, 1, &test.features, &options);
    assert_int_equal(omp_get_max_threads(), 3);
    omp_set_num_threads(threads);
    blobs_free(train);
    blobs_free(test);
}

static void check_refused(const byol_features *train, int passes, byol_features test,
                          byol_linear_options options, byol_status status, const char *words) {
    byol_error error = {0};
    byol_linear_result result = {-1, -1, -1};
    assert_int_equal(byol_linear(train, passes, &test, &options, &result, NULL, NULL, NULL, &error),
                     status);
    if (strstr(error.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.text, words);
    assert_true(result.accuracy == -1);
}

static void what_cannot_be_is_refused_with_words(void **state) {
    (void)state;
    blobs train = blobs_create(30, 4, 3, 1, 1), test = blobs_create(20, 4, 3, 1, 2);
    byol_linear_options good = quick(), bad = good;
    byol_features a[2] = {train.features, train.features}, b = test.features, odd = b;
    bad.epochs = 0;
    check_refused(a, 1, b, bad, BYOL_ERROR_INVALID, "at least one epoch");
    bad = good;
    bad.lrs = (const float[]){0.1f, -1};
    bad.lr_count = 2;
    check_refused(a, 1, b, bad, BYOL_ERROR_INVALID, "learning rate 1 of the linear probe is -1");
    bad = good;
    bad.held_out = 0;
    check_refused(a, 1, b, bad, BYOL_ERROR_INVALID, "held-out share is 0");
    bad = good;
    bad.momentum = 1;
    check_refused(a, 1, b, bad, BYOL_ERROR_INVALID, "momentum");
    check_refused(a, 0, b, good, BYOL_ERROR_INVALID, "passes");
    odd.dimension = 2;
    check_refused(a, 1, odd, good, BYOL_ERROR_MISMATCH, "dimension 2, the training features 4");
    a[1].count = 29;
    check_refused(a, 2, b, good, BYOL_ERROR_MISMATCH, "pass 1 of the training features");
    a[0].count = 1;
    check_refused(a, 1, b, good, BYOL_ERROR_INVALID, "one training sample");
    a[0].count = 30;
    train.labels[3] = 3;
    check_refused(a, 1, b, good, BYOL_ERROR_INVALID, "label 3 of the training features is 3");
    train.labels[3] = 0;
    test.values[5 * 4 + 1] = NAN;
    check_refused(a, 1, b, good, BYOL_ERROR_NUMERIC, "vector 5 of the test features");
    blobs_free(train);
    blobs_free(test);
}

static int stop_after_three(void *context, uint64_t done, uint64_t total) {
    *(uint64_t *)context = total;
    return done == 3;
}

static void progress_counts_epochs_and_can_stop_it(void **state) {
    (void)state;
    blobs train = blobs_create(100, 4, 3, 1, 1), test = blobs_create(50, 4, 3, 1, 2);
    byol_linear_options options = quick();
    byol_linear_result result;
    byol_error error = {0};
    uint64_t total = 0;
    assert_int_equal(byol_linear(&train.features, 1, &test.features, &options, &result, NULL,
                                 stop_after_three, &total, &error),
                     BYOL_ERROR_CANCELLED);
    assert_int_equal(total, 20);
    assert_non_null(strstr(error.text, "after 3 of 10 epochs"));
    blobs_free(train);
    blobs_free(test);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gradient_is_that_of_finite_differences),
        cmocka_unit_test(the_gradient_of_huge_logits_is_finite),
        cmocka_unit_test(clouds_far_apart_are_told_apart),
        cmocka_unit_test(the_classifier_has_a_bias),
        cmocka_unit_test(labels_without_meaning_are_guessed_at_chance),
        cmocka_unit_test(the_test_set_never_decides_the_learning_rate),
        cmocka_unit_test(the_learning_rate_that_does_best_on_held_out_images_is_chosen),
        cmocka_unit_test(candidates_do_not_touch_each_other),
        cmocka_unit_test(standardising_makes_scales_equal),
        cmocka_unit_test(a_feature_that_never_changes_is_no_harm),
        cmocka_unit_test(every_pass_is_used),
        cmocka_unit_test(the_result_depends_on_the_seed_and_on_nothing_else),
        cmocka_unit_test(the_range_of_learning_rates_reaches_far_enough),
        cmocka_unit_test(predictions_are_those_that_the_accuracy_counts),
        cmocka_unit_test(the_callers_threads_stay_as_they_were),
        cmocka_unit_test(what_cannot_be_is_refused_with_words),
        cmocka_unit_test(progress_counts_epochs_and_can_stop_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
