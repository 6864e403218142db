/* Sounds as an input: batches of views, runs that are resumed, encoders that embed, baselines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "byol/encoder.h"
#include "byol/eval.h"
#include "byol/trainer.h"
#include "floats.h"
#include "folder.h"
#include "input/loader.h"
#include "input/sound_cache.h"
#include "input/sound_input.h"
#include "sounds.h"
#include "tiny_sounds.h"

enum { BANDS = 16, FRAMES = 24, FLOATS = BANDS * FRAMES };

/* ---- The loader ---- */

typedef struct loading {
    byol_source *source;
    byol__mel *mel;
    byol__sound_cache *cache;
    byol__loader *loader;
} loading;

static loading open_loader(byol_source *source, const byol_config *config, int threads,
                           uint64_t first) {
    loading l = {.source = source};
    byol__loader_options options = {.batch_size = TINY_SOUND_BATCH,
                                    .seed = config->train.seed,
                                    .threads = threads,
                                    .first_batch = first,
                                    .max_unreadable = 0.5};
    check(byol__mel_of_config(&l.mel, config, &error));
    byol__view_list_make(&options.views, config);
    options.views.mel = l.mel;
    check(byol__sound_cache_create(&l.cache, TINY_SOUNDS, (size_t)config->data.cache << 10,
                                   &error)); /* in KiB here */
    options.views.cache = l.cache;
    check(byol__loader_create(&l.loader, source, &options, &error));
    return l;
}

static void close_loader(loading *l) {
    byol__loader_free(l->loader);
    byol__mel_free(l->mel);
    byol__sound_cache_free(l->cache);
    byol_source_free(l->source);
}

static byol_config with_statistics(void) {
    byol_config config = tiny_sound_config();
    config.data.sound_mean = -6;
    config.data.sound_std = 4;
    return config;
}

static void batches_do_not_depend_on_threads_or_on_where_they_begin(void **state) {
    (void)state;
    byol_config config = with_statistics();
    loading straight = open_loader(tiny_sounds(), &config, 1, 0),
            later = open_loader(tiny_sounds(), &config, 3, 5);
    byol__batch one, other;
    for (int i = 0; i < 6; i++) check(byol__loader_next(straight.loader, &one, &error));
    check(byol__loader_next(later.loader, &other, &error));
    for (int view = 0; view < 2; view++)
        assert_memory_equal(one.view[view], other.view[view],
                            TINY_SOUND_BATCH * FLOATS * sizeof(float));
    assert_true(memcmp(one.view[0], one.view[1], FLOATS * sizeof(float)) != 0);
    close_loader(&straight);
    close_loader(&later);
}

/* All are kept, some, or none. */
static void what_is_kept_changes_nothing(void **state) {
    (void)state;
    static const int sizes[] = {1024, 20, 0};
    static float first[2][TINY_SOUND_BATCH * FLOATS];
    for (int i = 0; i < 3; i++) {
        byol_config config = with_statistics();
        byol__batch batch;
        config.data.cache = sizes[i];
        loading l = open_loader(tiny_sounds(), &config, 2, 0);
        for (int k = 0; k < 12; k++) check(byol__loader_next(l.loader, &batch, &error));
        int kept = 0;
        for (size_t k = 0; k < TINY_SOUNDS; k++) kept += byol__sound_cache_find(l.cache, k) != NULL;
        assert_true(i == 0 ? kept == TINY_SOUNDS : i == 1 ? kept > 0 && kept < 20 : kept == 0);
        for (int view = 0; view < 2; view++) {
            if (i == 0) memcpy(first[view], batch.view[view], sizeof first[view]);
            assert_memory_equal(first[view], batch.view[view], sizeof first[view]);
        }
        close_loader(&l);
    }
}

static void moments(const float *x, double *mean, double *deviation) {
    double first = 0, second = 0, count = TINY_SOUND_BATCH * FLOATS;
    for (int i = 0; i < TINY_SOUND_BATCH * FLOATS; i++) {
        first += (double)x[i];
        second += (double)x[i] * (double)x[i];
    }
    *mean = first / count;
    *deviation = sqrt(second / count - *mean * *mean);
}

static void each_view_of_a_batch_has_mean_0_and_deviation_1_if_wanted(void **state) {
    (void)state;
    byol_config config = with_statistics();
    double mean, deviation;
    for (int wanted = 0; wanted < 2; wanted++) {
        byol__batch batch;
        config.views.batch_statistics = wanted;
        loading l = open_loader(tiny_sounds(), &config, 2, 0);
        check(byol__loader_next(l.loader, &batch, &error));
        for (int view = 0; view < 2; view++) {
            moments(batch.view[view], &mean, &deviation);
            bool is_so = fabs(mean) < 1e-4 && fabs(deviation - 1) < 1e-4;
            assert_int_equal(is_so, wanted);
        }
        close_loader(&l);
    }
}

static bool is_silent(const float *frame, float silence) {
    for (int b = 0; b < BANDS; b++)
        if (fabsf(frame[b * FRAMES] - silence) > 1e-5f) return false;
    return true;
}

/* Without any randomness a view is the unit: silence stands around what is shorter. */
static void a_short_sound_stands_in_silence(void **state) {
    (void)state;
    byol_config config = with_statistics();
    config.views.batch_statistics = false;
    for (int kind = 0; kind < 2; kind++)
        config.views.sound[kind] =
            (byol_sound_recipe){.stretch_min = 1, .stretch_max = 1, .canvas = 1};
    loading l = open_loader(tiny_sounds(), &config, 1, 0);
    byol__batch batch;
    check(byol__loader_next(l.loader, &batch, &error));
    float silence = (byol__mel_silence() + 6) / 4;
    int shorter = 0;
    for (int i = 0; i < TINY_SOUND_BATCH; i++) {
        const float *x = (const float *)batch.view[0] + i * FLOATS;
        size_t frames = 1 + (600 + batch.indices[i] * 50) / 80;
        int silent = 0;
        for (int t = 0; t < FRAMES; t++) silent += is_silent(x + t, silence);
        assert_int_equal(silent, frames < FRAMES ? FRAMES - (int)frames : 0);
        shorter += frames < FRAMES;
        assert_memory_equal(x, (const float *)batch.view[1] + i * FLOATS, FLOATS * sizeof *x);
    }
    assert_true(shorter > 0);
    close_loader(&l);
}

/* As a sample and as a background. */
static void what_cannot_be_read_is_replaced_or_left_out(void **state) {
    (void)state;
    byol_config config = with_statistics();
    byol_source *source;
    mkdir(in_folder("set"), 0777);
    for (int i = 0; i < 20; i++) {
        char name[32];
        snprintf(name, sizeof name, "set/%02d.flac", i);
        write_tone(in_folder(name), SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 8000, 1, 9000, 300 + 50 * i,
                   0.5);
        if (i % 5 == 0) assert_int_equal(truncate(in_folder(name), 1500), 0);
    }
    check(byol_source_open(&source, in_folder("set"), &error));
    loading l = open_loader(source, &config, 2, 0);
    for (int i = 0; i < 4; i++) {
        byol__batch batch;
        check(byol__loader_next(l.loader, &batch, &error));
    }
    assert_true(byol__loader_unreadable(l.loader, 0, NULL) > 0);
    close_loader(&l);
}

/* ---- Runs ---- */

static int stop_at_3(void *context, const byol_metrics *metrics) {
    (void)context;
    return metrics->step == 3;
}

static byol_status run_on(const byol_config *config, const char *run, bool resume, bool stops) {
    const byol_trainer_hooks hooks = {.on_step = stops ? stop_at_3 : NULL};
    byol_source *source = tiny_sounds();
    byol_trainer *trainer = NULL;
    byol_status status = byol_trainer_create(&trainer, config, source, run, resume, &hooks, &error);
    if (status == BYOL_OK) status = byol_trainer_run(trainer, NULL, &error);
    byol_trainer_free(trainer);
    byol_source_free(source);
    return status;
}

static void assert_same_file(const char *one, const char *other) {
    char *a, *b;
    size_t a_length, b_length;
    check(byol__read_file(in_folder(one), &a, &a_length, &error));
    check(byol__read_file(in_folder(other), &b, &b_length, &error));
    assert_int_equal(a_length, b_length);
    assert_memory_equal(a, b, a_length);
    byol__free(a);
    byol__free(b);
}

/* With backgrounds, whose choice is no state of the run. */
static void a_resumed_run_ends_as_if_it_had_never_stopped(void **state) {
    (void)state;
    byol_config config = tiny_sound_config();
    check(run_on(&config, in_folder("straight"), false, false));
    assert_int_equal(run_on(&config, in_folder("stopped"), false, true), BYOL_ERROR_CANCELLED);
    check(run_on(&config, in_folder("stopped"), true, false));
    assert_same_file("straight/checkpoints/step-000008.safetensors",
                     "stopped/checkpoints/step-000008.safetensors");
    assert_same_file("straight/encoder.safetensors", "stopped/encoder.safetensors");
}

static void every_encoder_of_pictures_learns_from_sounds(void **state) {
    (void)state;
    static const char *const names[] = {"resnet18", "conv5", "conv1", "vit"};
    for (int i = 0; i < 4; i++) {
        byol_config config = tiny_sound_config();
        check(byol_config_set(&config, "encoder.name", names[i], &error));
        config.data.mels = 32;
        config.data.frames = 40;
        config.data.window = 512;
        config.encoder.depth = 2;
        config.encoder.patch = 8;
        config.encoder.heads = 2;
        config.train.epochs = 1;
        check(run_on(&config, in_folder(names[i]), false, false));
    }
}

static void what_does_not_go_with_sounds_is_refused_with_words(void **state) {
    (void)state;
    byol_config config = tiny_sound_config();
    config.views.size[0] = 16;
    assert_int_equal(run_on(&config, in_folder("size"), false, false), BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "views.view1.size is for images"));
    config = tiny_sound_config();
    check(byol_config_set(&config, "encoder.name", "transformer", &error));
    assert_int_equal(run_on(&config, in_folder("words"), false, false), BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "needs texts, but these are sounds"));
    config = tiny_sound_config();
    config.data.mel_high = 5000;
    assert_int_equal(run_on(&config, in_folder("high"), false, false), BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "data.mel_high 5000"));
    config = tiny_sound_config();
    check(byol_config_set(&config, "encoder.name", "vit", &error));
    config.encoder.patch = 5;
    assert_int_equal(run_on(&config, in_folder("vit"), false, false), BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "do not fill images of 16 x 24"));
}

/* ---- Encoders and baselines ---- */

static void an_encoder_knows_what_to_do_with_sounds(void **state) {
    (void)state;
    byol_config config = tiny_sound_config();
    config.data.frames = 0; /* by the sounds: half a second at most, about 30 frames */
    check(run_on(&config, in_folder("run"), false, false));
    byol_encoder *encoder;
    byol_source *source = tiny_sounds(), *pictures;
    uint8_t pixels[64] = {0};
    check(byol_encoder_load(&encoder, in_folder("run"), 2, &error));
    assert_int_equal(byol_encoder_config(encoder)->data.frames, 24);
    assert_true(byol_encoder_config(encoder)->data.sound_std > 0.5f);
    int dimension = byol_encoder_dimension(encoder, BYOL_LAYER_BACKBONE);
    assert_int_equal(dimension, 64);
    float *vectors = floats((size_t)TINY_SOUNDS * (size_t)dimension);
    check(byol_encoder_embed(encoder, source, BYOL_LAYER_BACKBONE, vectors, NULL, NULL, &error));
    for (int i = 0; i < TINY_SOUNDS * dimension; i++) assert_true(isfinite(vectors[i]));
    check(byol_source_from_memory(&pictures, pixels, NULL, 1, 1, 8, 8, &error));
    assert_int_equal(
        byol_encoder_embed(encoder, pictures, BYOL_LAYER_BACKBONE, vectors, NULL, NULL, &error),
        BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "trained on sounds, but these are images"));
    byol__free(vectors);
    byol_source_free(pictures);
    byol_source_free(source);
    byol_encoder_free(encoder);
}

static double distance(const float *a, const float *b, int dimension) {
    double sum = 0;
    for (int d = 0; d < dimension; d++) sum += pow((double)(a[d] - b[d]), 2);
    return sqrt(sum);
}

/* A low unit and a high one, alone and behind one another. */
static void a_long_sound_is_the_mean_of_its_units(void **state) {
    (void)state;
    enum { UNIT = FRAMES * 80 };
    static float both[2 * UNIT];
    byol_config config = tiny_sound_config();
    const float *const samples[] = {both, both + UNIT, both};
    const size_t lengths[] = {UNIT - 1, UNIT - 1, 2 * UNIT - 1};
    byol_encoder *encoder;
    byol_source *source;
    float vectors[3][64], mean[64];
    for (int i = 0; i < 2 * UNIT; i++) both[i] = 0.4f * sinf((i < UNIT ? 0.25f : 1.5f) * (float)i);
    check(run_on(&config, in_folder("run"), false, false));
    check(byol_encoder_load(&encoder, in_folder("run"), 2, &error));
    check(byol_source_from_waveforms(&source, samples, lengths, TINY_RATE, NULL, 3, &error));
    check(byol_encoder_embed(encoder, source, BYOL_LAYER_BACKBONE, vectors[0], NULL, NULL, &error));
    for (int d = 0; d < 64; d++) mean[d] = (vectors[0][d] + vectors[1][d]) / 2;
    double apart = distance(vectors[0], vectors[1], 64), off = distance(vectors[2], mean, 64);
    if (!(apart > 0.1 && off < 0.25 * apart)) fail_msg("off by %g of %g", off, apart);
    byol_source_free(source);
    byol_encoder_free(encoder);
}

static void sounds_are_described_by_their_bands_and_cepstra(void **state) {
    (void)state;
    byol_config config = tiny_sound_config();
    byol_source *source = tiny_sounds();
    for (int kind = BYOL_SOUND_MELS; kind <= BYOL_SOUND_CEPSTRA; kind++) {
        int dimension = byol_sound_dimension(kind, &config);
        assert_int_equal(dimension, kind == BYOL_SOUND_MELS ? 2 * BANDS : 2 * 60);
        float *one = floats((size_t)TINY_SOUNDS * (size_t)dimension);
        check(byol_sound_describe(source, kind, &config, one, NULL, NULL, &error));
        if (kind == BYOL_SOUND_MELS) { /* a low tone is in the low bands, a high one is not */
            assert_true(one[3] > one[12]);
            assert_true(one[dimension + 3] < one[dimension + 11]);
        }
        byol__free(one);
    }
    byol_source_free(source);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_do_not_depend_on_threads_or_on_where_they_begin),
        cmocka_unit_test(what_is_kept_changes_nothing),
        cmocka_unit_test(each_view_of_a_batch_has_mean_0_and_deviation_1_if_wanted),
        cmocka_unit_test(a_short_sound_stands_in_silence),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_is_replaced_or_left_out, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_resumed_run_ends_as_if_it_had_never_stopped, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(every_encoder_of_pictures_learns_from_sounds, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(what_does_not_go_with_sounds_is_refused_with_words,
                                        make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(an_encoder_knows_what_to_do_with_sounds, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_long_sound_is_the_mean_of_its_units, make_folder,
                                        remove_folder),
        cmocka_unit_test(sounds_are_described_by_their_bands_and_cepstra),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
