/* What one thread needs to make views of one sample after another: buffers for the sample, and
 * scratch that grows to the largest need. */
#ifndef BYOL__VIEW_BUFFERS_H
#define BYOL__VIEW_BUFFERS_H

#include <stddef.h>
#include <stdint.h>

#include "byol/config.h"
#include "byol/source.h"
#include "byol/status.h"
#include "byol/tokenizer.h"
#include "sound/mel.h"

typedef struct byol__view_buffers {
    byol_picture picture;
    void *scratch; /* enough for views of picture.image after byol__view_buffers_fit */
    size_t scratch_bytes;
    /* Of a text: its tokens, and as much room again for a view's. */
    int32_t *tokens;
    size_t token_count, token_capacity;
    byol_tokenizer_scratch text;
    /* Of a sound: samples that were read; spectrograms of it and of what is mixed in. */
    byol_waveform waveform;
    byol__mel_scratch mel;
    float *units;
    float *whole; /* all frames of one sound */
    size_t whole_floats;
    size_t unit_floats;          /* room in `units` */
    float share[BYOL_VIEWS_MAX]; /* of each view's background; 0: it has none */
} byol__view_buffers;            /* zero-initialise */

/* Makes the scratch large enough for views of `size` of an image of channels x height x width. */
byol_status byol__view_buffers_fit(byol__view_buffers *buffers, int channels, int height, int width,
                                   int size, byol_error *error);
void byol__view_buffers_release(byol__view_buffers *buffers);

#endif
