/* Log-mel spectrograms: ln(power + 1.19e-7) in bands that are evenly spaced on Slaney's mel scale,
 * as librosa's melspectrogram makes them (htk=False, norm="slaney", power=2): a periodic Hann
 * window as long as the transform, frame t centred on sample t * hop, zeros beyond both ends
 * (center=True, pad_mode="constant"). */
#ifndef BYOL__MEL_H
#define BYOL__MEL_H

#include <stddef.h>

#include "byol/status.h"

typedef struct byol__mel_options {
    int rate;        /* samples a second */
    int window, hop; /* samples; the window is even */
    int bands;
    float low, high; /* Hz; high is at most half of the rate */
} byol__mel_options;

typedef struct byol__mel byol__mel; /* tables, shared by all threads */

/* BYOL_ERROR_INVALID: options that do not go together, such as bands so narrow that some have no
 * frequency of the transform in them. Owned: byol__mel_free. */
byol_status byol__mel_create(byol__mel **out, const byol__mel_options *options, byol_error *error);
void byol__mel_free(byol__mel *mel); /* NULL is fine */
const byol__mel_options *byol__mel_of(const byol__mel *mel);

/* What one thread needs. Zero-initialise it. It serves one byol__mel after another. */
typedef struct byol__mel_scratch {
    void *fft;    /* owned */
    int window;   /* that it is made for; 0: none */
    float *frame; /* owned: (window), then the spectrum and its power */
} byol__mel_scratch;

void byol__mel_scratch_release(byol__mel_scratch *scratch);

/* 1 + samples / hop. */
size_t byol__mel_frames(const byol__mel *mel, size_t samples);

/* The samples that some frames are made of. */
typedef struct byol__mel_span {
    size_t begin, count; /* samples of the sound */
    size_t before;       /* zeros that stand before them in the first frame's window */
} byol__mel_span;

/* Of frames `first` .. first + frames - 1. Those below 0 are before the sound. */
byol__mel_span byol__mel_span_of(const byol__mel *mel, ptrdiff_t first, size_t frames);

/* Writes `frames` frames to `dst`, (bands, stride) floats, of the `count` samples of a span: those
 * that are not there are zero. */
byol_status byol__mel_run(const byol__mel *mel, byol__mel_scratch *scratch,
                          const byol__mel_span *span, const float *samples, size_t count,
                          size_t frames, float *dst, size_t stride, byol_error *error);

/* A band's value in silence: ln(1.19e-7). */
float byol__mel_silence(void);

#endif
