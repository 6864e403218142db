/* The views of the golden tests: images() of golden/make_golden.py. */
#ifndef GOLDEN_VIEWS_H
#define GOLDEN_VIEWS_H

#include <stdint.h>

enum { GOLDEN_CHANNELS = 3 };

static inline uint32_t golden_hash(uint32_t x) {
    x = (x ^ (x >> 16)) * 0x7feb352du;
    x = (x ^ (x >> 15)) * 0x846ca68bu;
    return x ^ (x >> 16);
}

/* Element `i` of a stream: a multiple of 2^-15 in [-1, 1). */
static inline float golden_noise(uint32_t stream, uint32_t i) {
    return (float)(golden_hash(i + golden_hash(stream)) & 0xffffu) / 32768.0f - 1.0f;
}

/* Fills `dst` with view 1 or 2 of step `step`, (batch, 3, size, size): a coarse 4 x 4 pattern that
 * both views share, plus a fine one. */
static inline void golden_view(int batch, int side, uint32_t step, uint32_t view, float *dst) {
    uint32_t size = (uint32_t)side, cell = size / 4, planes = (uint32_t)batch * GOLDEN_CHANNELS;
    for (uint32_t plane = 0, i = 0; plane < planes; plane++)
        for (uint32_t y = 0; y < size; y++)
            for (uint32_t x = 0; x < size; x++, i++)
                dst[i] = golden_noise(3 * step, (plane * 4 + y / cell) * 4 + x / cell) +
                         0.5f * golden_noise(3 * step + view, i);
}

#endif
