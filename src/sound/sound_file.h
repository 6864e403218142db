/* Sound files: WAV, FLAC, OGG, MP3 and what else libsndfile reads; mixed to one channel and brought
 * to one sample rate. */
#ifndef BYOL__SOUND_FILE_H
#define BYOL__SOUND_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "byol/source.h"
#include "byol/status.h"

/* Rates that files may have, and that sounds are brought to, per second. */
enum { BYOL__RATE_MIN = 1000, BYOL__RATE_MAX = 384000 };

/* Where a sound is: in a file, in the bytes of one, or as samples of one channel. Borrowed. */
typedef struct byol__sound_place {
    const char *path; /* NULL: `bytes` */
    const void *bytes;
    size_t length;
    const float *samples; /* (count) at `rate`, where both others are NULL */
    size_t count;
    int rate;
} byol__sound_place;

/* An open sound. Its creator keeps it where it is until byol__sound_close. */
typedef struct byol__sound {
    int rate, channels;
    uint64_t samples;   /* of each channel, at that rate; of an MP3 it may be an estimate */
    const char *format; /* static: "WAV", "FLAC" */
    byol__sound_place place;
    size_t at;  /* in the bytes */
    void *file; /* libsndfile's; NULL: samples */
} byol__sound;

/* Does the name end as that of a sound file does? */
bool byol__is_sound_name(const char *name);

/* BYOL_ERROR_FORMAT: no sound, damaged, or without a sample. BYOL_ERROR_UNSUPPORTED: a rate beyond
 * the limits. BYOL_ERROR_NOT_FOUND, BYOL_ERROR_IO: there is no such file. Only after success, call
 * byol__sound_close. */
byol_status byol__sound_open(byol__sound *sound, const byol__sound_place *place, byol_error *error);
void byol__sound_close(byol__sound *sound);

/* How many samples the sound has at `rate`. */
uint64_t byol__sound_length(const byol__sound *sound, int rate);

/* Reads samples begin .. begin + count - 1, as they are at `rate`; what of them is behind the end
 * is left out, and waveform->count says how many there are. Only that part of the file is read. The
 * channels' mean is taken. BYOL_ERROR_FORMAT: the file ends early, or a sample is no finite
 * number. */
byol_status byol__sound_read(byol__sound *sound, int rate, uint64_t begin, uint64_t count,
                             byol_waveform *waveform, byol_error *error);

/* resample.c: how many samples `count` of `from` per second are at `to` per second. */
uint64_t byol__resampled_count(uint64_t count, int from, int to);

/* Brings `count` samples from one rate to another by libsamplerate (band-limited interpolation).
 * Sample 0 stays sample 0. Writes byol__resampled_count samples. BYOL_ERROR_MEMORY. */
byol_status byol__resample(const float *from, size_t count, int from_rate, int to_rate, float *to,
                           byol_error *error);

#endif
