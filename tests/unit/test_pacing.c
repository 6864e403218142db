/* Runs that end by the clock: when the end is decided, what the rate does until then, what an
 * interruption changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#define TEST_RUNS "pacing-runs"
#include "base/clock.h"
#include "runs.h"
#include "state/checkpoint.h"
#include "train/pacing.h"

static byol_config ten_minutes(void) {
    byol_config config = tiny_config();
    config.train.minutes = 10;
    config.train.batch_size = 256;
    config.optimizer.lr = 0.5f;
    config.optimizer.schedule = BYOL_LR_TRAPEZOID;
    config.optimizer.decay = 0.4f;
    config.optimizer.warmup_epochs = 1;
    config.target.schedule = BYOL_TAU_CONSTANT;
    return config;
}

typedef struct clock_run {
    byol_config config;
    byol__steps steps;
    byol__pacing pacing;
    uint64_t done;
} clock_run;

static clock_run begin(void) {
    clock_run run = {.config = ten_minutes()};
    assert_int_equal(byol__steps_init(&run.steps, &run.config, 10 * 256, NULL), BYOL_OK);
    byol__pacing_init(&run.pacing, &run.config);
    return run;
}

/* Steps of `seconds` until the run is over, or `most` of them. */
static void go_on(clock_run *run, double seconds, uint64_t most) {
    for (uint64_t i = 0; i < most && run->done < run->steps.total; i++)
        byol__pacing_step(&run->pacing, &run->steps, &run->config, ++run->done, seconds);
}

static void a_run_by_the_clock_ends_when_its_time_is_over(void **state) {
    (void)state;
    const double paces[] = {0.01, 0.3, 7, 250};
    for (size_t i = 0; i < sizeof paces / sizeof *paces; i++) {
        clock_run run = begin();
        go_on(&run, paces[i], 1);
        assert_true(fabs(byol__pacing_left(&run.pacing) - (600 - paces[i])) < 1e-9);
        go_on(&run, paces[i], 1000000);
        assert_true(run.steps.total != BYOL__STEPS_OPEN);
        assert_true(fabs(run.pacing.spent - 600) <= paces[i]);
        assert_true(byol__pacing_left(&run.pacing) <= paces[i]);
    }
}

static void the_pace_of_the_last_steps_counts(void **state) {
    (void)state;
    clock_run run = begin();
    go_on(&run, 1, 120); /* two minutes alone, then another job comes */
    go_on(&run, 2, 10000);
    assert_true(fabs(run.pacing.spent - 600) < 4);
}

static void the_rate_is_constant_until_the_end_is_known_and_then_falls_to_zero(void **state) {
    (void)state;
    clock_run run = begin();
    assert_true(byol__steps_lr(&run.steps, &run.config, 0) == 0);
    assert_true(fabs(byol__steps_lr(&run.steps, &run.config, 5) - 0.25) <
                1e-9); /* of ten batches an epoch */
    while (run.steps.total == BYOL__STEPS_OPEN) {
        if (run.done >= 10)
            assert_true(fabs(byol__steps_lr(&run.steps, &run.config, run.done) - 0.5) < 1e-7);
        go_on(&run, 1, 1);
    }
    assert_int_equal(run.done, 360);
    assert_int_equal(run.steps.total, 600);
    assert_int_equal(run.steps.epochs, 60);
    assert_true(fabs(byol__steps_lr(&run.steps, &run.config, 480) - 0.25) < 1e-7);
    assert_true(byol__steps_lr(&run.steps, &run.config, 600) == 0);
}

static void what_was_decided_is_remembered(void **state) {
    (void)state;
    const uint64_t stops[] = {100, 400}; /* before and after the decision */
    for (size_t i = 0; i < 2; i++) {
        clock_run straight = begin(), resumed = begin();
        char text[96];
        go_on(&straight, 1, stops[i]);
        byol__pacing_write(&straight.pacing, &straight.steps, text, sizeof text);
        byol__pacing_read(&resumed.pacing, &resumed.steps, text);
        resumed.done = straight.done;
        assert_true(resumed.pacing.spent == straight.pacing.spent &&
                    resumed.pacing.pace == straight.pacing.pace);
        go_on(&straight, 1, 10000);
        go_on(&resumed, 1, 10000);
        assert_int_equal(resumed.steps.total, straight.steps.total);
        assert_int_equal(resumed.steps.decay, straight.steps.decay);
        assert_int_equal(resumed.steps.epochs, straight.steps.epochs);
    }
    clock_run run = begin();
    byol__pacing_read(&run.pacing, &run.steps, "what is this?");
    assert_true(run.pacing.spent == 0 && run.steps.total == BYOL__STEPS_OPEN);
}

static void a_run_by_steps_does_not_look_at_the_clock(void **state) {
    (void)state;
    char text[96];
    clock_run run = {.config = tiny_config()};
    assert_int_equal(byol__steps_init(&run.steps, &run.config, TINY_IMAGES, NULL), BYOL_OK);
    byol__pacing_init(&run.pacing, &run.config);
    go_on(&run, 1000, 1000);
    assert_int_equal(run.done, 8);
    byol__pacing_write(&run.pacing, &run.steps, text, sizeof text);
    assert_string_equal(text, "");
}

static void a_trapezoid_of_a_known_length_falls_over_its_last_part(void **state) {
    (void)state;
    byol_config config = ten_minutes();
    byol__steps steps;
    config.train.minutes = 0;
    config.train.epochs = 10;
    assert_int_equal(byol__steps_init(&steps, &config, 10 * 256, NULL), BYOL_OK);
    assert_int_equal(steps.total, 100);
    assert_int_equal(steps.decay, 40);
    assert_true(fabs(byol__steps_lr(&steps, &config, 60) - 0.5) < 1e-7);
    assert_true(fabs(byol__steps_lr(&steps, &config, 80) - 0.25) < 1e-7);
}

/* ---- Whole runs ---- */

static byol_config seconds(float count) {
    byol_config config = tiny_config();
    config.train.minutes = count / 60;
    config.optimizer.schedule = BYOL_LR_TRAPEZOID;
    config.target.schedule = BYOL_TAU_CONSTANT;
    config.train.log_every = 50;
    return config;
}

/* Seconds that the newest checkpoint of the run at `step` says are spent. */
static double spent_at(uint64_t step) {
    char path[96];
    byol__safetensors *file;
    byol__origin origin;
    byol_error error = {0};
    double spent = -1;
    snprintf(path, sizeof path, TEST_RUNS "/clock/checkpoints/step-%06d.safetensors", (int)step);
    if (byol__checkpoint_open(&file, path, &origin, &error) != BYOL_OK) fail_msg("%s", error.text);
    byol__safetensors_close(file);
    assert_int_equal(sscanf(origin.pacing, "%la", &spent), 1);
    return spent;
}

static void a_run_takes_its_time_and_not_more_after_an_interruption(void **state) {
    (void)state;
    byol_config config = seconds(2);
    witness seen = {.stop_at = 2};
    expect(BYOL_ERROR_CANCELLED, &config, TEST_RUNS "/clock", 0, &seen);
    double before = spent_at(2), begin = byol__now();
    assert_true(before > 0);
    seen = (witness){0};
    expect(BYOL_OK, &config, TEST_RUNS "/clock", 1, &seen);
    double after = spent_at(seen.last_step);
    if (!(after > 1 && after < 3)) fail_msg("a run of two seconds took %.2f", after);
    assert_true(after - before <= byol__now() - begin); /* what was spent before is no part of it */
    seen = (witness){0};
    expect(BYOL_OK, &config, TEST_RUNS "/clock", 1, &seen); /* complete: nothing is left to do */
    assert_int_equal(seen.last_step, 0);
}

static void a_cosine_cannot_end_by_the_clock(void **state) {
    (void)state;
    byol_config config = seconds(2);
    byol_error error = {0};
    config.optimizer.schedule = BYOL_LR_COSINE;
    assert_int_equal(byol_config_check(&config, &error), BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "trapezoid"));
    config = seconds(2);
    config.target.schedule = BYOL_TAU_COSINE;
    assert_int_equal(byol_config_check(&config, &error), BYOL_ERROR_INVALID);
}

static int make_runs(void **state) {
    (void)state;
    remove_run(TEST_RUNS);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_by_the_clock_ends_when_its_time_is_over),
        cmocka_unit_test(the_pace_of_the_last_steps_counts),
        cmocka_unit_test(the_rate_is_constant_until_the_end_is_known_and_then_falls_to_zero),
        cmocka_unit_test(what_was_decided_is_remembered),
        cmocka_unit_test(a_run_by_steps_does_not_look_at_the_clock),
        cmocka_unit_test(a_trapezoid_of_a_known_length_falls_over_its_last_part),
        cmocka_unit_test(a_run_takes_its_time_and_not_more_after_an_interruption),
        cmocka_unit_test(a_cosine_cannot_end_by_the_clock),
    };
    return cmocka_run_group_tests(tests, make_runs, NULL);
}
