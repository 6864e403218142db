/* Masks as files, pictures with masks in memory, and the most frequent class of each position. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/files.h"
#include "byol/segment.h"
#include "data/decode.h"
#include "data/mask_file.h"
#include "floats.h"
#include "folder.h"

static void path_of(const char *name, char path[512]) {
    snprintf(path, 512, TEST_FOLDER "/fixtures/%s", name);
}

/* Reads a fixture as a mask and as a picture (RGB). */
static uint8_t *read_both(const char *name, byol_picture *picture, int *height, int *width) {
    char path[512];
    uint8_t *mask;
    const unsigned char *bytes;
    size_t length;
    const byol__decode_request request = {.channels = 3};
    path_of(name, path);
    check(byol__mask_read(path, &mask, height, width, &error));
    check(byol__map_file(path, &bytes, &length, &error));
    check(byol__decode(bytes, length, &request, picture, &error));
    byol__unmap_file(bytes, length);
    assert_int_equal(picture->image.height, *height);
    assert_int_equal(picture->image.width, *width);
    return mask;
}

/* Where numbers are equal, so are colours: whatever the bits of a pixel. */
static void the_numbers_of_a_palette_and_of_few_bits_are_read(void **state) {
    (void)state;
    const char *const names[] = {"palette.png", "bits.png", "gray.png"};
    for (int f = 0; f < 3; f++) {
        byol_picture picture = {0};
        int height, width, colour_of[256], different = 0;
        uint8_t *mask = read_both(names[f], &picture, &height, &width);
        for (int k = 0; k < 256; k++) colour_of[k] = -1;
        for (int i = 0; i < height * width; i++) {
            const uint8_t *rgb = picture.image.pixels + 3 * i;
            int colour = rgb[0] << 16 | rgb[1] << 8 | rgb[2];
            if (colour_of[mask[i]] < 0) different++;
            if (colour_of[mask[i]] >= 0 && colour_of[mask[i]] != colour)
                fail_msg("%s: number %d has two colours", names[f], mask[i]);
            colour_of[mask[i]] = colour;
        }
        if (different < 2) fail_msg("%s: one number only", names[f]);
        byol_mask_free(mask);
        byol_picture_release(&picture);
    }
}

static void what_is_no_mask_is_said(void **state) {
    (void)state;
    static const struct {
        const char *name;
        byol_status status;
        const char *words;
    } wrong[] = {
        {"colour.png", BYOL_ERROR_UNSUPPORTED, "colours"},
        {"gray16.png", BYOL_ERROR_UNSUPPORTED, "16 bits"},
        {"gray-alpha.png", BYOL_ERROR_UNSUPPORTED, "transparency"},
        {"baseline.jpg", BYOL_ERROR_FORMAT, "PNG"},
        {"nowhere.png", BYOL_ERROR_NOT_FOUND, "nowhere.png"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char path[512];
        uint8_t *mask;
        int height, width;
        byol_error why = {0};
        path_of(wrong[i].name, path);
        assert_int_equal(byol__mask_read(path, &mask, &height, &width, &why), wrong[i].status);
        if (strstr(why.text, wrong[i].words) == NULL || strstr(why.text, wrong[i].name) == NULL)
            fail_msg("%s", why.text);
    }
}

static void a_truncated_mask_is_said(void **state) {
    (void)state;
    char path[512];
    const char *cut = in_folder("cut.png");
    const unsigned char *bytes;
    size_t length;
    uint8_t *mask;
    int height, width;
    FILE *file = fopen(cut, "wb");
    assert_non_null(file);
    path_of("gray.png", path);
    check(byol__map_file(path, &bytes, &length, &error));
    assert_int_equal(fwrite(bytes, 1, length / 2, file), length / 2);
    byol__unmap_file(bytes, length);
    fclose(file);
    assert_int_equal(byol__mask_read(cut, &mask, &height, &width, &error), BYOL_ERROR_FORMAT);
}

enum { COUNT = 3, HIGH = 2, WIDE = 2 };
static const uint8_t pixels[COUNT * HIGH * WIDE];

static byol_masks *open_masks(const uint8_t *masks, int ignore, int classes, byol_status expected) {
    byol_source *source;
    byol_masks *set = NULL;
    const byol_masks_options how = {.ignore = ignore, .classes = classes};
    check(byol_source_from_memory(&source, pixels, NULL, COUNT, 1, HIGH, WIDE, &error));
    byol_status status = byol_masks_from_memory(&set, source, masks, &how, &error);
    if (status != expected) fail_msg("%s", error.text);
    if (status != BYOL_OK) byol_source_free(source);
    return set;
}

static void close_masks(byol_masks *set) {
    byol_source *source = (byol_source *)(uintptr_t)byol_masks_pictures(set);
    byol_masks_free(set);
    byol_source_free(source);
}

static void numbers_are_classes_or_ignored(void **state) {
    (void)state;
    const uint8_t masks[] = {0, 1, 2, 9, 0, 1, 2, 9, 0, 0, 0, 0};
    byol_masks_info info;
    byol_masks *set = open_masks(masks, 9, 0, BYOL_OK);
    byol_masks_describe(set, &info);
    assert_int_equal(info.classes, 3);
    close_masks(set);
    open_masks(masks, 9, 2, BYOL_ERROR_MISMATCH);
    assert_non_null(strstr(error.text, "mask 0: the pixel at (0, 1) has number 2"));
    open_masks(masks, 255, 3, BYOL_ERROR_MISMATCH);
    const uint8_t empty[COUNT * HIGH * WIDE] = {0};
    open_masks(empty, 255, 0, BYOL_ERROR_INVALID);
}

/* Three masks of four places: two of class 1 at the first; nothing but ignored ones at the last,
 * where class 0, the most frequent of all, is named. */
static void the_most_frequent_class_of_each_place(void **state) {
    (void)state;
    const uint8_t train[] = {1, 0, 0, 9, 1, 0, 0, 9, 0, 1, 0, 9},
                  test[] = {1, 0, 0, 0, 1, 1, 9, 1, 0, 0, 0, 0};
    byol_masks *sets[] = {open_masks(train, 9, 2, BYOL_OK), open_masks(test, 9, 2, BYOL_OK)};
    byol_task_options options;
    uint64_t confusion[4];
    byol_task_options_init(&options);
    check(byol_segment_by_place(sets[0], sets[1], &options, confusion, NULL, NULL, &error));
    /* answers are 1 0 0 0 for each of the three */
    const uint64_t expected[] = {6, 1, 2, 2};
    for (int i = 0; i < 4; i++) assert_int_equal(confusion[i], expected[i]);
    close_masks(sets[0]);
    close_masks(sets[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_numbers_of_a_palette_and_of_few_bits_are_read),
        cmocka_unit_test(what_is_no_mask_is_said),
        cmocka_unit_test_setup_teardown(a_truncated_mask_is_said, make_folder, remove_folder),
        cmocka_unit_test(numbers_are_classes_or_ignored),
        cmocka_unit_test(the_most_frequent_class_of_each_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
