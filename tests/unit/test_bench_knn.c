/* The measurement of kNN: figures that fit together, and a refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "byol/bench.h"

static void figures_fit_together(void **state) {
    (void)state;
    byol_config config;
    byol_bench_options options;
    byol_bench_knn_result r;
    byol_error error = {0};
    byol_config_init(&config);
    config.train.threads = 1;
    byol_bench_options_init(&options);
    options.seconds = 0.1;
    const byol_bench_knn_shape shape = {2000, 500, 64};
    if (byol_bench_knn(&config, &shape, &options, &r, &error) != BYOL_OK)
        fail_msg("%s", error.text);
    double products = 2e-9 * 2000 * 500 * 64;
    assert_int_equal(r.threads, 1);
    assert_true(r.seconds > 0 && r.matmul_gflops > 0);
    assert_true(fabs(r.gflops * r.seconds - products) < 1e-9 * products);
    assert_true(fabs(r.matmul_gflops * r.matmul_seconds - products) < 1e-9 * products);
}

static void fewer_vectors_than_neighbours_are_refused(void **state) {
    (void)state;
    byol_config config;
    byol_bench_options options;
    byol_bench_knn_result r;
    byol_error error = {0};
    byol_config_init(&config);
    byol_bench_options_init(&options);
    const byol_bench_knn_shape shape = {19, 500, 64};
    assert_int_equal(byol_bench_knn(&config, &shape, &options, &r, &error), BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "19 x 500 x 64"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_fit_together),
        cmocka_unit_test(fewer_vectors_than_neighbours_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
