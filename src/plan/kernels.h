/* The kernels between the convolutions. One source (kernels.c), compiled once per instruction set;
 * byol__kernels() gives the best table for this CPU. All run on all threads and give the same bits
 * for any number of threads. For that, sums are gathered in a fixed number of chunks of the batch
 * (moments: for a fixed number of tiles) and combined in order. */
#ifndef BYOL__KERNELS_H
#define BYOL__KERNELS_H

#include <stdbool.h>
#include <stddef.h>

#include "dnn/layout.h"
#include "dnn/moments.h"

enum { BYOL__CHUNKS = 16, BYOL__DIFFS = 3 };

/* The epsilon of batch norm; PyTorch's default. */
#define BYOL__NORM_EPSILON 1e-5

/* y = relu(bn(x) + residual), each part optional: the work between two convolutions, in as few
 * passes over memory as batch statistics allow (Ioffe & Szegedy 2015). Arrays marked `padded` hold
 * that many floats, zero beyond the channels.
 *
 * A norm passes over its values twice in each direction: norm_moments, pointwise_forward;
 * norm_sums, pointwise_backward. Between the two, the sums of the first pass may be summed over
 * ranks. */
typedef struct byol__pointwise {
    byol__layout layout; /* of every activation here */
    bool normalize;      /* bn with the batch's own statistics */
    bool fixed;          /* instead: scale and shift as given (running statistics); forward only */
    bool relu;
    const void *x, *residual; /* residual NULL: none */
    const byol__moments
        *moments; /* of x, if its producer has gathered them; NULL: computed from x */
    void *y;      /* may be x; NULL: only scale and shift are made, the reader of y applies them */
    const float *gamma, *beta;         /* channels */
    float *running_mean, *running_var; /* channels */
    float *mean, *inv_std;             /* padded: saved by forward for backward */
    float *scale, *shift; /* padded, 3 padded: saved too; behind shift, scratch of backward */
    double *partial;      /* byol__pointwise_partials(&layout) doubles: scratch; between the two
                             passes (2, padded): see norm_moments and norm_sums */
    double count;         /* values in a channel, over all ranks */
    const void *dy[BYOL__DIFFS]; /* gradients of y, one from each reader, added up on reading */
    int dy_count;
    void *g;  /* gradient of the sum before the ReLU, and so of the residual; NULL: not needed */
    void *dx; /* gradient of x; may be dy[0] or g; NULL (without normalize): not needed */
    float *diff_gamma, *diff_beta; /* channels: ADDED to */
} byol__pointwise;

size_t byol__pointwise_partials(const byol__layout *layout);

typedef struct byol__pool {
    byol__layout src_layout,
        dst_layout;              /* the same format; a global pool's destination is a matrix */
    int kernel, stride, padding; /* kernel 0: global */
    const void *x;
    void *y;
    const void *dy;
    void *dx;
} byol__pool;

typedef struct byol__kernel_table {
    const char *name;
    /* With `normalize`: mean and variance of the batch by channel, into `partial`. */
    void (*norm_moments)(const byol__pointwise *p);
    void (*pointwise_forward)(const byol__pointwise *p);
    /* With `normalize`: by channel, the sums of the arriving gradient g and of g (x - mean), into
     * `partial`. ADDS to diff_gamma and diff_beta. */
    void (*norm_sums)(const byol__pointwise *p);
    void (*pointwise_backward)(const byol__pointwise *p);
    void (*max_pool_forward)(const byol__pool *p);
    void (*max_pool_backward)(
        const byol__pool *p); /* the first of equal maxima gets the gradient, as in PyTorch */
    void (*avg_pool_forward)(const byol__pool *p); /* padding counts in the mean */
    void (*avg_pool_backward)(const byol__pool *p);
    void (*add)(const byol__layout *layout, void *accumulator,
                const void *other); /* accumulator += other */
} byol__kernel_table;

/* The best table for this CPU. BYOL_ISA=plain|avx2|avx512 in the environment selects a lesser
 * one. */
const byol__kernel_table *byol__kernels(void);

#endif
