/* Sources that a program makes itself: images in memory, and functions that give them; and how an
 * encoder is given an image of any source. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "byol/encoder.h"
#include "byol/source.h"
#include "byol/trainer.h"
#include "byol/views.h"
#include "tiny.h"

static byol_source_info described(const byol_source *source) {
    byol_source_info info;
    byol_source_describe(source, &info);
    return info;
}

/* ---- memory ---- */

static void memory_is_borrowed_as_it_is(void **state) {
    (void)state;
    uint8_t pixels[3 * 2 * 4];
    const int32_t labels[3] = {4, 0, 2};
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(7 * i);
    byol_source *source;
    byol_error error = {0};
    assert_int_equal(byol_source_from_memory(&source, pixels, labels, 3, 1, 2, 4, &error), BYOL_OK);
    assert_string_equal(described(source).kind, "memory");
    assert_int_equal(described(source).classes, 5);
    byol_picture picture = {0};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(byol_source_image(source, i, NULL, &picture, &error), BYOL_OK);
        assert_ptr_equal(picture.image.pixels, pixels + 8 * i);
        assert_int_equal(byol_source_label(source, i), labels[i]);
    }
    assert_int_equal(byol_source_image(source, 3, NULL, &picture, &error), BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "no image 3"));
    byol_source_free(source);
    assert_int_equal(byol_source_from_memory(&source, pixels, NULL, 2, 3, 2, 2, &error), BYOL_OK);
    assert_int_equal(byol_source_image(source, 1, NULL, &picture, &error), BYOL_OK);
    assert_ptr_equal(picture.image.pixels, pixels + 12);
    assert_int_equal(picture.image.channel_stride, 4);
    assert_int_equal(described(source).classes, 0);
    assert_int_equal(byol_source_label(source, 0), -1);
    byol_source_free(source);
    assert_int_equal(byol_source_from_memory(&source, pixels, NULL, 0, 3, 2, 2, &error),
                     BYOL_ERROR_INVALID);
    assert_int_equal(byol_source_from_memory(&source, NULL, NULL, 1, 3, 2, 2, &error),
                     BYOL_ERROR_INVALID);
    assert_int_equal(byol_source_from_memory(&source, pixels, NULL, 1, 2, 2, 2, &error),
                     BYOL_ERROR_INVALID);
    assert_int_equal(byol_source_from_memory(&source, pixels, NULL, 1, 1, (1 << 20) + 1, 1, &error),
                     BYOL_ERROR_INVALID);
    assert_int_equal(byol_source_from_memory(&source, pixels, NULL, 1, 1, 1, (1 << 20) + 1, &error),
                     BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "channels must be 1 or 3"));
    assert_int_equal(
        byol_source_from_memory(&source, pixels, (int32_t[]){0, -3, 1}, 3, 1, 2, 4, &error),
        BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "label 1 is -3"));
}

/* ---- a source of one's own ---- */

typedef struct own {
    int released;
    int wrong; /* index whose size is wrong; -1: none */
} own;

/* Every pixel is the index; image 3 is damaged. */
static byol_status own_image(void *context, size_t index, int channels, byol_picture *picture,
                             byol_error *error) {
    const own *o = context;
    int side = (int)index == o->wrong ? 5 : 4;
    size_t bytes = (size_t)(channels * side * side);
    uint8_t *pixels = byol_picture_reserve(picture, bytes, error);
    if (pixels == NULL) return BYOL_ERROR_MEMORY;
    if (index == 3) {
        snprintf(error->text, sizeof error->text, "the camera lost image 3");
        return BYOL_ERROR_IO;
    }
    memset(pixels, (int)index, bytes);
    picture->image =
        (byol_image){pixels, channels, side, side, (size_t)(side * side), (size_t)side, 1};
    return BYOL_OK;
}

static int32_t own_label(void *context, size_t index) {
    (void)context;
    return (int32_t)(index % 2);
}

static void own_release(void *context) { ((own *)context)->released++; }

static void a_source_of_ones_own_is_read_through_its_functions(void **state) {
    (void)state;
    own o = {.wrong = 5};
    const byol_source_functions calls = {.count = 6,
                                         .channels = 3,
                                         .height = 4,
                                         .width = 4,
                                         .classes = 2,
                                         .image = own_image,
                                         .label = own_label,
                                         .release = own_release};
    byol_source *source;
    byol_picture picture = {0};
    byol_error error = {0};
    assert_int_equal(byol_source_from_functions(&source, &calls, &o, &error), BYOL_OK);
    assert_int_equal(byol_source_image(source, 2, NULL, &picture, &error), BYOL_OK);
    assert_int_equal(picture.image.channels, 3);
    assert_int_equal(picture.image.pixels[47], 2);
    const byol_image_request grey = {.channels = 1};
    assert_int_equal(byol_source_image(source, 4, &grey, &picture, &error), BYOL_OK);
    assert_int_equal(picture.image.channels, 1);
    assert_int_equal(byol_source_label(source, 5), 1);
    assert_int_equal(byol_source_image(source, 3, NULL, &picture, &error), BYOL_ERROR_IO);
    assert_non_null(strstr(error.text, "camera"));
    assert_true(byol_source_unreadable(source, 3));
    assert_int_equal(byol_source_image(source, 5, NULL, &picture, &error), BYOL_ERROR_FORMAT);
    assert_non_null(strstr(error.text, "3 x 5 x 5"));
    byol_picture_release(&picture);
    byol_source_free(source);
    assert_int_equal(o.released, 1);
}

static void a_description_that_cannot_be_is_refused(void **state) {
    (void)state;
    const byol_source_functions whole = {
        .count = 1, .channels = 1, .height = 4, .width = 4, .image = own_image};
    byol_source_functions wrong[4] = {whole, whole, whole, whole};
    wrong[0].image = NULL;
    wrong[1].count = 0;
    wrong[2].channels = 2;
    wrong[3].height = 0;
    for (int i = 0; i < 4; i++) {
        byol_source *source;
        byol_error error = {0};
        assert_int_equal(byol_source_from_functions(&source, &wrong[i], NULL, &error),
                         BYOL_ERROR_INVALID);
        assert_true(strlen(error.text) > 20);
    }
}

/* ---- As an encoder is given it ---- */

/* The centre view with the configuration's mean and std; what cannot be read is zeros. */
static void an_image_is_prepared_as_the_encoder_sees_it(void **state) {
    (void)state;
    enum { SIDE = 16, FLOATS = TINY_CHANNELS * SIDE * SIDE };
    byol_config config = tiny_config();
    config.data.image_size = SIDE;
    byol_encoder *encoder;
    const byol_view_recipe *recipe;
    byol_error error = {0};
    byol_source *source = tiny_source();
    byol_picture picture = {0};
    float prepared[FLOATS], expected[FLOATS];
    void *scratch = malloc(byol_view_scratch_bytes(TINY_CHANNELS, TINY_SIDE, TINY_SIDE, SIDE));
    assert_non_null(scratch);
    byol_trainer *trainer;
    assert_int_equal(byol_trainer_create(&trainer, &config, source, NULL, 0, NULL, &error),
                     BYOL_OK);
    assert_int_equal(byol_trainer_encoder(trainer, &encoder, &error), BYOL_OK);
    recipe = byol_encoder_config(encoder)->views.view;
    for (size_t i = 0; i < TINY_IMAGES; i += 9) {
        assert_int_equal(byol_encoder_prepare(encoder, source, i, prepared, &error), BYOL_OK);
        assert_int_equal(byol_source_image(source, i, NULL, &picture, &error), BYOL_OK);
        byol_view_center(recipe->mean, recipe->std, &picture.image, SIDE, expected, scratch);
        assert_memory_equal(prepared, expected, sizeof expected);
    }
    assert_int_equal(byol_encoder_prepare(encoder, source, TINY_IMAGES, prepared, &error),
                     BYOL_ERROR_INVALID);
    byol_source *first = source;

    own o = {.wrong = -1};
    const byol_source_functions calls = {
        .count = 6, .channels = 3, .height = 4, .width = 4, .image = own_image};
    assert_int_equal(byol_source_from_functions(&source, &calls, &o, &error), BYOL_OK);
    assert_int_equal(byol_encoder_prepare(encoder, source, 3, prepared, &error), BYOL_OK);
    for (int i = 0; i < FLOATS; i++) assert_true(prepared[i] == 0);
    byol_source_free(source);
    byol_trainer_free(trainer);
    byol_source_free(first);
    byol_encoder_free(encoder);
    free(scratch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_borrowed_as_it_is),
        cmocka_unit_test(a_source_of_ones_own_is_read_through_its_functions),
        cmocka_unit_test(a_description_that_cannot_be_is_refused),
        cmocka_unit_test(an_image_is_prepared_as_the_encoder_sees_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
