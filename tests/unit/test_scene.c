/* Windows: a picture, its mask and its boxes are moved together, seen by rendering them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "floats.h"
#include "tasks/scene.h"

enum { HIGH = 60, WIDE = 90, BLOCK = 15, CLASSES = 6, IGNORE = 255, GREY = 40 };

static const byol__frame frame = {
    .channels = 1, .height = 48, .width = 64, .mean = {0.25f}, .std = {0.5f}};
enum { FRAME = 48 * 64 };

static uint8_t mask[HIGH * WIDE], pixels[HIGH * WIDE];

/* Blocks of classes; the picture shows each class in a grey of its own. */
static byol_image draw_blocks(void) {
    for (int i = 0; i < HIGH * WIDE; i++) {
        int row = i / WIDE / BLOCK, column = i % WIDE / BLOCK;
        mask[i] = (uint8_t)((row * 5 + column * 3 + row * column) % CLASSES);
        pixels[i] = (uint8_t)(GREY * mask[i] + 20);
    }
    return (byol_image){pixels, 1, HIGH, WIDE, HIGH * WIDE, WIDE, 1};
}

/* Is the mask the same within two pixels? Near an edge the picture's greys are mixed. */
static bool is_inside(const uint8_t *shown, int y, int x) {
    for (int v = y - 2; v <= y + 2; v++)
        for (int u = x - 2; u <= x + 2; u++)
            if (v < 0 || u < 0 || v >= frame.height || u >= frame.width ||
                shown[v * frame.width + u] != shown[y * frame.width + x])
                return false;
    return true;
}

/* Returns how many pixels were compared. */
static int compare(const byol__window *w, const byol_image *image) {
    static float picture[FRAME];
    static uint8_t shown[FRAME];
    int compared = 0;
    check(byol__window_picture(&frame, w, image, picture, &error));
    byol__window_mask(&frame, w, mask, WIDE, IGNORE, shown);
    for (int i = 0; i < FRAME; i++) {
        int y = i / frame.width, x = i % frame.width;
        float grey = 255 * (picture[i] * frame.std[0] + frame.mean[0]);
        bool outside = y >= w->shown_height || x >= w->shown_width;
        assert_int_equal(shown[i] == IGNORE, outside);
        if (outside) assert_true(fabs((double)grey) < 1e-3);
        if (outside || !is_inside(shown, y, x)) continue;
        if (fabs((double)grey - (GREY * shown[i] + 20)) > 3)
            fail_msg("(%d, %d): grey %.1f where the mask says %d", x, y, (double)grey, shown[i]);
        compared++;
    }
    return compared;
}

static void a_picture_and_its_mask_are_moved_together(void **state) {
    (void)state;
    byol_image image = draw_blocks();
    int flips = 0, cut = 0;
    for (uint32_t sample = 0; sample < 60; sample++) {
        byol__window w =
            byol__window_draw(&frame, HIGH, WIDE, &(byol__scene_draws){0.2f, 0, 3}, 1, sample);
        assert_true(w.x >= 0 && w.y >= 0 && w.x + w.width <= WIDE && w.y + w.height <= HIGH);
        if (compare(&w, &image) < 200) fail_msg("window %u compares nothing", sample);
        flips += w.flip;
        cut += w.width < WIDE && w.height < HIGH;
    }
    assert_true(flips > 15 && flips < 45 && cut > 30);
    byol__window whole = byol__window_whole(&frame, HIGH, WIDE);
    assert_int_equal(whole.shown_width, 64);
    assert_int_equal(whole.shown_height, 43);
    assert_true(compare(&whole, &image) > 500);
}

/* The bounds of what is bright. */
static byol__box bounds_of(const float *picture) {
    byol__box b = {1e9f, 1e9f, 0, 0};
    for (int i = 0; i < FRAME; i++) {
        float x = (float)(i % frame.width), y = (float)(i / frame.width);
        if (picture[i] * frame.std[0] + frame.mean[0] < 0.5f) continue;
        b.x0 = fminf(b.x0, x);
        b.y0 = fminf(b.y0, y);
        b.x1 = fmaxf(b.x1, x + 1);
        b.y1 = fmaxf(b.y1, y + 1);
    }
    return b;
}

static void assert_same(byol__box a, byol__box b, float tolerance) {
    if (fabsf(a.x0 - b.x0) > tolerance || fabsf(a.x1 - b.x1) > tolerance ||
        fabsf(a.y0 - b.y0) > tolerance || fabsf(a.y1 - b.y1) > tolerance)
        fail_msg("%.1f %.1f %.1f %.1f and %.1f %.1f %.1f %.1f", (double)a.x0, (double)a.y0,
                 (double)a.x1, (double)a.y1, (double)b.x0, (double)b.y0, (double)b.x1,
                 (double)b.y1);
}

static void a_picture_and_its_boxes_are_moved_together(void **state) {
    (void)state;
    static float picture[FRAME];
    const byol__box box = {31, 17, 52, 40};
    int kept = 0, lost = 0;
    for (int i = 0; i < HIGH * WIDE; i++) {
        int x = i % WIDE, y = i / WIDE;
        pixels[i] = x >= 31 && x < 52 && y >= 17 && y < 40 ? 255 : 0;
    }
    const byol_image image = {pixels, 1, HIGH, WIDE, HIGH * WIDE, WIDE, 1};
    for (uint32_t sample = 0; sample < 400; sample++) {
        byol__window w =
            byol__window_draw(&frame, HIGH, WIDE, &(byol__scene_draws){0.1f, 0, 4}, 2, sample);
        byol__box shown, back;
        check(byol__window_picture(&frame, &w, &image, picture, &error));
        if (!byol__window_box(&w, box, &shown)) {
            lost++;
            continue;
        }
        assert_same(shown, bounds_of(picture), 1.1f);
        back = byol__window_box_back(&w, shown, HIGH, WIDE);
        bool whole = w.x <= 31 && w.y <= 17 && w.x + w.width >= 52 && w.y + w.height >= 40;
        if (whole) assert_same(back, box, 1e-3f);
        kept += whole;
    }
    assert_true(kept > 10 && lost > 10);
}

/* The same window in other colours: each pixel as the formula says. */
static void colours_change_and_nothing_else(void **state) {
    (void)state;
    static float plain[FRAME], coloured[FRAME];
    byol_image image = draw_blocks();
    const byol__scene_draws without = {0.5f, 0, 3}, with = {0.5f, 0.3f, 3};
    for (uint32_t sample = 0; sample < 20; sample++) {
        byol__window a = byol__window_draw(&frame, HIGH, WIDE, &without, 1, sample),
                     b = byol__window_draw(&frame, HIGH, WIDE, &with, 1, sample);
        assert_true(a.x == b.x && a.y == b.y && a.width == b.width && a.flip == b.flip);
        assert_true(a.gain[0] == 0 && a.offset == 0 && b.gain[0] != 0);
        assert_true(fabsf(b.gain[0]) <= 1.3f * 1.3f * 1.15f - 1 + 1e-6f);
        check(byol__window_picture(&frame, &a, &image, plain, &error));
        check(byol__window_picture(&frame, &b, &image, coloured, &error));
        for (int i = 0; i < FRAME; i++) {
            if (i / frame.width >= a.shown_height || i % frame.width >= a.shown_width) continue;
            float grey = plain[i] * frame.std[0] + frame.mean[0],
                  found = coloured[i] * frame.std[0] + frame.mean[0];
            assert_true(fabsf(found - (grey * (1 + b.gain[0]) + b.offset)) < 1e-4f);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_picture_and_its_mask_are_moved_together),
        cmocka_unit_test(a_picture_and_its_boxes_are_moved_together),
        cmocka_unit_test(colours_change_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
