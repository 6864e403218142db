/* Dropout's kernel: one source (dropout_kernels.c), compiled once for each instruction set. */
#ifndef BYOL__DROPOUT_KERNELS_H
#define BYOL__DROPOUT_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* to[i] = scale from[i] where the 16 bits drawn for i reach `threshold`, else 0. Of a chunk of 128
 * elements, number e takes counter chunk * 16 + e % 16 of Philox, and its e / 16-th half of a word.
 * The counter's last three words are `stream`. */
typedef struct byol__dropout {
    uint32_t threshold;
    float scale;
    uint32_t key[2], stream[3];
    size_t count;
    bool bf16;
    const void *from;
    void *to; /* may be `from` */
} byol__dropout;

typedef struct byol__dropout_kernels {
    void (*apply)(const byol__dropout *p); /* on all threads; the same bits for any number */
} byol__dropout_kernels;

/* The best that this CPU can run. */
const byol__dropout_kernels *byol__dropout_kernels_best(void);

#endif
