/* Kernels that go through an activation row by row, a row being the channels of one position:
 * layer norm and GELU. One source (row_kernels.c), compiled once for each instruction set. All run
 * on all threads and give the same bits for any number of them. */
#ifndef BYOL__ROW_KERNELS_H
#define BYOL__ROW_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

#include "dnn/layout.h"
#include "ops/channel_rows.h"

/* Parts of the positions that sums are made of, whatever the number of threads. */
enum { BYOL__ROW_PARTS = 16 };

/* y = gamma (x - mean) / sqrt(variance + epsilon) + beta over the channels of each position (Ba,
 * Kiros, Hinton 2016, arXiv 1607.06450). */
typedef struct byol__layer_norm {
    byol__layout layout; /* of x, y, dy, dx */
    float epsilon;
    const void *x;
    void *y;
    const float *gamma, *beta; /* channels; NULL: 1 and 0 */
    float *mean, *inv_std;     /* (positions): saved by forward for backward */
    const void *dy;
    void *dx;                      /* NULL: not wanted */
    float *diff_gamma, *diff_beta; /* channels: ADDED to */
    double *partial;               /* byol__layer_norm_partials(&layout): scratch of backward */
} byol__layer_norm;

size_t byol__layer_norm_partials(const byol__layout *layout);

/* y = x Phi(x), Phi the normal distribution's (Hendrycks and Gimpel 2016, arXiv 1606.08415); with
 * `tanh` its approximation there, 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))). */
typedef struct byol__gelu {
    byol__layout layout; /* of all */
    bool tanh;
    const void *x;
    void *y;
    const void *dy;
    void *dx; /* may be dy */
} byol__gelu;

typedef struct byol__row_kernels {
    void (*layer_norm_forward)(const byol__layer_norm *p);
    void (*layer_norm_backward)(const byol__layer_norm *p);
    void (*gelu_forward)(const byol__gelu *p);
    void (*gelu_backward)(const byol__gelu *p);
} byol__row_kernels;

/* The best that this CPU can run. */
const byol__row_kernels *byol__row_kernels_best(void);

#endif
