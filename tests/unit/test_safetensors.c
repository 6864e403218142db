/* The file format of weights and checkpoints: what is written comes back, and what is damaged is
 * refused. */
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

#include "base/files.h"
#include "base/memory.h"
#include "state/safetensors.h"

static const char path[] = "test_safetensors.safetensors";
static const char damaged[] = "test_safetensors_damaged.safetensors";

static const float weight[6] = {1, -2, 3.5f, 0, 1e-30f, 7};
static const float bias[1] = {42};
static const byol__tensor tensors[] = {
    {"conv1.weight", weight, {3, 2}, 2},
    {"empty", weight, {0, 5}, 2},
    {"bn1.bias", bias, {1}, 1},
    {"scalar", bias, {0}, 0},
};
static const byol__metadata metadata[] = {{"config", "encoder: {width: 16}\n\"quoted\""},
                                          {"step", "12"}};

static void write_sample(void) {
    byol_error error = {0};
    assert_int_equal(byol__safetensors_write(path, tensors, 4, metadata, 2, &error), BYOL_OK);
    assert_string_equal(error.text, "");
}

/* Owned: byol__free. */
static char *write_and_read_sample(size_t *length) {
    char *bytes;
    byol_error error = {0};
    write_sample();
    assert_int_equal(byol__read_file(path, &bytes, length, &error), BYOL_OK);
    return bytes;
}

static void put(const char *name, const void *bytes, size_t length) {
    FILE *stream = fopen(name, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, length, stream), length);
    fclose(stream);
}

/* A file with this header and so many bytes of data behind it. */
static byol_status open_made(const char *header, size_t data, byol__safetensors **file,
                             byol_error *error) {
    char bytes[1024] = {0};
    uint64_t length = strlen(header);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, length);
    put(damaged, bytes, 8 + length + data);
    return byol__safetensors_open(file, damaged, error);
}

static void what_is_written_is_read_back(void **state) {
    (void)state;
    write_sample();
    byol_error error = {0};
    byol__safetensors *file;
    assert_int_equal(byol__safetensors_open(&file, path, &error), BYOL_OK);
    assert_int_equal(byol__safetensors_count(file), 4);
    assert_string_equal(byol__safetensors_metadata(file, "config"), metadata[0].value);
    assert_string_equal(byol__safetensors_metadata(file, "step"), "12");
    assert_null(byol__safetensors_metadata(file, "nothing"));
    int seen = 0;
    for (size_t i = 0; i < 4; i++) {
        byol__tensor tensor;
        assert_int_equal(byol__safetensors_tensor(file, i, &tensor, &error), BYOL_OK);
        for (int t = 0; t < 4; t++) {
            if (strcmp(tensor.name, tensors[t].name) != 0) continue;
            seen |= 1 << t;
            assert_int_equal(tensor.ndims, tensors[t].ndims);
            assert_memory_equal(tensor.dims, tensors[t].dims, (size_t)tensor.ndims * sizeof(int));
        }
    }
    assert_int_equal(seen, 15);
    byol__tensor none;
    assert_int_equal(byol__safetensors_tensor(file, 4, &none, &error), BYOL_ERROR_INVALID);
    float copy[6];
    assert_int_equal(byol__safetensors_read(file, "conv1.weight", (int[]){3, 2}, 2, copy, &error),
                     BYOL_OK);
    assert_memory_equal(copy, weight, sizeof weight);
    assert_int_equal(byol__safetensors_read(file, "scalar", NULL, 0, copy, &error), BYOL_OK);
    assert_true(copy[0] == 42);
    byol__safetensors_close(file);
}

static void a_wrong_name_or_shape_is_an_error_with_both_shapes(void **state) {
    (void)state;
    write_sample();
    byol_error error = {0};
    byol__safetensors *file;
    float copy[6];
    assert_int_equal(byol__safetensors_open(&file, path, &error), BYOL_OK);
    assert_int_equal(byol__safetensors_read(file, "conv2.weight", (int[]){3, 2}, 2, copy, &error),
                     BYOL_ERROR_NOT_FOUND);
    assert_non_null(strstr(error.text, "conv2.weight"));
    assert_int_equal(byol__safetensors_read(file, "conv1.weight", (int[]){2, 3}, 2, copy, &error),
                     BYOL_ERROR_MISMATCH);
    assert_non_null(strstr(error.text, "(3, 2)"));
    assert_non_null(strstr(error.text, "(2, 3)"));
    assert_int_equal(
        byol__safetensors_read(file, "conv1.weight", (int[]){3, 2, 1}, 3, copy, &error),
        BYOL_ERROR_MISMATCH);
    byol__safetensors_close(file);
}

static void tensors_begin_at_a_multiple_of_64_bytes(void **state) {
    (void)state;
    size_t length;
    char *bytes = write_and_read_sample(&length);
    uint64_t header;
    memcpy(&header, bytes, 8);
    assert_int_equal((8 + header) % 64, 0);
    assert_int_equal(length, 8 + header + 8 * sizeof(float));
    byol__free(bytes);
}

static void every_truncation_is_refused(void **state) {
    (void)state;
    size_t length;
    char *bytes = write_and_read_sample(&length);
    byol_error error = {0};
    for (size_t cut = 0; cut < length; cut++) {
        byol__safetensors *file;
        put(damaged, bytes, cut);
        error.text[0] = '\0';
        if (byol__safetensors_open(&file, damaged, &error) != BYOL_ERROR_FORMAT)
            fail_msg("accepted %zu bytes", cut);
        assert_non_null(strstr(error.text, damaged));
    }
    put(damaged, bytes, length + 1);
    byol__safetensors *file;
    assert_int_equal(byol__safetensors_open(&file, damaged, &error), BYOL_ERROR_FORMAT);
    byol__free(bytes);
}

static void every_flipped_bit_is_found(void **state) {
    (void)state;
    size_t length;
    char *bytes = write_and_read_sample(&length);
    byol_error error = {0};
    for (size_t at = 0; at < length; at++) {
        for (int flip = 1; flip < 256; flip = flip == 128 ? 255 : flip * 2) {
            bytes[at] = (char)(bytes[at] ^ flip);
            put(damaged, bytes, length);
            byol__safetensors *file;
            error.text[0] = '\0';
            if (byol__safetensors_open(&file, damaged, &error) != BYOL_ERROR_FORMAT)
                fail_msg("byte %zu flipped by %d and nobody saw", at, flip);
            assert_non_null(strstr(error.text, damaged));
            bytes[at] = (char)(bytes[at] ^ flip);
            if (flip == 255) break;
        }
    }
    byol__free(bytes);
}

static void malformed_headers_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *header;
        size_t data;
    } cases[] = {
        {"", 0},
        {"[]", 0},
        {"null", 0},
        {"not json", 0},
        {"{}", 4},
        {"{\"a\":1}", 0},
        {"{\"__metadata__\":1}", 0},
        {"{\"__metadata__\":{\"a\":1}}", 0},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,\"4\"]}}", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,9223372036854775807]}}", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,99999999999999999999]}}", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2147483647,2147483647,4],\"data_offsets\":[0,4]}}",
         4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[65536,65536,65536,65536],\"data_offsets\":[0,0]}}",
         0},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
         4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
         "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
         8},
        {"{\"__metadata__\":{\"xxh3\":\"0123456789abcdef\"}}", 0},
        {"{\"__metadata__\":{\"writer\":\"byol 9\"}}", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        byol__safetensors *file;
        byol_error error = {0};
        if (open_made(cases[i].header, cases[i].data, &file, &error) != BYOL_ERROR_FORMAT)
            fail_msg("accepted: %s", cases[i].header);
        assert_true(strlen(error.text) > 0);
    }
    byol__safetensors *file;
    byol_error error = {0};
    char huge[16] = "\xff\xff\xff\xff\xff\xff\xff\xff{}";
    put(damaged, huge, sizeof huge);
    assert_int_equal(byol__safetensors_open(&file, damaged, &error), BYOL_ERROR_FORMAT);
}

static void files_of_others_load_without_a_digest(void **state) {
    (void)state;
    byol__safetensors *file;
    byol_error error = {0};
    const char *header =
        "{\"half\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[4,8]},"
        "\"five\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1],\"data_offsets\":[0,4]},"
        "\"new\":{\"dtype\":\"F4_NEW\",\"shape\":[3],\"data_offsets\":[8,10]},"
        "\"ok\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[10,18]}} ";
    assert_int_equal(open_made(header, 18, &file, &error), BYOL_OK);
    float two[2] = {1, 1};
    assert_int_equal(byol__safetensors_read(file, "half", (int[]){2}, 1, two, &error),
                     BYOL_ERROR_UNSUPPORTED);
    assert_int_equal(byol__safetensors_read(file, "five", (int[]){1}, 1, two, &error),
                     BYOL_ERROR_UNSUPPORTED);
    assert_int_equal(byol__safetensors_read(file, "new", (int[]){3}, 1, two, &error),
                     BYOL_ERROR_UNSUPPORTED);
    assert_int_equal(byol__safetensors_read(file, "ok", (int[]){2}, 1, two, &error), BYOL_OK);
    assert_true(two[0] == 0 && two[1] == 0);
    byol__safetensors_close(file);
}

static void a_failed_write_leaves_the_old_file(void **state) {
    (void)state;
    write_sample();
    char *before, *after;
    size_t before_length, after_length;
    byol_error error = {0};
    assert_int_equal(byol__read_file(path, &before, &before_length, &error), BYOL_OK);
    const byol__tensor twice[] = {tensors[0], tensors[0]};
    assert_int_equal(byol__safetensors_write(path, twice, 2, NULL, 0, &error), BYOL_ERROR_INVALID);
    const byol__metadata reserved[] = {{"xxh3", "mine"}};
    assert_int_equal(byol__safetensors_write(path, tensors, 1, reserved, 1, &error),
                     BYOL_ERROR_INVALID);
    const byol__tensor not_text[] = {{"\xff", bias, {1}, 1}};
    assert_int_equal(byol__safetensors_write(path, not_text, 1, NULL, 0, &error),
                     BYOL_ERROR_INVALID);
    assert_int_equal(
        byol__safetensors_write("test_safetensors.safetensors/below", tensors, 1, NULL, 0, &error),
        BYOL_ERROR_IO);
    assert_int_equal(byol__read_file(path, &after, &after_length, &error), BYOL_OK);
    assert_int_equal(before_length, after_length);
    assert_memory_equal(before, after, before_length);
    byol__free(before);
    byol__free(after);
}

/* The temporary file is a link to /dev/full: every byte written is refused as on a full disk. */
static void a_full_disk_is_an_error_and_the_old_file_stays(void **state) {
    (void)state;
    if (access("/dev/full", W_OK) != 0) skip();
    write_sample();
    assert_int_equal(symlink("/dev/full", "test_safetensors.safetensors.tmp"), 0);
    byol_error error = {0};
    assert_int_equal(byol__safetensors_write(path, tensors, 1, NULL, 0, &error), BYOL_ERROR_IO);
    assert_non_null(strstr(error.text, "No space left"));
    struct stat info;
    assert_int_not_equal(lstat("test_safetensors.safetensors.tmp", &info), 0);
    byol__safetensors *file;
    assert_int_equal(byol__safetensors_open(&file, path, &error), BYOL_OK);
    assert_int_equal(byol__safetensors_count(file), 4);
    byol__safetensors_close(file);
}

static void a_missing_file_is_not_found(void **state) {
    (void)state;
    byol__safetensors *file;
    byol_error error = {0};
    assert_int_equal(byol__safetensors_open(&file, "nowhere.safetensors", &error),
                     BYOL_ERROR_NOT_FOUND);
    assert_non_null(strstr(error.text, "nowhere.safetensors"));
    assert_int_equal(byol__safetensors_open(&file, "/", &error), BYOL_ERROR_IO);
    byol__safetensors_close(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(a_wrong_name_or_shape_is_an_error_with_both_shapes),
        cmocka_unit_test(tensors_begin_at_a_multiple_of_64_bytes),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(every_flipped_bit_is_found),
        cmocka_unit_test(malformed_headers_are_refused),
        cmocka_unit_test(files_of_others_load_without_a_digest),
        cmocka_unit_test(a_failed_write_leaves_the_old_file),
        cmocka_unit_test(a_full_disk_is_an_error_and_the_old_file_stays),
        cmocka_unit_test(a_missing_file_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
