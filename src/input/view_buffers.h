/* What one thread needs to make views of one sample after another: buffers for the sample, and
 * scratch that grows to the largest need. */
#ifndef BYOL__VIEW_BUFFERS_H
#define BYOL__VIEW_BUFFERS_H

#include <stddef.h>

#include "byol/source.h"
#include "byol/status.h"

typedef struct byol__view_buffers {
    byol_picture picture;
    void *scratch; /* enough for views of picture.image after byol__view_buffers_fit */
    size_t scratch_bytes;
} byol__view_buffers; /* zero-initialise */

/* Makes the scratch large enough for views of `size` of an image of channels x height x width. */
byol_status byol__view_buffers_fit(byol__view_buffers *buffers, int channels, int height, int width,
                                   int size, byol_error *error);
void byol__view_buffers_release(byol__view_buffers *buffers);

#endif
