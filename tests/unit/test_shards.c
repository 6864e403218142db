/* Tar shards: every picture is found where it lies, whatever wrote the tar, and packing loses
 * nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/memory.h"
#include "byol/pack.h"
#include "byol/source.h"
#include "folder.h"
#include "opened.h"

/* ---- writing tars ---- */

static struct archive *tar_open(const char *name, int format, int filter) {
    struct archive *tar = archive_write_new();
    assert_int_equal(archive_write_set_format(tar, format), ARCHIVE_OK);
    assert_int_equal(archive_write_add_filter(tar, filter), ARCHIVE_OK);
    assert_int_equal(archive_write_open_filename(tar, in_folder(name)), ARCHIVE_OK);
    return tar;
}

static void tar_add(struct archive *tar, const char *name, const void *bytes, size_t length) {
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_size(entry, (la_int64_t)length);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    assert_int_equal(archive_write_header(tar, entry), ARCHIVE_OK);
    assert_int_equal(archive_write_data(tar, bytes, length), length);
    archive_entry_free(entry);
}

static void tar_add_text(struct archive *tar, const char *name, const char *text) {
    tar_add(tar, name, text, strlen(text));
}

/* A gray picture whose first pixel is `value`, of a size that depends on it. */
static void tar_add_gray(struct archive *tar, const char *name, int value) {
    char bytes[4096];
    int width = 5 + value % 40, height = 60;
    size_t length = (size_t)snprintf(bytes, sizeof bytes, "P5 %d %d 255\n", width, height);
    memset(bytes + length, value, (size_t)(width * height));
    tar_add(tar, name, bytes, length + (size_t)(width * height));
}

static void tar_close(struct archive *tar) {
    assert_int_equal(archive_write_close(tar), ARCHIVE_OK);
    archive_write_free(tar);
}

/* ---- reading ---- */

static int value_of(const byol_source *source, size_t index) {
    byol_picture picture = picture_of(source, index);
    int value = picture.image.pixels[0];
    for (int i = 0; i < picture.image.width * picture.image.height; i++)
        assert_int_equal(picture.image.pixels[i], value);
    byol_picture_release(&picture);
    return value;
}

static void every_kind_of_tar_is_read_where_its_pictures_lie(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int format, filter;
    } tars[] = {
        {"ustar.tar", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE},
        {"pax.tar", ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE, ARCHIVE_FILTER_NONE},
        {"gnu.tar", ARCHIVE_FORMAT_TAR_GNUTAR, ARCHIVE_FILTER_NONE},
        {"packed.tar.gz", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP},
        {"packed.tar.zst", ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE, ARCHIVE_FILTER_ZSTD},
    };
    char name[300];
    for (size_t t = 0; t < sizeof tars / sizeof *tars; t++) {
        struct archive *tar = tar_open(tars[t].name, tars[t].format, tars[t].filter);
        for (int i = 0; i < 50; i++) {
            /* names that need a header of their own in the formats that have such */
            int is_long = i % 7 == 0 && tars[t].format != ARCHIVE_FORMAT_TAR_USTAR;
            snprintf(name, sizeof name, "%0*d.pgm", is_long ? 180 : 4, i);
            tar_add_gray(tar, name, 2 * i);
        }
        tar_close(tar);
        byol_source *source = opens(in_folder(tars[t].name));
        assert_string_equal(described(source).kind, "shards");
        assert_int_equal(described(source).count, 50);
        assert_int_equal(described(source).classes, 0);
        for (size_t i = 0; i < 50; i++) {
            byol_source_name(source, i, name, sizeof name);
            assert_int_equal(value_of(source, i), 2 * atoi(name));
        }
        byol_source_free(source);
    }
}

static void labels_stand_before_or_behind_their_pictures(void **state) {
    (void)state;
    struct archive *tar = tar_open("a.tar", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE);
    tar_add_gray(tar, "./x/0001.pgm", 10);
    tar_add_text(tar, "./x/0001.cls", "3\n");
    tar_add_text(tar, "./x/0002.cls", "0");
    tar_add_gray(tar, "./x/0002.pgm", 20);
    tar_add_gray(tar, "./x/0003.pgm", 30);
    tar_add_text(tar, "./x/0003.json", "{\"caption\": \"a dog\", \"label\": 5}");
    tar_add_text(tar, "./x/0003.txt", "a dog");
    tar_close(tar);
    byol_source *source = opens(in_folder("a.tar"));
    const int labels[] = {3, 0, 5};
    assert_int_equal(described(source).count, 3);
    assert_int_equal(described(source).classes, 6);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(value_of(source, i), 10 * ((int)i + 1));
        assert_int_equal(byol_source_label(source, i), labels[i]);
    }
    byol_source_free(source);
    tar = tar_open("b.tar", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE);
    tar_add_gray(tar, "1.pgm", 10);
    tar_add_text(tar, "1.json", "{\"class\": \"fox\"}");
    tar_add_gray(tar, "2.pgm", 10);
    tar_add_text(tar, "2.json", "{\"class\": \"ant\"}");
    tar_close(tar);
    source = opens(in_folder("b.tar"));
    assert_string_equal(byol_source_class_name(source, byol_source_label(source, 0)), "fox");
    byol_source_free(source);
    tar = tar_open("c.tar", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE);
    tar_add_gray(tar, "1.pgm", 10);
    tar_add_text(tar, "1.cls", "1");
    tar_add_gray(tar, "2.pgm", 10);
    tar_close(tar);
    fails(in_folder("c.tar"), BYOL_ERROR_FORMAT, "1 of 2 pictures have labels");
}

static void a_packed_folder_is_that_folder(void **state) {
    (void)state;
    struct archive *tar = tar_open("set.tgz", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP);
    tar_add_gray(tar, "set/train/dog/1.pgm", 1);
    tar_add_gray(tar, "set/train/cat/1.pgm", 2);
    tar_add_gray(tar, "set/train/cat/._1.pgm", 3); /* what an Apple leaves */
    tar_add_gray(tar, "set/val/dog/2.pgm", 4);
    tar_close(tar);
    byol_source *source = opens(in_folder("set.tgz"));
    assert_int_equal(described(source).count, 2);
    assert_int_equal(value_of(source, 0), 2);
    assert_int_equal(value_of(source, 1), 1);
    assert_string_equal(byol_source_class_name(source, byol_source_label(source, 1)), "dog");
    byol_source_free(source);
    char spec[128];
    snprintf(spec, sizeof spec, "%s:val", in_folder("set.tgz"));
    source = opens(spec);
    assert_int_equal(described(source).count, 1);
    assert_int_equal(byol_source_label(source, 0), 1);
    byol_source_free(source);
}

static void braces_name_many_shards(void **state) {
    (void)state;
    char name[32];
    for (int i = 8; i <= 11; i++) {
        snprintf(name, sizeof name, "s-%03d.tar", i);
        struct archive *tar = tar_open(name, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE);
        tar_add_gray(tar, "1.pgm", i);
        tar_add_text(tar, "1.cls", "0");
        tar_close(tar);
    }
    byol_source *source = opens(in_folder("s-{008..011}.tar"));
    assert_int_equal(described(source).count, 4);
    for (size_t i = 0; i < 4; i++) assert_int_equal(value_of(source, i), 8 + i);
    byol_source_free(source);
    source = opens(in_folder("s-{011,009}.tar"));
    assert_int_equal(value_of(source, 0), 11);
    assert_int_equal(value_of(source, 1), 9);
    byol_source_free(source);
    source = opens(folder); /* all of them, by name */
    assert_int_equal(described(source).count, 4);
    byol_source_free(source);
    fails(in_folder("s-{008..012}.tar"), BYOL_ERROR_NOT_FOUND, "s-012.tar");
    fails(in_folder("s-{8.9}.tar"), BYOL_ERROR_INVALID, "{000..099}");
    fails(in_folder("s-{012..008}.tar"), BYOL_ERROR_INVALID, "{000..099}");
}

static void braces_count_no_further_than_there_can_be_shards(void **state) {
    (void)state;
    const char *const odd[] = {"{-1..-1}", "{+1..2}",
                               "{1..+2}",  "{ 1..2}",
                               "{1.. 2}",  "{1..}",
                               "{..2}",    "{1..2x}",
                               "{}",       "{18446744073709551614..18446744073709551615}"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        fails(in_folder(odd[i]), BYOL_ERROR_INVALID, "{000..099}");
    fails(in_folder("{1..999999999999999999}"), BYOL_ERROR_INVALID, "more than 1000000 shards");
    fails(in_folder("{0..2000}{0..2000}"), BYOL_ERROR_INVALID, "more than 1000000 shards");
}

/* Whatever is left of it: an answer in words, or the pictures before the cut. */
static void a_tar_cut_anywhere_is_no_crash(void **state) {
    (void)state;
    struct archive *tar =
        tar_open("whole.tar", ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE, ARCHIVE_FILTER_NONE);
    for (int i = 0; i < 3; i++) {
        char name[256];
        snprintf(name, sizeof name, "%0180d.pgm", i);
        tar_add_gray(tar, name, i);
    }
    tar_close(tar);
    char *bytes;
    size_t length;
    assert_int_equal(byol__read_file(in_folder("whole.tar"), &bytes, &length, NULL), BYOL_OK);
    uint32_t random = 99;
    for (int trial = 0; trial < 300; trial++) {
        random = random * 1664525u + 1013904223u;
        size_t kept = (random >> 4) % length, at = (random >> 7) % length;
        char before = bytes[at];
        if (trial % 2 == 0) bytes[at] = (char)(before ^ 1 << (random & 7));
        FILE *file = fopen(in_folder("cut.tar"), "wb");
        fwrite(bytes, 1, trial % 2 == 0 ? length : kept, file);
        fclose(file);
        bytes[at] = before;
        byol_source *source;
        byol_error error = {0};
        if (byol_source_open(&source, in_folder("cut.tar"), &error) != BYOL_OK) {
            assert_true(error.text[0] != '\0');
            continue;
        }
        byol_picture picture = {0};
        for (size_t i = 0; i < described(source).count; i++)
            byol_source_image(source, i, NULL, &picture, NULL);
        byol_picture_release(&picture);
        byol_source_free(source);
    }
    byol__free(bytes);
}

/* ---- packing ---- */

static void packing_loses_nothing(void **state) {
    (void)state;
    enum { COUNT = 23, SIDE = 6 };
    static uint8_t pixels[COUNT * 3 * SIDE * SIDE];
    int32_t labels[COUNT];
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(i * 2654435761u >> 11);
    for (int i = 0; i < COUNT; i++) labels[i] = i % 4;
    byol_source *source, *packed;
    byol_error error = {0};
    assert_int_equal(byol_source_from_memory(&source, pixels, labels, COUNT, 3, SIDE, SIDE, &error),
                     BYOL_OK);
    byol_pack_options options;
    byol_pack_result result;
    byol_pack_options_init(&options);
    options.shard_size = 10;
    options.threads = 3;
    if (byol_pack(source, in_folder("out"), &options, &result, NULL, NULL, &error) != BYOL_OK)
        fail_msg("%s", error.text);
    assert_int_equal(result.images, COUNT);
    assert_int_equal(result.shards, 3);
    assert_int_equal(result.unreadable, 0);
    packed = opens(in_folder("out"));
    assert_int_equal(described(packed).count, COUNT);
    assert_int_equal(described(packed).classes, 4);
    byol_picture a = {0}, b = {0};
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(byol_source_label(packed, i), labels[i]);
        assert_int_equal(byol_source_image(source, i, NULL, &a, NULL), BYOL_OK);
        assert_int_equal(byol_source_image(packed, i, NULL, &b, NULL), BYOL_OK);
        for (size_t c = 0; c < 3; c++)
            for (size_t p = 0; p < SIDE * SIDE; p++)
                assert_int_equal(
                    a.image.pixels[c * a.image.channel_stride + p * a.image.pixel_stride],
                    b.image.pixels[c * b.image.channel_stride + p * b.image.pixel_stride]);
    }
    byol_picture_release(&a);
    byol_picture_release(&b);
    byol_source_free(packed);
    assert_int_equal(byol_pack(source, in_folder("out"), &options, &result, NULL, NULL, &error),
                     BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "already holds shards"));
    byol_source_free(source);
}

static void a_part_of_the_class_names_is_not_packed(void **state) {
    (void)state;
    byol_source *source;
    byol_error error = {0};
    assert_int_equal(byol__make_folder(in_folder("cifar"), NULL), BYOL_OK);
    FILE *records = fopen(in_folder("cifar/data_batch_1.bin"), "wb"), *names;
    for (int i = 0; i < 2 * 3073; i++) fputc(i % 3073 == 0 ? 9 : i & 255, records);
    fclose(records);
    for (int count = 9; count <= 10; count++) { /* of ten classes */
        const char *to = count == 9 ? "nine" : "ten";
        names = fopen(in_folder("cifar/batches.meta.txt"), "w");
        for (int c = 0; c < count; c++) fprintf(names, "class%d\n", c);
        fclose(names);
        source = opens(in_folder("cifar:1"));
        byol_pack_options options;
        byol_pack_result result;
        byol_pack_options_init(&options);
        if (byol_pack(source, in_folder(to), &options, &result, NULL, NULL, &error) != BYOL_OK)
            fail_msg("%s", error.text);
        byol_source_free(source);
    }
    assert_false(byol__is_file(in_folder("nine/classes.txt")));
    assert_true(byol__is_file(in_folder("ten/classes.txt")));
}

static void packing_shrinks_what_is_larger_and_leaves_the_rest(void **state) {
    (void)state;
    struct archive *tar = tar_open("in.tar", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE);
    tar_add_gray(tar, "large.pgm", 35);              /* 40 x 60 */
    tar_add_gray(tar, "little.pgm", 40);             /* 5 x 60 */
    tar_add_text(tar, "broken.pgm", "P5 9 9 255\n"); /* last, as 00000002 would be */
    tar_close(tar);
    byol_source *source = opens(in_folder("in.tar"));
    byol_pack_options options;
    byol_pack_result result;
    byol_error error = {0};
    byol_pack_options_init(&options);
    options.resize = 20;
    if (byol_pack(source, in_folder("out"), &options, &result, NULL, NULL, &error) != BYOL_OK)
        fail_msg("%s", error.text);
    assert_int_equal(result.images, 2);
    assert_int_equal(result.unreadable, 1);
    char names[256];
    size_t length = 0;
    FILE *file = fopen(in_folder("out/names.csv"), "r");
    assert_non_null(file);
    length = fread(names, 1, sizeof names - 1, file);
    names[length] = '\0';
    fclose(file);
    assert_non_null(
        strstr(names, "sample,name\n00000000.jpg,\"large.pgm\"\n00000001.pgm,\"little.pgm\"\n"));
    assert_null(strstr(names, "broken"));
    byol_source_free(source);
    source = opens(in_folder("out"));
    byol_picture picture = {0};
    char name[32];
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(byol_source_image(source, i, NULL, &picture, NULL), BYOL_OK);
        byol_source_name(source, i, name, sizeof name);
        int is_jpeg = strstr(name, ".jpg") != NULL;
        assert_int_equal(picture.image.width, is_jpeg ? 20 : 5);
        assert_int_equal(picture.image.height, is_jpeg ? 30 : 60);
        assert_true(abs(picture.image.pixels[7] - (is_jpeg ? 35 : 40)) <= 1);
    }
    byol_picture_release(&picture);
    byol_source_free(source);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(every_kind_of_tar_is_read_where_its_pictures_lie),
        IN_A_FOLDER(labels_stand_before_or_behind_their_pictures),
        IN_A_FOLDER(a_packed_folder_is_that_folder),
        IN_A_FOLDER(braces_name_many_shards),
        IN_A_FOLDER(braces_count_no_further_than_there_can_be_shards),
        IN_A_FOLDER(a_tar_cut_anywhere_is_no_crash),
        IN_A_FOLDER(packing_loses_nothing),
        IN_A_FOLDER(a_part_of_the_class_names_is_not_packed),
        IN_A_FOLDER(packing_shrinks_what_is_larger_and_leaves_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
