/* Decoders: what comes out is what Pillow makes of the same bytes (tests/fixtures), and no bytes
 * crash them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include "base/files.h"
#include "base/memory.h"
#include "data/decode.h"

#define FIXTURES TEST_FOLDER "/fixtures/"

typedef struct expected {
    int width, height, channels;
    char *text; /* owned */
    const uint8_t *pixels;
} expected;

static char *read_fixture(const char *name, size_t *length) {
    char path[4096], *bytes;
    byol_error error = {0};
    snprintf(path, sizeof path, FIXTURES "%s", name);
    if (byol__read_file(path, &bytes, length, &error) != BYOL_OK) fail_msg("%s", error.text);
    return bytes;
}

static expected expect(const char *name) {
    char path[256];
    size_t length;
    int header;
    expected e;
    snprintf(path, sizeof path, "%s.expected", name);
    e.text = read_fixture(path, &length);
    assert_int_equal(sscanf(e.text, "%d %d %d%n", &e.width, &e.height, &e.channels, &header), 3);
    e.pixels = (const uint8_t *)e.text + header + 1;
    assert_int_equal(length, (size_t)header + 1 + (size_t)(e.width * e.height * e.channels));
    return e;
}

/* The largest difference of any sample. */
static int difference(const byol_image *image, const uint8_t *pixels) {
    int largest = 0;
    for (int i = 0; i < image->width * image->height * image->channels; i++) {
        int d = abs(image->pixels[i] - pixels[i]);
        largest = d > largest ? d : largest;
    }
    return largest;
}

static void decodes(const char *name, int tolerance) {
    size_t length;
    char *bytes = read_fixture(name, &length);
    expected e = expect(name);
    byol__picture_info info;
    byol_picture picture = {0};
    byol_error error = {0};
    const byol__decode_request request = {0};
    if (byol__decode_header((const uint8_t *)bytes, length, &info, &error) != BYOL_OK ||
        byol__decode((const uint8_t *)bytes, length, &request, &picture, &error) != BYOL_OK)
        fail_msg("%s: %s", name, error.text);
    if (info.width != e.width || info.height != e.height || info.channels != e.channels ||
        picture.image.width != e.width || picture.image.height != e.height ||
        picture.image.channels != e.channels)
        fail_msg("%s: %d x %d x %d, expected %d x %d x %d", name, picture.image.width,
                 picture.image.height, picture.image.channels, e.width, e.height, e.channels);
    int d = difference(&picture.image, e.pixels);
    if (d > tolerance) fail_msg("%s: differs by %d", name, d);
    byol_picture_release(&picture);
    byol__free(bytes);
    byol__free(e.text);
}

/* Pillow decodes by the same library, but another version of it may round otherwise. */
static void jpegs_come_out_as_pillow_decodes_them(void **state) {
    (void)state;
    decodes("baseline.jpg", 2);
    decodes("progressive.jpg", 2);
    decodes("gray.jpg", 2);
    decodes("subsampled.jpg", 4);
    decodes("cmyk.jpg", 4);
}

static void every_orientation_comes_out_upright(void **state) {
    (void)state;
    for (int orientation = 1; orientation <= 8; orientation++) {
        char name[32];
        snprintf(name, sizeof name, "exif%d.jpg", orientation);
        decodes(name, 2);
    }
}

static void pngs_come_out_exactly(void **state) {
    (void)state;
    const char *const names[] = {"colour.png",     "gray.png",          "palette.png",  "bits.png",
                                 "interlaced.png", "colour16.png",      "gray16.png",   "alpha.png",
                                 "gray-alpha.png", "palette-alpha.png", "lossless.webp"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        decodes(names[i], strstr(names[i], "alpha") != NULL ? 1 : 0); /* compositing rounds */
}

static void webps_come_out_as_pillow_decodes_them(void **state) {
    (void)state;
    decodes("lossy.webp", 2);
    decodes("alpha.webp", 1);
}

static void pnm_is(const char *text, size_t length, int channels, int height, int width,
                   const uint8_t *pixels) {
    byol_picture picture = {0};
    byol_error error = {0};
    const byol__decode_request request = {0};
    if (byol__decode((const uint8_t *)text, length, &request, &picture, &error) != BYOL_OK)
        fail_msg("%s", error.text);
    assert_int_equal(picture.image.channels, channels);
    assert_int_equal(picture.image.height, height);
    assert_int_equal(picture.image.width, width);
    assert_memory_equal(picture.image.pixels, pixels, (size_t)(channels * height * width));
    byol_picture_release(&picture);
}

static void netpbm_is_read_in_all_its_kinds(void **state) {
    (void)state;
    static const uint8_t gray[] = {0, 255, 128, 7, 9, 11};
    pnm_is("P5\n# by hand\n3 2\n255\n\0\377\200\007\011\013", 29, 1, 2, 3, gray);
    pnm_is("P6 2 1 255 \0\377\200\007\011\013", 17, 3, 1, 2, gray);
    pnm_is("P2\n3 2 255\n0 255 128\n7 9 # and more\n 11\n", 41, 1, 2, 3, gray);
    pnm_is("P3 1 2 255 0 255 128 7 9 11", 27, 3, 2, 1, gray);
    static const uint8_t scaled[] = {0, 255, 85};
    pnm_is("P5 3 1 3 \0\3\1", 12, 1, 1, 3, scaled);
    pnm_is("P5 3 1 65535 \0\0\377\377\125\125", 19, 1, 1, 3, scaled);
}

static void channels_are_those_that_were_asked_for(void **state) {
    (void)state;
    const char *const names[] = {"baseline.jpg",  "cmyk.jpg", "colour.png",
                                 "lossless.webp", "gray.jpg", "gray.png"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t length;
        char *bytes = read_fixture(names[i], &length);
        expected e = expect(names[i]);
        byol_picture picture = {0};
        for (int channels = 1; channels <= 3; channels += 2) {
            const byol__decode_request request = {.channels = channels};
            byol_error error = {0};
            if (byol__decode((const uint8_t *)bytes, length, &request, &picture, &error) != BYOL_OK)
                fail_msg("%s: %s", names[i], error.text);
            assert_int_equal(picture.image.channels, channels);
            for (int p = 0; p < e.width * e.height; p++) {
                const uint8_t *wanted = e.pixels + p * e.channels,
                              *found = picture.image.pixels + p * channels;
                int luma =
                    e.channels == 1 ? wanted[0] : byol__luma(wanted[0], wanted[1], wanted[2]);
                int close = channels == 1 ? abs(found[0] - luma) <= 3
                                          : abs(found[1] - wanted[e.channels / 2]) <= 4;
                assert_true(close);
            }
        }
        byol_picture_release(&picture);
        byol__free(bytes);
        byol__free(e.text);
    }
}

static int by_eight(const void *context, int height, int width) {
    int *seen = (int *)(uintptr_t)context;
    seen[0] = height;
    seen[1] = width;
    return 8;
}

static void a_jpeg_is_decoded_smaller_where_that_is_enough(void **state) {
    (void)state;
    enum { HEIGHT = 203, WIDTH = 317 };
    static uint8_t pixels[HEIGHT * WIDTH];
    for (int i = 0; i < HEIGHT * WIDTH; i++) pixels[i] = (uint8_t)(i % WIDTH * 200 / WIDTH);
    unsigned char *bytes = NULL;
    unsigned long length = 0;
    tjhandle encoder = tjInitCompress();
    assert_int_equal(tjCompress2(encoder, pixels, WIDTH, 0, HEIGHT, TJPF_GRAY, &bytes, &length,
                                 TJSAMP_GRAY, 95, 0),
                     0);
    tjDestroy(encoder);
    int seen[2];
    byol_picture picture = {0};
    const byol__decode_request request = {.reduction = by_eight, .context = seen};
    assert_int_equal(byol__decode(bytes, length, &request, &picture, NULL), BYOL_OK);
    assert_int_equal(seen[0], HEIGHT);
    assert_int_equal(seen[1], WIDTH);
    assert_int_equal(picture.image.height, (HEIGHT + 7) / 8);
    assert_int_equal(picture.image.width, (WIDTH + 7) / 8);
    assert_true(abs(picture.image.pixels[20] - 200 * (20 * 8 + 4) / WIDTH) <= 3);
    byol_picture_release(&picture);
    tjFree(bytes);
}

static void the_smallest_reduction_that_is_enough_is_taken(void **state) {
    (void)state;
    assert_int_equal(byol__reduction_for(0, 1000, 1000), 1);
    assert_int_equal(byol__reduction_for(224, 375, 500), 1);
    assert_int_equal(byol__reduction_for(224, 500, 448), 2);
    assert_int_equal(byol__reduction_for(224, 2000, 895), 2);
    assert_int_equal(byol__reduction_for(224, 2000, 896), 4);
    assert_int_equal(byol__reduction_for(32, 2000, 3000), 8);
}

static void is_refused(const void *bytes, size_t length, byol_status wanted, const char *words) {
    byol_picture picture = {0};
    byol_error error = {0};
    const byol__decode_request request = {0};
    assert_int_equal(byol__decode(bytes, length, &request, &picture, &error), wanted);
    if (strstr(error.text, words) == NULL) fail_msg("'%s' lacks '%s'", error.text, words);
    byol_picture_release(&picture);
}

static void what_is_no_picture_is_refused_in_words(void **state) {
    (void)state;
    is_refused("", 0, BYOL_ERROR_FORMAT, "empty");
    is_refused("Hello", 5, BYOL_ERROR_FORMAT, "48 65");
    is_refused("P5 20000 20000 255 ", 19, BYOL_ERROR_UNSUPPORTED, "20000 x 20000");
    is_refused("P5 1048577 1 255 ", 17, BYOL_ERROR_UNSUPPORTED, "a side has at most 1048576");
    is_refused("P5 1 1048577 255 ", 17, BYOL_ERROR_UNSUPPORTED, "a side has at most 1048576");
    is_refused("P5 1048576 1 255 ", 17, BYOL_ERROR_FORMAT, "1048576 bytes of samples expected");
    is_refused("P5 2 2 255 abc", 14, BYOL_ERROR_FORMAT, "4 bytes of samples expected, 3 found");
    is_refused("P6 99999999999 1 255 ", 21, BYOL_ERROR_FORMAT, "header");
    static const uint8_t huge[] = {0x89, 'P',  'N', 'G', 13,  10, 26, 10,   0,    0,    0,
                                   13,   'I',  'H', 'D', 'R', 0,  0,  0x4e, 0x20, 0,    0,
                                   0x4e, 0x20, 8,   2,   0,   0,  0,  0x69, 0x4b, 0xed, 0x7c};
    byol_error error = {0};
    byol_picture picture = {0};
    const byol__decode_request request = {0};
    assert_int_not_equal(byol__decode(huge, sizeof huge, &request, &picture, &error), BYOL_OK);
    assert_null(picture.bytes[1]); /* and nothing of that size was asked for */
}

static void extensions_claim_to_be_pictures(void **state) {
    (void)state;
    assert_true(byol__is_picture_name("a.JPG"));
    assert_true(byol__is_picture_name("x/y.tar.webp"));
    assert_false(byol__is_picture_name("jpg"));
    assert_false(byol__is_picture_name("a.txt"));
    assert_false(byol__is_picture_name("a.jpg.txt"));
}

/* ---- any bytes at all ---- */

/* From an allocation of exactly this length, so that a sanitizer sees the first byte too many. */
static byol_status try_bytes(const char *bytes, size_t length) {
    uint8_t *copy = malloc(length > 0 ? length : 1);
    byol_picture picture = {0};
    byol__picture_info info;
    byol_error error = {0};
    const byol__decode_request request = {0};
    memcpy(copy, bytes, length);
    byol_status looked = byol__decode_header(copy, length, &info, &error);
    byol_status status = byol__decode(copy, length, &request, &picture, &error);
    if (status == BYOL_OK) {
        assert_int_equal(looked, BYOL_OK);
        assert_int_equal(picture.image.width, info.width);
        assert_int_equal(picture.image.height, info.height);
    } else {
        assert_true(status == BYOL_ERROR_FORMAT || status == BYOL_ERROR_UNSUPPORTED);
        assert_true(error.text[0] != '\0');
    }
    byol_picture_release(&picture);
    free(copy);
    return status;
}

static void for_every_fixture(void (*visit)(const char *name, char *bytes, size_t length)) {
    DIR *folder = opendir(FIXTURES);
    assert_non_null(folder);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (!byol__is_picture_name(entry->d_name)) continue;
        size_t length;
        char *bytes = read_fixture(entry->d_name, &length);
        visit(entry->d_name, bytes, length);
        byol__free(bytes);
        count++;
    }
    closedir(folder);
    assert_true(count > 20);
}

/* Half of a file is never taken for a picture; its last few bytes may be of no weight. */
static void cut(const char *name, char *bytes, size_t length) {
    for (size_t kept = 0; kept < length; kept++)
        if (try_bytes(bytes, kept) == BYOL_OK && kept < length * 3 / 4)
            fail_msg("%s: %zu of %zu bytes were taken for a picture", name, kept, length);
}

static void no_part_of_a_file_crashes_or_passes_for_the_whole(void **state) {
    (void)state;
    for_every_fixture(cut);
}

static void flip(const char *name, char *bytes, size_t length) {
    (void)name;
    uint32_t random = 12345;
    for (int trial = 0; trial < 150; trial++) {
        size_t at[3];
        char kept[3];
        for (int i = 0; i < 3; i++) {
            random = random * 1664525u + 1013904223u;
            at[i] = (random >> 8) % length;
            kept[i] = bytes[at[i]];
            bytes[at[i]] = (char)(bytes[at[i]] ^ 1 << (random & 7));
        }
        try_bytes(bytes, length);
        for (int i = 2; i >= 0; i--) bytes[at[i]] = kept[i];
    }
}

static void no_flipped_bits_crash(void **state) {
    (void)state;
    for_every_fixture(flip);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jpegs_come_out_as_pillow_decodes_them),
        cmocka_unit_test(every_orientation_comes_out_upright),
        cmocka_unit_test(pngs_come_out_exactly),
        cmocka_unit_test(webps_come_out_as_pillow_decodes_them),
        cmocka_unit_test(netpbm_is_read_in_all_its_kinds),
        cmocka_unit_test(channels_are_those_that_were_asked_for),
        cmocka_unit_test(a_jpeg_is_decoded_smaller_where_that_is_enough),
        cmocka_unit_test(the_smallest_reduction_that_is_enough_is_taken),
        cmocka_unit_test(what_is_no_picture_is_refused_in_words),
        cmocka_unit_test(extensions_claim_to_be_pictures),
        cmocka_unit_test(no_part_of_a_file_crashes_or_passes_for_the_whole),
        cmocka_unit_test(no_flipped_bits_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
