/* Logistic regression on features: scikit-learn's minimum, the layer that is kept, and what it
 * takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "blobs.h"

enum { COUNT = 60, DIMENSION = 5 };

typedef struct waves {
    float values[COUNT * DIMENSION];
    int32_t labels[COUNT];
    byol_features features;
} waves;

/* sin(.7 i d) + .2 d (class), i and d from 1; classes 0, 1, 2 in turn, or 0 against the rest. */
static void make_waves(waves *w, int classes) {
    for (int i = 0; i < COUNT; i++) {
        w->labels[i] = i % 3 < classes ? i % 3 : 1;
        for (int d = 0; d < DIMENSION; d++)
            w->values[i * DIMENSION + d] =
                (float)sin(0.7 * (i + 1) * (d + 1)) + (float)((d + 1) * (i % 3)) * 0.2f;
    }
    w->features = (byol_features){w->values, w->labels, COUNT, DIMENSION, classes};
}

static byol_regression_result regress(const byol_features *train, const byol_features *test,
                                      const byol_regression_options *options, int32_t *predicted) {
    byol_error error = {0};
    byol_regression_result result = {0};
    byol_status status =
        byol_regression(train, test, options, &result, predicted, NULL, NULL, &error);
    if (status != BYOL_OK) fail_msg("%s", error.text);
    return result;
}

static void assert_near(const float *found, const double *expected, int count) {
    for (int i = 0; i < count; i++)
        if (!(fabs((double)found[i] - expected[i]) < 1e-4))
            fail_msg("number %d is %g, should be %g", i, (double)found[i], expected[i]);
}

/* scikit-learn 1.9.1, x as above with mean m and deviation s:
 * l = LogisticRegression(C=.1, tol=1e-12, max_iter=10000).fit((x - m) / s, y)
 * w = l.coef_ / s; b = l.intercept_ - w @ m */
static void the_layer_is_scikit_learns(void **state) {
    static const double three[] = {-0.12323, -0.24945, 0.43722,  -0.55357, -0.56103,
                                   -0.01017, 0.03148,  -1.28848, 0.09773,  0.11216,
                                   0.1334,   0.21797,  0.85126,  0.45584,  0.44887},
                        three_bias[] = {0.89725, 0.64004, -1.53729},
                        two[] = {0, 0, 0, 0, 0, 0.15673, 0.3393, -0.56636, 0.74079, 0.75398},
                        two_bias[] = {0, -0.2759};
    const float c = 0.1f;
    float weight[15], bias[3];
    byol_regression_options options;
    (void)state;
    byol_regression_options_init(&options);
    options.cs = &c;
    options.c_count = 1;
    options.weight = weight;
    options.bias = bias;
    for (int classes = 2; classes <= 3; classes++) {
        static waves w;
        make_waves(&w, classes);
        byol_regression_result result = regress(&w.features, &w.features, &options, NULL);
        assert_near(weight, classes == 2 ? two : three, classes * DIMENSION);
        assert_near(bias, classes == 2 ? two_bias : three_bias, classes);
        assert_true(result.accuracy == 100 && result.c == c);
    }
}

static void the_kept_layer_gives_the_predictions(void **state) {
    enum { TEST = 200, CLASSES = 4, WIDE = 12 };
    blobs train = blobs_create(120, WIDE, CLASSES, 0.6f, 0),
          test = blobs_create(TEST, WIDE, CLASSES, 0.6f, 1);
    float weight[CLASSES * WIDE], bias[CLASSES];
    int32_t predicted[TEST];
    size_t right = 0;
    byol_regression_options options;
    (void)state;
    byol_regression_options_init(&options);
    options.weight = weight;
    options.bias = bias;
    byol_regression_result result = regress(&train.features, &test.features, &options, predicted);
    for (int i = 0; i < TEST; i++) {
        int best = 0;
        float logits[CLASSES];
        for (int c = 0; c < CLASSES; c++) {
            logits[c] = bias[c];
            for (int d = 0; d < WIDE; d++)
                logits[c] += weight[c * WIDE + d] * test.values[i * WIDE + d];
            if (logits[c] > logits[best]) best = c;
        }
        assert_int_equal(predicted[i], best);
        right += predicted[i] == test.labels[i];
    }
    assert_true(fabs(result.accuracy - 100 * (double)right / TEST) < 1e-9);
    assert_true(result.accuracy > 60 && result.held_out_accuracy > 50); /* chance is 25 */
    blobs_free(train);
    blobs_free(test);
}

static void a_class_without_training_samples_is_never_the_answer(void **state) {
    static waves w;
    float weight[4 * DIMENSION], bias[4];
    int32_t predicted[COUNT];
    byol_regression_options options;
    (void)state;
    make_waves(&w, 3);
    for (int i = 0; i < COUNT; i++) w.labels[i] += w.labels[i] > 0; /* 0, 2, 3 */
    w.features.classes = 4;
    byol_regression_options_init(&options);
    options.weight = weight;
    options.bias = bias;
    regress(&w.features, &w.features, &options, predicted);
    for (int i = 0; i < COUNT; i++) assert_int_not_equal(predicted[i], 1);
    assert_true(bias[1] < -1000);
}

static void refused(const byol_features *train, const byol_regression_options *options,
                    const char *words) {
    byol_error error = {0};
    byol_regression_result result;
    assert_int_equal(byol_regression(train, train, options, &result, NULL, NULL, NULL, &error),
                     BYOL_ERROR_INVALID);
    if (strstr(error.text, words) == NULL) fail_msg("'%s' does not say '%s'", error.text, words);
}

static void what_it_cannot_take_is_said(void **state) {
    static waves w;
    const float none = 0;
    byol_regression_options options;
    (void)state;
    make_waves(&w, 3);
    byol_regression_options_init(&options);
    options.held_out = 1;
    refused(&w.features, &options, "held-out share is 1");
    byol_regression_options_init(&options);
    options.cs = &none;
    options.c_count = 1;
    refused(&w.features, &options, "C number 0 is 0");
    options.c_count = 0;
    refused(&w.features, &options, "at least one C");
    byol_regression_options_init(&options);
    w.features.count = 3;
    refused(&w.features, &options, "no class has two");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_layer_is_scikit_learns),
        cmocka_unit_test(the_kept_layer_gives_the_predictions),
        cmocka_unit_test(a_class_without_training_samples_is_never_the_answer),
        cmocka_unit_test(what_it_cannot_take_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
