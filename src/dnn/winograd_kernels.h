/* The arithmetic of Winograd's convolutions, for one thread and one chunk of tiles. Compiled once
 * per instruction set: winograd_kernels.c has the matrix products and stride 1,
 * winograd_strided_kernels.c has stride 2. winograd.h says what it is for; winograd.c drives it. */
#ifndef BYOL__WINOGRAD_KERNELS_H
#define BYOL__WINOGRAD_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

#include "dnn/dnn.h"

enum { BYOL__TILE = 4, BYOL__TAPS = 9, BYOL__SLABS_MAX = 81 };

/* An activation, as rows of channels. Channel c of pixel (y, x) of sample n is at
 * n stride_n + (c / block) stride_block + (y w + x) stride_pixel + c % block. */
typedef struct byol__activation {
    int h, w, channels; /* channels: a multiple of the kernels' lanes */
    size_t stride_n, stride_block, stride_pixel;
    int block;
} byol__activation;

/* Tiles of dst are numbered through samples, rows and columns of tiles; a chunk is a run of them.
 * Transformed values lie in slabs, one for each frequency (or frequency and phase, see
 * winograd_strided_kernels.c). Channels are in blocks as wide as a vector ("lanes"), and in panels
 * of one or two blocks:
 *
 *     input, products, spread    [slab][channel block][tile of the chunk][lane],
 *                                rows of `chunk` tiles
 *     weights                    [panel][other channel][tap][panel width], as they are staged
 *     transformed weights        [slab][panel][other channel][panel width] */
typedef struct byol__winograd_shape {
    byol__activation src, dst;
    int padding;                 /* pixels by which a window of src begins before its tile */
    int tile;                    /* side of a tile, in pixels of dst */
    int tiles_y, tiles_x, tiles; /* `tiles` in the whole batch */
    int chunk;                   /* most tiles in a chunk */
    int width;                   /* of a panel: one or two vectors */
    bool bf16;                   /* src and dst are bf16; else fp32. All else is fp32 */
    bool streams;                /* dst is large and is written past the caches */
    const float *scale,
        *shift; /* (channels of src): what is read is relu(scale src + shift); NULL: src */
} byol__winograd_shape;

/* One matrix product of slabs: result = sum over s < segments of input[input + s] other[other + s],
 * or, for the gradient of the weights, result += input^T other. */
typedef struct byol__product {
    int input, other, result, segments;
} byol__product;

typedef struct byol__products {
    int count;
    int input_slabs, other_slabs, result_slabs;
    byol__product list[BYOL__SLABS_MAX];
} byol__products;

/* One kind of convolution, all passes. `first` and `count` are tiles or input channels. */
typedef struct byol__winograd_transform {
    int tile[3]; /* by pass: side of the tiles, in pixels of dst, diff_src, dst */
    void (*list_products)(byol__pass pass, byol__products *out);
    /* G g G^T of `panels` panels: `count` inputs from `first` on, of `inputs`. */
    void (*weights)(const byol__winograd_shape *shape, const float *staged, int panels, int inputs,
                    int first, int count, float *transformed);
    /* By pass: B^T d B of the tiles first ... first + count of src (normed, unless src is a
     * gradient). */
    void (*input[3])(const byol__winograd_shape *shape, const void *src, int first, int count,
                     float *out);
    /* FORWARD, BACKWARD_DATA: A^T m A + bias, then ReLU if requested, to the tiles of dst, channels
     * from `panel` panels on. `bias` may be NULL. So may `moments`; else it is the chunk's parts of
     * byol__moments' sums, one per `rows` tiles. Bias, ReLU and moments: FORWARD only. */
    void (*output[2])(const byol__winograd_shape *shape, const float *products, int panel,
                      int panels, int first, int count, const float *bias, bool relu,
                      float *moments, void *dst);
    /* A y A^T of the tiles of a gradient, channels from `panel` panels on. */
    void (*spread)(const byol__winograd_shape *shape, const void *diff_dst, int panel, int panels,
                   int first, int count, float *out);
    /* G^T (sum of `parts` gradients, `part` floats apart) G, as staged weights are laid out. */
    void (*collect)(const byol__winograd_shape *shape, const float *gradient, int parts,
                    size_t part, int panels, int inputs, int first, int count, float *staged);
} byol__winograd_transform;

typedef struct byol__winograd_kernels {
    const char *name;
    int lanes;
    int rows;                                     /* a chunk is a multiple of it */
    const byol__winograd_transform *by_stride[3]; /* [1] and [2] */
    /* Floats of a slab with `channels` channels of one chunk. */
    size_t (*slab_floats)(const byol__winograd_shape *shape, int channels);
    /* (count tiles, inputs) by (inputs, panels * width), for each product of the list. */
    void (*multiply)(const byol__winograd_shape *shape, const byol__products *list,
                     const float *input, const float *weights, int inputs, int panels, int count,
                     float *products);
    void (*accumulate)(const byol__winograd_shape *shape, const byol__products *list,
                       const float *input, const float *spread, int inputs, int panels, int count,
                       float *gradient);
} byol__winograd_kernels;

#endif
