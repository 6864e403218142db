/* The loops over pixels. One source (pixel_kernels.c), compiled once per instruction set. Images
 * are planar floats (channels, size, size) in [0, 1]; `plane` is size * size. Operations on single
 * pixels are a list of steps. The other loops apply the list to a few rows at a time, while these
 * are still in the first-level cache. So a view passes through memory at most twice. No allocation,
 * no libm. */
#ifndef BYOL__PIXELS_H
#define BYOL__PIXELS_H

#include <stddef.h>
#include <stdint.h>

#include "augment/taps.h"
#include "base/isa.h"

typedef enum byol__step_kind {
    BYOL__STEP_BRIGHTNESS, /* x -> value x, clipped */
    BYOL__STEP_CONTRAST,   /* x -> value x + offset, clipped; offset: (1 - value) times the gray
                              image's mean */
    BYOL__STEP_SATURATION, /* x -> value x + (1 - value) gray(x), clipped; three channels */
    BYOL__STEP_HUE, /* turns the hue by value (-1 .. 1 turns); saturation and value of HSV stay;
                       three channels */
    BYOL__STEP_GRAYSCALE, /* all three channels become .2989 r + .587 g + .114 b */
    BYOL__STEP_SOLARIZE,  /* x -> 1 - x where x >= value */
    BYOL__STEP_NORMALISE, /* x -> (x - mean) / std of its channel */
} byol__step_kind;

typedef struct byol__step {
    byol__step_kind kind;
    float value, offset;
    const float *mean, *std; /* (channels) */
} byol__step;

/* Each kind at most once. */
enum { BYOL__STEPS_MAX = 7 };

typedef struct byol__steps {
    int channels, count;
    byol__step list[BYOL__STEPS_MAX];
    double *gray_sum; /* if not NULL, the gray values of the results are added to it */
} byol__steps;

/* Bicubic resampling of a box of bytes to (channels, height, width), clipped to [0, 1]. */
typedef struct byol__resize {
    const uint8_t *pixels; /* the box's first pixel, from which the taps count */
    int channels;          /* 1 or 3 */
    size_t channel_stride, row_stride, pixel_stride;
    byol__taps across, down; /* `width` and `height` outputs */
    int height, width;
    float *scratch; /* resize_floats() floats */
} byol__resize;

/* A convolution along both axes, clipped. The border is reflected without repeating the edge
 * (dcb|abcd|cba). */
typedef struct byol__blur {
    int channels, size, radius; /* radius < size */
    const float *kernel;        /* 2 radius + 1 numbers, and a zero behind them */
    float *scratch;             /* blur_floats() floats, 64-byte aligned */
} byol__blur;

typedef struct byol__pixel_table {
    /* Applies the steps to pixels begin .. begin+count-1 of every channel. */
    void (*apply)(const byol__steps *steps, float *image, size_t plane, size_t begin, size_t count);
    /* Fills `taps`, whose arrays must be large enough, for output pixels first .. first+size-1
     * where `in` source pixels are resized to `out`. `reversed` mirrors the order. The kernel is
     * Keys' with a = -0.5 on half-pixel centres. It is widened by in / out when shrinking, and cut
     * and renormalised at the edges, as in PIL and TensorFlow's antialiased resize. */
    void (*taps_fill)(byol__taps *taps, int in, int out, int first, int size, int reversed);
    /* Resizes, and applies `then` to the result. */
    void (*resize)(const byol__resize *job, const byol__steps *then, float *dst);
    /* Floats of scratch for boxes of up to height x width and out_height x out_width or more
     * outputs. */
    size_t (*resize_floats)(int channels, int height, int width, int out_height, int out_width);
    /* Applies `before`, blurs, applies `after`. */
    void (*blur)(const byol__blur *job, const byol__steps *before, const byol__steps *after,
                 float *image);
    size_t (*blur_floats)(int channels, int size, int radius);
} byol__pixel_table;

/* The table for an instruction set; NULL if it was not compiled. byol__isa_best() names one that is
 * compiled and that this CPU supports. */
const byol__pixel_table *byol__pixels(byol__isa isa);

#endif
