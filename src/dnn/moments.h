/* Batch statistics that a convolution gathers of what it writes, while that is in registers (Ioffe
 * & Szegedy 2015). */
#ifndef BYOL__MOMENTS_H
#define BYOL__MOMENTS_H

/* Sums by channel over parts of a batch: a value near the mean, the differences from it, and their
 * squares. The squares themselves would swallow the variance of a channel with a large mean. */
typedef struct byol__moments {
    int parts, channels; /* channels: padded */
    const float *sums;   /* (parts, 3, channels) */
    const int *pixels;   /* (parts): how many each is of */
} byol__moments;

#endif
