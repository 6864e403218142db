/* Windows: which part of a picture a network is shown, where, and whether mirrored. The picture and
 * what lies on it (a mask, boxes) are moved by the same window. */
#ifndef BYOL__SCENE_H
#define BYOL__SCENE_H

#include <stdbool.h>
#include <stdint.h>

#include "byol/status.h"
#include "byol/views.h"

/* What a network is given: (channels, height, width) floats, normalised. */
typedef struct byol__frame {
    int channels, height, width;
    float mean[3], std[3];
} byol__frame;

typedef struct byol__window {
    int x, y, width, height; /* pixels of the picture */
    /* Of the frame, from its top left corner; what is right of and below it is black before, and
     * nothing to learn. */
    int shown_height, shown_width;
    bool flip; /* left to right */
    /* Colours, of pixels in 0 .. 1: x (1 + gain) + offset. */
    float gain[3], offset;
} byol__window;

/* The whole picture, as large as the frame allows, in its own proportions. */
byol__window byol__window_whole(const byol__frame *frame, int height, int width);

/* The whole picture, stretched over the whole frame. */
byol__window byol__window_stretched(const byol__frame *frame, int height, int width);

/* How windows are drawn. */
typedef struct byol__scene_draws {
    float crop_min; /* least share of the area */
    float jitter;   /* brightness, contrast and each colour change by up to this share */
    uint64_t seed;
} byol__scene_draws;

/* A random part of the picture, in proportions up to 4 : 3 off its own, mirrored in half of the
 * cases, in other colours: a pure function of (draws, epoch, sample). */
byol__window byol__window_draw(const byol__frame *frame, int height, int width,
                               const byol__scene_draws *draws, uint32_t epoch, uint32_t sample);

/* Shows the picture: `dst` is (channels, height, width) of the frame. BYOL_ERROR_MEMORY. */
byol_status byol__window_picture(const byol__frame *frame, const byol__window *window,
                                 const byol_image *image, float *dst, byol_error *error);

/* Shows a mask that lies on the picture, (height, width) of the frame: the nearest pixel's number,
 * and `ignore` where there is no picture. `columns` is the width of the mask. */
void byol__window_mask(const byol__frame *frame, const byol__window *window, const uint8_t *mask,
                       int columns, uint8_t ignore, uint8_t *dst);

/* left, top, right, bottom, in pixels; the corner of the first pixel is (0, 0) */
typedef struct byol__box {
    float x0, y0, x1, y1;
} byol__box;

/* The box of the picture in the frame, cut at the window. False: less than a third of it is left.
 */
bool byol__window_box(const byol__window *window, byol__box box, byol__box *shown);

/* And back: a box of the frame in the picture of height x width, cut at its edges. */
byol__box byol__window_box_back(const byol__window *window, byol__box shown, int height, int width);

#endif
