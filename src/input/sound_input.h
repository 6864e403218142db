/* What sounds need beside their kind of input (input.h): the bands that a configuration asks for.
 */
#ifndef BYOL__SOUND_INPUT_H
#define BYOL__SOUND_INPUT_H

#include "byol/config.h"
#include "byol/source.h"
#include "input/input.h"
#include "sound/mel.h"

/* The log-mel spectrogram of data.sample_rate, data.window, data.hop, data.mels, data.mel_low and
 * data.mel_high. BYOL_ERROR_INVALID: they do not go together. Owned: byol__mel_free. */
byol_status byol__mel_of_config(byol__mel **out, const byol_config *config, byol_error *error);

/* data.frames for these sounds: as many as a sound of typical length has, in eights, 16 to 96. */
int byol__usual_frames(const byol_source_info *info, const byol_config *config);

/* By how many units, side by side, sound `index` is embedded: its length in units, rounded, 1 to
 * 64. */
byol_status byol__sound_units(const byol__preparation *how, const byol_source *source, size_t index,
                              byol__view_buffers *buffers, int *units, byol_error *error);

#endif
