/* kNN against brute force in double, and what it must not do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "blobs.h"

static double accuracy_of(const byol_features *train, const byol_features *test, int k,
                          float temperature, int32_t *predicted) {
    byol_error error = {0};
    double accuracy = -1;
    byol_knn_options options = {k, temperature, omp_get_max_threads()};
    byol_status status = byol_knn(train, test, &options, &accuracy, predicted, NULL, NULL, &error);
    if (status != BYOL_OK) fail_msg("%s", error.text);
    return accuracy;
}

static double cosine(const float *a, const float *b, int dimension) {
    double aa = 0, bb = 0, ab = 0;
    for (int d = 0; d < dimension; d++) {
        aa += (double)a[d] * (double)a[d];
        bb += (double)b[d] * (double)b[d];
        ab += (double)a[d] * (double)b[d];
    }
    return ab / sqrt(aa * bb);
}

/* Takes the most similar vector k times over, then votes. */
static int32_t brute_force(const byol_features *train, const float *query, int k,
                           double temperature) {
    double *similarity = malloc(train->count * sizeof *similarity),
           *votes = calloc((size_t)train->classes, sizeof *votes);
    for (size_t i = 0; i < train->count; i++)
        similarity[i] =
            cosine(query, train->values + i * (size_t)train->dimension, train->dimension);
    for (int n = 0; n < k; n++) {
        size_t best = 0;
        for (size_t i = 1; i < train->count; i++)
            if (similarity[i] > similarity[best]) best = i;
        votes[train->labels[best]] += exp(similarity[best] / temperature);
        similarity[best] = -2;
    }
    int32_t label = 0;
    for (int32_t c = 1; c < train->classes; c++)
        if (votes[c] > votes[label]) label = c;
    free(similarity);
    free(votes);
    return label;
}

/* Sizes beyond one tile of queries and two of training vectors, none of them round. */
static void predictions_are_those_of_brute_force(void **state) {
    (void)state;
    enum { TEST = 601, DIM = 19 };
    blobs train = blobs_create(2303, DIM, 7, 0.5f, 1), test = blobs_create(TEST, DIM, 7, 0.5f, 2);
    const int ks[] = {1, 2, 7, 100};
    for (size_t i = 0; i < sizeof ks / sizeof *ks; i++) {
        int32_t predicted[TEST];
        int right = 0;
        double accuracy = accuracy_of(&train.features, &test.features, ks[i], 0.1f, predicted);
        for (int q = 0; q < TEST; q++) {
            assert_int_equal(predicted[q], brute_force(&train.features, test.values + q * DIM,
                                                       ks[i], (double)0.1f));
            right += predicted[q] == test.labels[q];
        }
        assert_true(fabs(accuracy - 100.0 * right / TEST) < 1e-12);
    }
    blobs_free(train);
    blobs_free(test);
}

static void k_may_be_the_whole_training_set(void **state) {
    (void)state;
    enum { TEST = 50, TRAIN = 40, DIM = 5 };
    blobs train = blobs_create(TRAIN, DIM, 3, 1, 1), test = blobs_create(TEST, DIM, 3, 1, 2);
    int32_t predicted[TEST];
    accuracy_of(&train.features, &test.features, TRAIN, 0.07f, predicted);
    for (int q = 0; q < TEST; q++)
        assert_int_equal(predicted[q],
                         brute_force(&train.features, test.values + q * DIM, TRAIN, (double)0.07f));
    blobs_free(train);
    blobs_free(test);
}

static void clouds_far_apart_are_told_apart(void **state) {
    (void)state;
    blobs train = blobs_create(1000, 16, 10, 10, 1), test = blobs_create(500, 16, 10, 10, 2);
    assert_true(accuracy_of(&train.features, &test.features, 20, 0.07f, NULL) == 100);
    blobs_free(train);
    blobs_free(test);
}

/* If test labels leaked into the prediction, this would be above chance: 10 % with a standard error
 * of 0.67 %. */
static void labels_without_meaning_are_guessed_at_chance(void **state) {
    (void)state;
    blobs train = blobs_create(3000, 16, 10, 0, 1), test = blobs_create(2000, 16, 10, 0, 2);
    double accuracy = accuracy_of(&train.features, &test.features, 20, 0.07f, NULL);
    assert_true(accuracy > 7 && accuracy < 13);
    blobs_free(train);
    blobs_free(test);
}

static void the_length_of_a_vector_does_not_count(void **state) {
    (void)state;
    enum { TEST = 200, DIM = 8 };
    blobs train = blobs_create(500, DIM, 5, 0.7f, 1), test = blobs_create(TEST, DIM, 5, 0.7f, 2);
    int32_t before[TEST], after[TEST];
    accuracy_of(&train.features, &test.features, 9, 0.07f, before);
    for (int i = 0; i < 500 * DIM; i++) train.values[i] *= powf(2, (float)(i / DIM % 41 - 20));
    for (int i = 0; i < TEST * DIM; i++) test.values[i] *= powf(2, (float)(i / DIM % 41 - 20));
    accuracy_of(&train.features, &test.features, 9, 0.07f, after);
    assert_memory_equal(before, after, sizeof before);
    blobs_free(train);
    blobs_free(test);
}

/* The same vector three times with different labels, once in another tile. */
static void of_equally_similar_neighbours_the_first_counts(void **state) {
    (void)state;
    enum { TRAIN = 1500 };
    static float values[TRAIN * 2];
    static int32_t labels[TRAIN];
    const float query[] = {3, 4};
    const int32_t answer[] = {1};
    for (int i = 0; i < TRAIN; i++) values[2 * i] = -1;
    for (int i = 0; i < 3; i++) {
        int at = (int[]){5, 9, 1200}[i];
        memcpy(values + 2 * at, query, sizeof query);
        labels[at] = (int[]){2, 1, 1}[i];
    }
    byol_features train = {values, labels, TRAIN, 2, 3}, test = {query, answer, 1, 2, 3};
    int32_t predicted;
    accuracy_of(&train, &test, 1, 0.07f, &predicted);
    assert_int_equal(predicted, 2);
    accuracy_of(&train, &test, 2, 0.07f, &predicted); /* 5 and 9: one vote each, the lower label */
    assert_int_equal(predicted, 1);
    accuracy_of(&train, &test, 3, 0.07f, &predicted);
    assert_int_equal(predicted, 1);
}

/* One close neighbour against two further away. */
static void the_temperature_weighs_near_against_many(void **state) {
    (void)state;
    const float values[] = {1, 0, 0.8f, 0.6f, 0.8f, -0.6f}, query[] = {2, 0};
    const int32_t labels[] = {0, 1, 1}, answer[] = {0};
    byol_features train = {values, labels, 3, 2, 2}, test = {query, answer, 1, 2, 2};
    assert_true(accuracy_of(&train, &test, 3, 0.07f, NULL) ==
                100);                                          /* exp(.2 / .07) = 17 votes to 2 */
    assert_true(accuracy_of(&train, &test, 3, 10, NULL) == 0); /* all alike: the many win */
    assert_true(accuracy_of(&train, &test, 3, 1e-6f, NULL) == 100); /* no overflow */
    assert_true(accuracy_of(&train, &test, 3, 0.29f, NULL) == 0); /* exp(.2 / T) = 2 at T = .2885 */
    assert_true(accuracy_of(&train, &test, 3, 0.287f, NULL) == 100);
}

static void vectors_of_zeros_are_similar_to_nothing(void **state) {
    (void)state;
    const float values[] = {0, 0, 1, 1, -1, -1}, queries[] = {2, 2, 0, 0};
    const int32_t labels[] = {0, 1, 2}, answers[] = {1, 0};
    byol_features train = {values, labels, 3, 2, 3}, test = {queries, answers, 2, 2, 3};
    assert_true(accuracy_of(&train, &test, 1, 0.07f, NULL) == 100);
}

static void predictions_do_not_depend_on_the_number_of_threads(void **state) {
    (void)state;
    enum { TEST = 700 };
    blobs train = blobs_create(3000, 40, 10, 0.1f, 1), test = blobs_create(TEST, 40, 10, 0.1f, 2);
    int32_t one[TEST], many[TEST];
    int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    accuracy_of(&train.features, &test.features, 20, 0.07f, one);
    for (int t = 2; t <= 3; t++) {
        omp_set_num_threads(t);
        accuracy_of(&train.features, &test.features, 20, 0.07f, many);
        assert_memory_equal(one, many, sizeof one);
    }
    omp_set_num_threads(threads);
    blobs_free(train);
    blobs_free(test);
}

static void check_refused(byol_features train, byol_features test, byol_knn_options options,
                          byol_status status, const char *words) {
    byol_error error = {0};
    double accuracy = -1;
    assert_int_equal(byol_knn(&train, &test, &options, &accuracy, NULL, NULL, NULL, &error),
                     status);
    if (strstr(error.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.text, words);
    assert_true(accuracy == -1);
    assert_int_equal(byol_knn(&train, &test, &options, &accuracy, NULL, NULL, NULL, NULL), status);
}

static void what_cannot_be_is_refused_with_words(void **state) {
    (void)state;
    blobs train = blobs_create(30, 4, 3, 1, 1), test = blobs_create(20, 4, 3, 1, 2);
    byol_knn_options options;
    byol_knn_options_init(&options);
    assert_int_equal(options.k, 20);
    byol_features a = train.features, b = test.features, odd = b;
    check_refused(a, b, (byol_knn_options){31, 0.07f, 0}, BYOL_ERROR_INVALID,
                  "k is 31; it must be 1 .. 30");
    check_refused(a, b, (byol_knn_options){0, 0.07f, 0}, BYOL_ERROR_INVALID, "k is 0");
    check_refused(a, b, (byol_knn_options){20, 0, 0}, BYOL_ERROR_INVALID, "temperature");
    check_refused(a, b, (byol_knn_options){20, NAN, 0}, BYOL_ERROR_INVALID, "temperature");
    odd.dimension = 2;
    check_refused(a, odd, options, BYOL_ERROR_MISMATCH, "dimension 2, the training features 4");
    odd = b;
    odd.classes = 5;
    check_refused(a, odd, options, BYOL_ERROR_MISMATCH, "5 classes");
    odd = b;
    odd.count = 0;
    check_refused(a, odd, options, BYOL_ERROR_INVALID, "test features are empty");
    test.labels[7] = 3;
    check_refused(a, b, options, BYOL_ERROR_INVALID,
                  "label 7 of the test features is 3; labels are 0 .. 2");
    test.labels[7] = -1;
    check_refused(a, b, options, BYOL_ERROR_INVALID, "label 7 of the test features is -1");
    test.labels[7] = 0;
    test.values[4 * 9] = NAN;
    check_refused(a, b, options, BYOL_ERROR_NUMERIC, "vector 9 of the test features");
    train.values[4 * 8] = INFINITY;
    train.values[4 * 11] = 3e20f;
    check_refused(a, b, options, BYOL_ERROR_NUMERIC, "vector 8 of the training features");
    train.values[4 * 8] = 1;
    check_refused(a, b, options, BYOL_ERROR_NUMERIC, "vector 11 of the training features");
    blobs_free(train);
    blobs_free(test);
}

static int stop_at_once(void *context, uint64_t done, uint64_t total) {
    *(uint64_t *)context += done;
    return done < total;
}

static void progress_can_stop_it(void **state) {
    (void)state;
    blobs train = blobs_create(100, 4, 3, 1, 1), test = blobs_create(2000, 4, 3, 1, 2);
    byol_knn_options options;
    byol_knn_options_init(&options);
    double accuracy = -1;
    uint64_t done = 0;
    assert_int_equal(byol_knn(&train.features, &test.features, &options, &accuracy, NULL,
                              stop_at_once, &done, NULL),
                     BYOL_ERROR_CANCELLED);
    assert_true(accuracy == -1 && done > 0 && done < 2000);
    blobs_free(train);
    blobs_free(test);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(predictions_are_those_of_brute_force),
        cmocka_unit_test(k_may_be_the_whole_training_set),
        cmocka_unit_test(clouds_far_apart_are_told_apart),
        cmocka_unit_test(labels_without_meaning_are_guessed_at_chance),
        cmocka_unit_test(the_length_of_a_vector_does_not_count),
        cmocka_unit_test(of_equally_similar_neighbours_the_first_counts),
        cmocka_unit_test(the_temperature_weighs_near_against_many),
        cmocka_unit_test(vectors_of_zeros_are_similar_to_nothing),
        cmocka_unit_test(predictions_do_not_depend_on_the_number_of_threads),
        cmocka_unit_test(what_cannot_be_is_refused_with_words),
        cmocka_unit_test(progress_can_stop_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
