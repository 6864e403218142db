/* Sounds as vectors without any network: mean and deviation over time of log-mels, and of cepstral
 * coefficients with their slopes. */
#include <math.h>
#include <string.h>

#include <omp.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "byol/eval.h"
#include "data/source_kind.h"
#include "input/sound_input.h"

enum { CEPSTRA = 20, SLOPE_REACH = 4, SLOPES = 3 };

static int rows_of(byol_sound_kind kind, const byol_config *config) {
    return kind == BYOL_SOUND_MELS ? config->data.mels : SLOPES * CEPSTRA;
}

int byol_sound_dimension(byol_sound_kind kind, const byol_config *config) {
    return 2 * rows_of(kind, config);
}

/* Buffers of one thread. */
typedef struct room {
    byol_waveform waveform;
    byol__mel_scratch scratch;
    float *rows; /* (mels, frames), then (3 CEPSTRA, frames) */
    size_t floats;
} room;

static void release(room *r) {
    byol_waveform_release(&r->waveform);
    byol__mel_scratch_release(&r->scratch);
    byol__free(r->rows);
}

static byol_status fit(room *r, size_t floats, byol_error *error) {
    if (floats <= r->floats) return BYOL_OK;
    byol__free(r->rows);
    r->rows = NULL;
    r->floats = 0;
    BYOL__TRY(byol__alloc_floats(&r->rows, floats, "a spectrogram", error));
    r->floats = floats;
    return BYOL_OK;
}

/* ---- Cepstra: an orthonormal cosine transform (type II) over the bands ---- */

static void transform(const float *mels, int bands, size_t frames, float *cepstra) {
    for (int k = 0; k < CEPSTRA; k++) {
        float *row = cepstra + (size_t)k * frames;
        double scale = sqrt((k == 0 ? 1.0 : 2.0) / bands);
        memset(row, 0, frames * sizeof *row);
        for (int b = 0; b < bands; b++) {
            float weight = (float)(scale * cos(M_PI * k * (b + 0.5) / bands));
            for (size_t t = 0; t < frames; t++) row[t] += weight * mels[(size_t)b * frames + t];
        }
    }
}

/* The slope of the line through nine values, the ends repeated. */
static void slopes_of(const float *row, size_t frames, float *slope) {
    for (ptrdiff_t t = 0; t < (ptrdiff_t)frames; t++) {
        float sum = 0, squares = 0;
        for (ptrdiff_t n = 1; n <= SLOPE_REACH; n++) {
            ptrdiff_t after = t + n < (ptrdiff_t)frames ? t + n : (ptrdiff_t)frames - 1;
            ptrdiff_t before = t > n ? t - n : 0;
            sum += (float)n * (row[after] - row[before]);
            squares += 2 * (float)(n * n);
        }
        slope[t] = sum / squares;
    }
}

static void add_slopes(float *cepstra, size_t frames) {
    for (size_t r = 0; r < (size_t)(SLOPES - 1) * CEPSTRA; r++)
        slopes_of(cepstra + r * frames, frames, cepstra + (r + CEPSTRA) * frames);
}

/* ---- One sound ---- */

/* Means, then deviations. */
static void summarise(const float *rows, int count, size_t frames, float *features) {
    for (int r = 0; r < count; r++, rows += frames) {
        double first = 0, second = 0;
        for (size_t t = 0; t < frames; t++) first += (double)rows[t];
        double mean = first / (double)frames;
        for (size_t t = 0; t < frames; t++) second += pow((double)rows[t] - mean, 2);
        features[r] = (float)mean;
        features[count + r] = (float)sqrt(second / (double)frames);
    }
}

static byol_status describe_one(const byol_source *source, size_t index, const byol__mel *mel,
                                byol_sound_kind kind, const byol_config *config, room *r,
                                float *features, byol_error *error) {
    int bands = config->data.mels, count = rows_of(kind, config);
    BYOL__TRY(
        byol_source_sound(source, index, config->data.sample_rate, 0, 0, &r->waveform, error));
    size_t frames = byol__mel_frames(mel, r->waveform.count);
    BYOL__TRY(fit(r, (size_t)(bands + SLOPES * CEPSTRA) * frames, error));
    byol__mel_span span = byol__mel_span_of(mel, 0, frames);
    BYOL__TRY(byol__mel_run(mel, &r->scratch, &span, r->waveform.samples, r->waveform.count, frames,
                            r->rows, frames, error));
    float *rows = r->rows;
    if (kind == BYOL_SOUND_CEPSTRA) {
        rows += (size_t)bands * frames;
        transform(r->rows, bands, frames, rows);
        add_slopes(rows, frames);
    }
    summarise(rows, count, frames, features);
    return BYOL_OK;
}

/* ---- All of them ---- */

typedef struct describing {
    const byol_source *source;
    const byol_config *config;
    const byol__mel *mel;
    byol_sound_kind kind;
    float *features;
    room *rooms; /* one for each thread */
    byol_status status;
    byol_error error;
} describing;

/* What cannot be read gets zeros. */
static void take(describing *d, size_t index) {
    size_t dimension = (size_t)byol_sound_dimension(d->kind, d->config);
    float *own = d->features + index * dimension;
    byol_error why = {0};
    byol_status status = describe_one(d->source, index, d->mel, d->kind, d->config,
                                      &d->rooms[omp_get_thread_num()], own, &why);
    if (status == BYOL_OK) return;
    memset(own, 0, dimension * sizeof *own);
    if (byol_source_unreadable(d->source, index)) return;
#pragma omp critical(byol_sound_features)
    {
        d->status = status;
        d->error = why;
    }
}

static byol_status describe_all(describing *d, size_t count, byol_progress progress, void *context,
                                byol_error *error) {
    enum { CHUNK = 64 };
    for (size_t first = 0; first < count; first += CHUNK) {
        size_t end = first + CHUNK < count ? first + CHUNK : count;
#pragma omp parallel for schedule(dynamic)
        for (size_t i = first; i < end; i++) take(d, i);
        if (d->status != BYOL_OK && error != NULL) *error = d->error;
        if (d->status != BYOL_OK) return d->status;
        if (progress != NULL && progress(context, end, count) != 0)
            return byol__fail(error, BYOL_ERROR_CANCELLED, "stopped after %zu of %zu sounds", end,
                              count);
    }
    return BYOL_OK;
}

byol_status byol_sound_describe(const byol_source *source, byol_sound_kind kind,
                                const byol_config *config, float *features, byol_progress progress,
                                void *context, byol_error *error) {
    byol_source_info info;
    byol__mel *mel;
    byol_source_describe(source, &info);
    BYOL__TRY(byol__mel_of_config(&mel, config, error));
    describing d = {
        .source = source, .config = config, .mel = mel, .kind = kind, .features = features};
    byol__threads threads = byol__threads_begin(config->train.threads);
    byol_status status =
        byol__alloc(&d.rooms, (size_t)threads.count, sizeof *d.rooms, "buffers of sounds", error);
    if (status == BYOL_OK) status = describe_all(&d, info.count, progress, context, error);
    for (int i = 0; d.rooms != NULL && i < threads.count; i++) release(&d.rooms[i]);
    byol__free(d.rooms);
    byol__threads_end(threads);
    byol__mel_free(mel);
    return status;
}
