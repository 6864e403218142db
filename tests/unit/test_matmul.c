/* byol__sgemm against plain double loops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "dnn/dnn.h"
#include "dnn/matmul.h"

static float *random_floats(size_t count, uint32_t lane) {
    byol__random random = byol__random_stream(1, BYOL__PURPOSE_BENCH, 0, 0, lane);
    float *values = malloc(count * sizeof *values);
    for (size_t i = 0; i < count; i++) values[i] = byol__random_normal(&random);
    return values;
}

static double element(byol__matrix matrix, size_t i, size_t j) {
    return (double)(matrix.transpose == BYOL__AS_IS ? matrix.values[i * matrix.stride + j]
                                                    : matrix.values[j * matrix.stride + i]);
}

static void check(size_t m, size_t n, size_t k, byol__transpose ta, byol__transpose tb, float alpha,
                  float beta) {
    size_t gap = 3; /* strides larger than the rows */
    byol__matrix a = {random_floats(m * (k + gap) + k * (m + gap), 0), (ta ? m : k) + gap, ta};
    byol__matrix b = {random_floats(k * (n + gap) + n * (k + gap), 1), (tb ? k : n) + gap, tb};
    float *dst = random_floats(m * (n + gap), 2), *before = random_floats(m * (n + gap), 2);
    if (beta == 0)
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < n; j++) dst[i * (n + gap) + j] = NAN;
    assert_int_equal(byol__sgemm(m, n, k, alpha, a, b, beta, dst, n + gap, NULL), BYOL_OK);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n + gap; j++) {
            size_t at = i * (n + gap) + j;
            if (j >= n) {
                assert_true(dst[at] == before[at]); /* outside the matrix */
                continue;
            }
            double expected = 0;
            for (size_t l = 0; l < k; l++) expected += element(a, i, l) * element(b, l, j);
            expected *= (double)alpha;
            if (beta != 0) expected += (double)beta * (double)before[at];
            assert_true(fabs((double)dst[at] - expected) < 2e-6 * (double)(k + 10));
        }
    free((void *)a.values);
    free((void *)b.values);
    free(dst);
    free(before);
}

static void products_of_all_kinds_are_those_of_plain_loops(void **state) {
    (void)state;
    for (int ta = 0; ta < 2; ta++)
        for (int tb = 0; tb < 2; tb++) {
            check(1, 1, 1, (byol__transpose)ta, (byol__transpose)tb, 1, 0);
            check(129, 257, 65, (byol__transpose)ta, (byol__transpose)tb, 0.5f,
                  0); /* just over one tile */
            check(60, 513, 100, (byol__transpose)ta, (byol__transpose)tb, 2, 0.25f);
            check(300, 10, 33, (byol__transpose)ta, (byol__transpose)tb, 1, 1);
        }
}

/* Of bf16 numbers, in all four ways they can lie; written as fp32 and as bf16. */
static void products_of_bf16_are_those_of_plain_loops(void **state) {
    (void)state;
    enum { M = 37, N = 70, K = 129 };
    byol__dnn *dnn;
    if (!byol__cpu_has_bf16()) skip();
    assert_int_equal(byol__dnn_create(&dnn, NULL), BYOL_OK);
    byol__bf16 a[M * K], b[K * N], rounded[M * N];
    float dst[M * N], *from_a = random_floats(M * K, 0), *from_b = random_floats(K * N, 1);
    byol__bf16_narrow(a, from_a, M * K);
    byol__bf16_narrow(b, from_b, K * N);
    for (int lies = 0; lies < 4; lies++) {
        byol__transpose ta = lies & 1 ? BYOL__TRANSPOSED : BYOL__AS_IS,
                        tb = lies & 2 ? BYOL__TRANSPOSED : BYOL__AS_IS;
        assert_int_equal(byol__bf16_matmul(dnn, M, N, K, a, ta, b, tb, BYOL__F32, dst, NULL),
                         BYOL_OK);
        assert_int_equal(byol__bf16_matmul(dnn, M, N, K, a, ta, b, tb, BYOL__BF16, rounded, NULL),
                         BYOL_OK);
        for (size_t i = 0; i < M; i++)
            for (size_t j = 0; j < N; j++) {
                double expected = 0;
                for (size_t l = 0; l < K; l++)
                    expected += (double)byol__bf16_to_float(a[ta ? l * M + i : i * K + l]) *
                                (double)byol__bf16_to_float(b[tb ? j * K + l : l * N + j]);
                double error = fabs((double)dst[i * N + j] - expected),
                       other = fabs((double)byol__bf16_to_float(rounded[i * N + j]) - expected);
                assert_true(error < 1e-4 && other < 1e-4 + fabs(expected) / 256);
            }
    }
    free(from_a);
    free(from_b);
    byol__dnn_free(dnn);
}

static void the_product_does_not_depend_on_the_number_of_threads(void **state) {
    (void)state;
    size_t m = 60, n = 700,
           k = 3000; /* few rows, a long sum: where a library would split the sum */
    float *a = random_floats(k * m, 0), *b = random_floats(k * n, 1);
    float *one = malloc(m * n * sizeof *one), *many = malloc(m * n * sizeof *many);
    int threads = omp_get_max_threads();
    for (int t = 1; t <= 4; t++) {
        omp_set_num_threads(t);
        assert_int_equal(byol__sgemm(m, n, k, 1, (byol__matrix){a, m, BYOL__TRANSPOSED},
                                     (byol__matrix){b, n, 0}, 0, t == 1 ? one : many, n, NULL),
                         BYOL_OK);
        if (t > 1) assert_memory_equal(one, many, m * n * sizeof *one);
    }
    omp_set_num_threads(threads);
    free(a);
    free(b);
    free(one);
    free(many);
}

/* a a^T or a^T a, with beta on what was there, which is symmetric too. Threads make no difference.
 */
static void check_symmetric(size_t n, size_t k, byol__transpose turned, float beta) {
    byol__matrix a = {random_floats(n * k, 3), turned ? n : k, turned};
    byol__matrix b = {a.values, a.stride, turned ? BYOL__AS_IS : BYOL__TRANSPOSED};
    float *dst = malloc(n * n * sizeof *dst), *again = malloc(n * n * sizeof *again);
    int threads = omp_get_max_threads();
    for (int t = 1; t <= 3; t += 2) {
        omp_set_num_threads(t);
        for (size_t i = 0; i < n * n; i++) dst[i] = beta == 0 ? NAN : (float)(i / n + i % n);
        assert_int_equal(byol__sgemm_symmetric(n, k, 0.5f, a, b, beta, dst, NULL), BYOL_OK);
        if (t == 1) memcpy(again, dst, n * n * sizeof *dst);
    }
    omp_set_num_threads(threads);
    assert_memory_equal(dst, again, n * n * sizeof *dst);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double expected = (double)beta * (double)(i + j);
            for (size_t l = 0; l < k; l++) expected += 0.5 * element(a, i, l) * element(b, l, j);
            assert_true(fabs((double)dst[i * n + j] - expected) < 2e-6 * (double)(k + n + 10));
        }
    free((void *)a.values);
    free(dst);
    free(again);
}

static void symmetric_products_are_those_of_plain_loops(void **state) {
    (void)state;
    static const size_t sides[] = {1, 40, 64, 65, 200};
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++)
        for (int turned = 0; turned < 2; turned++) {
            check_symmetric(sides[i], 33, (byol__transpose)turned, 0);
            check_symmetric(sides[i], 70, (byol__transpose)turned, 0.25f);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(symmetric_products_are_those_of_plain_loops),
        cmocka_unit_test(products_of_all_kinds_are_those_of_plain_loops),
        cmocka_unit_test(products_of_bf16_are_those_of_plain_loops),
        cmocka_unit_test(the_product_does_not_depend_on_the_number_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
