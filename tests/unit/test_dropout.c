/* Dropout's kernel against the scalar generator: what becomes 0, and that the rest is scaled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bf16.h"
#include "base/philox.h"
#include "floats.h"
#include "ops/dropout_kernels.h"

static const uint32_t key[] = {21, 22}, stream[] = {23, 24, 25};

static byol__dropout dropout_of(uint32_t threshold, size_t count, bool bf16) {
    byol__dropout p = {.threshold = threshold, .scale = 1.5f, .count = count, .bf16 = bf16};
    memcpy(p.key, key, sizeof key);
    memcpy(p.stream, stream, sizeof stream);
    return p;
}

/* The 16 bits of element i. */
static uint32_t bits_of(size_t i) {
    const uint32_t counter[] = {(uint32_t)(i / 128 * 16 + i % 16), stream[0], stream[1], stream[2]};
    uint32_t words[4], number = (uint32_t)(i % 128 / 16);
    byol__philox(counter, key, words);
    return words[number / 2] >> (16 * (number % 2)) & 0xffffu;
}

static void numbers_stay_or_become_zero(void **state) {
    (void)state;
    const size_t counts[] = {1, 127, 128, 1000};
    const uint32_t thresholds[] = {0, 16384, 65535};
    for (size_t c = 0; c < 4; c++)
        for (size_t t = 0; t < 3; t++) {
            size_t count = counts[c];
            float *x = random_floats(count, 7, 1), *y = floats(count);
            byol__dropout p = dropout_of(thresholds[t], count, false);
            p.from = x;
            p.to = y;
            byol__dropout_kernels_best()->apply(&p);
            for (size_t i = 0; i < count; i++)
                assert_true(y[i] == (bits_of(i) >= thresholds[t] ? 1.5f * x[i] : 0));
            byol__free(x);
            byol__free(y);
        }
}

/* In bf16, over its own source, and nothing behind the last number. */
static void halves_in_place(void **state) {
    (void)state;
    enum { COUNT = 300 };
    float *x = random_floats(COUNT, 7, 2);
    byol__bf16 halves[COUNT + 1];
    for (int i = 0; i < COUNT; i++) halves[i] = byol__bf16_from_float(x[i]);
    halves[COUNT] = 0x1234;
    byol__dropout p = dropout_of(30000, COUNT, true);
    p.from = p.to = halves;
    byol__dropout_kernels_best()->apply(&p);
    for (size_t i = 0; i < COUNT; i++) {
        float kept = 1.5f * byol__bf16_to_float(byol__bf16_from_float(x[i]));
        byol__bf16 expected = byol__bf16_from_float(bits_of(i) >= 30000 ? kept : 0);
        assert_true(byol__bf16_to_float(halves[i]) == byol__bf16_to_float(expected));
    }
    assert_int_equal(halves[COUNT], 0x1234);
    byol__free(x);
}

static void as_many_are_dropped_as_asked(void **state) {
    (void)state;
    enum { COUNT = 1 << 20 };
    float *x = floats(COUNT);
    for (int i = 0; i < COUNT; i++) x[i] = 1;
    byol__dropout p = dropout_of(6554, COUNT, false); /* a tenth */
    p.from = p.to = x;
    byol__dropout_kernels_best()->apply(&p);
    int gone = 0;
    for (int i = 0; i < COUNT; i++) gone += x[i] == 0;
    double deviation = sqrt(0.1 * 0.9 * COUNT);
    assert_true(fabs(gone - 0.1 * COUNT) < 5 * deviation);
    byol__free(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_stay_or_become_zero),
        cmocka_unit_test(halves_in_place),
        cmocka_unit_test(as_many_are_dropped_as_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
