/* Vectors (vectors.h) from and to memory, fp32 or bf16: `live` lanes of them, at an offset in
 * elements. */
#ifndef BYOL__VECTOR_MEMORY_H
#define BYOL__VECTOR_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/bf16.h"
#include "base/vectors.h"

INLINE vec splat(float value) { return (vec){0} + value; }

INLINE vec load_f32(const float *src, int live) {
    vec out = {0};
    memcpy(&out, src, sizeof(float) * (size_t)live);
    return out;
}

INLINE void store_f32(float *dst, vec value, int live) {
    memcpy(dst, &value, sizeof(float) * (size_t)live);
}

INLINE vec load(const void *src, size_t offset, int live, bool bf16) {
    if (!bf16) return load_f32((const float *)src + offset, live);
    hvec half = {0};
    memcpy(&half, (const byol__bf16 *)src + offset, 2 * (size_t)live);
    return widen_bf16(half);
}

INLINE void store(void *dst, size_t offset, vec value, int live, bool bf16) {
    if (!bf16) {
        store_f32((float *)dst + offset, value, live);
        return;
    }
    hvec half = narrow_to_bf16(round_to_bf16(value));
    memcpy((byol__bf16 *)dst + offset, &half, 2 * (size_t)live);
}

#endif
