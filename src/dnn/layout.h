/* How an activation lies in memory: one of four formats, nothing in between. */
#ifndef BYOL__LAYOUT_H
#define BYOL__LAYOUT_H

#include <stddef.h>

#include "base/dtype.h"

typedef enum byol__format {
    BYOL__FORMAT_ANY, /* not settled yet */
    BYOL__NCHW,       /* plain; with h = w = 1 a matrix (n, c) */
    BYOL__NHWC,       /* channels last */
    BYOL__NCHW8, /* blocks of 8 channels innermost: (n, c/8, h, w, 8), channels padded with zeros */
    BYOL__NCHW16, /* the same with 16 */
    BYOL__FORMATS,
} byol__format;

typedef struct byol__layout {
    byol__dtype dtype;
    byol__format format;
    int n, c, h, w;
} byol__layout;

/* The same memory as rows of channels, as our kernels traverse it. Element (n, block, s, lane) is
 * at n * stride_n + block * stride_block + s * stride_s + lane, in elements. Channel c is lane c %
 * lanes of block c / lanes. */
typedef struct byol__strides {
    int n, blocks, spatial, lanes;
    size_t stride_n, stride_block, stride_s;
} byol__strides;

int byol__layout_block(byol__format format);                  /* 1, 1, 8, 16 */
int byol__layout_padded_channels(const byol__layout *layout); /* c rounded up to the block */
size_t byol__layout_elements(const byol__layout *layout);     /* padding included */
size_t byol__layout_bytes(const byol__layout *layout);
byol__strides byol__layout_strides(const byol__layout *layout);

/* Converts any layout to any other of the same shape, on all threads. Padding lanes are zeroed.
 * fp32 to bf16 rounds to nearest even. */
void byol__layout_convert(const byol__layout *to, void *dst, const byol__layout *from,
                          const void *src);

#endif
