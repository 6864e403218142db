/* Attention (Vaswani et al. 2017, arXiv 1706.03762), forward and backward, in blocks of queries and
 * keys, so that the matrix of weights never exists: memory grows with the number of tokens, not
 * with its square (Dao et al. 2022, arXiv 2205.14135). One source (attention_kernels.c), compiled
 * once for each instruction set. The arithmetic is fp32's, whatever the activations are kept in,
 * but see byol__attention_kernels_for.
 * Threads take whole heads of whole samples: the same bits for any number of them. */
#ifndef BYOL__ATTENTION_KERNELS_H
#define BYOL__ATTENTION_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "dnn/layout.h"

/* One of q, k, v: `heads` times `width` channels of each position, beginning at `channel`. */
typedef struct byol__head_source {
    byol__layout layout;
    int channel;
    const void *values;
    void *diff; /* its gradient, in the same place of a like activation; NULL: not wanted */
} byol__head_source;

/* Normal numbers of deviation `strength` (0: none), added to the weights before they meet v. Drawn
 * by Philox (base/philox.h): the counter's last three words are `stream`, its first the place. */
typedef struct byol__attention_noise {
    float strength;
    uint32_t key[2], stream[3];
} byol__attention_noise;

/* y = (softmax(scale q k^T) + noise) v, head by head. Positions are tokens: (n, h, w) of a layout
 * are h w of them. */
typedef struct byol__attention {
    int heads, width; /* channels of a head */
    float scale;
    byol__head_source q, k, v; /* as many positions in k as in v */
    byol__layout layout;       /* of y and dy: heads x width channels, the positions of q */
    /* (n, positions): how many tokens of each sample there are; those behind them are padding: no
     * key, and zero as a query where there are as many queries. NULL: all are there. */
    const int *lengths;
    byol__attention_noise noise;
    void *y;
    float *log_sums; /* (n, heads, positions of q): of the softmax, saved for backward */
    const void *dy;
    int threads;
    float *scratch;        /* for each of `threads`: */
    size_t scratch_floats; /* as the table's `scratch` says */
} byol__attention;

typedef struct byol__attention_kernels {
    size_t (*scratch)(const byol__attention *p); /* floats that one thread needs */
    void (*forward)(const byol__attention *p);
    void (*backward)(const byol__attention *p); /* writes each diff that is wanted */
} byol__attention_kernels;

/* The best that this CPU can run for these layouts, width and noise: of bf16 activations without
 * noise, where the CPU multiplies bf16, attention_dot_kernels.c. */
const byol__attention_kernels *byol__attention_kernels_for(const byol__attention *p);

#endif
