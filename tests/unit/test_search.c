#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "byol/search.h"

enum { COUNT = 2500, DIMENSION = 24, QUERIES = 300, K = 7 }; /* more than one tile each way */

static float *vectors;

static void fill_with_noise(float *values, size_t count) {
    uint32_t x = 1;
    for (size_t i = 0; i < count; i++) {
        x = x * 1664525 + 1013904223;
        values[i] = (float)(x >> 8) / (1 << 23) - 1;
    }
}

/* Noise, and every hundredth vector twice: once more, four times as long, 50 places on. */
static int make_vectors(void **state) {
    (void)state;
    vectors = malloc(sizeof *vectors * COUNT * DIMENSION);
    fill_with_noise(vectors, COUNT * DIMENSION);
    for (size_t i = 0; i < COUNT; i += 100)
        for (size_t d = 0; d < DIMENSION; d++)
            vectors[(i + 50) * DIMENSION + d] = 4 * vectors[i * DIMENSION + d];
    for (size_t d = 0; d < DIMENSION; d++) vectors[7 * DIMENSION + d] = 0;
    return 0;
}

static int free_vectors(void **state) {
    (void)state;
    free(vectors);
    return 0;
}

static double cosine(const float *a, const float *b) {
    double dot = 0, aa = 0, bb = 0;
    for (int d = 0; d < DIMENSION; d++) {
        dot += (double)a[d] * (double)b[d];
        aa += (double)a[d] * (double)a[d];
        bb += (double)b[d] * (double)b[d];
    }
    return aa > 0 && bb > 0 ? dot / sqrt(aa * bb) : -INFINITY;
}

static void the_nearest_are_those_that_a_full_comparison_finds(void **state) {
    (void)state;
    static byol_neighbour found[QUERIES * K];
    const float *queries = vectors + 100 * DIMENSION;
    assert_int_equal(byol_search_nearest(vectors, COUNT, DIMENSION, queries, QUERIES, K, 2, found,
                                         NULL, NULL, NULL),
                     BYOL_OK);
    for (size_t q = 0; q < QUERIES; q++) {
        const byol_neighbour *row = found + q * K;
        assert_int_equal(row[0].index,
                         q + 100 - (q % 100 == 50 ? 50 : 0)); /* of two equal ones the first */
        assert_true(row[0].distance >= 0 && row[0].distance < 1e-6f);
        size_t nearer = 0;
        for (size_t i = 0; i < COUNT; i++)
            nearer += cosine(queries + q * DIMENSION, vectors + i * DIMENSION) >
                      1 - (double)row[K - 1].distance + 1e-6;
        assert_true(nearer < K);
        for (int i = 0; i < K; i++) {
            double wanted = 1 - cosine(queries + q * DIMENSION, vectors + row[i].index * DIMENSION);
            assert_true(fabs((double)row[i].distance - wanted) < 1e-6);
            assert_true(i == 0 || row[i].distance >= row[i - 1].distance);
        }
    }
}

static void zeros_are_near_nothing(void **state) {
    (void)state;
    const float four[4][2] = {{0, 0}, {1, 0}, {0, 2}, {-1, 0}};
    byol_neighbour found[8];
    assert_int_equal(byol_search_nearest(four[0], 4, 2, four[0], 2, 4, 1, found, NULL, NULL, NULL),
                     BYOL_OK);
    assert_true(isinf(found[0].distance)); /* asked with zeros */
    const byol_neighbour *row = found + 4;
    assert_true(row[0].index == 1 && row[1].index == 2 && row[2].index == 3 &&
                isinf(row[3].distance));
    assert_true(row[1].distance == 1.0f && row[2].distance == 2.0f);
}

static void every_pair_above_the_threshold_is_found_once(void **state) {
    (void)state;
    static byol_similar_pair pairs[64];
    uint64_t total = 0;
    assert_int_equal(byol_search_duplicates(vectors, COUNT, DIMENSION, 0.9999f, 64, 2, pairs,
                                            &total, NULL, NULL, NULL),
                     BYOL_OK);
    assert_int_equal(total, COUNT / 100);
    int seen[COUNT / 100] = {0};
    for (size_t i = 0; i < total; i++) {
        assert_int_equal(pairs[i].second, pairs[i].first + 50);
        assert_true(pairs[i].similarity <= 1 && pairs[i].similarity > 0.9999f);
        seen[pairs[i].first / 100]++;
    }
    for (int i = 0; i < COUNT / 100; i++) assert_int_equal(seen[i], 1);
}

/* In fp32 the cosine of a vector with its own copy is often a little less than 1. */
static void a_threshold_of_one_finds_every_copy(void **state) {
    (void)state;
    enum { PAIRS = 100 };
    static const int dimensions[] = {128, 3072};
    for (int k = 0; k < 2; k++) {
        size_t half = (size_t)PAIRS * (size_t)dimensions[k];
        float *twice = malloc(2 * half * sizeof *twice);
        byol_similar_pair pairs[PAIRS];
        uint64_t total = 0;
        assert_non_null(twice);
        fill_with_noise(twice, half);
        memcpy(twice + half, twice, half * sizeof *twice);
        assert_int_equal(byol_search_duplicates(twice, 2 * PAIRS, dimensions[k], 1, PAIRS, 2, pairs,
                                                &total, NULL, NULL, NULL),
                         BYOL_OK);
        assert_int_equal(total, PAIRS);
        for (size_t i = 0; i < PAIRS; i++)
            assert_int_equal(pairs[i].second, pairs[i].first + PAIRS);
        free(twice);
    }
}

static void the_best_pairs_are_kept_and_all_are_counted_for_any_number_of_threads(void **state) {
    (void)state;
    byol_similar_pair one[40], three[40];
    uint64_t total_one = 0, total_three = 0, counted = 0;
    assert_int_equal(byol_search_duplicates(vectors, COUNT, DIMENSION, 0.5f, 40, 1, one, &total_one,
                                            NULL, NULL, NULL),
                     BYOL_OK);
    assert_int_equal(byol_search_duplicates(vectors, COUNT, DIMENSION, 0.5f, 40, 3, three,
                                            &total_three, NULL, NULL, NULL),
                     BYOL_OK);
    for (size_t a = 0; a < COUNT; a++)
        for (size_t b = a + 1; b < COUNT; b++)
            counted += cosine(vectors + a * DIMENSION, vectors + b * DIMENSION) >= 0.5;
    assert_true(total_one > 40);
    assert_int_equal(total_one, counted);
    assert_int_equal(total_one, total_three);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(one[i].first, three[i].first);
        assert_int_equal(one[i].second, three[i].second);
        assert_true(one[i].similarity == three[i].similarity);
        assert_true(i == 0 || one[i].similarity <= one[i - 1].similarity);
    }
}

static void what_cannot_be_searched_is_refused(void **state) {
    (void)state;
    byol_neighbour found[4];
    byol_similar_pair pair;
    uint64_t total;
    const float bad[4] = {1, NAN, 0, 1};
    byol_error error = {0};
    assert_int_equal(byol_search_nearest(bad, 2, 2, bad, 1, 1, 1, found, NULL, NULL, &error),
                     BYOL_ERROR_INVALID);
    assert_true(error.text[0] != '\0');
    assert_int_equal(byol_search_nearest(vectors, 3, 2, vectors, 1, 4, 1, found, NULL, NULL, NULL),
                     BYOL_ERROR_INVALID);
    assert_int_equal(byol_search_nearest(vectors, 0, 2, vectors, 1, 1, 1, found, NULL, NULL, NULL),
                     BYOL_ERROR_INVALID);
    assert_int_equal(
        byol_search_duplicates(vectors, 3, 2, 1.5f, 1, 1, &pair, &total, NULL, NULL, NULL),
        BYOL_ERROR_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nearest_are_those_that_a_full_comparison_finds),
        cmocka_unit_test(zeros_are_near_nothing),
        cmocka_unit_test(every_pair_above_the_threshold_is_found_once),
        cmocka_unit_test(a_threshold_of_one_finds_every_copy),
        cmocka_unit_test(the_best_pairs_are_kept_and_all_are_counted_for_any_number_of_threads),
        cmocka_unit_test(what_cannot_be_searched_is_refused),
    };
    return cmocka_run_group_tests(tests, make_vectors, free_vectors);
}
