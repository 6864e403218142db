/* Whole runs, small: what may not begin or go on, how they end, and what comes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "input/loader.h"
#include "train/record.h"
#define TEST_RUNS "trainer_test"
#include "runs.h"

/* ---- What may not begin ---- */

/* Else the checkpoints could not be read again: they hold the configuration. */
static void a_configuration_that_could_not_be_read_back_is_refused(void **state) {
    (void)state;
    byol_config turned = tiny_config(), nameless = tiny_config(), negative = tiny_config(),
                endless = tiny_config();
    turned.views.view[0].rotate = 360;
    nameless.optimizer.name = (byol_optimizer_name)99;
    negative.optimizer.name = (byol_optimizer_name)-1;
    memset(endless.encoder.name, 'x', sizeof endless.encoder.name);
    const struct {
        const byol_config *config;
        const char *key;
    } cases[] = {{&turned, "views.view1.rotate cannot be '360'"},
                 {&nameless, "optimizer.name cannot be '99'"},
                 {&negative, "optimizer.name cannot be '-1'"},
                 {&endless, "encoder.name cannot be 'xxx"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        byol_error error = {0};
        witness seen = {0};
        assert_int_equal(start(cases[i].config, TEST_RUNS "/refused", 0, &seen, &error),
                         BYOL_ERROR_INVALID);
        if (strstr(error.text, cases[i].key) == NULL)
            fail_msg("'%s' lacks '%s'", error.text, cases[i].key);
    }
}

static void a_start_that_failed_leaves_the_folder_free(void **state) {
    (void)state;
    byol_config config = tiny_config(), mistyped = config;
    strcpy(mistyped.encoder.init, TEST_RUNS "/whoel");
    witness seen = {0};
    expect(BYOL_ERROR_NOT_FOUND, &mistyped, TEST_RUNS "/corrected", 0, &seen);
    expect(BYOL_OK, &config, TEST_RUNS "/corrected", 0, &seen);
}

static void checkpoints_alone_are_a_run_too(void **state) {
    (void)state;
    byol_config config = tiny_config();
    witness seen = {.stop_at = 2};
    expect(BYOL_ERROR_CANCELLED, &config, TEST_RUNS "/bare", 0, &seen);
    const char *const names[] = {"config.yaml", "metrics.jsonl", "encoder.safetensors"};
    for (int i = 0; i < 3; i++) {
        char path[64];
        snprintf(path, sizeof path, TEST_RUNS "/bare/%s", names[i]);
        assert_int_equal(unlink(path), 0);
    }
    expect(BYOL_ERROR_INVALID, &config, TEST_RUNS "/bare", 0, &seen);
}

/* ---- What may not go on ---- */

static void a_folder_with_a_run_is_not_written_over(void **state) {
    (void)state;
    byol_config config = tiny_config();
    witness seen = {0};
    byol_error error = {0};
    assert_int_equal(start(&config, whole, 0, &seen, &error), BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, whole));
}

static void two_processes_cannot_train_in_one_folder(void **state) {
    (void)state;
    byol_config config = tiny_config();
    witness seen = {0};
    byol_error error = {0};
    int lock = open(TEST_RUNS "/whole/.lock", O_RDWR);
    assert_true(lock >= 0);
    assert_int_equal(flock(lock, LOCK_EX),
                     0); /* a second description: as good as another process */
    assert_int_equal(start(&config, whole, 1, &seen, &error), BYOL_ERROR_IO);
    assert_non_null(strstr(error.text, "another process"));
    close(lock);
}

static void settings_that_change_the_result_must_be_as_they_were(void **state) {
    (void)state;
    const struct {
        const char *key, *value;
        byol_status status;
        int warnings;
    } cases[] = {
        {"optimizer.lr", "0.25", BYOL_ERROR_MISMATCH, 0},
        {"train.epochs", "3", BYOL_ERROR_MISMATCH, 0},
        {"views.view2.flip", "0", BYOL_ERROR_MISMATCH, 0},
        {"train.accumulate", "2", BYOL_ERROR_MISMATCH, 0},
        {"checkpoint.keep", "5", BYOL_OK, 0},
        {"eval.every_epochs", "1", BYOL_OK, 0},
        {"train.log_every", "4", BYOL_OK, 0},
        {"train.precision", "auto", BYOL_OK, 0},
        {"data.image_size", "0", BYOL_OK, 0},
        {"train.threads", "1", BYOL_OK, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        byol_config config = tiny_config();
        byol_error error = {0};
        witness seen = {0};
        assert_int_equal(byol_config_set(&config, cases[i].key, cases[i].value, &error), BYOL_OK);
        assert_int_equal(start(&config, whole, 1, &seen, &error), cases[i].status);
        if (cases[i].status != BYOL_OK) assert_non_null(strstr(error.text, cases[i].key));
        assert_int_equal(seen.warnings, cases[i].warnings);
    }
}

static void other_images_are_noticed(void **state) {
    (void)state;
    byol_config config = tiny_config();
    byol_source *source = tiny_source();
    byol_trainer *trainer = NULL;
    byol_error error = {0};
    tiny_pixels[100] ^= 1;
    assert_int_equal(byol_trainer_create(&trainer, &config, source, whole, 1, NULL, &error),
                     BYOL_ERROR_MISMATCH);
    assert_non_null(strstr(error.text, "the data"));
    byol_source_free(source);
}

/* ---- Bad endings ---- */

static void weights_that_are_not_finite_are_never_kept(void **state) {
    (void)state;
    const char *run = TEST_RUNS "/nan";
    byol_config config = tiny_config();
    config.checkpoint.every_steps = 1;
    config.train.epochs = 10;
    config.optimizer.lr =
        1000; /* every step makes the weights many times larger, until they overflow */
    config.optimizer.weight_decay = 10;
    witness seen = {0};
    byol_error error = {0};
    assert_int_equal(start(&config, run, 0, &seen, &error), BYOL_ERROR_NUMERIC);
    assert_non_null(strstr(error.text, "optimizer.lr"));
    assert_true(seen.last_step < 40);
    for (int step = 1; step <= 40;
         step++) { /* what was kept before it went wrong is finite and whole */
        char name[64], path[128];
        snprintf(name, sizeof name, "checkpoints/step-%06d.safetensors", step);
        snprintf(path, sizeof path, "%s/%s", run, name);
        if (!is_there(run, name)) continue;
        byol_encoder *encoder = NULL;
        assert_int_equal(byol_encoder_load(&encoder, path, 1, &error), BYOL_OK);
        byol_encoder_free(encoder);
        assert_true((uint64_t)step <= seen.last_step);
    }
}

static byol_status save(byol__record *record, const byol__method *method,
                        const byol__origin *origin, byol_error *error) {
    byol_status status = byol__record_save_encoder(record, method, origin, error);
    return status == BYOL_OK ? byol__record_save_checkpoint(record, method, origin, error) : status;
}

static void a_single_value_that_is_not_finite_keeps_a_checkpoint_from_being_written(void **state) {
    (void)state;
    byol_config config = tiny_config();
    byol__method *method = NULL;
    byol__record record = {0};
    byol_error error = {0};
    assert_int_equal(
        byol__method_create(&method, &config, TINY_CHANNELS, &byol__comm_alone, &error), BYOL_OK);
    assert_int_equal(byol__record_open(&record, TEST_RUNS "/finite", 0, NULL, NULL, &error),
                     BYOL_OK);
    assert_int_equal(byol__record_begin(&record, method, &config, &error), BYOL_OK);
    const byol__origin origin = {
        .step = 1, .batches = 1, .channels = TINY_CHANNELS, .config = config};
    float *const values[] = {method->params + 5, method->target_params + 5, method->state[0] + 5,
                             method->statistics + 5, method->target_statistics + 5};
    for (int i = 0; i < 5; i++) {
        float kept = *values[i];
        *values[i] = i % 2 ? NAN : INFINITY;
        assert_int_equal(save(&record, method, &origin, &error), BYOL_ERROR_NUMERIC);
        assert_false(is_there(TEST_RUNS "/finite", "checkpoints/step-000001.safetensors"));
        assert_false(is_there(TEST_RUNS "/finite", "encoder.safetensors"));
        *values[i] = kept;
    }
    assert_int_equal(save(&record, method, &origin, &error), BYOL_OK);
    assert_true(is_there(TEST_RUNS "/finite", "checkpoints/step-000001.safetensors"));
    byol__record_close(&record);
    byol__method_free(method);
}

/* The tiny pictures as files, but for one that is none. */
static byol_source *source_of_files(uint32_t broken) {
    byol_source *tiny = tiny_source(), *source = NULL;
    byol_source_free(tiny); /* its pixels stay */
    assert_int_equal(byol__make_folder(TEST_RUNS "/pictures", NULL), BYOL_OK);
    for (uint32_t i = 0; i < TINY_IMAGES; i++) {
        enum { BYTES = TINY_CHANNELS * TINY_SIDE * TINY_SIDE };
        char path[64];
        snprintf(path, sizeof path, TEST_RUNS "/pictures/%02u.ppm", i);
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        fprintf(file, i == broken ? "no picture" : "P6 %d %d 255\n", TINY_SIDE, TINY_SIDE);
        fwrite(tiny_pixels + (size_t)i * BYTES, 1, BYTES, file);
        fclose(file);
    }
    assert_int_equal(byol_source_open(&source, TEST_RUNS "/pictures", NULL), BYOL_OK);
    return source;
}

/* Its batch norm statistics have seen a batch that its weights have not. */
static void half_a_step_is_never_kept(void **state) {
    (void)state;
    byol_config config = tiny_config();
    uint32_t order[TINY_IMAGES];
    config.data.max_unreadable = 0;
    config.train.accumulate = 2;
    byol__epoch_order(config.train.seed, 0, order, TINY_IMAGES);
    for (uint32_t batch = 2; batch < 4; batch++) { /* the first and the second of the second step */
        const char *run = batch == 2 ? TEST_RUNS "/between" : TEST_RUNS "/within";
        byol_source *source = source_of_files(order[batch * TINY_BATCH]);
        byol_trainer *trainer = NULL;
        assert_int_equal(byol_trainer_create(&trainer, &config, source, run, 0, NULL, NULL),
                         BYOL_OK);
        assert_int_equal(byol_trainer_run(trainer, NULL, NULL), BYOL_ERROR_FORMAT);
        assert_int_equal(is_there(run, "checkpoints/step-000001.safetensors"), batch == 2);
        byol_trainer_free(trainer);
        byol_source_free(source);
    }
}

enum { COLLAPSE_STEPS = 80 };

/* All pictures are equally black: there is nothing to tell apart. What spread there is, is
 * rounding, and may climb for a while, which the monitor waits for. */
static byol_status collapse(const char *run, witness *seen, byol_error *error) {
    byol_config config = tiny_config();
    config.train.epochs = COLLAPSE_STEPS * TINY_BATCH / TINY_IMAGES;
    config.train.log_every = 100;
    config.train.stop_on_collapse = 1;
    for (int v = 0; v < 2; v++) config.views.view[v].jitter = config.views.view[v].solarize = 0;
    byol_source *source = tiny_source();
    memset(tiny_pixels, 0, sizeof tiny_pixels);
    const byol_trainer_hooks hooks = {
        .context = seen, .on_step = on_step, .on_warning = on_warning};
    byol_trainer *trainer = NULL;
    assert_int_equal(byol_trainer_create(&trainer, &config, source, run, 0, &hooks, error),
                     BYOL_OK);
    byol_status status = byol_trainer_run(trainer, NULL, error);
    byol_trainer_free(trainer);
    byol_source_free(source);
    return status;
}

static void a_collapse_is_told_and_ends_the_run_where_that_is_asked_for(void **state) {
    (void)state;
    witness seen = {0};
    byol_error error = {0};
    assert_int_equal(collapse(NULL, &seen, &error), BYOL_ERROR_COLLAPSED);
    assert_true(seen.warnings >= 1);
    assert_non_null(strstr(seen.warning, "collapse"));
    assert_true(seen.last_step < COLLAPSE_STEPS);
}

static void a_collapse_that_cannot_be_kept_is_told_with_the_reason(void **state) {
    (void)state;
    witness seen = {.full_at = 1};
    byol_error error = {0};
    byol_status status = collapse(TEST_RUNS "/collapsed-full", &seen, &error);
    limit_files(RLIM_INFINITY);
    assert_int_equal(status, BYOL_ERROR_COLLAPSED);
    assert_non_null(strstr(error.text, "collapse"));
    assert_non_null(strstr(error.text, "no checkpoint could be written: "));
    assert_non_null(strstr(error.text, ".safetensors"));
}

/* ---- What comes out ---- */

static void the_log_holds_the_figures_of_every_step(void **state) {
    (void)state;
    json_t *line = log_line(whole, 3);
    assert_int_equal(json_integer_value(json_object_get(line, "step")), 4);
    assert_true(json_number_value(json_object_get(line, "epoch")) == 1);
    assert_true(json_number_value(json_object_get(line, "knn")) == 12.5);
    const char *const keys[] = {"loss",
                                "lr",
                                "tau",
                                "spread",
                                "positive_cosine",
                                "negative_cosine",
                                "effective_rank",
                                "gradient_norm",
                                "representation_rank"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_true(json_is_number(json_object_get(line, keys[i])));
    double loss = json_number_value(json_object_get(line, "loss"));
    double cosine = json_number_value(json_object_get(line, "positive_cosine"));
    assert_true(fabs(loss - (4 - 4 * cosine)) < 1e-4); /* both directions, summed */
    json_decref(line);
    line = log_line(whole, 4);
    assert_null(json_object_get(line, "knn"));
    json_decref(line);
}

static void a_short_run_on_few_images_is_made_to_fit_and_says_so(void **state) {
    (void)state;
    byol_config config = tiny_config();
    byol_source *source = tiny_source();
    byol_trainer *trainer = NULL;
    byol_error error = {0};
    witness seen = {0};
    const byol_trainer_hooks hooks = {.context = &seen, .on_warning = on_warning};
    config.train.batch_size = 1000;
    config.train.epochs = 2;
    config.optimizer.warmup_epochs = 2;
    if (byol_trainer_create(&trainer, &config, source, NULL, 0, &hooks, &error) != BYOL_OK)
        fail_msg("%s", error.text);
    assert_int_equal(seen.warnings, 2);
    assert_int_equal(byol_trainer_config(trainer)->train.batch_size, TINY_IMAGES);
    assert_true(byol_trainer_config(trainer)->optimizer.warmup_epochs == 0.2f);
    assert_int_equal(byol_trainer_run(trainer, NULL, &error), BYOL_OK);
    byol_trainer_free(trainer);
    byol_source_free(source);
}

static float *embed(byol_encoder *encoder, byol_layer layer) {
    byol_source *source = tiny_source();
    byol_error error = {0};
    size_t count = (size_t)TINY_IMAGES * (size_t)byol_encoder_dimension(encoder, layer);
    float *features = calloc(count, sizeof *features);
    assert_non_null(features);
    assert_int_equal(byol_encoder_embed(encoder, source, layer, features, NULL, NULL, &error),
                     BYOL_OK);
    byol_source_free(source);
    return features;
}

/* Of images that are turned left for right the mean over both is the same, and it is the mean of
 * the two. */
static void a_mean_over_views_has_the_mirror_image_in_it(void **state) {
    (void)state;
    enum { ROW = TINY_SIDE, BYTES = TINY_IMAGES * TINY_CHANNELS * TINY_SIDE * TINY_SIDE };
    static uint8_t turned[BYTES];
    byol_encoder *encoder;
    byol_source *source = tiny_source(), *mirrored;
    byol_error error = {0};
    assert_int_equal(byol_encoder_load(&encoder, whole, 2, &error), BYOL_OK);
    for (int i = 0; i < BYTES; i++) turned[i] = tiny_pixels[i / ROW * ROW + (ROW - 1 - i % ROW)];
    assert_int_equal(byol_source_from_memory(&mirrored, turned, NULL, TINY_IMAGES, TINY_CHANNELS,
                                             TINY_SIDE, TINY_SIDE, &error),
                     BYOL_OK);
    size_t count =
        (size_t)TINY_IMAGES * (size_t)byol_encoder_dimension(encoder, BYOL_LAYER_BACKBONE);
    float *v[4];
    for (int i = 0; i < 4; i++) v[i] = calloc(count, sizeof *v[i]);
    const byol_layer layer = BYOL_LAYER_BACKBONE;
    assert_int_equal(byol_encoder_embed(encoder, source, layer, v[0], NULL, NULL, &error), BYOL_OK);
    assert_int_equal(byol_encoder_embed(encoder, mirrored, layer, v[1], NULL, NULL, &error),
                     BYOL_OK);
    assert_int_equal(
        byol_encoder_embed_mean(encoder, source, layer, 0, 1, v[2], NULL, NULL, &error), BYOL_OK);
    for (size_t i = 0; i < count; i++)
        assert_true(fabsf(v[2][i] - (v[0][i] + v[1][i]) / 2) < 1e-5f);
    assert_int_equal(
        byol_encoder_embed_mean(encoder, source, layer, 2, 1, v[2], NULL, NULL, &error), BYOL_OK);
    assert_int_equal(
        byol_encoder_embed_mean(encoder, source, layer, 2, 1, v[3], NULL, NULL, &error), BYOL_OK);
    assert_memory_equal(v[2], v[3], count * sizeof *v[2]);
    for (int i = 0; i < 4; i++) free(v[i]);
    byol_source_free(source);
    byol_source_free(mirrored);
    byol_encoder_free(encoder);
}

static void a_run_a_checkpoint_and_an_encoder_file_hold_the_same_encoder(void **state) {
    (void)state;
    const char *const paths[] = {whole, TEST_RUNS "/whole/encoder.safetensors",
                                 TEST_RUNS "/whole/checkpoints/step-000008.safetensors"};
    const byol_layer layers[] = {BYOL_LAYER_BACKBONE, BYOL_LAYER_PROJECTION, BYOL_LAYER_PREDICTION};
    const int dimensions[] = {64, 8, 8};
    byol_error error = {0};
    byol_encoder *first = NULL;
    assert_int_equal(byol_encoder_load(&first, paths[0], 2, &error), BYOL_OK);
    for (int p = 1; p < 3; p++) {
        byol_encoder *encoder = NULL;
        assert_int_equal(byol_encoder_load(&encoder, paths[p], 2, &error), BYOL_OK);
        for (int l = 0; l < 3; l++) {
            assert_int_equal(byol_encoder_dimension(encoder, layers[l]), dimensions[l]);
            float *a = embed(first, layers[l]), *b = embed(encoder, layers[l]);
            assert_memory_equal(a, b, TINY_IMAGES * (size_t)dimensions[l] * sizeof(float));
            assert_true(isfinite(a[0]));
            assert_memory_not_equal(a, a + dimensions[l], (size_t)dimensions[l] * sizeof(float));
            free(a);
            free(b);
        }
        byol_encoder_free(encoder);
    }
    byol_encoder *random = NULL;
    assert_int_equal(byol_encoder_create_random(&random, first, 1, &error), BYOL_OK);
    float *a = embed(first, BYOL_LAYER_BACKBONE), *b = embed(random, BYOL_LAYER_BACKBONE);
    assert_memory_not_equal(a, b, 64 * sizeof(float));
    free(a);
    free(b);
    byol_encoder_free(random);
    byol_encoder_free(first);
}

static void a_trainer_without_a_folder_keeps_its_weights_for_the_caller(void **state) {
    (void)state;
    byol_config config = tiny_config();
    byol_source *source = tiny_source();
    byol_trainer *trainer = NULL;
    byol_encoder *encoder = NULL;
    byol_error error = {0};
    byol_run_result result;
    assert_int_equal(byol_trainer_create(&trainer, &config, source, NULL, 0, NULL, &error),
                     BYOL_OK);
    assert_int_equal(byol_trainer_run(trainer, &result, &error), BYOL_OK);
    assert_int_equal(result.steps, 8);
    assert_int_equal(result.epochs, 2);
    assert_true(result.loss > 0 && result.loss < 8 && result.images_per_second > 0);
    assert_true(result.peak_memory_bytes > 1000000);
    byol_trainer_info info;
    byol_trainer_describe(trainer, &info);
    assert_int_equal(info.steps, 8);
    assert_int_equal(info.steps_per_epoch, 4);
    assert_int_equal(info.parameters_predictor, 8 * 16 + 16 + 2 * 16 + 16 * 8);
    assert_true(info.flops_per_image > 0 && info.workspace_bytes > 0 && info.arena_bytes > 0);
    assert_int_equal(byol_trainer_save(trainer, TEST_RUNS "/kept.safetensors", &error), BYOL_OK);
    assert_int_equal(byol_trainer_encoder(trainer, &encoder, &error), BYOL_OK);
    assert_int_equal(byol_encoder_step(encoder), 8);
    byol_encoder *loaded = NULL;
    assert_int_equal(byol_encoder_load(&loaded, TEST_RUNS "/kept.safetensors", 2, &error), BYOL_OK);
    float *a = embed(encoder, BYOL_LAYER_BACKBONE), *b = embed(loaded, BYOL_LAYER_BACKBONE);
    assert_memory_equal(a, b, TINY_IMAGES * 64 * sizeof(float));
    free(a);
    free(b);
    byol_encoder_free(loaded);
    byol_encoder_free(encoder);
    byol_trainer_free(trainer);
    byol_source_free(source);
}

static void a_students_projections_and_predictions_have_their_own_lengths(void **state) {
    (void)state;
    byol_config config = tiny_student();
    byol_source *source = tiny_source();
    byol_trainer *trainer = NULL;
    int count, dimension;
    assert_int_equal(byol_trainer_create(&trainer, &config, source, NULL, 0, NULL, NULL), BYOL_OK);
    assert_int_equal(byol_trainer_run(trainer, NULL, NULL), BYOL_OK);
    assert_non_null(byol_trainer_vectors(trainer, BYOL_LAYER_PROJECTION, &count, &dimension));
    assert_int_equal(dimension, 8 * config.encoder.width);
    assert_non_null(byol_trainer_vectors(trainer, BYOL_LAYER_PREDICTION, &count, &dimension));
    assert_int_equal(dimension, 8 * config.target.width);
    assert_int_equal(count, TINY_BATCH);
    byol_trainer_free(trainer);
    byol_source_free(source);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_configuration_that_could_not_be_read_back_is_refused),
        cmocka_unit_test(a_start_that_failed_leaves_the_folder_free),
        cmocka_unit_test(checkpoints_alone_are_a_run_too),
        cmocka_unit_test(a_folder_with_a_run_is_not_written_over),
        cmocka_unit_test(two_processes_cannot_train_in_one_folder),
        cmocka_unit_test(a_mean_over_views_has_the_mirror_image_in_it),
        cmocka_unit_test(a_short_run_on_few_images_is_made_to_fit_and_says_so),
        cmocka_unit_test(the_log_holds_the_figures_of_every_step),
        cmocka_unit_test(a_run_a_checkpoint_and_an_encoder_file_hold_the_same_encoder),
        cmocka_unit_test(settings_that_change_the_result_must_be_as_they_were),
        cmocka_unit_test(other_images_are_noticed),
        cmocka_unit_test(weights_that_are_not_finite_are_never_kept),
        cmocka_unit_test(a_single_value_that_is_not_finite_keeps_a_checkpoint_from_being_written),
        cmocka_unit_test(half_a_step_is_never_kept),
        cmocka_unit_test(a_collapse_is_told_and_ends_the_run_where_that_is_asked_for),
        cmocka_unit_test(a_collapse_that_cannot_be_kept_is_told_with_the_reason),
        cmocka_unit_test(a_trainer_without_a_folder_keeps_its_weights_for_the_caller),
        cmocka_unit_test(a_students_projections_and_predictions_have_their_own_lengths),
    };
    return cmocka_run_group_tests(tests, make_whole, clean_up);
}
