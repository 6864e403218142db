/* bfloat16: the upper half of an IEEE binary32. */
#ifndef BYOL__BF16_H
#define BYOL__BF16_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint16_t byol__bf16;

static inline float byol__bf16_to_float(byol__bf16 value) {
    uint32_t bits = (uint32_t)value << 16;
    float out;
    memcpy(&out, &bits, sizeof out);
    return out;
}

/* Round to nearest, ties to even; a NaN stays a (quiet) NaN. */
static inline byol__bf16 byol__bf16_from_float(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    uint32_t quiet_nan = (bits >> 16) | 0x40u;
    return (byol__bf16)((bits & 0x7fffffffu) > 0x7f800000u ? quiet_nan : rounded);
}

/* Whole arrays, by all threads. */
void byol__bf16_widen(float *dst, const byol__bf16 *src, size_t count);
void byol__bf16_narrow(byol__bf16 *dst, const float *src, size_t count);
void byol__bf16_round(float *values, size_t count); /* to the nearest bf16 value */

#endif
