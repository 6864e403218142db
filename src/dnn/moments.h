/* Batch statistics of what a convolution writes, gathered while that is in registers (Ioffe &
 * Szegedy 2015). */
#ifndef BYOL__MOMENTS_H
#define BYOL__MOMENTS_H

/* By channel, over parts of a batch: a value near the mean, and the sums of the differences from it
 * and of their squares. The squares of the values would swallow the variance of a channel with a
 * large mean. */
typedef struct byol__moments {
    int parts, channels; /* channels: padded */
    const float *sums;   /* (parts, 3, channels) */
    const int *pixels;   /* (parts): pixels of each part */
} byol__moments;

#endif
