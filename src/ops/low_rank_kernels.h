/* Products along positions: y = E x for the channels of each head, forward and backward. One source
 * (low_rank_kernels.c), compiled once for each instruction set. The arithmetic is fp32's; the bits
 * do not depend on the number of threads. */
#ifndef BYOL__LOW_RANK_KERNELS_H
#define BYOL__LOW_RANK_KERNELS_H

#include <stddef.h>

#include "dnn/layout.h"

typedef struct byol__low_rank {
    byol__layout src, dst; /* (n, c, positions) and (n, c, rank); both have h w positions */
    int matrices;          /* each is applied to c / matrices channels */
    int columns;           /* of a matrix; the first `positions` of them are used */
    const float *weight;   /* (matrices, rank, columns) */
    const int *lengths;    /* (n): positions that are there, the others count as 0; NULL: all */
    const void *x;
    void *y;
    const void *dy;
    void *dx;           /* NULL: not wanted */
    float *diff_weight; /* ADDED to */
    int threads;
    float *scratch;        /* for each of `threads`: */
    size_t scratch_floats; /* as the table's `scratch` says */
} byol__low_rank;

typedef struct byol__low_rank_kernels {
    size_t (*scratch)(const byol__low_rank *p); /* floats that one thread needs */
    void (*forward)(const byol__low_rank *p);
    void (*backward)(const byol__low_rank *p);
} byol__low_rank_kernels;

/* The best that this CPU can run. */
const byol__low_rank_kernels *byol__low_rank_kernels_best(void);

#endif
