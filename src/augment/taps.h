/* Bicubic resampling along one axis: which source pixels make an output pixel, and with what
 * weights. */
#ifndef BYOL__TAPS_H
#define BYOL__TAPS_H

#include <stddef.h>

typedef struct byol__taps {
    int count;  /* taps of each output pixel */
    int *start; /* (size): its first source pixel; start + count never passes the source's end */
    float *weights; /* (size, count), each row sums to 1; the result is the sum of weights[i][k]
                       source[start[i] + k] */
} byol__taps;

/* The most taps that an axis can need if up to `in` source pixels become `out` or more. */
int byol__taps_limit(int in, int out);

#endif
