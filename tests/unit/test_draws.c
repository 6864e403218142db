/* What is drawn for a view: crops, probabilities and strengths as the recipe says, and the recipes
 * themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "augment/draws.h"
#include "byol/config.h"
#include "byol/views.h"
#include "recipe.h"

enum { DRAWS = 20000 };

/* Bounds are 5 standard errors wide: a right program fails about once in two million. */
static void has_probability(int hits, double p) {
    double error = sqrt(DRAWS * p * (1 - p));
    if (fabs(hits - DRAWS * p) > 5 * error)
        fail_msg("%d hits of %d, expected %.0f", hits, DRAWS, DRAWS * p);
}

/* Ten equal shares of [low, high] each hold a tenth of the values. */
typedef struct histogram {
    double low, high;
    int counts[10];
} histogram;

static void histogram_add(histogram *h, double value, double slack) {
    assert_true(value >= h->low - slack && value <= h->high + slack);
    int bin = (int)((value - h->low) / (h->high - h->low) * 10);
    h->counts[bin < 0 ? 0 : bin > 9 ? 9 : bin]++;
}

static void is_uniform(const histogram *h) {
    for (int i = 0; i < 10; i++) has_probability(h->counts[i], 0.1);
}

static void crop_area_and_aspect_are_uniform(void **state) {
    (void)state;
    byol_view_recipe recipe = plain_recipe();
    recipe.crop_area_min =
        0.08f; /* to a half, in which every aspect fits: nothing is tried twice */
    recipe.crop_area_max = 0.5f;
    recipe.crop_aspect_min = 3.0f / 4;
    recipe.crop_aspect_max = 4.0f / 3;
    enum { SIDE = 4000 };
    histogram area = {0.08, 0.5, {0}}, aspect = {log(3.0 / 4), log(4.0 / 3), {0}};
    histogram x = {0, 1, {0}}, y = {0, 1, {0}};
    for (uint32_t i = 0; i < DRAWS; i++) {
        byol__draws d = byol__view_draw(&recipe, SIDE, SIDE, 1, 0, i, 0);
        assert_true(d.crop_x >= 0 && d.crop_x + d.crop_width <= SIDE);
        assert_true(d.crop_y >= 0 && d.crop_y + d.crop_height <= SIDE);
        histogram_add(&area, (double)d.crop_width * d.crop_height / SIDE / SIDE, 1e-3);
        histogram_add(&aspect, log((double)d.crop_width / d.crop_height), 1e-3);
        histogram_add(&x, (double)d.crop_x / (SIDE - d.crop_width), 0);
        histogram_add(&y, (double)d.crop_y / (SIDE - d.crop_height), 0);
    }
    is_uniform(&area);
    is_uniform(&aspect);
    is_uniform(&x);
    is_uniform(&y);
}

static void every_place_of_a_small_crop_is_taken(void **state) {
    (void)state;
    byol_view_recipe recipe = plain_recipe();
    recipe.crop_area_min = recipe.crop_area_max = 0.25f;
    int seen[3] = {0};
    for (uint32_t i = 0; i < DRAWS; i++) {
        byol__draws d = byol__view_draw(&recipe, 4, 4, 1, 0, i, 0);
        assert_int_equal(d.crop_width, 2);
        seen[d.crop_x]++;
    }
    for (int i = 0; i < 3; i++) has_probability(seen[i], 1.0 / 3);
}

static void a_crop_that_does_not_fit_is_tried_ten_times(void **state) {
    (void)state;
    byol_view_recipe recipe = plain_recipe();
    recipe.crop_area_min = recipe.crop_area_max = 0.9f; /* fits for aspects .9 .. 1 / .9 */
    recipe.crop_aspect_min = 3.0f / 4;
    recipe.crop_aspect_max = 4.0f / 3;
    int whole = 0;
    for (uint32_t i = 0; i < DRAWS; i++)
        whole += byol__view_draw(&recipe, 10000, 10000, 1, 0, i, 0).crop_width == 10000;
    has_probability(whole, pow(1 - log(0.9) / log(0.75), 10));
}

static void an_image_no_crop_fits_gives_its_centre(void **state) {
    (void)state;
    byol_view_recipe recipe = plain_recipe();
    recipe.crop_aspect_min = 3.0f / 4;
    recipe.crop_aspect_max = 4.0f / 3;
    byol__draws wide = byol__view_draw(&recipe, 30, 100, 1, 0, 0, 0);
    assert_int_equal(wide.crop_height, 30);
    assert_int_equal(wide.crop_width, 40);
    assert_int_equal(wide.crop_x, 30);
    assert_int_equal(wide.crop_y, 0);
    byol__draws tall = byol__view_draw(&recipe, 100, 30, 1, 0, 0, 0);
    assert_int_equal(tall.crop_width, 30);
    assert_int_equal(tall.crop_height, 40);
    assert_int_equal(tall.crop_x, 0);
    assert_int_equal(tall.crop_y, 30);
    byol__draws dot = byol__view_draw(&recipe, 1, 1, 1, 0, 0, 0);
    assert_int_equal(dot.crop_width, 1);
    assert_int_equal(dot.crop_height, 1);
}

static void every_crop_lies_in_its_image(void **state) {
    (void)state;
    byol_view_recipe recipe[BYOL_VIEW_KINDS];
    assert_int_equal(byol_view_preset("byol", recipe, NULL), BYOL_OK);
    for (uint32_t i = 0; i < DRAWS; i++) {
        int height = 1 + (int)(i % 37), width = 1 + (int)(i % 29);
        byol__draws d = byol__view_draw(&recipe[0], height, width, 1, 0, i, 0);
        assert_true(d.crop_width >= 1 && d.crop_height >= 1 && d.crop_x >= 0 && d.crop_y >= 0);
        assert_true(d.crop_x + d.crop_width <= width && d.crop_y + d.crop_height <= height);
    }
}

static void steps_happen_as_often_as_the_recipe_says(void **state) {
    (void)state;
    byol_view_recipe recipe[BYOL_VIEW_KINDS];
    assert_int_equal(byol_view_preset("byol", recipe, NULL), BYOL_OK);
    for (int view = 0; view < 2; view++) {
        int flip = 0, jitter = 0, gray = 0, blur = 0, solarize = 0, orders[256] = {0};
        histogram brightness = {0.6, 1.4, {0}}, contrast = {0.6, 1.4, {0}},
                  saturation = {0.8, 1.2, {0}};
        histogram hue = {-0.1, 0.1, {0}}, sigma = {0.1, 2, {0}};
        for (uint32_t i = 0; i < DRAWS; i++) {
            byol__draws d = byol__view_draw(&recipe[view], 32, 32, 1, 0, i, view);
            flip += d.flip;
            jitter += d.jitter;
            gray += d.grayscale;
            blur += d.blur;
            solarize += d.solarize;
            orders[d.order[0] << 6 | d.order[1] << 4 | d.order[2] << 2 | d.order[3]]++;
            histogram_add(&brightness, (double)d.brightness, 1e-6);
            histogram_add(&contrast, (double)d.contrast, 1e-6);
            histogram_add(&saturation, (double)d.saturation, 1e-6);
            histogram_add(&hue, (double)d.hue, 1e-6);
            histogram_add(&sigma, (double)d.blur_sigma, 1e-6);
        }
        has_probability(flip, 0.5);
        has_probability(jitter, 0.8);
        has_probability(gray, 0.2);
        has_probability(blur, view == 0 ? 1 : 0.1);
        has_probability(solarize, view == 0 ? 0 : 0.2);
        is_uniform(&brightness);
        is_uniform(&contrast);
        is_uniform(&saturation);
        is_uniform(&hue);
        is_uniform(&sigma);
        int different = 0;
        for (int code = 0; code < 256; code++) {
            if (orders[code] == 0) continue;
            unsigned members = 1u << (code >> 6) | 1u << (code >> 4 & 3) | 1u << (code >> 2 & 3) |
                               1u << (code & 3);
            assert_int_equal(members, 15); /* each of the four once */
            has_probability(orders[code], 1.0 / 24);
            different++;
        }
        assert_int_equal(different, 24);
    }
}

static void a_strength_above_one_never_makes_a_factor_negative(void **state) {
    (void)state;
    byol_view_recipe recipe = plain_recipe();
    recipe.brightness = 1.5f;
    histogram brightness = {0, 2.5, {0}};
    for (uint32_t i = 0; i < DRAWS; i++)
        histogram_add(&brightness, (double)byol__view_draw(&recipe, 8, 8, 1, 0, i, 0).brightness,
                      0);
    is_uniform(&brightness);
}

static void one_probability_changes_no_other_draw(void **state) {
    (void)state;
    byol_view_recipe recipe[BYOL_VIEW_KINDS];
    assert_int_equal(byol_view_preset("byol", recipe, NULL), BYOL_OK);
    for (uint32_t i = 0; i < 200; i++) {
        byol__draws before = byol__view_draw(&recipe[0], 32, 32, 1, 0, i, 0);
        byol_view_recipe changed = recipe[0];
        changed.flip = changed.jitter = changed.grayscale = changed.blur = 0;
        changed.solarize = 1;
        byol__draws after = byol__view_draw(&changed, 32, 32, 1, 0, i, 0);
        assert_true(!after.flip && !after.jitter && !after.grayscale && !after.blur &&
                    after.solarize);
        after.flip = before.flip;
        after.jitter = before.jitter;
        after.grayscale = before.grayscale;
        after.blur = before.blur;
        after.solarize = before.solarize;
        assert_memory_equal(&before, &after, sizeof before); /* the struct has no padding */
    }
}

static void presets_are_the_reference(void **state) {
    (void)state;
    byol_view_recipe r[BYOL_VIEW_KINDS];
    byol_error error = {0};
    assert_int_equal(byol_view_preset("byol", r, &error), BYOL_OK);
    for (int v = 0; v < 2; v++) {
        assert_true(r[v].crop_area_min == 0.08f && r[v].crop_area_max == 1);
        assert_true(r[v].crop_aspect_min == 0.75f && r[v].crop_aspect_max == 4.0f / 3);
        assert_true(r[v].flip == 0.5f && r[v].jitter == 0.8f && r[v].grayscale == 0.2f);
        assert_true(r[v].brightness == 0.4f && r[v].contrast == 0.4f && r[v].saturation == 0.2f &&
                    r[v].hue == 0.1f);
        assert_true(r[v].blur_sigma_min == 0.1f && r[v].blur_sigma_max == 2 &&
                    r[v].solarize_threshold == 0.5f);
    }
    assert_true(r[0].blur == 1 && r[1].blur == 0.1f && r[0].solarize == 0 && r[1].solarize == 0.2f);
    assert_true(r[0].mean[0] == 0.485f && r[1].std[2] == 0.225f);
    assert_int_equal(byol_view_preset("small", r, &error), BYOL_OK);
    assert_true(r[0].blur == 0 && r[1].blur == 0 && r[0].solarize == 0 && r[1].solarize == 0.2f);
    assert_true(r[0].jitter == 0.8f && r[0].saturation == 0.2f && r[1].mean[0] == 0.4914f);
    assert_int_equal(byol_view_preset("simclr", r, &error), BYOL_OK);
    assert_memory_equal(&r[0], &r[1], sizeof r[0]);
    assert_true(r[0].blur == 0.5f && r[0].solarize == 0 && r[0].brightness == 0.8f &&
                r[0].hue == 0.2f);
    assert_string_equal(error.text, "");
    assert_int_equal(byol_view_preset("smal", r, &error), BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "smal"));
    assert_non_null(strstr(error.text, "byol, simclr or small"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crop_area_and_aspect_are_uniform),
        cmocka_unit_test(every_place_of_a_small_crop_is_taken),
        cmocka_unit_test(a_crop_that_does_not_fit_is_tried_ten_times),
        cmocka_unit_test(an_image_no_crop_fits_gives_its_centre),
        cmocka_unit_test(every_crop_lies_in_its_image),
        cmocka_unit_test(steps_happen_as_often_as_the_recipe_says),
        cmocka_unit_test(a_strength_above_one_never_makes_a_factor_negative),
        cmocka_unit_test(one_probability_changes_no_other_draw),
        cmocka_unit_test(presets_are_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
