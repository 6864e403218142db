/* The contact sheet: what stands where on it, held against the images and views themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <spng.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "base/philox.h"
#include "byol/sheet.h"
#include "byol/views.h"

enum { EDGE = 16, FIRST_GAP = 6, GAP = 2, BACKGROUND = 228 };

typedef struct page {
    byol_sheet_info info;
    int channels;
    uint8_t *pixels; /* (height, width, channels) */
} page;

static void read_png(page *p, const char *path) {
    char *file;
    size_t length, bytes;
    struct spng_ihdr header;
    assert_int_equal(byol__read_file(path, &file, &length, NULL), BYOL_OK);
    spng_ctx *context = spng_ctx_new(0);
    assert_int_equal(spng_set_png_buffer(context, file, length), 0);
    assert_int_equal(spng_get_ihdr(context, &header), 0);
    assert_int_equal(header.width, p->info.width);
    assert_int_equal(header.height, p->info.height);
    p->channels = header.color_type == SPNG_COLOR_TYPE_GRAYSCALE ? 1 : 3;
    assert_int_equal(spng_decoded_image_size(context, SPNG_FMT_PNG, &bytes), 0);
    assert_int_equal(bytes, (size_t)header.width * header.height * p->channels);
    assert_int_equal(byol__alloc(&p->pixels, bytes, 1, "page", NULL), BYOL_OK);
    assert_int_equal(spng_decode_image(context, p->pixels, bytes, SPNG_FMT_PNG, 0), 0);
    spng_ctx_free(context);
    byol__free(file);
}

static page write_and_read(const byol_config *config, const byol_source *source, int count) {
    char path[] = "sheet-XXXXXX";
    close(mkstemp(path));
    page p = {0};
    byol_error error = {0};
    byol_status status = byol_sheet_write(path, config, source, count, NULL, NULL, &p.info, &error);
    if (status != BYOL_OK) fail_msg("%s", error.text);
    read_png(&p, path);
    unlink(path);
    return p;
}

static const uint8_t *at(const page *p, int x, int y) {
    return p->pixels + ((size_t)y * p->info.width + x) * p->channels;
}

static uint8_t *noise(size_t count) {
    uint8_t *pixels;
    assert_int_equal(byol__alloc(&pixels, count, 1, "noise", NULL), BYOL_OK);
    byol__random random = byol__random_stream(1, BYOL__PURPOSE_BENCH, 0, 0, 0);
    for (size_t i = 0; i < count; i++) pixels[i] = (uint8_t)byol__random_below(&random, 256);
    return pixels;
}

static byol_config some_config(int image_size) {
    byol_config config;
    byol_config_init(&config);
    byol_config_set(&config, "recipe", "byol", NULL);
    config.data.image_size = image_size;
    config.train.seed = 5;
    return config;
}

static void an_image_stands_before_its_two_views(void **state) {
    (void)state;
    enum { SIDE = 40, PLANE = SIDE * SIDE, LARGE = 3 * SIDE };
    uint8_t *pixels = noise(3 * PLANE);
    byol_config config = some_config(SIDE);
    byol_source *source;
    assert_int_equal(byol_source_from_memory(&source, pixels, NULL, 1, 3, SIDE, SIDE, NULL),
                     BYOL_OK);
    page p = write_and_read(&config, source, 24);
    assert_int_equal(p.info.images, 1);
    assert_int_equal(p.info.view_size, SIDE);
    assert_int_equal(p.info.magnified, 3);
    assert_int_equal(p.info.width, 2 * EDGE + 3 * LARGE + FIRST_GAP + GAP);
    assert_int_equal(p.info.height, 2 * EDGE + LARGE);
    for (int y = 0; y < LARGE; y++)
        for (int x = 0; x < LARGE; x++)
            for (int c = 0; c < 3; c++)
                assert_int_equal(at(&p, EDGE + x, EDGE + y)[c],
                                 pixels[c * PLANE + y / 3 * SIDE + x / 3]);
    byol_image image = {pixels, 3, SIDE, SIDE, PLANE, SIDE, 1};
    float *view;
    void *scratch;
    assert_int_equal(byol__alloc(&view, 3 * PLANE, sizeof *view, "view", NULL), BYOL_OK);
    assert_int_equal(
        byol__alloc(&scratch, byol_view_scratch_bytes(3, SIDE, SIDE, SIDE), 1, "view", NULL),
        BYOL_OK);
    for (int v = 0; v < 2; v++) {
        const byol_view_recipe *recipe = &config.views.view[v];
        byol_view_make(recipe, &image, SIDE, 5, 0, 0, v, view, scratch);
        int left = EDGE + LARGE + FIRST_GAP + v * (LARGE + GAP);
        for (int y = 0; y < LARGE; y++)
            for (int x = 0; x < LARGE; x++)
                for (int c = 0; c < 3; c++) {
                    float value =
                        view[c * PLANE + y / 3 * SIDE + x / 3] * recipe->std[c] + recipe->mean[c];
                    assert_true(fabsf((float)at(&p, left + x, EDGE + y)[c] - 255 * value) < 0.501f);
                }
        assert_int_equal(at(&p, left - 1, EDGE)[0], BACKGROUND);
    }
    byol__free(scratch);
    byol__free(view);
    byol__free(p.pixels);
    byol_source_free(source);
    byol__free(pixels);
}

static void a_wide_image_is_shown_whole(void **state) {
    (void)state;
    enum { HEIGHT = 50, WIDTH = 100, SIDE = 100 };
    uint8_t *pixels = noise(HEIGHT * WIDTH);
    byol_config config = some_config(SIDE);
    byol_source *source;
    assert_int_equal(byol_source_from_memory(&source, pixels, NULL, 1, 1, HEIGHT, WIDTH, NULL),
                     BYOL_OK);
    page p = write_and_read(&config, source, 1);
    assert_int_equal(p.info.magnified, 1);
    assert_int_equal(p.channels, 1);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            int row = y - (SIDE - HEIGHT) / 2;
            int expected = row >= 0 && row < HEIGHT ? pixels[row * WIDTH + x] : BACKGROUND;
            assert_int_equal(at(&p, EDGE + x, EDGE + y)[0], expected);
        }
    byol__free(p.pixels);
    byol_source_free(source);
    byol__free(pixels);
}

/* Image i is all i: which were taken shows in their gray. */
static void images_are_spread_over_the_source(void **state) {
    (void)state;
    enum { COUNT = 200, SIDE = 96 };
    uint8_t *pixels = noise(COUNT * SIDE * SIDE);
    for (int i = 0; i < COUNT; i++) memset(pixels + i * SIDE * SIDE, i, SIDE * SIDE);
    byol_config config = some_config(SIDE);
    byol_source *source;
    assert_int_equal(byol_source_from_memory(&source, pixels, NULL, COUNT, 1, SIDE, SIDE, NULL),
                     BYOL_OK);
    page p = write_and_read(&config, source, 4);
    assert_int_equal(p.info.images, 4);
    int group = 3 * SIDE + FIRST_GAP + GAP + EDGE, columns = (p.info.width - EDGE) / group;
    for (int i = 0; i < 4; i++)
        assert_int_equal(*at(&p, EDGE + i % columns * group, EDGE + i / columns * (SIDE + EDGE)),
                         i * COUNT / 4);
    byol__free(p.pixels);
    byol_source_free(source);
    byol__free(pixels);
}

static int stop_at_two(void *context, uint64_t done, uint64_t total) {
    (void)context;
    (void)total;
    return done == 2;
}

static void what_cannot_be_done_leaves_no_file(void **state) {
    (void)state;
    uint8_t *pixels = noise(10 * 64);
    byol_config config = some_config(8);
    byol_source *source;
    byol_error error = {0};
    assert_int_equal(byol_source_from_memory(&source, pixels, NULL, 10, 1, 8, 8, NULL), BYOL_OK);
    assert_int_equal(byol_sheet_write("none.png", &config, source, 0, NULL, NULL, NULL, &error),
                     BYOL_ERROR_INVALID);
    assert_int_equal(
        byol_sheet_write("none.png", &config, source, 9, stop_at_two, NULL, NULL, &error),
        BYOL_ERROR_CANCELLED);
    assert_int_not_equal(access("none.png", F_OK), 0);
    assert_int_equal(
        byol_sheet_write("no/folder/none.png", &config, source, 9, NULL, NULL, NULL, &error),
        BYOL_ERROR_IO);
    assert_non_null(strstr(error.text, "no/folder/none.png"));
    byol_source_free(source);
    byol__free(pixels);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_stands_before_its_two_views),
        cmocka_unit_test(a_wide_image_is_shown_whole),
        cmocka_unit_test(images_are_spread_over_the_source),
        cmocka_unit_test(what_cannot_be_done_leaves_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
