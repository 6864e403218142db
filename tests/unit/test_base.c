/* Random numbers, bf16 and files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bf16.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/philox.h"
#include "base/vectors.h"

/* Known answers of the authors' distribution (Random123, kat_vectors, philox4x32 10). */
static void philox_gives_the_published_vectors(void **state) {
    (void)state;
    uint32_t out[4];
    byol__philox((uint32_t[4]){0, 0, 0, 0}, (uint32_t[2]){0, 0}, out);
    assert_memory_equal(out, ((uint32_t[4]){0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}),
                        sizeof out);
    byol__philox((uint32_t[4]){0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                 (uint32_t[2]){0xa4093822, 0x299f31d0}, out);
    assert_memory_equal(out, ((uint32_t[4]){0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}),
                        sizeof out);
}

static void streams_are_uniform_and_differ(void **state) {
    (void)state;
    byol__random a = byol__random_stream(7, BYOL__PURPOSE_VIEW, 3, 11, 0);
    byol__random b = byol__random_stream(7, BYOL__PURPOSE_VIEW, 3, 11, 1);
    double sum = 0, square = 0;
    int equal = 0, counts[10] = {0};
    for (int i = 0; i < 100000; i++) {
        double u = (double)byol__random_uniform(&a);
        assert_true(u >= 0 && u < 1);
        sum += u;
        square += u * u;
        equal += byol__random_u32(&b) == a.block[a.used - 1];
        counts[byol__random_below(&b, 10)]++;
    }
    assert_true(fabs(sum / 1e5 - 0.5) < 0.005); /* 5 standard errors */
    assert_true(fabs(square / 1e5 - 1.0 / 3) < 0.005);
    assert_true(equal < 3);
    for (int i = 0; i < 10; i++) assert_true(abs(counts[i] - 10000) < 500);
}

static void normals_have_the_moments_of_normals(void **state) {
    (void)state;
    byol__random random = byol__random_stream(1, BYOL__PURPOSE_INIT, 0, 0, 0);
    double m1 = 0, m2 = 0, m4 = 0;
    enum { COUNT = 200000 };
    for (int i = 0; i < COUNT; i++) {
        double x = (double)byol__random_normal(&random);
        m1 += x;
        m2 += x * x;
        m4 += x * x * x * x;
    }
    assert_true(fabs(m1 / COUNT) < 0.012);
    assert_true(fabs(m2 / COUNT - 1) < 0.016);
    assert_true(fabs(m4 / COUNT - 3) < 0.12);
}

static void bf16_rounds_to_nearest_even(void **state) {
    (void)state;
    assert_int_equal(byol__bf16_from_float(1.0f), 0x3f80);
    assert_int_equal(byol__bf16_from_float(1.0f + 0x1p-8f), 0x3f80);           /* tie: even below */
    assert_int_equal(byol__bf16_from_float(1.0f + 0x1p-7f + 0x1p-8f), 0x3f82); /* tie: even above */
    assert_int_equal(byol__bf16_from_float(1.0f + 0x1.1p-8f), 0x3f81);
    assert_int_equal(byol__bf16_from_float(-INFINITY), 0xff80);
    assert_true(isnan(byol__bf16_to_float(byol__bf16_from_float(NAN))));
    for (uint32_t bits = 0; bits < 0x10000; bits++) {
        float value = byol__bf16_to_float((byol__bf16)bits);
        if (!isnan(value)) assert_int_equal(byol__bf16_from_float(value), bits);
    }
}

/* All signs, exponents and leading bits, with what lies beyond bf16 below, at and above a tie; NaN
 * and infinity too. */
static void bf16_in_vectors_is_the_same(void **state) {
    (void)state;
    static const uint32_t tails[8] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff, 0x4000, 0xc000};
    for (uint32_t head = 0; head < 0x10000; head++) {
        uvec bits = {0};
        for (int lane = 0; lane < LANES; lane++) bits[lane] = head << 16 | tails[lane % 8];
        vec values = (vec)bits, rounded = round_to_bf16(values);
        hvec narrow = narrow_to_bf16(rounded);
        vec widened = widen_bf16(narrow);
        for (int lane = 0; lane < LANES; lane++) {
            assert_int_equal(narrow[lane], byol__bf16_from_float(values[lane]));
            assert_int_equal(((uvec)widened)[lane], ((uvec)rounded)[lane]);
        }
    }
}

static void an_atomic_file_appears_whole_or_not_at_all(void **state) {
    (void)state;
    byol_error error = {0};
    byol__atomic_file file;
    char *text;
    size_t length;
    unlink("base_test/a/b/file"); /* of an earlier run */
    assert_int_equal(byol__make_folder("base_test/a/b", &error), BYOL_OK);
    assert_int_equal(byol__atomic_open(&file, "base_test/a/b/file", &error), BYOL_OK);
    fputs("first", file.stream);
    assert_false(byol__is_file("base_test/a/b/file"));
    assert_int_equal(byol__atomic_commit(&file, &error), BYOL_OK);
    assert_int_equal(byol__atomic_open(&file, "base_test/a/b/file", &error), BYOL_OK);
    fputs("second", file.stream);
    byol__atomic_abandon(&file);
    assert_int_equal(byol__read_file("base_test/a/b/file", &text, &length, &error), BYOL_OK);
    assert_string_equal(text, "first");
    assert_int_equal(length, 5);
    byol__free(text);
    assert_false(byol__is_file("base_test/a/b/file.tmp"));
    assert_int_equal(byol__atomic_open(&file, "base_test/nowhere/file", &error), BYOL_ERROR_IO);
    assert_non_null(strstr(error.text, "base_test/nowhere/file"));
    assert_int_equal(byol__make_folder("base_test/a/b/file/c", &error), BYOL_ERROR_IO);
}

static void impossible_memory_is_an_error_that_says_how_much(void **state) {
    (void)state;
    byol_error error = {0};
    void *pointer = NULL;
    assert_int_equal(byol__alloc(&pointer, SIZE_MAX / 2, 4, "workspace", &error),
                     BYOL_ERROR_MEMORY);
    assert_non_null(strstr(error.text, "workspace"));
    assert_null(pointer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_published_vectors),
        cmocka_unit_test(streams_are_uniform_and_differ),
        cmocka_unit_test(normals_have_the_moments_of_normals),
        cmocka_unit_test(bf16_rounds_to_nearest_even),
        cmocka_unit_test(bf16_in_vectors_is_the_same),
        cmocka_unit_test(an_atomic_file_appears_whole_or_not_at_all),
        cmocka_unit_test(impossible_memory_is_an_error_that_says_how_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
