/* Log-mel spectrograms and resampled waveforms are librosa's (make_sound_golden.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "floats.h"
#include "sound/mel.h"
#include "sound/sound_file.h"
#include "state/safetensors.h"

static byol__safetensors *file;

static byol__tensor tensor_of(const char *format, const char *front, const char *back) {
    char name[128];
    snprintf(name, sizeof name, format, front, back);
    for (size_t i = 0; i < byol__safetensors_count(file); i++) {
        byol__tensor tensor;
        check(byol__safetensors_tensor(file, i, &tensor, &error));
        if (strcmp(tensor.name, name) == 0) return tensor;
    }
    fail_msg("there is no %s", name);
    return (byol__tensor){0};
}

static float number(const char *of, const char *key) { return tensor_of("%s/%s", of, key).data[0]; }

static byol__mel *mel_of_case(const char *name) {
    const byol__mel_options options = {.rate = (int)number(name, "rate"),
                                       .window = (int)number(name, "window"),
                                       .hop = (int)number(name, "hop"),
                                       .bands = (int)number(name, "bands"),
                                       .low = number(name, "low"),
                                       .high = number(name, "high")};
    byol__mel *mel;
    check(byol__mel_create(&mel, &options, &error));
    return mel;
}

/* Frames first .. first + frames - 1 of a case. */
static void assert_frames(const byol__mel *mel, const char *name, size_t first, size_t frames) {
    byol__tensor waveform = tensor_of("%s/%s", name, "waveform"),
                 wanted = tensor_of("%s/%s", name, "logmel");
    size_t bands = (size_t)wanted.dims[0], all = (size_t)wanted.dims[1],
           samples = (size_t)waveform.dims[0];
    assert_int_equal(byol__mel_frames(mel, samples), all);
    float *made = floats(bands * frames);
    byol__mel_scratch scratch = {0};
    byol__mel_span span = byol__mel_span_of(mel, (ptrdiff_t)first, frames);
    size_t have = samples - span.begin < span.count ? samples - span.begin : span.count;
    check(byol__mel_run(mel, &scratch, &span, waveform.data + span.begin, have, frames, made,
                        frames, &error));
    for (size_t b = 0; b < bands; b++)
        for (size_t t = 0; t < frames; t++) {
            double is = (double)made[b * frames + t],
                   was = (double)wanted.data[b * all + first + t];
            if (!(fabs(is - was) <= 1e-4))
                fail_msg("%s: band %zu of frame %zu is %.6f, not %.6f", name, b, first + t, is,
                         was);
        }
    byol__mel_scratch_release(&scratch);
    byol__free(made);
}

static const char *const cases[] = {"speech", "telephone", "wide", "short"};

static void log_mels_are_those_of_librosa(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) {
        byol__mel *mel = mel_of_case(cases[i]);
        size_t samples = (size_t)tensor_of("%s/%s", cases[i], "waveform").dims[0];
        assert_frames(mel, cases[i], 0, byol__mel_frames(mel, samples));
        byol__mel_free(mel);
    }
}

static void a_part_has_the_frames_of_the_whole(void **state) {
    (void)state;
    byol__mel *mel = mel_of_case("speech");
    assert_frames(mel, "speech", 3, 5);
    assert_frames(mel, "speech", 20, 16);
    byol__mel_free(mel);
}

static void impossible_bands_are_refused_with_words(void **state) {
    (void)state;
    byol__mel *mel = NULL;
    byol__mel_options options = {
        .rate = 16000, .window = 256, .hop = 160, .bands = 128, .low = 0, .high = 8000};
    assert_int_equal(byol__mel_create(&mel, &options, &error), BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "data.mels"));
    options = (byol__mel_options){
        .rate = 8000, .window = 1024, .hop = 160, .bands = 64, .low = 60, .high = 7800};
    assert_int_equal(byol__mel_create(&mel, &options, &error), BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "data.mel_high 7800"));
    assert_null(mel);
}

/* Two band-limited filters agree where the signal is within both. */
static void resampled_waveforms_are_those_of_librosa(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int from, to;
    } rates[] = {
        {"8000-16000", 8000, 16000}, {"44100-16000", 44100, 16000}, {"16000-22050", 16000, 22050}};
    for (int i = 0; i < 3; i++) {
        byol__tensor from = tensor_of("resample/%s/%s", rates[i].name, "waveform"),
                     to = tensor_of("resample/%s/%s", rates[i].name, "resampled");
        size_t count = (size_t)from.dims[0],
               made = (size_t)byol__resampled_count(count, rates[i].from, rates[i].to);
        float *own = floats(made);
        assert_int_equal(made, to.dims[0]);
        check(byol__resample(from.data, count, rates[i].from, rates[i].to, own, &error));
        for (size_t k = 0; k < made; k++)
            if (!(fabs((double)own[k] - (double)to.data[k]) <= 1e-4))
                fail_msg("%s: sample %zu is %.6f, not %.6f", rates[i].name, k, (double)own[k],
                         (double)to.data[k]);
        byol__free(own);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_mels_are_those_of_librosa),
        cmocka_unit_test(a_part_has_the_frames_of_the_whole),
        cmocka_unit_test(impossible_bands_are_refused_with_words),
        cmocka_unit_test(resampled_waveforms_are_those_of_librosa),
    };
    check(byol__safetensors_open(&file, TEST_FOLDER "/golden/sound.safetensors", &error));
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    byol__safetensors_close(file);
    return failed;
}
