/* Functions of vectors (vectors.h): exp, log, tanh, erf and the normal quantile. Relative errors
 * are below 6e-7 where nothing else is said; a NaN stays one. */
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

/* Of normal numbers above 0. x = 2^e m with m in [sqrt .5, sqrt 2); log m by its fitted series (the
 * polynomial of Moshier's Cephes library, logf). */
INLINE vec log_of(vec x) {
    ivec bits = (ivec)x, e = (bits >> 23) - 126;
    vec m = (vec)((bits & 0x7fffff) | 0x3f000000); /* [.5, 1) */
    ivec small = m < 0.70710678f;
    e += small; /* -1 where true */
    m = m + (vec)((ivec)m & small) - 1;
    vec z = m * m, exponent = __builtin_convertvector(e, vec);
    vec p = 7.0376836e-2f * m - 0.11514610f;
    p = p * m + 0.11676999f;
    p = p * m - 0.12420141f;
    p = p * m + 0.14249323f;
    p = p * m - 0.16668058f;
    p = p * m + 0.20000715f;
    p = p * m - 0.24999994f;
    p = p * m + 0.33333331f;
    p = p * m * z - 2.12194440e-4f * exponent - 0.5f * z;
    return m + p + 0.693359375f * exponent;
}

INLINE vec sqrt_of(vec x) {
    for (int l = 0; l < LANES; l++) x[l] = __builtin_sqrtf(x[l]);
    return x;
}

/* sqrt(2) erfinv(2 u - 1): random bits, as u in (0, 1), become normal numbers, up to 5.4 of them on
 * either side. Giles, "Approximating the erfinv function" (GPU Computing Gems, 2011): relative
 * error below 4e-6. */
INLINE vec normal_of(uvec bits) {
    vec x = (__builtin_convertvector((ivec)(bits >> 9), vec) + 0.5f) * 0x1p-22f - 1;
    vec w = -log_of((1 - x) * (1 + x));
    vec near = w - 2.5f, far = sqrt_of(w) - 3;
    vec p = 2.81022636e-8f * near + 3.43273939e-7f;
    p = p * near - 3.5233877e-6f;
    p = p * near - 4.39150654e-6f;
    p = p * near + 2.1858087e-4f;
    p = p * near - 1.25372503e-3f;
    p = p * near - 4.17768164e-3f;
    p = p * near + 0.246640727f;
    p = p * near + 1.50140941f;
    vec q = -2.00214257e-4f * far + 1.00950558e-4f;
    q = q * far + 1.34934322e-3f;
    q = q * far - 3.67342844e-3f;
    q = q * far + 5.73950773e-3f;
    q = q * far - 7.6224613e-3f;
    q = q * far + 9.43887047e-3f;
    q = q * far + 1.00167406f;
    q = q * far + 2.83297682f;
    ivec is_near = w < 5.0f;
    return 1.41421356f * x * (vec)(((ivec)p & is_near) | ((ivec)q & ~is_near));
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
