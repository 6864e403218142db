/* Functions of vectors (vectors.h): exp, tanh, erf. Relative errors are below 6e-7; a NaN stays
 * one.
 */
#ifndef BYOL__VECTOR_MATH_H
#define BYOL__VECTOR_MATH_H

#include "base/vectors.h"

/* `value` between `low` and `high`; a NaN stays one. */
INLINE vec clamp(vec value, float low, float high) {
    ivec below = value<low, above = value> high;
    vec out = (vec)(((ivec)value & ~below) | ((ivec)((vec){0} + low) & below));
    return (vec)(((ivec)out & ~above) | ((ivec)((vec){0} + high) & above));
}

/* e^x = 2^k e^r with |r| <= ln 2 / 2; ln 2 in two parts, so that r loses nothing; e^r by its Taylor
 * series. Below -87 the result is that of -87 (1.6e-38), above 88 that of 88. */
INLINE vec exp_of(vec x) {
    x = clamp(x, -87.0f, 88.0f);
    vec k = x * 1.44269504f + 12582912.0f - 12582912.0f; /* to the nearest integer: 1.5 2^23 */
    vec r = (x - k * 0.693359375f) + k * 2.12194440e-4f;
    vec p = 1.0f / 5040 * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1;
    p = p * r + 1;
    ivec power = (__builtin_convertvector(k, ivec) + 127) << 23;
    ivec is_nan = x != x;
    return (vec)(((ivec)(p * (vec)power) & ~is_nan) | ((ivec)x & is_nan));
}

/* 1 - 2 / (e^2x + 1); below .3, where that cancels, the series x - x^3 / 3 + 2 x^5 / 15 - ... */
INLINE vec tanh_of(vec x) {
    vec e = exp_of(2 * clamp(x, -20, 20)), square = x * x;
    vec far = 1 - 2 / (e + 1);
    vec series = -0.0088632355f * square + 0.021869488f;
    series = series * square - 0.053968254f;
    series = series * square + 0.13333333f;
    series = series * square - 0.33333333f;
    vec near = x + x * square * series;
    ivec is_near = square < 0.09f;
    return (vec)(((ivec)near & is_near) | ((ivec)far & ~is_near));
}

/* x P(x^2) / Q(x^2) for |x| <= 4, beyond which erf is 1 to all digits. P and Q were fitted to
 * erf(x) / x by weighted least squares: relative error 2e-9 before rounding. */
INLINE vec erf_of(vec x) {
    x = clamp(x, -4, 4);
    vec t = x * x;
    vec p = -1.3201998e-8f * t + 4.6847272e-6f;
    p = p * t + 3.7960746e-4f;
    p = p * t + 3.8496258e-3f;
    p = p * t + 5.4316934e-2f;
    p = p * t + 0.18520369f;
    p = p * t + 1.1283792f;
    vec q = 6.3110114e-5f * t + 1.3075710e-3f;
    q = q * t + 1.5462113e-2f;
    q = q * t + 0.11395857f;
    q = q * t + 0.49746591f;
    q = q * t + 1;
    return x * p / q;
}

#endif
