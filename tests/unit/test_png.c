/* What is encoded as PNG is decoded to the same pixels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <spng.h>

#include "base/png.h"

enum { HEIGHT = 13, WIDTH = 7 };

static void decode(const uint8_t *png, size_t length, int format, uint8_t *pixels, size_t bytes) {
    spng_ctx *context = spng_ctx_new(0);
    struct spng_ihdr header;
    assert_int_equal(spng_set_png_buffer(context, png, length), 0);
    assert_int_equal(spng_get_ihdr(context, &header), 0);
    assert_int_equal(header.width, WIDTH);
    assert_int_equal(header.height, HEIGHT);
    assert_int_equal(spng_decode_image(context, pixels, bytes, format, 0), 0);
    spng_ctx_free(context);
}

static void a_picture_survives_png(void **state) {
    (void)state;
    const struct { int channels, format; } kinds[] = {{1, SPNG_FMT_G8}, {3, SPNG_FMT_RGB8}};
    for (int k = 0; k < 2; k++) {
        uint8_t pixels[HEIGHT * WIDTH * 3], decoded[sizeof pixels], *png = NULL;
        size_t length = 0, bytes = (size_t)HEIGHT * WIDTH * kinds[k].channels;
        for (size_t i = 0; i < bytes; i++) pixels[i] = (uint8_t)(i * i * 7 + i);
        assert_int_equal(
            byol__png_encode(pixels, kinds[k].channels, HEIGHT, WIDTH, &png, &length, NULL),
            BYOL_OK);
        decode(png, length, kinds[k].format, decoded, bytes);
        assert_memory_equal(pixels, decoded, bytes);
        free(png);
    }
}

static void an_impossible_picture_is_refused_with_words(void **state) {
    (void)state;
    uint8_t pixel[4] = {0}, *png = NULL;
    size_t length = 0;
    byol_error error = {0};
    assert_int_equal(byol__png_encode(pixel, 1, 0, 1, &png, &length, &error), BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "PNG"));
    assert_int_equal(byol__png_encode(pixel, 4, 1, 1, &png, &length, &error), BYOL_ERROR_INVALID);
    assert_null(png);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_picture_survives_png),
        cmocka_unit_test(an_impossible_picture_is_refused_with_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
