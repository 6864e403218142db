/* What kernels over positions share: the channels of a head as dense rows of floats, and small
 * products of them. For the files that are compiled once per instruction set. */
#ifndef BYOL__HEAD_PRODUCTS_H
#define BYOL__HEAD_PRODUCTS_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/bf16.h"
#include "base/vector_memory.h"
#include "base/vectors.h"
#include "dnn/layout.h"

static inline int round_up(int value) { return (value + LANES - 1) / LANES * LANES; }

/* ---- Products ---- */

/* a (m, k), element (i, l) at i * row + l * column. */
typedef struct operand {
    const float *values;
    size_t row, column;
} operand;

INLINE void tile(operand a, const float *b, size_t b_row, float *c, size_t c_row, int k,
                 const int rows, const int vecs) {
    vec sum[4][4];
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vecs; v++)
            memcpy(&sum[i][v], c + (size_t)i * c_row + (size_t)v * LANES, sizeof(vec));
    for (int l = 0; l < k; l++) {
        vec right[4];
        for (int v = 0; v < vecs; v++)
            memcpy(&right[v], b + (size_t)l * b_row + (size_t)v * LANES, sizeof(vec));
        for (int i = 0; i < rows; i++) {
            float left = a.values[(size_t)i * a.row + (size_t)l * a.column];
            for (int v = 0; v < vecs; v++) sum[i][v] += left * right[v];
        }
    }
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vecs; v++)
            memcpy(c + (size_t)i * c_row + (size_t)v * LANES, &sum[i][v], sizeof(vec));
}

/* c (m, n) += a b, with b (k, n). n is a multiple of LANES. */
static inline void add_product(operand a, const float *b, size_t b_row, float *c, size_t c_row,
                               int m, int n, int k) {
    for (int j = 0; j < n;) {
        bool wide = n - j >= 4 * LANES;
        int i = 0;
        for (; i < m;) {
            operand from = a;
            from.values += (size_t)i * a.row;
            float *to = c + (size_t)i * c_row + j;
            bool tall = m - i >= 4;
            if (wide && tall)
                tile(from, b + j, b_row, to, c_row, k, 4, 4);
            else if (wide)
                tile(from, b + j, b_row, to, c_row, k, 1, 4);
            else if (tall)
                tile(from, b + j, b_row, to, c_row, k, 4, 1);
            else
                tile(from, b + j, b_row, to, c_row, k, 1, 1);
            i += tall ? 4 : 1;
        }
        j += wide ? 4 * LANES : LANES;
    }
}

/* ---- A head as rows ---- */

/* Some channels of a sample's positions. */
typedef struct head_place {
    byol__strides strides;
    bool bf16;
    int n, channel, width; /* sample; first channel, how many */
} head_place;

INLINE head_place head_place_of(const byol__layout *layout, int n, int channel, int width) {
    return (head_place){byol__layout_strides(layout), layout->dtype == BYOL__BF16, n, channel,
                        width};
}

/* Where channel `c` of the head begins at `position`, and how many of its channels lie there. */
INLINE size_t run_at(const head_place *h, int position, int c, int *length) {
    const byol__strides *s = &h->strides;
    int channel = h->channel + c, lane = channel % s->lanes, left = s->lanes - lane;
    *length = left < h->width - c ? left : h->width - c;
    return (size_t)h->n * s->stride_n + (size_t)(channel / s->lanes) * s->stride_block +
           (size_t)position * s->stride_s + (size_t)lane;
}

/* Elements at .. at+length-1 to floats, scaled. */
INLINE void load_run(const void *values, size_t at, int length, bool bf16, float scale,
                     float *floats) {
    int j = 0;
    for (; j + LANES <= length; j += LANES) {
        vec x = scale * load(values, at + (size_t)j, LANES, bf16);
        memcpy(floats + j, &x, sizeof x);
    }
    for (; j < length; j++)
        floats[j] =
            scale * (bf16 ? byol__bf16_to_float(((const byol__bf16 *)values)[at + (size_t)j])
                          : ((const float *)values)[at + (size_t)j]);
}

INLINE void store_run(void *values, size_t at, int length, bool bf16, float scale,
                      const float *floats) {
    int j = 0;
    for (; j + LANES <= length; j += LANES) {
        vec x;
        memcpy(&x, floats + j, sizeof x);
        store(values, at + (size_t)j, scale * x, LANES, bf16);
    }
    for (; j < length; j++)
        if (bf16)
            ((byol__bf16 *)values)[at + (size_t)j] = byol__bf16_from_float(scale * floats[j]);
        else
            ((float *)values)[at + (size_t)j] = scale * floats[j];
}

/* Positions first .. first+count-1 to rows of `stride` floats, scaled; the rest of a row is zeros.
 */
static inline void load_head(const head_place *h, const void *values, int first, int count,
                             float scale, float *rows, int stride) {
    for (int i = 0; i < count; i++) {
        float *row = rows + (size_t)i * (size_t)stride;
        for (int c = 0, length; c < h->width; c += length) {
            size_t at = run_at(h, first + i, c, &length);
            if (h->bf16)
                load_run(values, at, length, true, scale, row + c);
            else
                load_run(values, at, length, false, scale, row + c);
        }
        for (int c = h->width; c < stride; c++) row[c] = 0;
    }
}

/* And back, from position 0; positions count .. all-1 become zeros. */
static inline void store_head(const head_place *h, void *values, int count, int all, float scale,
                              const float *rows, int stride) {
    for (int i = 0; i < all; i++) {
        const float *row = rows + (size_t)i * (size_t)stride;
        for (int c = 0, length; c < h->width; c += length) {
            size_t at = run_at(h, i, c, &length), bytes = h->bf16 ? 2 : 4;
            if (i >= count)
                memset((char *)values + at * bytes, 0, (size_t)length * bytes);
            else if (h->bf16)
                store_run(values, at, length, true, scale, row + c);
            else
                store_run(values, at, length, false, scale, row + c);
        }
    }
}

/* Lanes beyond the real channels become 0, which oneDNN relies on. `values` may be NULL. */
static inline void clear_padding(const byol__layout *layout, void *values) {
    if (values != NULL && byol__layout_padded_channels(layout) != layout->c)
        memset(values, 0, byol__layout_bytes(layout));
}

/* rows (count, stride) -> columns (width, to_stride), zeros beyond count. */
static inline void transpose(const float *rows, int count, int width, int stride, float *columns,
                             int to_stride) {
    for (int c = 0; c < width; c++) {
        float *to = columns + (size_t)c * (size_t)to_stride;
        for (int i = 0; i < count; i++) to[i] = rows[(size_t)i * (size_t)stride + (size_t)c];
        for (int i = count; i < to_stride; i++) to[i] = 0;
    }
}

#endif
