/* A run that is repeated, stopped, resumed or damaged ends as if nothing had been. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "comma.h"
#include "train/record.h"
#define TEST_RUNS "resume_test"
#include "runs.h"

/* ---- Repeating and resuming ---- */

static void the_same_seed_gives_the_same_bytes(void **state) {
    (void)state;
    byol_config config = tiny_config();
    witness seen = {0};
    expect(BYOL_OK, &config, TEST_RUNS "/again", 0, &seen);
    assert_same_file(whole, TEST_RUNS "/again", "encoder.safetensors");
    assert_same_file(whole, TEST_RUNS "/again", "checkpoints/step-000008.safetensors");
    assert_same_log(whole, TEST_RUNS "/again", 8);
    config.train.seed++;
    expect(BYOL_OK, &config, TEST_RUNS "/other", 0, &seen);
    assert_other_file(whole, TEST_RUNS "/other", "encoder.safetensors");
}

static void a_resumed_run_ends_as_if_it_had_never_stopped(void **state) {
    (void)state;
    byol_config config = tiny_config();
    for (uint64_t step = 1; step <= 7;
         step += 3) { /* within both epochs, and at the end of the first */
        char run[64];
        snprintf(run, sizeof run, TEST_RUNS "/stopped-%d", (int)step);
        witness seen = {.stop_at = step};
        expect(BYOL_ERROR_CANCELLED, &config, run, 0, &seen);
        assert_int_equal(seen.last_step, step);
        seen = (witness){0};
        expect(BYOL_OK, &config, run, 1, &seen);
        assert_int_equal(seen.warnings, 0);
        assert_same_file(whole, run, "encoder.safetensors");
        assert_same_file(whole, run, "checkpoints/step-000008.safetensors");
        assert_same_log(whole, run, 8);
    }
}

static void resuming_holds_for_every_optimizer_and_under_accumulation(void **state) {
    (void)state;
    const byol_optimizer_name names[] = {BYOL_LARS, BYOL_ADAM, BYOL_ADAMW, BYOL_MUON};
    for (int i = 0; i < 4; i++) {
        byol_config config = tiny_config();
        char straight[64], stopped[64];
        snprintf(straight, sizeof straight, TEST_RUNS "/optimizer-%d", i);
        snprintf(stopped, sizeof stopped, TEST_RUNS "/optimizer-stopped-%d", i);
        config.optimizer.name = names[i];
        config.train.accumulate =
            3; /* 8 batches: 2 steps, the second over the end of the epoch; 2 batches are over */
        witness seen = {0};
        expect(BYOL_OK, &config, straight, 0, &seen);
        assert_int_equal(seen.last_step, 2);
        seen = (witness){.stop_at = 1};
        expect(BYOL_ERROR_CANCELLED, &config, stopped, 0, &seen);
        seen = (witness){0};
        expect(BYOL_OK, &config, stopped, 1, &seen);
        assert_same_file(straight, stopped, "encoder.safetensors");
        assert_same_file(straight, stopped,
                         "checkpoints/step-000002.safetensors"); /* what the last tau made, too */
    }
}

/* Random negatives and noise come from counters, a frozen target from the checkpoint: not from the
 * file it once was. */
static void resuming_holds_for_other_members_of_the_family(void **state) {
    (void)state;
    byol_config contrastive = tiny_config(), frozen = tiny_config(), crops = tiny_config();
    contrastive.target.kind = BYOL_TARGET_ONLINE;
    contrastive.target.stop_gradient = 0;
    contrastive.predictor.kind = BYOL_HEAD_NONE;
    contrastive.loss.distance = BYOL_TRIPLET;
    contrastive.loss.negatives = BYOL_NEGATIVES_RANDOM;
    contrastive.views.view[0].noise = contrastive.views.view[1].noise = 0.1f;
    contrastive.views.view[1].rotate = 20;
    frozen.target.kind = BYOL_TARGET_FROZEN;
    strcpy(frozen.target.init, "random");
    frozen.loss.distance = BYOL_MSE;
    crops.views.count[2] = 2;
    crops.views.size[2] = TINY_SIDE / 2;
    crops.loss.coding_rate = 0.1f;
    const struct {
        const char *name;
        const byol_config *config;
    } members[] = {{"contrastive", &contrastive}, {"frozen", &frozen}, {"crops", &crops}};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        char straight[64], stopped[64];
        snprintf(straight, sizeof straight, TEST_RUNS "/%s", members[i].name);
        snprintf(stopped, sizeof stopped, TEST_RUNS "/%s-stopped", members[i].name);
        witness seen = {0};
        expect(BYOL_OK, members[i].config, straight, 0, &seen);
        seen = (witness){.stop_at = 3};
        expect(BYOL_ERROR_CANCELLED, members[i].config, stopped, 0, &seen);
        seen = (witness){0};
        expect(BYOL_OK, members[i].config, stopped, 1, &seen);
        assert_same_file(straight, stopped, "checkpoints/step-000008.safetensors");
    }
}

static void resuming_needs_no_more_the_file_that_a_target_began_with(void **state) {
    (void)state;
    byol_config config = tiny_config();
    witness seen = {0};
    expect(BYOL_OK, &config, TEST_RUNS "/teacher", 0, &seen);
    config.target.kind = BYOL_TARGET_FROZEN;
    strcpy(config.target.init, TEST_RUNS "/teacher");
    seen = (witness){.stop_at = 3};
    expect(BYOL_ERROR_CANCELLED, &config, TEST_RUNS "/student", 0, &seen);
    remove_run(TEST_RUNS "/teacher");
    seen = (witness){0};
    expect(BYOL_OK, &config, TEST_RUNS "/student", 1, &seen);
    seen = (witness){0};
    expect(BYOL_ERROR_NOT_FOUND, &config, TEST_RUNS "/another", 0, &seen);
}

static void lines_after_the_checkpoint_are_dropped_from_the_log(void **state) {
    (void)state;
    const char *run = TEST_RUNS "/log";
    byol_config config = tiny_config();
    witness seen = {.stop_at = 3};
    expect(BYOL_ERROR_CANCELLED, &config, run, 0, &seen);
    FILE *log = fopen(TEST_RUNS "/log/metrics.jsonl", "a"); /* what a kill -9 after step 5 leaves */
    assert_non_null(log);
    fputs("{\"step\": 4, \"loss\": 1}\n{\"step\": 5, \"lo", log);
    fclose(log);
    fclose(fopen(TEST_RUNS "/log/checkpoints/step-000005.safetensors.tmp", "w"));
    expect(BYOL_OK, &config, run, 1, &seen);
    assert_same_log(whole, run, 8);
    assert_false(is_there(run, "checkpoints/step-000005.safetensors.tmp"));
}

static void only_our_own_temporary_files_are_removed(void **state) {
    (void)state;
    const char *run = TEST_RUNS "/temporaries";
    const struct {
        const char *name;
        int stays;
    } files[] = {{"config.yaml.tmp", 0},
                 {"metrics.jsonl.tmp", 0},
                 {"summary.json.tmp", 0},
                 {"encoder.safetensors.tmp", 0},
                 {"notes.tmp", 1},
                 {"checkpoints/step-000001.safetensors.tmp", 0},
                 {"checkpoints/mine.tmp", 1},
                 {"checkpoints/step-1.safetensors.mine.tmp", 1},
                 {"safe.config.yaml.tmp", 1},
                 {"config.yaml.tmp.kept", 1}};
    assert_int_equal(byol__make_folder(TEST_RUNS "/temporaries/checkpoints", NULL), BYOL_OK);
    char path[128];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", run, files[i].name);
        fclose(fopen(path, "w"));
    }
    byol__record record = {0};
    assert_int_equal(byol__record_open(&record, run, 0, NULL, NULL, NULL), BYOL_OK);
    byol__record_close(&record);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (is_there(run, files[i].name) != files[i].stays) fail_msg("%s", files[i].name);
}

static void resuming_where_nothing_was_kept_yet_starts_anew_and_says_so(void **state) {
    (void)state;
    byol_config config = tiny_config();
    witness seen = {0};
    expect(BYOL_OK, &config, TEST_RUNS "/nothing", 1, &seen);
    assert_int_equal(seen.warnings, 1);
    assert_string_equal(seen.warning, "nothing to resume in " TEST_RUNS "/nothing: the run begins");
    assert_same_file(whole, TEST_RUNS "/nothing", "encoder.safetensors");
    expect(BYOL_OK, &config, TEST_RUNS "/nothing", 1, &seen); /* and a finished run is finished */
    assert_int_equal(seen.warnings, 1);
    assert_same_file(whole, TEST_RUNS "/nothing", "encoder.safetensors");
}

static void a_run_is_recorded_and_resumed_in_every_locale(void **state) {
    (void)state;
    byol_config config = tiny_config();
    witness seen = {.stop_at = 3};
    enter_comma_locale();
    expect(BYOL_ERROR_CANCELLED, &config, TEST_RUNS "/comma", 0, &seen);
    seen = (witness){0};
    expect(BYOL_OK, &config, TEST_RUNS "/comma", 1, &seen);
    setlocale(LC_NUMERIC, "C");
    assert_same_log(whole, TEST_RUNS "/comma", 8);
    assert_same_file(whole, TEST_RUNS "/comma", "checkpoints/step-000008.safetensors");
}

/* ---- Damage ---- */

static void a_damaged_checkpoint_is_named_and_the_one_before_it_taken(void **state) {
    (void)state;
    const char *run = TEST_RUNS "/flipped";
    byol_config config = tiny_config();
    config.checkpoint.every_steps = 2;
    witness seen = {.stop_at = 5};
    expect(BYOL_ERROR_CANCELLED, &config, run, 0, &seen);
    flip_byte(run, "checkpoints/step-000005.safetensors", 20000);
    seen = (witness){.stop_at = 6};
    expect(BYOL_ERROR_CANCELLED, &config, run, 1, &seen);
    assert_int_equal(seen.warnings, 1);
    assert_non_null(strstr(seen.warning, "step-000005.safetensors"));
    assert_true(is_there(run, "checkpoints/step-000005.safetensors.damaged"));
    expect(BYOL_OK, &config, run, 1, &seen);
    assert_same_log(whole, run, 8);
}

static void where_no_checkpoint_is_whole_nothing_is_thrown_away(void **state) {
    (void)state;
    const char *run = TEST_RUNS "/ruined";
    byol_config config = tiny_config();
    witness seen = {.stop_at = 2};
    byol_error error = {0};
    expect(BYOL_ERROR_CANCELLED, &config, run, 0, &seen);
    flip_byte(run, "checkpoints/step-000002.safetensors", 9000);
    assert_int_equal(start(&config, run, 1, &seen, &error), BYOL_ERROR_FORMAT);
    assert_non_null(strstr(error.text, run));
    assert_true(is_there(run, "checkpoints/step-000002.safetensors"));
}

static void only_as_many_checkpoints_stay_as_are_kept(void **state) {
    (void)state;
    const char *run = TEST_RUNS "/kept";
    byol_config config = tiny_config();
    config.checkpoint.every_steps = 1;
    config.checkpoint.keep = 2;
    witness seen = {0};
    expect(BYOL_OK, &config, run, 0, &seen);
    assert_true(is_there(run, "checkpoints/step-000008.safetensors"));
    assert_true(is_there(run, "checkpoints/step-000007.safetensors"));
    assert_false(is_there(run, "checkpoints/step-000006.safetensors"));
}

static void checkpoints_are_written_by_the_clock(void **state) {
    (void)state;
    byol_config config = tiny_config();
    config.checkpoint.keep = 100;
    config.checkpoint.every_minutes = 1e-7f; /* less than a step takes */
    witness seen = {0};
    expect(BYOL_OK, &config, TEST_RUNS "/clock", 0, &seen);
    config.checkpoint.every_minutes = 1000;
    expect(BYOL_OK, &config, TEST_RUNS "/slow-clock", 0, &seen);
    for (int step = 1; step <= 8; step++) {
        char name[64];
        snprintf(name, sizeof name, "checkpoints/step-%06d.safetensors", step);
        assert_true(is_there(TEST_RUNS "/clock", name));
        assert_int_equal(is_there(TEST_RUNS "/slow-clock", name), step == 8);
    }
}

static void a_full_disk_ends_the_run_and_costs_nothing_that_was_kept(void **state) {
    (void)state;
    const char *run = TEST_RUNS "/full";
    byol_config config = tiny_config();
    config.checkpoint.every_steps = 2;
    config.train.log_every = 100;
    witness seen = {.full_at = 3};
    byol_error error = {0};
    byol_status status = start(&config, run, 0, &seen, &error);
    limit_files(RLIM_INFINITY);
    assert_int_equal(status, BYOL_ERROR_IO);
    assert_non_null(strstr(error.text, "encoder.safetensors"));
    assert_int_equal(seen.last_step, 4);
    assert_true(is_there(run, "checkpoints/step-000002.safetensors"));
    assert_false(is_there(run, "checkpoints/step-000004.safetensors"));
    config.train.log_every = 1;
    seen = (witness){0};
    expect(BYOL_OK, &config, run, 1, &seen);
    assert_int_equal(seen.warnings, 0);
    byol_config plain = config;
    witness again = {0};
    expect(BYOL_OK, &plain, TEST_RUNS "/never-full", 0, &again);
    assert_same_file(TEST_RUNS "/never-full", run, "checkpoints/step-000008.safetensors");
}

static void a_stopped_run_that_cannot_be_kept_says_so(void **state) {
    (void)state;
    byol_config config = tiny_config();
    config.train.log_every = 100;
    witness seen = {.stop_at = 3, .full_at = 3};
    byol_error error = {0};
    byol_status status = start(&config, TEST_RUNS "/stopped-full", 0, &seen, &error);
    limit_files(RLIM_INFINITY);
    assert_int_equal(status, BYOL_ERROR_IO);
    assert_non_null(strstr(error.text, "encoder.safetensors"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_bytes),
        cmocka_unit_test(a_resumed_run_ends_as_if_it_had_never_stopped),
        cmocka_unit_test(resuming_holds_for_every_optimizer_and_under_accumulation),
        cmocka_unit_test(resuming_holds_for_other_members_of_the_family),
        cmocka_unit_test(resuming_needs_no_more_the_file_that_a_target_began_with),
        cmocka_unit_test(lines_after_the_checkpoint_are_dropped_from_the_log),
        cmocka_unit_test(only_our_own_temporary_files_are_removed),
        cmocka_unit_test(resuming_where_nothing_was_kept_yet_starts_anew_and_says_so),
        cmocka_unit_test(a_run_is_recorded_and_resumed_in_every_locale),
        cmocka_unit_test(a_damaged_checkpoint_is_named_and_the_one_before_it_taken),
        cmocka_unit_test(where_no_checkpoint_is_whole_nothing_is_thrown_away),
        cmocka_unit_test(only_as_many_checkpoints_stay_as_are_kept),
        cmocka_unit_test(checkpoints_are_written_by_the_clock),
        cmocka_unit_test(a_full_disk_ends_the_run_and_costs_nothing_that_was_kept),
        cmocka_unit_test(a_stopped_run_that_cannot_be_kept_says_so),
    };
    return cmocka_run_group_tests(tests, make_whole, clean_up);
}
