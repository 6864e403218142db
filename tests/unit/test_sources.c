/* Sources: every format, written here in small; every kind of damage, and what is said of it; the
 * real data sets where they are installed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/memory.h"
#include "byol/source.h"
#include "folder.h"

static void write_bytes(const char *name, const void *bytes, size_t length) {
    FILE *stream = fopen(in_folder(name), "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, length, stream), length);
    assert_int_equal(fclose(stream), 0);
}

/* ---- packing ---- */

typedef struct member {
    const char *name;
    const void *bytes;
    size_t length;
} member;

/* `tar` 0: the first member alone, as gzip does it. */
static void pack(const char *name, int gzip, int tar, const member *members, int count) {
    struct archive *archive = archive_write_new();
    if (gzip) archive_write_add_filter_gzip(archive);
    if (tar)
        archive_write_set_format_ustar(archive);
    else
        archive_write_set_format_raw(archive);
    assert_int_equal(archive_write_open_filename(archive, in_folder(name)), ARCHIVE_OK);
    for (int i = 0; i < count; i++) {
        struct archive_entry *entry = archive_entry_new();
        archive_entry_set_pathname(entry, members[i].name);
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0644);
        archive_entry_set_size(entry, (la_int64_t)members[i].length);
        assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
        assert_int_equal(archive_write_data(archive, members[i].bytes, members[i].length),
                         members[i].length);
        archive_entry_free(entry);
    }
    assert_int_equal(archive_write_free(archive), ARCHIVE_OK);
}

static void write_gz(const char *name, const void *bytes, size_t length) {
    member whole = {"data", bytes, length};
    pack(name, 1, 0, &whole, 1);
}

/* ---- small data sets ---- */

/* Pixel (c, y, x) of image i of file f: different everywhere. */
static uint8_t pixel(int file, size_t i, size_t offset) {
    return (uint8_t)(file * 71 + i * 31 + offset * 7 + offset / 256);
}

enum { N = 5, H = 4, W = 6, IMAGES_LENGTH = 16 + N * H * W, LABELS_LENGTH = 8 + N };

static void idx_images(uint8_t bytes[IMAGES_LENGTH], int file) {
    const uint8_t header[16] = {0, 0, 8, 3, 0, 0, 0, N, 0, 0, 0, H, 0, 0, 0, W};
    memcpy(bytes, header, sizeof header);
    for (size_t i = 0; i < N * H * W; i++) bytes[16 + i] = pixel(file, i / (H * W), i % (H * W));
}

static void idx_labels(uint8_t bytes[LABELS_LENGTH]) {
    const uint8_t header[8] = {0, 0, 8, 1, 0, 0, 0, N};
    memcpy(bytes, header, sizeof header);
    for (uint8_t i = 0; i < N; i++) bytes[8 + i] = i % 3;
}

enum {
    RECORDS = 4,
    PIXELS = 3072,
    CIFAR10_LENGTH = RECORDS * (PIXELS + 1),
    CIFAR100_LENGTH = RECORDS * (PIXELS + 2)
};

static uint8_t *cifar10_file(int file) {
    uint8_t *bytes;
    assert_int_equal(byol__alloc(&bytes, CIFAR10_LENGTH, 1, "test", NULL), BYOL_OK);
    for (size_t i = 0; i < RECORDS; i++) {
        bytes[i * (PIXELS + 1)] = (uint8_t)((file + (int)i) % 10);
        for (size_t k = 0; k < PIXELS; k++) bytes[i * (PIXELS + 1) + 1 + k] = pixel(file, i, k);
    }
    return bytes;
}

static uint8_t *cifar100_file(int file) {
    uint8_t *bytes;
    assert_int_equal(byol__alloc(&bytes, CIFAR100_LENGTH, 1, "test", NULL), BYOL_OK);
    for (size_t i = 0; i < RECORDS; i++) {
        bytes[i * (PIXELS + 2)] = 7;
        bytes[i * (PIXELS + 2) + 1] = (uint8_t)(90 + file + (int)i);
        for (size_t k = 0; k < PIXELS; k++) bytes[i * (PIXELS + 2) + 2 + k] = pixel(file, i, k);
    }
    return bytes;
}

static void write_cifar10(const char *name, int file) {
    uint8_t *bytes = cifar10_file(file);
    write_bytes(name, bytes, CIFAR10_LENGTH);
    byol__free(bytes);
}

static void write_cifar100(const char *name, int file) {
    uint8_t *bytes = cifar100_file(file);
    write_bytes(name, bytes, CIFAR100_LENGTH);
    byol__free(bytes);
}

/* ---- what is expected ---- */

static byol_source *opens(const char *spec) {
    byol_source *source = NULL;
    byol_error error = {0};
    byol_status status = byol_source_open(&source, spec, &error);
    if (status != BYOL_OK) fail_msg("%s: %s: %s", spec, byol_status_name(status), error.text);
    return source;
}

/* Fails with `status`, and every one of the words is in the error. */
static void is_refused(const char *spec, byol_status status, const char *const words[]) {
    byol_source *source = NULL;
    byol_error error = {0};
    assert_int_equal(byol_source_open(&source, spec, &error), status);
    assert_null(source);
    for (; *words != NULL; words++)
        if (strstr(error.text, *words) == NULL) fail_msg("'%s' is not in: %s", *words, error.text);
    assert_int_equal(byol_source_open(&source, spec, NULL), status);
}
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static byol_source_info described(const byol_source *source) {
    byol_source_info info;
    byol_source_describe(source, &info);
    return info;
}

/* Image `index` is image `i` of file `file`. */
static void holds(const byol_source *source, size_t index, int file, size_t i) {
    byol_picture picture = {0};
    byol_source_info info = described(source);
    assert_int_equal(byol_source_image(source, index, NULL, &picture, NULL), BYOL_OK);
    const byol_image image = picture.image;
    assert_int_equal(image.channels, info.channels);
    assert_int_equal(image.height, info.height);
    assert_int_equal(image.width, info.width);
    size_t offset = 0;
    for (int c = 0; c < image.channels; c++)
        for (int y = 0; y < image.height; y++)
            for (int x = 0; x < image.width; x++, offset++)
                assert_int_equal(image.pixels[c * image.channel_stride + y * image.row_stride +
                                              x * image.pixel_stride],
                                 pixel(file, i, offset));
}

static void is_idx(const byol_source *source, int file, int labelled) {
    byol_source_info info = described(source);
    assert_string_equal(info.kind, "idx");
    assert_int_equal(info.count, N);
    assert_int_equal(info.channels, 1);
    assert_int_equal(info.height, H);
    assert_int_equal(info.width, W);
    assert_int_equal(info.classes, labelled ? 3 : 0);
    for (size_t i = 0; i < N; i++) {
        holds(source, i, file, i);
        assert_int_equal(byol_source_label(source, i), labelled ? (int)i % 3 : -1);
    }
    assert_int_equal(byol_source_label(source, N), -1);
    assert_null(byol_source_class_name(source, 0));
}

/* ---- IDX ---- */

static void an_idx_file_is_opened_with_the_labels_beside_it(void **state) {
    (void)state;
    uint8_t images[IMAGES_LENGTH], labels[LABELS_LENGTH];
    idx_images(images, 1);
    idx_labels(labels);
    write_bytes("my-images-idx3-ubyte", images, sizeof images);
    byol_source *source = opens(in_folder("my-images-idx3-ubyte"));
    is_idx(source, 1, 0);
    byol_source_free(source);
    write_bytes("my-labels-idx1-ubyte", labels, sizeof labels);
    source = opens(in_folder("my-images-idx3-ubyte"));
    is_idx(source, 1, 1);
    assert_non_null(strstr(described(source).description, "5 images of 1 x 4 x 6, 3 classes"));
    byol_source_free(source);
}

static void packed_and_plain_idx_files_mix(void **state) {
    (void)state;
    uint8_t images[IMAGES_LENGTH], labels[LABELS_LENGTH];
    idx_images(images, 1);
    idx_labels(labels);
    write_gz("a-images-idx3-ubyte.gz", images, sizeof images);
    write_bytes("a-labels-idx1-ubyte", labels, sizeof labels);
    write_bytes("b-images-idx3-ubyte", images, sizeof images);
    write_gz("b-labels-idx1-ubyte.gz", labels, sizeof labels);
    byol_source *a = opens(in_folder("a-images-idx3-ubyte.gz")),
                *b = opens(in_folder("b-images-idx3-ubyte"));
    is_idx(a, 1, 1);
    is_idx(b, 1, 1);
    byol_source_free(a);
    byol_source_free(b);
}

static void an_idx_folder_has_the_splits_train_and_test(void **state) {
    (void)state;
    uint8_t images[IMAGES_LENGTH], labels[LABELS_LENGTH];
    char spec[128];
    idx_labels(labels);
    idx_images(images, 2);
    write_gz("t10k-images-idx3-ubyte.gz", images, sizeof images);
    write_gz("t10k-labels-idx1-ubyte.gz", labels, sizeof labels);
    byol_source *source = opens(folder); /* no train: all there is */
    is_idx(source, 2, 1);
    byol_source_free(source);
    snprintf(spec, sizeof spec, "%s:train", folder);
    is_refused(spec, BYOL_ERROR_NOT_FOUND,
               WORDS("no split 'train'", folder, "train-images-idx3-ubyte"));
    idx_images(images, 1);
    write_bytes("train-images-idx3-ubyte", images, sizeof images);
    source = opens(folder);
    is_idx(source, 1, 0);
    byol_source_free(source);
    source = opens(spec);
    is_idx(source, 1, 0);
    byol_source_free(source);
    snprintf(spec, sizeof spec, "%s:test", folder);
    source = opens(spec);
    is_idx(source, 2, 1);
    byol_source_free(source);
    snprintf(spec, sizeof spec, "%s:validation", folder);
    is_refused(spec, BYOL_ERROR_INVALID, WORDS("validation", "train and test"));
}

static void an_idx_file_of_rank_four_has_channels(void **state) {
    (void)state;
    uint8_t bytes[20 + 2 * 3 * 2 * 2] = {0, 0, 8, 4, 0, 0, 0, 2, 0, 0,
                                         0, 3, 0, 0, 0, 2, 0, 0, 0, 2};
    for (size_t i = 0; i < 24; i++) bytes[20 + i] = pixel(3, i / 12, i % 12);
    write_bytes("train-images-idx4-ubyte", bytes, sizeof bytes);
    byol_source *source = opens(folder);
    byol_source_info info = described(source);
    assert_int_equal(info.count, 2);
    assert_int_equal(info.channels, 3);
    assert_int_equal(info.height, 2);
    holds(source, 0, 3, 0);
    holds(source, 1, 3, 1);
    byol_source_free(source);
    bytes[11] = 2;
    bytes[15] = 3;
    write_bytes("train-images-idx4-ubyte", bytes, sizeof bytes);
    is_refused(folder, BYOL_ERROR_FORMAT, WORDS("1 or 3 channels", "idx4"));
}

static void a_truncated_idx_file_is_named_with_both_sizes(void **state) {
    (void)state;
    uint8_t images[IMAGES_LENGTH];
    idx_images(images, 1);
    const char *plain = in_folder("x-images-idx3-ubyte"),
               *packed = in_folder("y-images-idx3-ubyte.gz");
    write_bytes("x-images-idx3-ubyte", images, sizeof images - 1);
    is_refused(plain, BYOL_ERROR_FORMAT,
               WORDS(plain, "truncated", "expected 136 bytes", "found 135"));
    write_gz("y-images-idx3-ubyte.gz", images, sizeof images - 1);
    is_refused(packed, BYOL_ERROR_FORMAT,
               WORDS(packed, "truncated", "expected 136 bytes", "found 135"));
    for (size_t length = 1; length < 16; length++) {
        write_bytes("x-images-idx3-ubyte", images, length);
        is_refused(plain, BYOL_ERROR_FORMAT, WORDS(plain, "truncated"));
    }
    write_bytes("x-images-idx3-ubyte", images, 0);
    is_refused(plain, BYOL_ERROR_FORMAT, WORDS(plain, "empty"));
}

static void a_packed_file_cut_anywhere_is_refused(void **state) {
    (void)state;
    uint8_t images[IMAGES_LENGTH], packed[2 * IMAGES_LENGTH];
    idx_images(images, 1);
    write_gz("y-images-idx3-ubyte.gz", images, sizeof images);
    const char *path = in_folder("y-images-idx3-ubyte.gz");
    FILE *stream = fopen(path, "rb");
    size_t length = fread(packed, 1, sizeof packed, stream);
    fclose(stream);
    for (size_t cut = 0; cut + 8 < length;
         cut++) { /* the last eight bytes are the trailer, after all data */
        write_bytes("y-images-idx3-ubyte.gz", packed, cut);
        is_refused(path, BYOL_ERROR_FORMAT, WORDS(path));
    }
}

static void an_idx_file_that_is_too_long_is_refused(void **state) {
    (void)state;
    uint8_t images[IMAGES_LENGTH + 1] = {0};
    idx_images(images, 1);
    write_bytes("x-images-idx3-ubyte", images, sizeof images);
    const char *path = in_folder("x-images-idx3-ubyte");
    is_refused(path, BYOL_ERROR_FORMAT, WORDS(path, "too long", "136"));
}

static void an_idx_header_is_not_believed_blindly(void **state) {
    (void)state;
    uint8_t images[IMAGES_LENGTH];
    const char *path = in_folder("x-images-idx3-ubyte");
    idx_images(images, 1);
    images[4] = 0x7f; /* two thousand million images */
    write_bytes("x-images-idx3-ubyte", images, sizeof images);
    is_refused(path, BYOL_ERROR_FORMAT, WORDS(path, "expected", "found a file of 136"));
    idx_images(images, 1);
    memset(images + 4, 0xff, 12); /* more than 64 bits can count */
    write_bytes("x-images-idx3-ubyte", images, sizeof images);
    is_refused(path, BYOL_ERROR_FORMAT, WORDS(path, "damaged"));
    idx_images(images, 1);
    images[11] = 0;
    write_bytes("x-images-idx3-ubyte", images, sizeof images);
    is_refused(path, BYOL_ERROR_FORMAT, WORDS(path, "0 for dimension 1"));
    idx_images(images, 1);
    images[2] = 13; /* floats */
    write_bytes("x-images-idx3-ubyte", images, sizeof images);
    is_refused(path, BYOL_ERROR_FORMAT, WORDS(path, "00 00 0d 03", "expected 00 00 08 03"));
    write_bytes("x-images-idx3-ubyte", "not an image at all", 19);
    is_refused(path, BYOL_ERROR_FORMAT, WORDS(path, "6e 6f 74 20"));
}

static void labels_that_do_not_fit_are_refused(void **state) {
    (void)state;
    uint8_t images[IMAGES_LENGTH], labels[LABELS_LENGTH];
    const char *path = in_folder("x-images-idx3-ubyte");
    idx_images(images, 1);
    idx_labels(labels);
    labels[7] = N - 1;
    write_bytes("x-images-idx3-ubyte", images, sizeof images);
    write_bytes("x-labels-idx1-ubyte", labels, sizeof labels - 1);
    is_refused(path, BYOL_ERROR_FORMAT,
               WORDS("x-labels-idx1-ubyte has 4 labels", "x-images-idx3-ubyte has 5 images"));
    labels[7] = N;
    write_bytes("x-labels-idx1-ubyte", labels, sizeof labels - 1);
    is_refused(path, BYOL_ERROR_FORMAT,
               WORDS("x-labels-idx1-ubyte", "truncated", "expected 13 bytes", "found 12"));
    write_bytes("x-labels-idx1-ubyte", images, sizeof images);
    is_refused(path, BYOL_ERROR_FORMAT,
               WORDS("x-labels-idx1-ubyte", "expected 1 dimension, found 3"));
    write_bytes("z-images-idx3-ubyte", labels, sizeof labels);
    is_refused(in_folder("z-images-idx3-ubyte"), BYOL_ERROR_FORMAT, WORDS("holds no images"));
}

static void one_file_has_no_split(void **state) {
    (void)state;
    uint8_t images[IMAGES_LENGTH];
    char spec[128];
    idx_images(images, 1);
    write_bytes("x-images-idx3-ubyte", images, sizeof images);
    snprintf(spec, sizeof spec, "%s/x-images-idx3-ubyte:test", folder);
    is_refused(spec, BYOL_ERROR_INVALID, WORDS("one file", "'test'"));
    write_bytes("odd:name", images, sizeof images);
    byol_source *source = opens(in_folder("odd:name"));
    is_idx(source, 1, 0);
    byol_source_free(source);
}

/* ---- CIFAR ---- */

static void is_cifar10(const byol_source *source, const int *files, size_t count) {
    byol_source_info info = described(source);
    assert_string_equal(info.kind, "cifar10");
    assert_int_equal(info.count, count * RECORDS);
    assert_int_equal(info.channels, 3);
    assert_int_equal(info.height, 32);
    assert_int_equal(info.width, 32);
    assert_int_equal(info.classes, 10);
    for (size_t i = 0; i < count * RECORDS; i++) {
        holds(source, i, files[i / RECORDS], i % RECORDS);
        assert_int_equal(byol_source_label(source, i),
                         (files[i / RECORDS] + (int)(i % RECORDS)) % 10);
    }
}

static void opens_as_cifar10(const char *suffix, const int *files, size_t count) {
    char spec[128];
    snprintf(spec, sizeof spec, "%s%s", folder, suffix);
    byol_source *source = opens(spec);
    is_cifar10(source, files, count);
    byol_source_free(source);
}

static void cifar10_batches_are_read_in_the_order_of_their_numbers(void **state) {
    (void)state;
    write_cifar10("data_batch_10.bin", 10);
    write_cifar10("data_batch_2.bin", 2);
    write_cifar10("test_batch.bin", 0);
    write_cifar10("data_batch_1.bin", 1);
    opens_as_cifar10("", (int[]){1, 2, 10}, 3);
    opens_as_cifar10(":train", (int[]){1, 2, 10}, 3);
    opens_as_cifar10(":test", (int[]){0}, 1);
    opens_as_cifar10(":10,1", (int[]){1, 10}, 2);
    opens_as_cifar10(":2", (int[]){2}, 1);
}

static void a_split_that_is_not_there_says_what_is(void **state) {
    (void)state;
    char spec[128];
    const char *const wrong[] = {"validation", "0",  "1,",  ",1", "1,,2",
                                 "1;2",        "64", "1 2", "-1", "99999999999999999999"};
    write_cifar10("data_batch_1.bin", 1);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(spec, sizeof spec, "%s:%s", folder, wrong[i]);
        is_refused(spec, BYOL_ERROR_INVALID, WORDS(wrong[i], "train, test"));
    }
    snprintf(spec, sizeof spec, "%s:1,3", folder);
    is_refused(spec, BYOL_ERROR_NOT_FOUND,
               WORDS("data_batch_3.bin", folder, "found data_batch_1.bin"));
    snprintf(spec, sizeof spec, "%s:test", folder);
    is_refused(spec, BYOL_ERROR_NOT_FOUND, WORDS("no test split", "found data_batch_1.bin"));
}

static void without_training_files_the_test_file_is_what_there_is(void **state) {
    (void)state;
    write_cifar10("test_batch.bin", 0);
    opens_as_cifar10("", (int[]){0}, 1);
}

static void cifar10_knows_its_class_names(void **state) {
    (void)state;
    write_cifar10("data_batch_1.bin", 1);
    byol_source *source = opens(folder);
    assert_null(byol_source_class_name(source, 0));
    byol_source_free(source);
    write_bytes("batches.meta.txt", "airplane\nautomobile\r\nbird\n\n", 26);
    source = opens(folder);
    assert_string_equal(byol_source_class_name(source, 0), "airplane");
    assert_string_equal(byol_source_class_name(source, 1), "automobile");
    assert_string_equal(byol_source_class_name(source, 2), "bird");
    assert_null(byol_source_class_name(source, 3));
    assert_null(byol_source_class_name(source, -1));
    byol_source_free(source);
}

static void cifar100_gives_the_fine_labels(void **state) {
    (void)state;
    char spec[128];
    write_cifar100("train.bin", 1);
    write_cifar100("test.bin", 2);
    write_bytes("fine_label_names.txt", "apple\naquarium_fish\n", 20);
    byol_source *source = opens(folder);
    assert_string_equal(described(source).kind, "cifar100");
    assert_int_equal(described(source).count, RECORDS);
    assert_int_equal(described(source).classes, 100);
    for (size_t i = 0; i < RECORDS; i++) {
        holds(source, i, 1, i);
        assert_int_equal(byol_source_label(source, i), 91 + i);
    }
    assert_string_equal(byol_source_class_name(source, 1), "aquarium_fish");
    byol_source_free(source);
    snprintf(spec, sizeof spec, "%s:test", folder);
    source = opens(spec);
    holds(source, 3, 2, 3);
    byol_source_free(source);
    snprintf(spec, sizeof spec, "%s:1", folder);
    is_refused(spec, BYOL_ERROR_NOT_FOUND, WORDS("data_batch_1.bin", "train.bin"));
    write_cifar10("data_batch_1.bin", 1);
    is_refused(folder, BYOL_ERROR_FORMAT, WORDS("CIFAR-10 and CIFAR-100", folder));
}

static void the_folders_that_the_archives_unpack_to_are_found(void **state) {
    (void)state;
    assert_int_equal(mkdir(in_folder("cifar-10-batches-bin"), 0777), 0);
    is_refused(folder, BYOL_ERROR_NOT_FOUND,
               WORDS(folder, "data_batch_1.bin", "train-images-idx3-ubyte"));
    write_cifar10("cifar-10-batches-bin/data_batch_1.bin", 1);
    opens_as_cifar10("", (int[]){1}, 1);
    opens_as_cifar10("/cifar-10-batches-bin:1", (int[]){1}, 1);
    assert_int_equal(mkdir(in_folder("cifar-100-binary"), 0777), 0);
    write_cifar100("cifar-100-binary/train.bin", 1);
    is_refused(folder, BYOL_ERROR_INVALID, WORDS("cifar-10-batches-bin and cifar-100-binary"));
}

static void a_truncated_cifar_file_is_named(void **state) {
    (void)state;
    uint8_t *bytes = cifar10_file(1);
    write_cifar10("data_batch_1.bin", 1);
    write_bytes("data_batch_2.bin", bytes, CIFAR10_LENGTH - 1);
    is_refused(folder, BYOL_ERROR_FORMAT,
               WORDS("data_batch_2.bin", folder, "truncated", "3073", "found 12291"));
    write_bytes("data_batch_2.bin", bytes, 0);
    is_refused(folder, BYOL_ERROR_FORMAT, WORDS("data_batch_2.bin", "found 0"));
    bytes[2 * 3073] = 10;
    write_bytes("data_batch_2.bin", bytes, CIFAR10_LENGTH);
    is_refused(folder, BYOL_ERROR_FORMAT, WORDS(folder, "image 6 has label 10", "0 .. 9"));
    byol__free(bytes);
}

/* As the official archive: in a folder, out of order, other files between. */
static size_t write_cifar10_archive(const char *name, int gzip) {
    uint8_t *one = cifar10_file(1), *two = cifar10_file(2), *test = cifar10_file(0);
    const member members[] = {
        {"cifar-10-batches-bin/data_batch_2.bin", two, CIFAR10_LENGTH},
        {"cifar-10-batches-bin/batches.meta.txt", "airplane\nautomobile\n", 20},
        {"cifar-10-batches-bin/test_batch.bin", test, CIFAR10_LENGTH},
        {"cifar-10-batches-bin/readme.html", "<html>", 6},
        {"cifar-10-batches-bin/data_batch_1.bin", one, CIFAR10_LENGTH}};
    pack(name, gzip, 1, members, 5);
    byol__free(one);
    byol__free(two);
    byol__free(test);
    struct stat info;
    assert_int_equal(stat(in_folder(name), &info), 0);
    return (size_t)info.st_size;
}

static void the_archive_is_read_unopened(void **state) {
    (void)state;
    for (int gzip = 0; gzip < 2; gzip++) {
        write_cifar10_archive("archive", gzip);
        opens_as_cifar10("/archive", (int[]){1, 2}, 2);
        opens_as_cifar10("/archive:test", (int[]){0}, 1);
        opens_as_cifar10("/archive:2", (int[]){2}, 1);
        byol_source *source = opens(in_folder("archive"));
        assert_string_equal(byol_source_class_name(source, 1), "automobile");
        byol_source_free(source);
    }
}

static void a_damaged_archive_is_refused(void **state) {
    (void)state;
    const char *path = in_folder("archive.tar.gz");
    size_t length = write_cifar10_archive("archive.tar.gz", 1);
    for (size_t kept = length / 8; kept < length - length / 8; kept += length / 8) {
        assert_int_equal(truncate(path, (off_t)kept), 0);
        is_refused(path, BYOL_ERROR_FORMAT, WORDS(path));
        length = write_cifar10_archive("archive.tar.gz", 1);
    }
    member other = {"pictures/cat.jpg", "no", 2};
    uint8_t *bytes = cifar10_file(1);
    const member twice[] = {{"a/data_batch_1.bin", bytes, CIFAR10_LENGTH},
                            {"b/data_batch_1.bin", bytes, CIFAR10_LENGTH}};
    pack("archive.tar.gz", 1, 1, twice, 2);
    is_refused(path, BYOL_ERROR_FORMAT, WORDS(path, "data_batch_1.bin twice"));
    byol__free(bytes);
    pack("archive.tar.gz", 1, 1, &other, 1);
    is_refused(path, BYOL_ERROR_FORMAT, WORDS(path, "cat.jpg", "not a JPEG"));
    const member neither = {"readme", (uint8_t *)"words", 5};
    pack("archive.tar.gz", 1, 1, &neither, 1);
    is_refused(path, BYOL_ERROR_NOT_FOUND, WORDS(path, "no pictures", "no CIFAR data"));
}

/* ---- where things are looked for ---- */

static void what_is_missing_is_said_with_what_to_do(void **state) {
    (void)state;
    is_refused("/nowhere/at/all", BYOL_ERROR_NOT_FOUND, WORDS("/nowhere/at/all"));
    is_refused("/nowhere/at/all:train", BYOL_ERROR_NOT_FOUND, WORDS("/nowhere/at/all'"));
    is_refused("", BYOL_ERROR_NOT_FOUND, WORDS("no data"));
    is_refused("/dev/null", BYOL_ERROR_IO, WORDS("/dev/null", "not a regular file"));
    is_refused(folder, BYOL_ERROR_NOT_FOUND, WORDS(folder));
    if (access("/usr/share/datasets/fashion-mnist", F_OK) != 0)
        is_refused("fashion-mnist", BYOL_ERROR_NOT_FOUND,
                   WORDS("apt install", "dataset-fashion-mnist"));
    char *endless = malloc(20000);
    memset(endless, 'x', 19999);
    endless[19999] = '\0';
    is_refused(endless, BYOL_ERROR_NOT_FOUND, WORDS("xxx"));
    endless[10000] = ':';
    is_refused(endless, BYOL_ERROR_NOT_FOUND, WORDS("xxx"));
    free(endless);
}

static void names_are_looked_for_below_byol_data(void **state) {
    (void)state;
    assert_int_equal(mkdir(in_folder("mine"), 0777), 0);
    write_cifar10("mine/data_batch_1.bin", 1);
    const char *before = getenv("BYOL_DATA");
    char *kept = before != NULL ? strdup(before) : NULL;
    setenv("BYOL_DATA", folder, 1);
    byol_source *source = opens("mine:train");
    is_cifar10(source, (int[]){1}, 1);
    byol_source_free(source);
    is_refused("yours", BYOL_ERROR_NOT_FOUND, WORDS("yours", folder));
    if (kept != NULL)
        setenv("BYOL_DATA", kept, 1);
    else
        unsetenv("BYOL_DATA");
    free(kept);
}

/* ---- subsets ---- */

static void a_subset_is_the_chosen_samples(void **state) {
    (void)state;
    write_cifar10("data_batch_1.bin", 1);
    write_cifar10("data_batch_2.bin", 2);
    write_bytes("batches.meta.txt", "airplane\n", 9);
    byol_source *all = opens(folder), *some, *fewer;
    byol_error error = {0};
    uint32_t indices[3] = {7, 0, 4};
    assert_int_equal(byol_source_subset(&some, all, indices, 3, &error), BYOL_OK);
    memset(indices, 0, sizeof indices); /* they were copied */
    assert_int_equal(described(some).count, 3);
    assert_int_equal(described(some).classes, 10);
    holds(some, 0, 2, 3);
    holds(some, 1, 1, 0);
    holds(some, 2, 2, 0);
    assert_int_equal(byol_source_label(some, 0), 5);
    assert_int_equal(byol_source_label(some, 3), -1);
    assert_string_equal(byol_source_class_name(some, 0), "airplane");
    assert_int_equal(byol_source_subset(&fewer, some, (uint32_t[]){2}, 1, &error), BYOL_OK);
    holds(fewer, 0, 2, 0);
    byol_source_free(fewer);
    byol_picture picture = {0};
    assert_int_equal(byol_source_image(some, 3, NULL, &picture, &error), BYOL_ERROR_INVALID);
    assert_int_equal(byol_source_subset(&fewer, all, (uint32_t[]){0, 8}, 2, &error),
                     BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "image 8"));
    byol_source_free(some);
    byol_source_free(all);
    byol_source_free(NULL);
}

/* ---- the real ones ---- */

static void count_labels(const byol_source *source, size_t each) {
    size_t counts[10] = {0};
    byol_source_info info = described(source);
    for (size_t i = 0; i < info.count; i++) counts[byol_source_label(source, i)]++;
    for (int i = 0; i < 10; i++) assert_int_equal(counts[i], each);
}

static void fashion_mnist_is_found_by_its_name(void **state) {
    (void)state;
    if (access("/usr/share/datasets/fashion-mnist", F_OK) != 0) skip();
    byol_source *train = opens("fashion-mnist"), *test = opens("fashion-mnist:test");
    byol_source_info info = described(train);
    assert_int_equal(info.count, 60000);
    assert_int_equal(info.channels, 1);
    assert_int_equal(info.height, 28);
    assert_int_equal(info.classes, 10);
    assert_int_equal(described(test).count, 10000);
    count_labels(train, 6000);
    count_labels(test, 1000);
    assert_string_equal(byol_source_class_name(train, byol_source_label(train, 0)), "Ankle boot");
    assert_string_equal(byol_source_class_name(test, 0), "T-shirt/top");
    byol_source_free(train);
    byol_source_free(test);
}

static void the_real_cifar10_is_read(void **state) {
    (void)state;
    const char *data = getenv("BYOL_TEST_DATA");
    char spec[512];
    if (data == NULL) skip();
    snprintf(spec, sizeof spec, "%s/cifar10:1,2,3,4", data);
    byol_source *train = opens(spec);
    snprintf(spec, sizeof spec, "%s/cifar10:5", data);
    byol_source *held_out = opens(spec);
    snprintf(spec, sizeof spec, "%s/cifar10:test", data);
    byol_source *test = opens(spec);
    assert_int_equal(described(train).count, 40000);
    assert_int_equal(described(held_out).count, 10000);
    count_labels(test, 1000);
    /* The first images of the set: a frog (59, 43, 50 ... in red), a truck, a truck. */
    byol_picture picture = {0};
    assert_int_equal(byol_source_image(train, 0, NULL, &picture, NULL), BYOL_OK);
    assert_memory_equal(picture.image.pixels, ((uint8_t[]){59, 43, 50, 68, 98}), 5);
    assert_string_equal(byol_source_class_name(train, byol_source_label(train, 0)), "frog");
    assert_string_equal(byol_source_class_name(train, byol_source_label(train, 1)), "truck");
    assert_string_equal(byol_source_class_name(test, byol_source_label(test, 0)), "cat");
    byol_source_free(train);
    byol_source_free(held_out);
    byol_source_free(test);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(an_idx_file_is_opened_with_the_labels_beside_it),
        IN_A_FOLDER(packed_and_plain_idx_files_mix),
        IN_A_FOLDER(an_idx_folder_has_the_splits_train_and_test),
        IN_A_FOLDER(an_idx_file_of_rank_four_has_channels),
        IN_A_FOLDER(a_truncated_idx_file_is_named_with_both_sizes),
        IN_A_FOLDER(a_packed_file_cut_anywhere_is_refused),
        IN_A_FOLDER(an_idx_file_that_is_too_long_is_refused),
        IN_A_FOLDER(an_idx_header_is_not_believed_blindly),
        IN_A_FOLDER(labels_that_do_not_fit_are_refused),
        IN_A_FOLDER(one_file_has_no_split),
        IN_A_FOLDER(cifar10_batches_are_read_in_the_order_of_their_numbers),
        IN_A_FOLDER(a_split_that_is_not_there_says_what_is),
        IN_A_FOLDER(without_training_files_the_test_file_is_what_there_is),
        IN_A_FOLDER(cifar10_knows_its_class_names),
        IN_A_FOLDER(cifar100_gives_the_fine_labels),
        IN_A_FOLDER(the_folders_that_the_archives_unpack_to_are_found),
        IN_A_FOLDER(a_truncated_cifar_file_is_named),
        IN_A_FOLDER(the_archive_is_read_unopened),
        IN_A_FOLDER(a_damaged_archive_is_refused),
        IN_A_FOLDER(what_is_missing_is_said_with_what_to_do),
        IN_A_FOLDER(names_are_looked_for_below_byol_data),
        IN_A_FOLDER(a_subset_is_the_chosen_samples),
        cmocka_unit_test(fashion_mnist_is_found_by_its_name),
        cmocka_unit_test(the_real_cifar10_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
