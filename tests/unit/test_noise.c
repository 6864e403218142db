/* Rotation, shift, plain random crop, Gaussian noise and cutout: each against slow code in double
 * or plain words, and off unless asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "augment/noise.h"
#include "base/memory.h"
#include "byol/config.h"
#include "byol/views.h"

enum { SIZE = 17, PLANE = SIZE * SIZE, CHANNELS = 3, COUNT = CHANNELS * PLANE };

static uint8_t pixels[COUNT];

static byol_image picture(void) {
    byol__random random = byol__random_stream(6, BYOL__PURPOSE_BENCH, 0, 0, 0);
    for (int i = 0; i < COUNT; i++) pixels[i] = (uint8_t)byol__random_u32(&random);
    return (byol_image){pixels, CHANNELS, SIZE, SIZE, PLANE, SIZE, 1};
}

/* A view that is the picture itself. */
static byol_view_recipe plain(void) {
    byol_view_recipe recipe[BYOL_VIEW_KINDS];
    assert_int_equal(byol_view_preset("small", recipe, NULL), BYOL_OK);
    recipe[0].crop_area_min = recipe[0].crop_area_max = 1;
    recipe[0].crop_aspect_min = recipe[0].crop_aspect_max = 1;
    recipe[0].flip = recipe[0].jitter = recipe[0].grayscale = recipe[0].solarize = 0;
    for (int c = 0; c < 3; c++) recipe[0].mean[c] = 0, recipe[0].std[c] = 1;
    return recipe[0];
}

static void make(const byol_view_recipe *recipe, uint32_t sample, float *dst) {
    byol_image image = picture();
    void *scratch;
    size_t bytes = byol_view_scratch_bytes(CHANNELS, SIZE, SIZE, SIZE);
    assert_int_equal(byol__alloc(&scratch, bytes, 1, "test", NULL), BYOL_OK);
    memset(scratch, 0xff, bytes);
    byol_view_make(recipe, &image, SIZE, 3, 1, sample, 0, dst, scratch);
    byol__free(scratch);
}

static float at(const float *image, int c, int y, int x) {
    return x < 0 || y < 0 || x >= SIZE || y >= SIZE ? 0 : image[c * PLANE + y * SIZE + x];
}

static void nothing_of_it_is_on_unless_asked_for(void **state) {
    (void)state;
    const char *const presets[] = {"byol", "simclr", "small"};
    for (int i = 0; i < 3; i++) {
        byol_view_recipe recipe[BYOL_VIEW_KINDS];
        assert_int_equal(byol_view_preset(presets[i], recipe, NULL), BYOL_OK);
        for (int v = 0; v < 2; v++) {
            byol__noise noise = byol__noise_draw(&recipe[v], SIZE, 1, 2, 3, v);
            assert_true(!byol__noise_moves(&noise) && noise.deviation == 0 && noise.cut_width == 0);
        }
    }
    float found[COUNT];
    byol_view_recipe recipe = plain();
    make(&recipe, 0, found);
    for (int i = 0; i < COUNT; i++) assert_true(fabsf(found[i] - (float)pixels[i] / 255) < 1e-6f);
}

static void a_quarter_turn_is_counter_clockwise_and_exact(void **state) {
    (void)state;
    float before[COUNT], after[COUNT], scratch[PLANE];
    byol_view_recipe recipe = plain();
    make(&recipe, 0, before);
    memcpy(after, before, sizeof after);
    byol__noise noise = {.angle = 1.57079632679f};
    byol__noise_move(&noise, CHANNELS, SIZE, after, scratch);
    for (int c = 0; c < CHANNELS; c++)
        for (int y = 0; y < SIZE; y++)
            for (int x = 0; x < SIZE; x++) /* what was at the right is at the top */
                assert_true(fabsf(at(after, c, y, x) - at(before, c, x, SIZE - 1 - y)) < 1e-5f);
}

/* out(x, y) is the picture at R (x - shift - centre) + centre, by bilinear weights. */
static double slow_move(const float *image, int c, int y, int x, double angle, int right,
                        int down) {
    double centre = (SIZE - 1) / 2.0, u = x - right - centre, v = y - down - centre;
    double from_x = centre + cos(angle) * u - sin(angle) * v,
           from_y = centre + sin(angle) * u + cos(angle) * v;
    double sum = 0;
    for (int j = -1; j <= SIZE; j++)
        for (int i = -1; i <= SIZE; i++) {
            double weight = fmax(0, 1 - fabs(i - from_x)) * fmax(0, 1 - fabs(j - from_y));
            sum += weight * (double)at(image, c, j, i);
        }
    return sum;
}

static void a_turned_and_shifted_picture_agrees_with_the_slow_one(void **state) {
    (void)state;
    float before[COUNT], after[COUNT];
    byol_view_recipe recipe = plain();
    make(&recipe, 0, before);
    recipe.rotate = 180;
    recipe.translate = 0.3f;
    recipe.pad = 2;
    for (uint32_t sample = 0; sample < 12; sample++) {
        byol__noise noise = byol__noise_draw(&recipe, SIZE, 3, 1, sample, 0);
        make(&recipe, sample, after);
        for (int c = 0; c < CHANNELS; c++)
            for (int y = 0; y < SIZE; y++)
                for (int x = 0; x < SIZE; x++)
                    assert_true(fabs((double)at(after, c, y, x) -
                                     slow_move(before, c, y, x, (double)noise.angle, noise.right,
                                               noise.down)) < 2e-5);
    }
}

/* torchvision's RandomCrop(17, padding=2). */
static void a_plain_random_crop_takes_every_place_alike(void **state) {
    (void)state;
    float before[COUNT], after[COUNT];
    byol_view_recipe recipe = plain();
    make(&recipe, 0, before);
    recipe.pad = 2;
    int places[5][5] = {{0}};
    for (uint32_t sample = 0; sample < 5000; sample++) {
        byol__noise noise = byol__noise_draw(&recipe, SIZE, 3, 1, sample, 0);
        assert_true(abs(noise.right) <= 2 && abs(noise.down) <= 2);
        places[noise.down + 2][noise.right + 2]++;
        if (sample >= 20) continue;
        make(&recipe, sample, after);
        for (int c = 0; c < CHANNELS; c++)
            for (int y = 0; y < SIZE; y++)
                for (int x = 0; x < SIZE; x++)
                    assert_true(at(after, c, y, x) ==
                                at(before, c, y - noise.down, x - noise.right));
    }
    for (int i = 0; i < 25; i++) /* of 200 expected, five standard deviations */
        assert_true(abs(places[i / 5][i % 5] - 200) < 70);
}

static void noise_has_the_deviation_that_is_asked_for_in_pixels(void **state) {
    (void)state;
    float before[COUNT], after[COUNT];
    byol_view_recipe recipe = plain();
    recipe.std[0] =
        0.25f; /* normalised pixels, and their noise with them, are four times as large */
    make(&recipe, 0, before);
    recipe.noise = 0.1f;
    double sum[CHANNELS] = {0}, squares[CHANNELS] = {0};
    enum { VIEWS = 40 };
    for (uint32_t sample = 0; sample < VIEWS; sample++) {
        make(&recipe, sample, after);
        for (int i = 0; i < COUNT; i++) {
            double far = (double)(after[i] - before[i]);
            sum[i / PLANE] += far;
            squares[i / PLANE] += far * far;
        }
    }
    for (int c = 0; c < CHANNELS; c++) {
        double count = VIEWS * PLANE, expected = c == 0 ? 0.4 : 0.1;
        assert_true(fabs(sum[c] / count) < 5 * expected / sqrt(count));
        assert_true(fabs(sqrt(squares[c] / count) / expected - 1) < 5 / sqrt(2 * count));
    }
}

static void cutout_fills_a_square_with_the_mean_and_touches_nothing_else(void **state) {
    (void)state;
    float before[COUNT], after[COUNT];
    byol_view_recipe recipe = plain();
    for (int c = 0; c < 3; c++) recipe.mean[c] = 0.4f;
    make(&recipe, 0, before);
    recipe.cutout = 0.5f;
    recipe.cutout_size = 0.4f;
    int cut = 0, whole = 0;
    for (uint32_t sample = 0; sample < 400; sample++) {
        byol__noise noise = byol__noise_draw(&recipe, SIZE, 3, 1, sample, 0);
        cut += noise.cut_width > 0;
        whole += noise.cut_width == 7 && noise.cut_height == 7;
        assert_true(noise.cut_width <= 7 && noise.cut_height <= 7); /* .4 of 17 */
        if (sample >= 30) continue;
        make(&recipe, sample, after);
        for (int c = 0; c < CHANNELS; c++)
            for (int y = 0; y < SIZE; y++)
                for (int x = 0; x < SIZE; x++) {
                    int inside = x >= noise.cut_x && x < noise.cut_x + noise.cut_width &&
                                 y >= noise.cut_y && y < noise.cut_y + noise.cut_height;
                    assert_true(at(after, c, y, x) == (inside ? 0 : at(before, c, y, x)));
                }
    }
    assert_true(abs(cut - 200) < 50);
    assert_true(whole > 30 && whole < cut); /* at the border only a part of it is in the picture */
}

static void each_draw_has_its_own_place_in_the_stream(void **state) {
    (void)state;
    byol_view_recipe recipe = plain();
    recipe.rotate = 30;
    recipe.pad = 3;
    byol__noise some = byol__noise_draw(&recipe, SIZE, 3, 1, 5, 0);
    recipe.translate = 0;
    recipe.cutout = 1;
    recipe.noise = 0.2f;
    byol__noise all = byol__noise_draw(&recipe, SIZE, 3, 1, 5, 0);
    assert_true(some.angle == all.angle && some.right == all.right && some.down == all.down);
    byol__noise other = byol__noise_draw(&recipe, SIZE, 3, 1, 5, 1);
    assert_true(other.angle != all.angle);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_of_it_is_on_unless_asked_for),
        cmocka_unit_test(a_quarter_turn_is_counter_clockwise_and_exact),
        cmocka_unit_test(a_turned_and_shifted_picture_agrees_with_the_slow_one),
        cmocka_unit_test(a_plain_random_crop_takes_every_place_alike),
        cmocka_unit_test(noise_has_the_deviation_that_is_asked_for_in_pixels),
        cmocka_unit_test(cutout_fills_a_square_with_the_mean_and_touches_nothing_else),
        cmocka_unit_test(each_draw_has_its_own_place_in_the_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
