/* Steps of views beyond BYOL's recipe, all off in the presets: the padded crop (`pad`), rotation
 * and translation (after the resize, before the colours), Gaussian noise and a cut-out square
 * (after all else). */
#ifndef BYOL__NOISE_H
#define BYOL__NOISE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/philox.h"
#include "byol/views.h"

typedef struct byol__noise {
    float angle;                             /* radians, counter-clockwise */
    int right, down;                         /* pixels */
    int cut_x, cut_y, cut_width, cut_height; /* inside the picture; width 0: nothing is cut out */
    float deviation;                         /* of the noise, of pixels in [0, 1] */
    byol__random random;                     /* the noise itself, pixel by pixel */
} byol__noise;

/* The draws for view `view` of sample `sample` in `epoch`, for views of `size`. They have a
 * separate random stream, so none of them changes what byol__view_draw draws. */
byol__noise byol__noise_draw(const byol_view_recipe *recipe, int size, uint64_t seed,
                             uint32_t epoch, uint32_t sample, int view);

/* Does byol__noise_move do anything? */
bool byol__noise_moves(const byol__noise *noise);

/* Rotates `image` (channels, size, size) about its centre by bilinear interpolation, then shifts
 * it. What comes in from outside is black (0). `scratch`: size * size floats. */
void byol__noise_move(const byol__noise *noise, int channels, int size, float *image,
                      float *scratch);

/* For an `image` that is already normalised: adds the noise, with `deviation` divided by each
 * channel's `std`, and fills the cut-out square with 0, the mean. */
void byol__noise_add(byol__noise *noise, const float std[3], int channels, int size, float *image);

#endif
