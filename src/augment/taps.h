/* Bicubic resampling along one axis: which source pixels make an output pixel, and with what
 * weights. */
#ifndef BYOL__TAPS_H
#define BYOL__TAPS_H

#include <stddef.h>

typedef struct byol__taps {
    int count;  /* taps of each output pixel */
    int *start; /* (size): its first source pixel; start + count never passes the source's end */
    float *weights; /* (size, count): sum 1 over each row; the result is sum of weights[i][k]
                       source[start[i] + k] */
} byol__taps;

/* Most taps an axis of up to `in` source pixels can need when `out` or more are made of it. */
int byol__taps_limit(int in, int out);

#endif
