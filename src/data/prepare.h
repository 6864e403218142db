/* One picture of a source as the encoder is given it. */
#ifndef BYOL__PREPARE_H
#define BYOL__PREPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "byol/source.h"
#include "byol/views.h"
#include "data/view_buffers.h"

/* The evaluation view (short side resized, centre crop), its mirror image, or a random view of pass
 * `pass`. */
typedef struct byol__preparation {
    int channels, side;      /* as the network wants them */
    byol_view_recipe recipe; /* of random views; mean and std of all */
    bool augmented, mirrored;
    uint64_t seed; /* of random views, with the pass and the picture's index */
    uint32_t pass;
} byol__preparation;

/* Image `index` to `dst`, (channels, side, side) floats. One that cannot be read gives zeros
 * (byol_source_unreadable). The buffers is one thread's. */
byol_status byol__prepare_image(const byol__preparation *how, const byol_source *source,
                                size_t index, byol__view_buffers *buffers, float *dst,
                                byol_error *error);

#endif
