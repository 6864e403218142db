/* The views of the golden tests: images() and words() of golden/make_golden.py. */
#ifndef GOLDEN_VIEWS_H
#define GOLDEN_VIEWS_H

#include <stdint.h>

enum { GOLDEN_CHANNELS = 3 };

static inline uint32_t golden_hash(uint32_t x) {
    x = (x ^ (x >> 16)) * 0x7feb352du;
    x = (x ^ (x >> 15)) * 0x846ca68bu;
    return x ^ (x >> 16);
}

/* Element `i` of a stream: 16 bits. */
static inline uint32_t golden_bits(uint32_t stream, uint32_t i) {
    return golden_hash(i + golden_hash(stream)) & 0xffffu;
}

/* The same as a multiple of 2^-15 in [-1, 1). */
static inline float golden_noise(uint32_t stream, uint32_t i) {
    return (float)golden_bits(stream, i) / 32768.0f - 1.0f;
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

/* The same of one channel and size x columns. */
static inline void golden_spectrogram(int batch, int size, int columns, uint32_t step,
                                      uint32_t view, float *dst) {
    uint32_t rows = (uint32_t)size, width = (uint32_t)columns;
    for (uint32_t plane = 0, i = 0; plane < (uint32_t)batch; plane++)
        for (uint32_t y = 0; y < rows; y++)
            for (uint32_t x = 0; x < width; x++, i++)
                dst[i] = golden_noise(3 * step, (plane * 4 + y * 4 / rows) * 4 + x * 4 / width) +
                         0.5f * golden_noise(3 * step + view, i);
}

/* (batch, length) numbers: a text begins with 2, and 0 stands behind its end. View 0 is the whole
 * text. The others hide about a third of its words behind 4, and view 2 has one text in three
 * without its last word. */
static inline void golden_words(int batch, int length, int vocabulary, uint32_t step, uint32_t view,
                                int32_t *dst) {
    for (uint32_t n = 0, i = 0; n < (uint32_t)batch; n++) {
        uint32_t end = (uint32_t)length - golden_bits(3 * step + 1000, n) % (uint32_t)(length - 3);
        if (view == 2 && n % 3 == 0) end--;
        for (uint32_t place = 0; place < (uint32_t)length; place++, i++) {
            dst[i] = 5 + (int32_t)(golden_bits(3 * step, i) % (uint32_t)(vocabulary - 5));
            if (view > 0 && golden_bits(3 * step + view, i) % 3 == 0) dst[i] = 4;
            if (place == 0) dst[i] = 2;
            if (place >= end) dst[i] = 0;
        }
    }
}

#endif
