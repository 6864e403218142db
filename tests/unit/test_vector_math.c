/* exp, tanh and erf of vectors against the C library's in double. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "base/vector_math.h"

typedef enum function { EXP, TANH, ERF, LOG } function;

static double reference(function f, double x) {
    return f == EXP ? exp(x) : f == TANH ? tanh(x) : f == ERF ? erf(x) : log(x);
}

static vec of(function f, vec x) {
    return f == EXP ? exp_of(x) : f == TANH ? tanh_of(x) : f == ERF ? erf_of(x) : log_of(x);
}

static void check_range(function f, double from, double to, double tolerance) {
    enum { STEPS = 200000 };
    for (int i = 0; i < STEPS; i += LANES) {
        vec x;
        for (int l = 0; l < LANES; l++)
            x[l] = (float)(from + (to - from) * (double)(i + l) / STEPS);
        vec y = of(f, x);
        for (int l = 0; l < LANES; l++) {
            double expected = reference(f, (double)x[l]);
            if (!(fabs((double)y[l] - expected) <= tolerance * fabs(expected)))
                fail_msg("function %d of %.9g is %.9g, should be %.9g", (int)f, (double)x[l],
                         (double)y[l], expected);
        }
    }
}

static void functions_are_those_of_the_library(void **state) {
    (void)state;
    check_range(EXP, -80, 80, 4e-7);
    check_range(EXP, -1, 1, 2e-7);
    check_range(TANH, -12, 12, 6e-7);
    check_range(TANH, -0.2, 0.2, 6e-7);
    check_range(ERF, -5, 5, 5e-7);
    check_range(ERF, -0.1, 0.1, 5e-7);
    check_range(LOG, 1e-7, 0.9, 5e-7);
    check_range(LOG, 1.1, 1e4, 5e-7);
}

/* The distribution function of what 2^23 different bits become is those bits again. */
static void normal_numbers_are_quantiles(void **state) {
    (void)state;
    enum { STEP = 977 };
    for (uint32_t i = 0; i < 1u << 23; i += STEP * LANES) {
        uvec bits;
        for (uint32_t l = 0; l < LANES; l++) bits[l] = (i + l * STEP) % (1u << 23) << 9;
        vec x = normal_of(bits);
        for (int l = 0; l < LANES; l++) {
            double p = ((double)(bits[l] >> 9) + 0.5) / 0x1p23, tail = fmin(p, 1 - p),
                   found = erfc(fabs((double)x[l]) / sqrt(2)) / 2;
            assert_true((x[l] > 0) == (p > 0.5));
            if (!(fabs(found - tail) <= 5e-5 * tail + 1e-7)) fail_msg("%g is %g of all", p, found);
        }
    }
}

static void extremes_stay_sane(void **state) {
    (void)state;
    const float inputs[] = {-INFINITY, -200, 200, INFINITY, NAN};
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        vec x = (vec){0} + inputs[i];
        float e = exp_of(x)[0], t = tanh_of(x)[0], r = erf_of(x)[0];
        if (isnan(inputs[i])) {
            assert_true(isnan(e) && isnan(t) && isnan(r));
            continue;
        }
        float sign = inputs[i] > 0 ? 1 : -1;
        assert_true(sign > 0 ? e > 1e38f : e < 1e-37f && e >= 0);
        assert_true(fabsf(t - sign) < 1e-6f && fabsf(r - sign) < 1e-6f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_are_those_of_the_library),
        cmocka_unit_test(normal_numbers_are_quantiles),
        cmocka_unit_test(extremes_stay_sane),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
