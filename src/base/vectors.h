/* GCC's vector types, with a width for each instruction set, and bf16 in them. For the files that
 * are compiled once per set (isa.h). */
#ifndef BYOL__VECTORS_H
#define BYOL__VECTORS_H

#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
enum { LANES = 16 };
#else
enum { LANES = 8 };
#endif

typedef float vec __attribute__((vector_size(LANES * 4)));
typedef int32_t ivec __attribute__((vector_size(LANES * 4)));
typedef uint32_t uvec __attribute__((vector_size(LANES * 4)));
typedef uint16_t hvec __attribute__((vector_size(LANES * 2)));

#define INLINE static inline __attribute__((always_inline))
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define STRING_(a) #a
#define STRING(a) STRING_(a)

/* `value` where `mask` is positive, else 0. */
INLINE vec select_positive(vec mask, vec value) { return (vec)((ivec)value & (mask > (vec){0})); }

/* 0 where `value` is negative. A NaN stays a NaN, so that it is noticed. */
INLINE vec relu_of(vec value) { return (vec)((ivec)value & ~(value < (vec){0})); }

INLINE vec widen_bf16(hvec half) { return (vec)(__builtin_convertvector(half, uvec) << 16); }

/* Rounds to the nearest bf16 number, ties to even; a NaN stays a (quiet) NaN. */
INLINE vec round_to_bf16(vec value) {
    uvec bits = (uvec)value, is_nan = (uvec)((bits & 0x7fffffffu) > (uvec){0} + 0x7f800000u);
    uvec rounded = bits + 0x7fffu + ((bits >> 16) & 1u);
    return (vec)(((rounded & ~is_nan) | ((bits | 0x400000u) & is_nan)) & 0xffff0000u);
}

/* `rounded` must hold bf16 numbers. */
INLINE hvec narrow_to_bf16(vec rounded) {
    return __builtin_convertvector((uvec)rounded >> 16, hvec);
}

#endif
