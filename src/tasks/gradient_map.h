/* Gradient-weighted maps of plain arrays. */
#ifndef BYOL__GRADIENT_MAP_H
#define BYOL__GRADIENT_MAP_H

#include <stddef.h>

/* Grad-CAM's equations 1 and 2. `features` and their gradients `diff` are (channels, positions).
 * The first `skipped` positions (a class token) are left out of the map, (positions - skipped), but
 * not of the weights. */
void byol__gradient_map(const float *features, const float *diff, int channels, int positions,
                        int skipped, float *map);

/* The cosine of two vectors, and its gradient by x into `diff`. 0, and zeros, for a vector of
 * zeros. */
double byol__cosine_gradient(const float *x, const float *y, int dimension, float *diff);

/* A square map (side, side) at the point of a square picture of `size` pixels: bilinear between the
 * centres of its cells, as torch's interpolate with align_corners=False. */
float byol__map_at(const float *map, int side, int size, int y, int x);

#endif
