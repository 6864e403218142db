/* The map: like vectors lie together, and it is the same every time. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <omp.h>

#include "base/philox.h"
#include "report/tsne.h"

enum { COUNT = 90, DIMENSION = 12, GROUPS = 3 };

static float vectors[COUNT * DIMENSION];

/* Three groups about three axes, one point after the other of another group. */
static void fill_groups(void) {
    byol__random random = byol__random_stream(3, BYOL__PURPOSE_BENCH, 0, 0, 0);
    for (int i = 0; i < COUNT; i++)
        for (int d = 0; d < DIMENSION; d++)
            vectors[i * DIMENSION + d] =
                (d == i % GROUPS ? 1.0f : 0.0f) + 0.05f * byol__random_normal(&random);
}

static float distance(const float *points, int i, int j) {
    return hypotf(points[2 * i] - points[2 * j], points[2 * i + 1] - points[2 * j + 1]);
}

static void every_nearest_point_on_the_map_is_of_the_same_group(void **state) {
    (void)state;
    float points[2 * COUNT];
    fill_groups();
    assert_int_equal(byol__tsne(vectors, COUNT, DIMENSION, points, NULL, NULL, NULL), BYOL_OK);
    for (int i = 0; i < COUNT; i++) {
        int nearest = i == 0 ? 1 : 0;
        for (int j = 0; j < COUNT; j++)
            if (j != i && distance(points, i, j) < distance(points, i, nearest)) nearest = j;
        assert_int_equal(nearest % GROUPS, i % GROUPS);
    }
}

static void the_map_does_not_depend_on_the_number_of_threads(void **state) {
    (void)state;
    float one[2 * COUNT], three[2 * COUNT];
    int threads = omp_get_max_threads();
    fill_groups();
    omp_set_num_threads(1);
    assert_int_equal(byol__tsne(vectors, COUNT, DIMENSION, one, NULL, NULL, NULL), BYOL_OK);
    omp_set_num_threads(3);
    assert_int_equal(byol__tsne(vectors, COUNT, DIMENSION, three, NULL, NULL, NULL), BYOL_OK);
    omp_set_num_threads(threads);
    assert_memory_equal(one, three, sizeof one);
}

static void equal_vectors_give_finite_points(void **state) {
    (void)state;
    float points[2 * COUNT];
    for (int i = 0; i < COUNT * DIMENSION; i++) vectors[i] = 1;
    assert_int_equal(byol__tsne(vectors, COUNT, DIMENSION, points, NULL, NULL, NULL), BYOL_OK);
    for (int k = 0; k < 2 * COUNT; k++) assert_true(isfinite(points[k]));
}

static void too_few_vectors_are_refused(void **state) {
    (void)state;
    float points[6];
    byol_error error = {0};
    fill_groups();
    assert_int_equal(byol__tsne(vectors, 3, DIMENSION, points, NULL, NULL, &error),
                     BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "at least 4"));
}

/* Vectors (3 i, 4 i, j) with small j: the first component is i along (3, 4) / 5, the second is j.
 */
static void principal_components_are_the_directions_of_most_variance(void **state) {
    (void)state;
    enum { N = 35 };
    float flat[N * 3], points[2 * N];
    for (int n = 0; n < N; n++) {
        float i = (float)(n % 7) - 3, j = (float)(n / 7) - 2;
        flat[3 * n] = 3 * i + 100;
        flat[3 * n + 1] = 4 * i - 7;
        flat[3 * n + 2] = j;
    }
    assert_int_equal(byol__pca2(flat, N, 3, points, NULL), BYOL_OK);
    for (int n = 0; n < N; n++) {
        float i = (float)(n % 7) - 3, j = (float)(n / 7) - 2;
        assert_true(fabsf(points[2 * n] - 5 * i) < 1e-3f);
        assert_true(fabsf(points[2 * n + 1] - j) < 1e-3f);
    }
}

static int stop_after_two(void *context, uint64_t done, uint64_t total) {
    (void)done;
    (void)total;
    return ++*(int *)context == 2;
}

static void the_map_can_be_stopped(void **state) {
    (void)state;
    float points[2 * COUNT];
    int calls = 0;
    fill_groups();
    assert_int_equal(byol__tsne(vectors, COUNT, DIMENSION, points, stop_after_two, &calls, NULL),
                     BYOL_ERROR_CANCELLED);
    assert_int_equal(calls, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_nearest_point_on_the_map_is_of_the_same_group),
        cmocka_unit_test(the_map_does_not_depend_on_the_number_of_threads),
        cmocka_unit_test(equal_vectors_give_finite_points),
        cmocka_unit_test(too_few_vectors_are_refused),
        cmocka_unit_test(principal_components_are_the_directions_of_most_variance),
        cmocka_unit_test(the_map_can_be_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
