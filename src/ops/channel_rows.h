/* An activation as rows of real channels in fp32, whatever its layout and precision: for operations
 * that go position by position. A row is the channels of one position. */
#ifndef BYOL__CHANNEL_ROWS_H
#define BYOL__CHANNEL_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/bf16.h"
#include "dnn/layout.h"

enum { BYOL__ROW_MAX = 8192 }; /* most channels */

typedef struct byol__rows {
    void *values;
    byol__strides strides;
    int width; /* real channels */
    bool bf16;
} byol__rows;

static inline byol__rows byol__rows_of(const byol__layout *layout, const void *values) {
    return (byol__rows){(void *)(uintptr_t)values, byol__layout_strides(layout), layout->c,
                        layout->dtype == BYOL__BF16};
}

static inline size_t byol__row_count(const byol__rows *r) {
    return (size_t)r->strides.n * (size_t)r->strides.spatial;
}

static inline size_t byol__row_number(const byol__rows *r, int n, int position) {
    return (size_t)n * (size_t)r->strides.spatial + (size_t)position;
}

/* Where row `number` begins, in elements. */
static inline size_t byol__row_offset(const byol__rows *r, size_t number) {
    size_t spatial = (size_t)r->strides.spatial;
    return number / spatial * r->strides.stride_n + number % spatial * r->strides.stride_s;
}

/* Real channels of block `b`. */
static inline int byol__row_lanes(const byol__rows *r, int b) {
    int left = r->width - b * r->strides.lanes;
    return left < r->strides.lanes ? left : r->strides.lanes;
}

/* Row `number` to `row` (width floats). */
static inline void byol__row_load(const byol__rows *r, size_t number, float *row) {
    size_t at = byol__row_offset(r, number);
    for (int b = 0; b < r->strides.blocks; b++, at += r->strides.stride_block) {
        int live = byol__row_lanes(r, b);
        float *to = row + b * r->strides.lanes;
        if (r->bf16)
            for (int l = 0; l < live; l++)
                to[l] = byol__bf16_to_float(((const byol__bf16 *)r->values)[at + (size_t)l]);
        else
            memcpy(to, (const float *)r->values + at, (size_t)live * sizeof *to);
    }
}

/* And back. Lanes beyond the real channels become 0, which oneDNN relies on. */
static inline void byol__row_store(const byol__rows *r, size_t number, const float *row) {
    size_t at = byol__row_offset(r, number), bytes = r->bf16 ? 2 : 4;
    for (int b = 0; b < r->strides.blocks; b++, at += r->strides.stride_block) {
        int live = byol__row_lanes(r, b);
        const float *from = row + b * r->strides.lanes;
        char *to = (char *)r->values + at * bytes;
        if (r->bf16)
            for (int l = 0; l < live; l++)
                ((byol__bf16 *)(void *)to)[l] = byol__bf16_from_float(from[l]);
        else
            memcpy(to, from, (size_t)live * sizeof *from);
        memset(to + (size_t)live * bytes, 0, (size_t)(r->strides.lanes - live) * bytes);
    }
}

#endif
