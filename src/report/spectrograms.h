/* Sounds for people: their spectrograms as pictures, and players. */
#ifndef BYOL__SPECTROGRAMS_H
#define BYOL__SPECTROGRAMS_H

#include <stdint.h>
#include <stdio.h>

#include "byol/config.h"
#include "byol/source.h"

/* A source of square grey pictures: of each sound what the encoder of `config` sees of it, low
 * frequencies below. Labels and names are the sounds'. `sounds` is borrowed and must outlive it.
 * Owned: byol_source_free. */
byol_status byol__spectrograms_open(byol_source **out, const byol_source *sounds,
                                    const byol_config *config, byol_error *error);

/* The side of those pictures. */
int byol__spectrogram_side(const byol_config *config);

/* Paints normalised log-mels of `config`, (mels, frames), as such a picture. */
void byol__spectrogram_paint(const byol_config *config, const float *log_mels, uint8_t *pixels);

/* A player of sound `index`, at most two seconds of it. A sound that cannot be read has none. */
void byol__html_sound(FILE *page, const byol_source *source, size_t index);

#endif
