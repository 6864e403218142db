/* Random views of a sound, which is a normalised log-mel spectrogram here: (bands, frames) floats.
 * The steps are those of BYOL-A (arXiv 2204.07402, section III), from the paper: another sound in
 * the background, a crop that is resized, a fader. */
#ifndef BYOL__SOUND_VIEW_H
#define BYOL__SOUND_VIEW_H

#include <stddef.h>
#include <stdint.h>

#include "base/philox.h"
#include "byol/views.h"

/* Which other sound a view has in its background. The paper takes one of the last 2,048 inputs;
 * here it is any other sample, drawn with the view. So a view needs no memory, stays a function of
 * (seed, epoch, sample, view), and a resumed run makes the same. */
typedef struct byol__sound_mix {
    float share;    /* of the other; 0: there is none */
    uint32_t other; /* sample */
    float place;    /* 0 .. 1: where in it */
} byol__sound_mix;

/* For a view of sample `index` of `count`. */
byol__sound_mix byol__sound_mix_draw(const byol_sound_recipe *recipe, uint32_t index,
                                     uint32_t count, byol__random *random);

/* x = ln((1 - share) e^x + share e^other), element by element. */
void byol__sound_mix_in(float *x, const float *other, size_t count, float share);

/* What follows the mix. `noise`: the stream that noise is from. `x` is (bands, frames), mixed;
 * `scratch` has room for as many floats, `dst` takes as many. */
void byol__sound_view(const byol_sound_recipe *recipe, int bands, int frames, const float *x,
                      byol__random *random, byol__random *noise, float *scratch, float *dst);

#endif
