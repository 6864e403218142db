/* From a time to a configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "byol/budget.h"
#include "tiny.h"

static void times_are_read_with_their_units(void **state) {
    (void)state;
    const struct {
        const char *text;
        double minutes;
    } cases[] = {{"90s", 1.5}, {"30m", 30}, {"30", 30}, {"30min", 30}, {"1.5h", 90},
                 {"2d", 2880}, {"0m", 0},   {"-1h", 0}, {"", 0},       {"h", 0},
                 {"5x", 0},    {"nan", 0},  {"inf", 0}, {"5 m", 0},    {"1e400h", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (fabs(byol_budget_minutes(cases[i].text) - cases[i].minutes) > 1e-9)
            fail_msg("'%s'", cases[i].text);
}

static void the_choice_is_a_whole_configuration_that_can_be_trained(void **state) {
    (void)state;
    byol_source *source = tiny_source();
    byol_config config;
    byol_budget budget;
    byol_error error = {0};
    byol_config_init(&config);
    config.train.threads = 2;
    config.train.seed = 11;
    if (byol_budget_choose(&config, source, 0.05, NULL, NULL, &budget, &error) != BYOL_OK)
        fail_msg("%s", error.text);
    assert_int_equal(byol_config_check(&config, &error), BYOL_OK);
    assert_true(fabs((double)config.train.minutes - 0.05) < 1e-6);
    assert_true(config.train.batch_size >= 2 && config.train.batch_size <= TINY_IMAGES);
    assert_true(config.data.image_size >= 32);
    assert_int_equal(config.train.seed, 11);
    assert_true(budget.images_per_second > 0 && budget.epochs > 0);
    for (int i = 0; i < BYOL_BUDGET_REASONS; i++) assert_true(strlen(budget.reasons[i]) > 20);
    byol_source_free(source);
}

static int stop(void *context, uint64_t done, uint64_t total) {
    (void)context;
    (void)done;
    (void)total;
    return 1;
}

static void what_cannot_be_is_refused(void **state) {
    (void)state;
    byol_source *source = tiny_source(), *one;
    const uint32_t first = 0;
    byol_config config;
    byol_budget budget;
    byol_error error = {0};
    byol_config_init(&config);
    assert_int_equal(byol_budget_choose(&config, source, 0, NULL, NULL, &budget, &error),
                     BYOL_ERROR_INVALID);
    assert_int_equal(byol_budget_choose(&config, source, (double)NAN, NULL, NULL, &budget, &error),
                     BYOL_ERROR_INVALID);
    assert_int_equal(byol_source_subset(&one, source, &first, 1, &error), BYOL_OK);
    assert_int_equal(byol_budget_choose(&config, one, 1, NULL, NULL, &budget, &error),
                     BYOL_ERROR_INVALID);
    assert_int_equal(byol_budget_choose(&config, source, 0.02, stop, NULL, &budget, &error),
                     BYOL_ERROR_CANCELLED);
    byol_source_free(one);
    byol_source_free(source);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read_with_their_units),
        cmocka_unit_test(the_choice_is_a_whole_configuration_that_can_be_trained),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
