/* Objects as points (Zhou, Wang, Kraehenbuehl, arXiv 1904.07850): at the centre of each a peak of
 * its class's heat map, its size, and how far the centre is from its cell's corner. A map is
 * (classes + 4, height, width): the heat's logits, width and height in units, offset right and down
 * in cells. With a unit near the usual size, sizes are as easy to learn as the rest. */
#ifndef BYOL__CENTER_LOSS_H
#define BYOL__CENTER_LOSS_H

#include <stddef.h>

#include "tasks/scene.h"

/* A box of a picture as the network is shown it, in cells of the map. */
typedef struct byol__target_box {
    byol__box box;
    int label;
} byol__target_box;

typedef struct byol__center_shape {
    int classes, height, width; /* of a map */
    float unit;                 /* of sizes, in cells */
} byol__center_shape;

/* How far a peak's centre may be off so that the box keeps an overlap of .7: the radius of the
 * Gaussian (CornerNet's, arXiv 1808.01244). */
float byol__center_radius(float height, float width);

/* Draws the peaks of one picture: `heat` (classes, height, width), 1 at a centre's cell and
 * exp(-d^2 / 2 sigma^2) around, the largest of several. A sixth of the diameter is sigma. */
void byol__center_heat(const byol__center_shape *shape, const byol__target_box *boxes, int count,
                       float *heat);

/* Mean loss over the objects of the batch: focal (alpha 2, beta 4) + .1 |size| + |offset|, in
 * cells. `maps`
 * (batch, classes + 4, height, width); `boxes[n]` are counts[n] boxes; `heat` is scratch for
 * (batch, classes, height, width); `diff`, as maps: the gradient. */
double byol__center_loss(const byol__center_shape *shape, int batch, const float *maps,
                         byol__target_box *const *boxes, const int *counts, float *heat,
                         float *diff);

/* A detection: a box in cells, a class and how sure (0 .. 1). */
typedef struct byol__peak {
    byol__box box;
    int label;
    float score;
} byol__peak;

/* The highest `most` places that are no less than their eight neighbours, of one picture's map; the
 * highest first. Returns how many there are. */
int byol__center_peaks(const byol__center_shape *shape, const float *map, int most,
                       byol__peak *peaks);

#endif
