/* The arithmetic of Winograd's convolution, for one thread and one chunk of tiles. One source (winograd_kernels.c),
 * compiled once for each instruction set. winograd.h says what it is for; winograd.c drives it. */
#ifndef BYOL__WINOGRAD_KERNELS_H
#define BYOL__WINOGRAD_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

/* 4x4 outputs at a time need 6x6 products for each pair of channels, where a direct 3x3 convolution needs 4 * 4 * 9. */
enum { BYOL__TILE = 4, BYOL__TAPS = 9, BYOL__FREQUENCIES = 36 };

/* An activation in fp32, as rows of channels. Channel c of pixel (y, x) of sample n is at
 * n stride_n + (c / block) stride_block + (y w + x) stride_pixel + c % block. */
typedef struct byol__picture {
    int h, w, channels; /* channels: a multiple of the kernels' lanes */
    size_t stride_n, stride_block, stride_pixel;
    int block;
} byol__picture;

/* Tiles are numbered through samples, rows and columns of tiles; a chunk is a run of them. Products are kept in blocks
 * of channels as wide as a vector ("lanes") and panels of one or two blocks:
 *
 *     input, products, spread    [frequency][channel block][tile of the chunk][lane], rows of `chunk` tiles
 *     weights                    [panel][other channel][tap][panel width], as they are staged
 *     transformed weights        [frequency][panel][other channel][panel width] */
typedef struct byol__winograd_shape {
    byol__picture src, dst;
    int padding;
    int tiles_y, tiles_x, tiles; /* of dst; `tiles` in the whole batch */
    int chunk;                   /* most tiles in one */
    int width;                   /* of a panel: one or two vectors */
} byol__winograd_shape;

typedef struct byol__winograd_kernels {
    const char *name;
    int lanes;
    int rows; /* a chunk is a multiple of it */
    /* Floats of one chunk's [frequency][block][tile][lane] with so many channels. */
    size_t (*chunk_floats)(const byol__winograd_shape *shape, int channels);
    /* G g G^T of `panels` panels: `count` inputs from `first` on, of `inputs`. */
    void (*weights)(const byol__winograd_shape *shape, const float *staged, int panels, int inputs, int first,
                    int count, float *transformed);
    /* B^T d B of the tiles first ... first + count of src. */
    void (*input)(const byol__winograd_shape *shape, const float *src, int first, int count, float *out);
    /* One matrix product a frequency: (count, inputs) by (inputs, panels * width). */
    void (*multiply)(const byol__winograd_shape *shape, const float *input, const float *weights, int inputs,
                     int panels, int count, float *products);
    /* A^T m A + bias, then ReLU where asked for, to the tiles of dst, channels from `panel` panels on. bias may be
     * NULL. */
    void (*output)(const byol__winograd_shape *shape, const float *products, int panel, int panels, int first,
                   int count, const float *bias, bool relu, float *dst);
    /* A y A^T of the tiles of a gradient, channels from `panel` panels on. */
    void (*spread)(const byol__winograd_shape *shape, const float *diff_dst, int panel, int panels, int first,
                   int count, float *out);
    /* gradient[frequency] += input[frequency]^T spread[frequency], laid out as transformed weights. */
    void (*accumulate)(const byol__winograd_shape *shape, const float *input, const float *spread, int inputs,
                       int panels, int count, float *gradient);
    /* G^T (sum of `parts` gradients, `part` floats apart) G, as staged weights are laid out. */
    void (*collect)(const byol__winograd_shape *shape, const float *gradient, int parts, size_t part, int panels,
                    int inputs, int first, int count, float *staged);
} byol__winograd_kernels;

#endif
