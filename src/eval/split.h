/* Which labelled images are for training, and which are held out to judge by. */
#ifndef BYOL__SPLIT_H
#define BYOL__SPLIT_H

#include <stddef.h>
#include <stdint.h>

#include "byol/status.h"

typedef struct byol__split {
    uint32_t *train, *held_out; /* indices of images; owned */
    size_t train_count, held_out_count;
} byol__split;

/* Draws `fraction` of the images of each class (to the nearest whole image, but at least two if
 * there are two). Holds `held_out` of these out, at least one of each class that has two. The draw
 * depends on the seed alone, and a smaller fraction is part of a larger one. `labels` (count) are 0
 * .. classes-1, else BYOL_ERROR_INVALID; the same if nothing can be held out. `split` is the
 * caller's: byol__split_release. */
byol_status byol__split_draw(byol__split *split, const int32_t *labels, size_t count, int classes,
                             double fraction, double held_out, uint64_t seed, byol_error *error);
void byol__split_release(byol__split *split);

#endif
