/* A picture's patches as the rows of a matrix (im2col): a convolution is then one matrix product
 * (Chellapilla, Puri & Simard 2006). */
#ifndef BYOL__UNFOLD_H
#define BYOL__UNFOLD_H

#include <stddef.h>

#include "dnn/layout.h"

/* Where the taps of a patch lie. Tap (r, s) of position (y, x) reads pixel (y * step + start + r *
 * direction, and x and s likewise). Pixels outside the picture are zero. */
typedef struct byol__patches {
    int kernel; /* taps per row, and rows of taps */
    int step, start, direction;
    int height, width; /* positions */
} byol__patches;

/* Elements of the rows: n * height * width * kernel * kernel * c. */
size_t byol__unfolded_elements(const byol__layout *picture, const byol__patches *patches);

/* pictures (n, h, w, c), channels last -> rows (n, height, width, kernel, kernel, c), by all
 * threads. */
void byol__unfold(const byol__layout *picture, const void *pictures, const byol__patches *patches,
                  void *rows);

#endif
