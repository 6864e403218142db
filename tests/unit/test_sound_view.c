/* Views of sounds: another one in the background, a crop, a fader, noise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "augment/sound_view.h"
#include "floats.h"

enum { BANDS = 12, FRAMES = 20, ALL = BANDS * FRAMES };

static const byol_sound_recipe plain = {.stretch_min = 1, .stretch_max = 1, .canvas = 1};

static void make(const byol_sound_recipe *recipe, const float *x, uint32_t sample, float *dst) {
    float scratch[ALL];
    byol__random random = byol__random_stream(3, BYOL__PURPOSE_VIEW, 0, sample, 0),
                 noise = byol__random_stream(3, BYOL__PURPOSE_NOISE, 0, sample, 0);
    byol__sound_view(recipe, BANDS, FRAMES, x, &random, &noise, scratch, dst);
}

static void a_recipe_of_nothing_changes_nothing(void **state) {
    (void)state;
    float *x = random_floats(ALL, 1, 0), dst[ALL];
    make(&plain, x, 0, dst);
    for (int i = 0; i < ALL; i++) assert_true(fabsf(dst[i] - x[i]) < 1e-6f);
    byol__free(x);
}

static void a_mix_adds_energies_not_logarithms(void **state) {
    (void)state;
    float x[3] = {0, 1, -2}, other[3] = {2, 1, -8};
    byol__sound_mix_in(x, other, 3, 0.25f);
    const double from[3] = {0, 1, -2};
    for (int i = 0; i < 3; i++)
        assert_true(fabs((double)x[i] - log(0.75 * exp(from[i]) + 0.25 * exp((double)other[i]))) <
                    1e-6);
}

static void the_background_is_any_other_sample_and_at_most_the_share(void **state) {
    (void)state;
    byol_sound_recipe recipe = plain;
    int seen[5] = {0};
    float largest = 0;
    recipe.mixup = 0.4f;
    for (uint32_t i = 0; i < 2000; i++) {
        byol__random random = byol__random_stream(1, BYOL__PURPOSE_VIEW, 0, i, 0);
        byol__sound_mix mix = byol__sound_mix_draw(&recipe, 2, 5, &random);
        assert_true(mix.other < 5 && mix.other != 2);
        assert_true(mix.share >= 0 && mix.share < 0.4f && mix.place >= 0 && mix.place < 1);
        seen[mix.other]++;
        largest = fmaxf(largest, mix.share);
    }
    for (int i = 0; i < 5; i++) assert_true(i == 2 ? seen[i] == 0 : seen[i] > 400);
    assert_true(largest > 0.39f);
}

/* The kernel by its definition, in double and in two dimensions at once. */
static double kernel(double x) {
    x = fabs(x);
    return x < 1   ? 1.5 * x * x * x - 2.5 * x * x + 1
           : x < 2 ? -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2
                   : 0;
}

static double weight(int i, int k, int in, int out) {
    double scale = (double)in / out, wide = fmax(scale, 1), sum = 0;
    for (int j = 0; j < in; j++) sum += kernel((j + 0.5 - (i + 0.5) * scale) / wide);
    return kernel((k + 0.5 - (i + 0.5) * scale) / wide) / sum;
}

/* Value (b, t) of the crop at (top, left) of height x width, resized. */
static double cropped(const float *x, int top, int left, int height, int width, int b, int t) {
    double sum = 0;
    for (int j = 0; j < height; j++)
        for (int k = 0; k < width; k++) {
            int row = top + j, column = left + k;
            if (column < 0 || column >= FRAMES) continue;
            sum += weight(b, j, height, BANDS) * weight(t, k, width, FRAMES) *
                   (double)x[row * FRAMES + column];
        }
    return sum;
}

static int is_crop(const float *x, const float *dst, int top, int left, int height, int width) {
    for (int b = 0; b < BANDS; b++)
        for (int t = 0; t < FRAMES; t++)
            if (fabs((double)dst[b * FRAMES + t] - cropped(x, top, left, height, width, b, t)) >
                1e-5)
                return 0;
    return 1;
}

/* At one place of all that are possible, and not always the same. */
static void assert_crops(float stretch, float canvas, int height, int width) {
    byol_sound_recipe recipe = plain;
    float *x = random_floats(ALL, 2, 0), dst[ALL];
    int margin = (int)((canvas - 1) * FRAMES) / 2, places = 0, last = -1;
    recipe.stretch_min = recipe.stretch_max = stretch;
    recipe.canvas = canvas;
    for (uint32_t sample = 0; sample < 6; sample++) {
        int found = 0, place = 0;
        make(&recipe, x, sample, dst);
        for (int top = 0; top + height <= BANDS; top++)
            for (int left = -margin; left + width <= FRAMES + margin; left++, place++)
                if (is_crop(x, dst, top, left, height, width)) {
                    found++;
                    places += place != last;
                    last = place;
                }
        assert_int_equal(found, 1);
    }
    assert_true(places > 1);
    byol__free(x);
}

static void a_crop_is_resized_to_the_whole(void **state) {
    (void)state;
    assert_crops(0.5f, 1, BANDS / 2, FRAMES / 2);
    assert_crops(0.75f, 1.5f, BANDS * 3 / 4, FRAMES * 3 / 4);
}

/* Wider than the spectrogram: zeros come in, and nothing is higher than it. */
static void a_crop_may_be_wider_than_the_sound(void **state) {
    (void)state;
    assert_crops(1.25f, 1.5f, BANDS, FRAMES * 5 / 4);
}

static void a_fader_adds_a_line_over_time(void **state) {
    (void)state;
    byol_sound_recipe recipe = plain;
    float *x = random_floats(ALL, 4, 0), dst[ALL], begins[2], step;
    recipe.fade = 0.7f;
    for (uint32_t sample = 0; sample < 2; sample++) {
        make(&recipe, x, sample, dst);
        begins[sample] = dst[0] - x[0];
        step = (dst[FRAMES - 1] - x[FRAMES - 1] - begins[sample]) / (FRAMES - 1);
        assert_true(fabsf(begins[sample]) <= 0.7f && fabsf(step * (FRAMES - 1)) <= 1.4f);
        for (int i = 0; i < ALL; i++)
            assert_true(fabsf(dst[i] - x[i] - begins[sample] - step * (float)(i % FRAMES)) < 1e-5f);
    }
    assert_true(begins[0] != begins[1]);
    byol__free(x);
}

static void noise_has_its_deviation_and_leaves_other_draws_alone(void **state) {
    (void)state;
    byol_sound_recipe recipe = {
        .stretch_min = 0.6f, .stretch_max = 1.5f, .canvas = 1.5f, .fade = 1};
    float *x = random_floats(ALL, 5, 0), clean[ALL], noisy[ALL];
    double sum = 0;
    for (uint32_t sample = 0; sample < 20; sample++) {
        recipe.hiss = 0;
        make(&recipe, x, sample, clean);
        recipe.hiss = 0.3f;
        make(&recipe, x, sample, noisy);
        for (int i = 0; i < ALL; i++) sum += pow((double)(noisy[i] - clean[i]), 2);
    }
    assert_true(fabs(sqrt(sum / (20 * ALL)) - 0.3) < 0.01);
    byol__free(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recipe_of_nothing_changes_nothing),
        cmocka_unit_test(a_mix_adds_energies_not_logarithms),
        cmocka_unit_test(the_background_is_any_other_sample_and_at_most_the_share),
        cmocka_unit_test(a_crop_is_resized_to_the_whole),
        cmocka_unit_test(a_crop_may_be_wider_than_the_sound),
        cmocka_unit_test(a_fader_adds_a_line_over_time),
        cmocka_unit_test(noise_has_its_deviation_and_leaves_other_draws_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
