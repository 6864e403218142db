/* What is random in the published recipe (crop, flip, colours, blur), drawn before the first pixel
 * is touched; the rest is in noise.h. */
#ifndef BYOL__DRAWS_H
#define BYOL__DRAWS_H

#include <stdint.h>

#include "byol/views.h"

typedef enum byol__jitter {
    BYOL__BRIGHTNESS,
    BYOL__CONTRAST,
    BYOL__SATURATION,
    BYOL__HUE,
    BYOL__JITTERS
} byol__jitter;

typedef struct byol__draws {
    int crop_x, crop_y, crop_width,
        crop_height; /* pixels of the image; at least 1 x 1, inside it */
    int flip, jitter, grayscale, blur, solarize; /* 0 or 1: is the step applied? */
    byol__jitter order[BYOL__JITTERS];           /* each of the four once */
    float brightness, contrast, saturation;      /* factors, 1: unchanged */
    float hue;                                   /* shift in turns of the colour circle */
    float blur_sigma;
} byol__draws;

/* The draws for view `view` of sample `sample` in `epoch`, for an image of height x width. Each
 * number has a fixed place in the random stream, whatever is applied. So changing one probability
 * or range changes no other draw. */
byol__draws byol__view_draw(const byol_view_recipe *recipe, int height, int width, uint64_t seed,
                            uint32_t epoch, uint32_t sample, int view);

/* Reduces a recipe to what a classifier on top is trained with: the crop, a flip of half of the
 * pictures, normalisation. */
void byol__recipe_to_crop_and_flip(byol_view_recipe *recipe);

#endif
