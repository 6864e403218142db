/* The loops over pixels, and nothing else. Images are planar floats (channels, size, size) in [0, 1]; `plane` is the
 * number of pixels in one channel; colour steps take three channels. No allocation, no branch inside a loop, nothing of
 * libm: each loop is one that the compiler turns into vector code. */
#ifndef BYOL__PIXELS_H
#define BYOL__PIXELS_H

#include <stddef.h>
#include <stdint.h>

#include "augment/taps.h"

/* x -> factor x, clipped. */
void byol__pixels_brightness(float *x, size_t count, float factor);

/* x -> factor x + (1 - factor) mean, clipped, where mean is that of the grayscale image. One channel or three. */
void byol__pixels_contrast(float *image, int channels, size_t plane, float factor);

/* x -> factor x + (1 - factor) gray(x), clipped. */
void byol__pixels_saturation(float *rgb, size_t plane, float factor);

/* Turns the hue by `shift` (-1 .. 1, in turns); saturation and value of HSV stay. */
void byol__pixels_hue(float *rgb, size_t plane, float shift);

/* All three channels become .2989 r + .587 g + .114 b. */
void byol__pixels_grayscale(float *rgb, size_t plane);

/* x -> 1 - x where x >= threshold. */
void byol__pixels_solarize(float *x, size_t count, float threshold);

/* x -> (x - mean) / std. */
void byol__pixels_normalise(float *x, size_t count, float mean, float std);

/* Convolves one (size, size) plane with `kernel` (2 radius + 1 numbers) along both axes, the border reflected without
 * repeating the edge (dcb|abcd|cba). radius < size. `scratch`: byol__pixels_blur_floats(size, radius) floats. */
void byol__pixels_blur(float *plane, int size, const float *kernel, int radius, float *scratch);
size_t byol__pixels_blur_floats(int size, int radius);

/* Resizes one channel of bytes to a (size, size) plane in [0, 1], clipped; `across` and `down` each hold `size` outputs
 * and count source pixels from `pixels`. `scratch`: byol__pixels_resize_floats() floats for a source of up to height x
 * width, 16-byte aligned. */
void byol__pixels_resize(const uint8_t *pixels, size_t row_stride, size_t pixel_stride, const byol__taps *across,
                         const byol__taps *down, int size, float *dst, float *scratch);
size_t byol__pixels_resize_floats(int height, int width, int size);

#endif
