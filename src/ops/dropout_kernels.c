/* Dropout in GCC's vector types. KERNELS_ISA is plain, avx2 or avx512. */
#include "ops/dropout_kernels.h"

#include <string.h>

#include "base/bf16.h"
#include "base/vector_random.h"
#include "base/vectors.h"

enum { CHUNK = 128 };

/* `scale` or 0 for each element of a chunk. */
INLINE void draw_factors(const byol__dropout *p, uint32_t chunk, float factors[CHUNK]) {
    uvec lane = {0}, rest = {0};
    for (int l = 0; l < LANES; l++) lane[l] = (uint32_t)l;
    for (int part = 0; part < 16; part += LANES) {
        uvec words[4] = {lane + chunk * 16 + (uint32_t)part, rest + p->stream[0],
                         rest + p->stream[1], rest + p->stream[2]};
        philox_of(words, p->key);
        for (int h = 0; h < 8; h++) {
            uvec drawn = h % 2 == 0 ? words[h / 2] & 0xffffu : words[h / 2] >> 16;
            ivec stays = (ivec)drawn >= (ivec){0} + (int32_t)p->threshold;
            vec factor = (vec)((ivec)((vec){0} + p->scale) & stays);
            memcpy(factors + 16 * h + part, &factor, sizeof factor);
        }
    }
}

INLINE void apply_floats(const float *factors, const float *from, float *to) {
    for (int i = 0; i < CHUNK; i += LANES) {
        vec x, f;
        memcpy(&x, from + i, sizeof x);
        memcpy(&f, factors + i, sizeof f);
        x *= f;
        memcpy(to + i, &x, sizeof x);
    }
}

INLINE void apply_halves(const float *factors, const byol__bf16 *from, byol__bf16 *to) {
    for (int i = 0; i < CHUNK; i += LANES) {
        hvec x;
        vec f;
        memcpy(&x, from + i, sizeof x);
        memcpy(&f, factors + i, sizeof f);
        x = narrow_to_bf16(round_to_bf16(f * widen_bf16(x)));
        memcpy(to + i, &x, sizeof x);
    }
}

/* The last chunk may be short: it passes through a copy. */
static void apply(const byol__dropout *p) {
    size_t bytes = p->bf16 ? sizeof(byol__bf16) : sizeof(float);
#pragma omp parallel for schedule(static)
    for (size_t begin = 0; begin < p->count; begin += CHUNK) {
        float factors[CHUNK], copy[CHUNK];
        const char *from = (const char *)p->from + begin * bytes;
        char *to = (char *)p->to + begin * bytes;
        size_t live = p->count - begin;
        draw_factors(p, (uint32_t)(begin / CHUNK), factors);
        if (live < CHUNK) {
            memset(copy, 0, sizeof copy);
            memcpy(copy, from, live * bytes);
        }
        const void *x = live < CHUNK ? (const void *)copy : from;
        void *y = live < CHUNK ? (void *)copy : to;
        if (p->bf16)
            apply_halves(factors, x, y);
        else
            apply_floats(factors, x, y);
        if (live < CHUNK) memcpy(to, copy, live * bytes);
    }
}

extern const byol__dropout_kernels JOIN(byol__dropout_kernels_, KERNELS_ISA);
const byol__dropout_kernels JOIN(byol__dropout_kernels_, KERNELS_ISA) = {.apply = apply};
