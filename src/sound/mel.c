#include "sound/mel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <kiss_fftr.h>

#include "base/error.h"
#include "base/memory.h"

static const float OFFSET = 1.19e-7f; /* 2^-23: what keeps the logarithm of silence finite */

typedef struct band {
    int first, count; /* frequencies of the transform */
    size_t weights;   /* where its weights begin */
} band;

struct byol__mel {
    byol__mel_options options;
    float *window;
    band *bands;
    float *weights;
};

float byol__mel_silence(void) { return logf(OFFSET); }

/* ---- Slaney's mel scale (Auditory Toolbox, 1998): linear below 1 kHz, logarithmic above ---- */

static const double LINEAR_STEP = 200.0 / 3, BREAK_HZ = 1000, LOG_STEP = 0.06875177742094912;

static double mel_of(double hz) { /* LOG_STEP: ln(6.4) / 27 */
    return hz < BREAK_HZ ? hz / LINEAR_STEP
                         : BREAK_HZ / LINEAR_STEP + log(hz / BREAK_HZ) / LOG_STEP;
}

static double hz_of(double mel) {
    double at_break = BREAK_HZ / LINEAR_STEP;
    return mel < at_break ? mel * LINEAR_STEP : BREAK_HZ * exp(LOG_STEP * (mel - at_break));
}

/* The edge number `i` of bands + 2 edges. */
static double edge(const byol__mel_options *o, int i) {
    double low = mel_of((double)o->low), high = mel_of((double)o->high);
    return hz_of(low + (high - low) * i / (o->bands + 1));
}

/* A triangle from edge to edge, of area 1. */
static double weight_at(const byol__mel_options *o, int number, int bin) {
    double hz = (double)bin * o->rate / o->window;
    double left = edge(o, number), centre = edge(o, number + 1), right = edge(o, number + 2);
    double rising = (hz - left) / (centre - left), falling = (right - hz) / (right - centre);
    double height = rising < falling ? rising : falling;
    return height > 0 ? height * 2 / (right - left) : 0;
}

static byol_status fill_bands(byol__mel *mel, byol_error *error) {
    const byol__mel_options *o = &mel->options;
    size_t used = 0;
    for (int b = 0; b < o->bands; b++) {
        band *own = &mel->bands[b];
        own->weights = used;
        for (int bin = 0; bin <= o->window / 2; bin++) {
            float weight = (float)weight_at(o, b, bin);
            if (weight <= 0) continue;
            if (own->count == 0) own->first = bin;
            own->count = bin - own->first + 1;
            mel->weights[used++] = weight;
        }
        if (own->count == 0)
            return byol__fail(error, BYOL_ERROR_INVALID,
                              "data.mels %d: band %d, about %.0f Hz, has no frequency of a window "
                              "of %d samples in it; take fewer bands, a longer data.window or a "
                              "higher data.mel_low",
                              o->bands, b + 1, edge(o, b + 1), o->window);
    }
    return BYOL_OK;
}

/* ---- Making one ---- */

static byol_status check(const byol__mel_options *o, byol_error *error) {
    if (o->rate < 1 || o->window < 16 || o->window % 2 != 0 || o->hop < 1 || o->bands < 1)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "%d bands of windows of %d samples every %d at %d a second: the window "
                          "must be even and at least 16, the others above 0",
                          o->bands, o->window, o->hop, o->rate);
    if (!(o->low >= 0 && o->low < o->high && (double)o->high <= o->rate / 2.0))
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "data.mel_low %g and data.mel_high %g: the first must be below the "
                          "second, which is at most half of data.sample_rate %d",
                          (double)o->low, (double)o->high, o->rate);
    return BYOL_OK;
}

static byol_status build(byol__mel *mel, byol_error *error) {
    const byol__mel_options *o = &mel->options;
    size_t window = (size_t)o->window;
    BYOL__TRY(byol__alloc_floats(&mel->window, window, "a window", error));
    BYOL__TRY(byol__alloc(&mel->bands, (size_t)o->bands, sizeof *mel->bands, "mel bands", error));
    /* A frequency lies in two triangles at most. */
    BYOL__TRY(byol__alloc_floats(&mel->weights, window + 2, "mel bands", error));
    for (size_t i = 0; i < window; i++)
        mel->window[i] = (float)(0.5 - 0.5 * cos(2 * M_PI * (double)i / (double)window));
    return fill_bands(mel, error);
}

byol_status byol__mel_create(byol__mel **out, const byol__mel_options *options, byol_error *error) {
    byol__mel *mel;
    BYOL__TRY(check(options, error));
    BYOL__TRY(byol__alloc(&mel, 1, sizeof *mel, "a mel spectrogram", error));
    mel->options = *options;
    byol_status status = build(mel, error);
    if (status == BYOL_OK)
        *out = mel;
    else
        byol__mel_free(mel);
    return status;
}

void byol__mel_free(byol__mel *mel) {
    if (mel == NULL) return;
    byol__free(mel->window);
    byol__free(mel->bands);
    byol__free(mel->weights);
    byol__free(mel);
}

const byol__mel_options *byol__mel_of(const byol__mel *mel) { return &mel->options; }

/* ---- Frames ---- */

size_t byol__mel_frames(const byol__mel *mel, size_t samples) {
    return 1 + samples / (size_t)mel->options.hop;
}

byol__mel_span byol__mel_span_of(const byol__mel *mel, ptrdiff_t first, size_t frames) {
    ptrdiff_t hop = mel->options.hop, half = mel->options.window / 2;
    ptrdiff_t begin = first * hop - half, end = (first + (ptrdiff_t)frames - 1) * hop + half;
    byol__mel_span span = {.begin = begin > 0 ? (size_t)begin : 0,
                           .before = begin < 0 ? (size_t)-begin : 0};
    span.count = end > (ptrdiff_t)span.begin ? (size_t)end - span.begin : 0;
    return span;
}

static byol_status fit(byol__mel_scratch *scratch, int window, byol_error *error) {
    if (scratch->window == window) return BYOL_OK;
    byol__mel_scratch_release(scratch);
    size_t bins = (size_t)window / 2 + 1;
    scratch->fft = kiss_fftr_alloc(window, 0, NULL, NULL);
    if (scratch->fft == NULL)
        return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for a transform of %d samples",
                          window);
    BYOL__TRY(byol__alloc_floats(&scratch->frame, (size_t)window + 3 * bins, "a spectrum", error));
    scratch->window = window;
    return BYOL_OK;
}

void byol__mel_scratch_release(byol__mel_scratch *scratch) {
    if (scratch->fft != NULL) kiss_fftr_free(scratch->fft);
    byol__free(scratch->frame);
    *scratch = (byol__mel_scratch){0};
}

static void fill_silence(const byol__mel *mel, float *dst, size_t stride) {
    for (int b = 0; b < mel->options.bands; b++) dst[(size_t)b * stride] = byol__mel_silence();
}

/* The samples of one window, times its weights. `at`: where it begins among the samples; it may be
 * before them. */
static void cut_window(const byol__mel *mel, const float *samples, size_t count, ptrdiff_t at,
                       float *frame) {
    ptrdiff_t window = mel->options.window, have = (ptrdiff_t)count;
    for (ptrdiff_t i = 0; i < window; i++) {
        ptrdiff_t from = at + i;
        frame[i] = from >= 0 && from < have ? samples[from] * mel->window[i] : 0;
    }
}

static void power_of(const kiss_fft_cpx *spectrum, int bins, float *power) {
    for (int i = 0; i < bins; i++)
        power[i] = spectrum[i].r * spectrum[i].r + spectrum[i].i * spectrum[i].i;
}

static void sum_bands(const byol__mel *mel, const float *power, float *dst, size_t stride) {
    for (int b = 0; b < mel->options.bands; b++) {
        const band *own = &mel->bands[b];
        const float *weights = mel->weights + own->weights;
        float sum = 0;
        for (int i = 0; i < own->count; i++) sum += weights[i] * power[own->first + i];
        dst[(size_t)b * stride] = logf(sum + OFFSET);
    }
}

byol_status byol__mel_run(const byol__mel *mel, byol__mel_scratch *scratch,
                          const byol__mel_span *span, const float *samples, size_t count,
                          size_t frames, float *dst, size_t stride, byol_error *error) {
    int window = mel->options.window, bins = window / 2 + 1;
    BYOL__TRY(fit(scratch, window, error));
    kiss_fft_cpx *spectrum = (kiss_fft_cpx *)(void *)(scratch->frame + window);
    float *power = scratch->frame + window + 2 * bins;
    for (size_t t = 0; t < frames; t++) {
        ptrdiff_t at = (ptrdiff_t)(t * (size_t)mel->options.hop) - (ptrdiff_t)span->before;
        if (at + window <= 0 || at >= (ptrdiff_t)count) {
            fill_silence(mel, dst + t, stride);
            continue;
        }
        cut_window(mel, samples, count, at, scratch->frame);
        kiss_fftr(scratch->fft, scratch->frame, spectrum);
        power_of(spectrum, bins, power);
        sum_bands(mel, power, dst + t, stride);
    }
    return BYOL_OK;
}
