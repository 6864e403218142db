/* Views: random augmentations of one image. The recipe is the reference's (BYOL, arXiv 2006.07733,
 * appendix B, and the authors' code): crop and resize, flip, colour jitter, grayscale, blur,
 * solarize, normalise, in this order. Other members of the family also turn and shift the picture
 * after the flip, and add noise and cutout at the end. */
#ifndef BYOL_VIEWS_H
#define BYOL_VIEWS_H

#include <stddef.h>
#include <stdint.h>

#include "byol/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Pixel values are in [0, 1] through all steps but the last. Probabilities are in [0, 1]. */
typedef struct byol_view_recipe {
    float crop_area_min, crop_area_max;     /* share of the image's area, uniform */
    float crop_aspect_min, crop_aspect_max; /* width / height, log-uniform */
    float flip;                             /* probability of a horizontal flip */
    float jitter;                           /* probability of colour jitter as a whole */
    float brightness, contrast, saturation; /* strength s: factor uniform in [max(0, 1-s), 1+s] */
    float hue;       /* strength h <= 0.5: shift uniform in [-h, h] of the colour circle */
    float grayscale; /* probability; weights .2989, .587, .114 */
    float blur;      /* probability of Gaussian blur */
    float blur_sigma_min, blur_sigma_max; /* uniform; radius int(image_size / 20), at least 1 */
    float solarize;                       /* probability; x -> 1 - x where x >= threshold */
    float solarize_threshold;
    /* Not of that recipe, and 0 in every preset. */
    float rotate;    /* degrees: angle uniform in [-rotate, rotate]; bilinear, black outside */
    float translate; /* share of the side: shift along each axis uniform in whole pixels up to it */
    /* Pixels: the plain random crop, out of the picture with so much black around it. */
    int pad;
    float noise;       /* standard deviation of Gaussian noise on pixels in [0, 1]; not clipped */
    float cutout;      /* probability of a square filled with the mean */
    float cutout_size; /* its side as a share of the picture's; its centre is any pixel */
    /* Per channel, the last step: (x - mean) / std; one-channel images use [0]. */
    float mean[3], std[3];
} byol_view_recipe;

/* How a random view of a text is made, in this order. Shares of its tokens, 0 .. 1. */
typedef struct byol_text_recipe {
    float crop_min; /* least share that a random window of the text keeps; 1: all that fits */
    float span;     /* at most so many tokens in a row are left out, once */
    float drop;     /* each token is left out with this probability */
    float swap;     /* each changes places with the next with this probability */
    float mask;     /* so many of them become the mask token, about: in runs of */
    int mask_span;  /* this many, each run beginning with probability mask / mask_span */
} byol_text_recipe;

/* How a random view of a sound is made of its normalised log-mel spectrogram, in this order
 * (BYOL-A, arXiv 2204.07402). */
typedef struct byol_sound_recipe {
    float mixup; /* another sound in the background: x = ln((1-s) e^x + s e^other), s uniform in [0,
                    mixup] */
    float stretch_min, stretch_max; /* height and width of a crop, as shares of the spectrogram's,
                                       uniform; not higher than it, nor wider than the canvas */
    float canvas; /* width of the zeros that it is in the middle of, as a multiple of its own */
    float fade;   /* a line over time is added, whose ends are uniform in [-fade, fade] */
    float hiss;   /* standard deviation of Gaussian noise */
} byol_sound_recipe;

/* Fills the recipes of the three kinds of views from a preset: "byol" (DeepMind's), "simclr"
 * (symmetric: blur .5, no solarize) or "small" (32 pixels: no blur, solarize 0 / .2). The third
 * recipe is the first with crops of 5 to 30 % of the area, for small views. Mean and std are
 * ImageNet's for byol and simclr, CIFAR-10's for small. BYOL_ERROR_INVALID for another name. */
BYOL_API byol_status byol_view_preset(const char *name, byol_view_recipe recipe[3],
                                      byol_error *error);

/* An image as bytes: value(c, y, x) = pixels[c * channel_stride + y * row_stride + x *
 * pixel_stride], 0 .. 255. */
typedef struct byol_image {
    const uint8_t *pixels;
    int channels, height, width; /* channels 1 or 3 (RGB) */
    size_t channel_stride, row_stride, pixel_stride;
} byol_image;

/* Makes view number `view` (from 0) of `image` for (seed, epoch, sample): a pure function of its
 * arguments. `dst` is (channels, size, size) floats in plain order. `scratch` is
 * byol_view_scratch_bytes() bytes, 64-byte aligned. */
BYOL_API void byol_view_make(const byol_view_recipe *recipe, const byol_image *image, int size,
                             uint64_t seed, uint32_t epoch, uint32_t sample, int view, float *dst,
                             void *scratch);

/* Scratch bytes for images of up to height x width and `channels`, and views of `size`. */
BYOL_API size_t byol_view_scratch_bytes(int channels, int height, int width, int size);

/* The evaluation view: short side resized (bicubic, antialiased) to `size`, centre crop, normalised
 * with mean and std. Same `dst` and `scratch`. */
BYOL_API void byol_view_center(const float mean[3], const float std[3], const byol_image *image,
                               int size, float *dst, void *scratch);

/* The whole image resized (bicubic, antialiased) to height x width, for people: `dst` is (channels,
 * height, width) floats in [0, 1]. BYOL_ERROR_MEMORY. */
BYOL_API byol_status byol_view_whole(const byol_image *image, int height, int width, float *dst,
                                     byol_error *error);

#ifdef __cplusplus
}
#endif

#endif
