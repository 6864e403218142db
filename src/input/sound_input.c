/* Sounds as an input: log-mel spectrograms by sound/, views by augment/sound_view.c. A unit is what
 * a network is given: data.frames frames, cut out of a longer sound or with silence around a
 * shorter one. */
#include "input/sound_input.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "augment/sound_view.h"
#include "base/error.h"
#include "base/memory.h"
#include "data/source_kind.h"
#include "input/input.h"
#include "input/sound_cache.h"

byol_status byol__mel_of_config(byol__mel **out, const byol_config *config, byol_error *error) {
    const byol__mel_options options = {.rate = config->data.sample_rate,
                                       .window = config->data.window,
                                       .hop = config->data.hop,
                                       .bands = config->data.mels,
                                       .low = config->data.mel_low,
                                       .high = config->data.mel_high};
    return byol__mel_create(out, &options, error);
}

int byol__usual_frames(const byol_source_info *info, const byol_config *config) {
    enum { LEAST = 16, MOST = 96 };
    float frames = info->seconds * (float)config->data.sample_rate / (float)config->data.hop;
    int eights = (int)lrintf(frames / 8) * 8;
    return eights < LEAST ? LEAST : eights > MOST ? MOST : eights;
}

/* ---- Units ---- */

/* Sounds of so many units are made whole where they may be kept. */
enum { UNITS_KEPT = 8 };

/* Which part of a sound is read. */
typedef struct cut {
    const byol__mel *mel;
    int frames;       /* of a unit */
    float place;      /* 0 .. 1, of all that are possible */
    bool may_keep;    /* all of it, if it is no longer than UNITS_KEPT */
    size_t total;     /* frames of the sound */
    ptrdiff_t first;  /* of the unit; below 0 where the sound is shorter than it */
    size_t lead, own; /* frames of silence at its beginning, then of the sound */
    bool is_whole;    /* all frames are read, not only the unit's */
    byol__mel_span span;
} cut;

/* Chooses where the unit is among `total` frames. */
static void place_unit(cut *c) {
    ptrdiff_t spare = (ptrdiff_t)c->total - c->frames;
    ptrdiff_t low = spare < 0 ? spare : 0, choices = (spare < 0 ? -spare : spare) + 1;
    ptrdiff_t chosen = (ptrdiff_t)(c->place * (float)choices);
    c->first = low + (chosen < choices ? chosen : choices - 1);
    c->lead = c->first < 0 ? (size_t)-c->first : 0;
    c->own = spare < 0 ? c->total : (size_t)c->frames;
}

static void choose_part(void *context, uint64_t length, uint64_t *begin, uint64_t *count) {
    cut *c = context;
    c->total = byol__mel_frames(c->mel, (size_t)length);
    place_unit(c);
    c->is_whole = c->may_keep && c->total <= (size_t)c->frames * UNITS_KEPT;
    c->span = c->is_whole ? byol__mel_span_of(c->mel, 0, c->total)
                          : byol__mel_span_of(c->mel, c->lead > 0 ? 0 : c->first, c->own);
    *begin = c->span.begin;
    *count = c->span.count;
}

static size_t unit_floats(const byol__mel *mel, int frames) {
    return (size_t)byol__mel_of(mel)->bands * (size_t)frames;
}

/* Makes room for `count` units. */
static byol_status fit(byol__view_buffers *buffers, size_t floats, size_t count,
                       byol_error *error) {
    if (floats * count <= buffers->unit_floats) return BYOL_OK;
    byol__free(buffers->units);
    buffers->units = NULL;
    buffers->unit_floats = 0;
    BYOL__TRY(byol__alloc_floats(&buffers->units, floats * count, "spectrograms", error));
    buffers->unit_floats = floats * count;
    return BYOL_OK;
}

static void fill_silence(const cut *c, float *dst) {
    size_t floats = unit_floats(c->mel, c->frames);
    for (size_t i = 0; i < floats && c->own < (size_t)c->frames; i++) dst[i] = byol__mel_silence();
}

/* The unit out of the whole sound's log-mels, `values`. */
static void cut_unit(const cut *c, const float *values, float *dst) {
    size_t frames = (size_t)c->frames, from = c->lead > 0 ? 0 : (size_t)c->first;
    fill_silence(c, dst);
    for (size_t b = 0; b < (size_t)byol__mel_of(c->mel)->bands; b++)
        memcpy(dst + b * frames + c->lead, values + b * c->total + from, c->own * sizeof *dst);
}

static byol_status fit_whole(byol__view_buffers *buffers, size_t floats, byol_error *error) {
    if (floats <= buffers->whole_floats) return BYOL_OK;
    byol__free(buffers->whole);
    buffers->whole = NULL;
    buffers->whole_floats = 0;
    BYOL__TRY(byol__alloc_floats(&buffers->whole, floats, "a spectrogram", error));
    buffers->whole_floats = floats;
    return BYOL_OK;
}

/* Makes the log-mels that were read: all of them, of which the unit is cut out, or the unit's. */
static byol_status make_unit(const cut *c, byol__view_buffers *buffers, float *dst,
                             byol_error *error) {
    const byol_waveform *w = &buffers->waveform;
    if (!c->is_whole) {
        fill_silence(c, dst);
        return byol__mel_run(c->mel, &buffers->mel, &c->span, w->samples, w->count, c->own,
                             dst + c->lead, (size_t)c->frames, error);
    }
    BYOL__TRY(fit_whole(buffers, unit_floats(c->mel, (int)c->total), error));
    BYOL__TRY(byol__mel_run(c->mel, &buffers->mel, &c->span, w->samples, w->count, c->total,
                            buffers->whole, c->total, error));
    cut_unit(c, buffers->whole, dst);
    return BYOL_OK;
}

/* Writes the log-mels of a unit, not normalised. `cache` may be NULL: nothing is kept. */
static byol_status read_unit(const byol_source *source, size_t index, const byol__mel *mel,
                             int frames, float place, byol__sound_cache *cache,
                             byol__view_buffers *buffers, float *dst, byol_error *error) {
    cut c = {.mel = mel, .frames = frames, .place = place, .may_keep = cache != NULL};
    const byol__sound_request request = {
        .rate = byol__mel_of(mel)->rate, .part = choose_part, .context = &c};
    const byol__kept_sound *kept = cache != NULL ? byol__sound_cache_find(cache, index) : NULL;
    if (kept != NULL) {
        c.total = kept->frames;
        place_unit(&c);
        cut_unit(&c, kept->values, dst);
        return BYOL_OK;
    }
    BYOL__TRY(byol__source_sound(source, index, &request, &buffers->waveform, error));
    BYOL__TRY(make_unit(&c, buffers, dst, error));
    if (c.is_whole)
        byol__sound_cache_keep(cache, index, buffers->whole, (size_t)byol__mel_of(mel)->bands,
                               c.total);
    return BYOL_OK;
}

static void normalise(float *x, size_t count, float mean, float std) {
    for (size_t i = 0; i < count; i++) x[i] = (x[i] - mean) / std;
}

/* ---- Training ---- */

static size_t view_elements(const byol_source_info *info, const byol__view_list *views, int view) {
    (void)info, (void)view;
    return unit_floats(views->mel, views->frames);
}

/* A unit for the sample and one for each view's background; one that is mixed, one of scratch. */
static size_t units_of(const byol__view_list *views) { return (size_t)views->count + 3; }

static byol_status reserve(const byol_source_info *info, const byol__view_list *views,
                           byol__view_buffers *buffers, byol_error *error) {
    (void)info;
    return fit(buffers, unit_floats(views->mel, views->frames), units_of(views), error);
}

static byol__random stream_of(const byol__sample_key *key, byol__purpose purpose, int view) {
    return byol__random_stream(key->seed, purpose, key->epoch, key->index, (uint32_t)view);
}

static float *unit_at(const byol__view_list *views, byol__view_buffers *buffers, int which) {
    return buffers->units + (size_t)which * unit_floats(views->mel, views->frames);
}

/* A background that cannot be read is left out, which is a function of the data alone. */
static byol_status read_background(const byol_source *source, const byol__view_list *views,
                                   int view, const byol__sample_key *key,
                                   byol__view_buffers *buffers, byol_error *error) {
    byol_source_info info;
    byol__random random = stream_of(key, BYOL__PURPOSE_VIEW, BYOL_VIEWS_MAX + 1 + view);
    float *unit = unit_at(views, buffers, 1 + view);
    byol_source_describe(source, &info);
    byol__sound_mix mix =
        byol__sound_mix_draw(&views->sound[view], key->index, (uint32_t)info.count, &random);
    buffers->share[view] = mix.share;
    if (mix.share <= 0) return BYOL_OK;
    byol_status status = read_unit(source, mix.other, views->mel, views->frames, mix.place,
                                   views->cache, buffers, unit, error);
    if (status != BYOL_OK) buffers->share[view] = 0;
    if (status != BYOL_OK) return byol_source_unreadable(source, mix.other) ? BYOL_OK : status;
    normalise(unit, unit_floats(views->mel, views->frames), views->sound_mean, views->sound_std);
    return BYOL_OK;
}

/* All views are of one unit of the sound. */
static byol_status read(const byol_source *source, size_t index, const byol__view_list *views,
                        const byol__sample_key *key, byol__view_buffers *buffers,
                        byol_error *error) {
    byol__random random = stream_of(key, BYOL__PURPOSE_VIEW, BYOL_VIEWS_MAX);
    size_t floats = unit_floats(views->mel, views->frames);
    BYOL__TRY(fit(buffers, floats, units_of(views), error));
    BYOL__TRY(read_unit(source, index, views->mel, views->frames, byol__random_uniform(&random),
                        views->cache, buffers, buffers->units, error));
    normalise(buffers->units, floats, views->sound_mean, views->sound_std);
    for (int view = 0; view < views->count; view++)
        BYOL__TRY(read_background(source, views, view, key, buffers, error));
    return BYOL_OK;
}

static byol_status make(const byol__view_list *views, int view, const byol__sample_key *key,
                        byol__view_buffers *buffers, void *dst, byol_error *error) {
    (void)error;
    const byol_sound_recipe *recipe = &views->sound[view];
    byol__random random = stream_of(key, BYOL__PURPOSE_VIEW, view),
                 noise = stream_of(key, BYOL__PURPOSE_NOISE, view);
    size_t floats = unit_floats(views->mel, views->frames);
    float *mixed = unit_at(views, buffers, views->count + 1),
          *scratch = unit_at(views, buffers, views->count + 2);
    memcpy(mixed, buffers->units, floats * sizeof *mixed);
    if (buffers->share[view] > 0)
        byol__sound_mix_in(mixed, unit_at(views, buffers, 1 + view), floats, buffers->share[view]);
    byol__sound_view(recipe, byol__mel_of(views->mel)->bands, views->frames, mixed, &random, &noise,
                     scratch, dst);
    return BYOL_OK;
}

/* Brings a batch of one view to mean 0 and deviation 1. */
static void complete(const byol__view_list *views, int view, size_t batch, void *samples) {
    (void)view;
    float *x = samples;
    double first = 0, second = 0;
    size_t count = batch * unit_floats(views->mel, views->frames);
    if (!views->batch_statistics) return;
    for (size_t i = 0; i < count; i++) {
        first += (double)x[i];
        second += (double)x[i] * (double)x[i];
    }
    double mean = first / (double)count, variance = second / (double)count - mean * mean;
    normalise(x, count, (float)mean, (float)sqrt(variance > 1e-12 ? variance : 1e-12));
}

/* ---- Evaluation ---- */

/* A random view for pass how->pass, of a random unit. */
static byol_status prepare_view(const byol__preparation *how, const byol_source *source,
                                size_t index, byol__view_buffers *buffers, void *dst,
                                byol_error *error) {
    byol__view_list views = {.count = 1,
                             .mel = how->mel,
                             .frames = how->frames,
                             .sound_mean = how->sound_mean,
                             .sound_std = how->sound_std};
    const byol__sample_key key = {how->seed, how->pass, (uint32_t)index};
    views.sound[0] = how->sound;
    BYOL__TRY(read(source, index, &views, &key, buffers, error));
    return make(&views, 0, &key, buffers, dst, error);
}

/* The unit at how->place of the sound, or a view of it. */
static byol_status prepare(const byol__preparation *how, const byol_source *source, size_t index,
                           byol__view_buffers *buffers, void *dst, byol_error *error) {
    size_t floats = unit_floats(how->mel, how->frames);
    byol_status status = how->augmented ? prepare_view(how, source, index, buffers, dst, error)
                                        : read_unit(source, index, how->mel, how->frames,
                                                    how->place, NULL, buffers, dst, error);
    if (status != BYOL_OK && byol_source_unreadable(source, index)) {
        memset(dst, 0, floats * sizeof(float));
        return BYOL_OK;
    }
    if (status == BYOL_OK && !how->augmented)
        normalise(dst, floats, how->sound_mean, how->sound_std);
    return status;
}

/* Reads nothing, and keeps the length. */
static void keep_length(void *context, uint64_t length, uint64_t *begin, uint64_t *count) {
    *(uint64_t *)context = length;
    *begin = length;
    *count = 0;
}

byol_status byol__sound_units(const byol__preparation *how, const byol_source *source, size_t index,
                              byol__view_buffers *buffers, int *units, byol_error *error) {
    enum { MOST = 64 };
    uint64_t length = 0;
    const byol__sound_request request = {
        .rate = byol__mel_of(how->mel)->rate, .part = keep_length, .context = &length};
    *units = 1;
    byol_status status = byol__source_sound(source, index, &request, &buffers->waveform, error);
    if (status != BYOL_OK) return byol_source_unreadable(source, index) ? BYOL_OK : status;
    size_t frames = byol__mel_frames(how->mel, (size_t)length), unit = (size_t)how->frames;
    size_t wanted = (frames + unit / 2) / unit;
    *units = wanted < 1 ? 1 : wanted > MOST ? MOST : (int)wanted;
    return BYOL_OK;
}

/* ---- A run ---- */

enum { MEASURED = 1024 }; /* sounds that mean and deviation are measured on, at most */

typedef struct sums {
    double first, second, count;
} sums;

/* Of the middle unit of some sounds, in order, so that the bits do not depend on threads. */
static byol_status sum_units(const byol_source *source, const byol__mel *mel, int frames,
                             byol__view_buffers *buffers, sums *s, byol_error *error) {
    byol_source_info info;
    byol_source_describe(source, &info);
    size_t floats = unit_floats(mel, frames),
           looked = info.count < MEASURED ? info.count : MEASURED;
    BYOL__TRY(fit(buffers, floats, 1, error));
    for (size_t i = 0; i < looked; i++) {
        size_t index = i * info.count / looked;
        byol_status status =
            read_unit(source, index, mel, frames, 0.5f, NULL, buffers, buffers->units, error);
        if (status != BYOL_OK && byol_source_unreadable(source, index)) continue;
        if (status != BYOL_OK) return status;
        for (size_t k = 0; k < floats; k++) {
            s->first += (double)buffers->units[k];
            s->second += (double)buffers->units[k] * (double)buffers->units[k];
        }
        s->count += (double)floats;
    }
    if (s->count > 0) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_FORMAT, "none of %zu sounds looked at can be read: %s",
                      looked, info.description);
}

static byol_status measure(const byol_source *source, byol_config *config, byol_error *error) {
    byol__view_buffers buffers = {0};
    byol__mel *mel;
    sums s = {0};
    BYOL__TRY(byol__mel_of_config(&mel, config, error));
    byol_status status = sum_units(source, mel, config->data.frames, &buffers, &s, error);
    byol__view_buffers_release(&buffers);
    byol__mel_free(mel);
    if (status != BYOL_OK) return status;
    double mean = s.first / s.count, variance = s.second / s.count - mean * mean;
    config->data.sound_mean = (float)mean;
    config->data.sound_std = (float)sqrt(variance > 1e-4 ? variance : 1e-4); /* all are silent */
    return BYOL_OK;
}

static byol_status settle(const byol_source *source, const byol_config *began, byol_config *config,
                          byol_error *error) {
    byol_source_info info;
    byol_source_describe(source, &info);
    if (config->data.frames == 0)
        config->data.frames =
            began != NULL ? began->data.frames : byol__usual_frames(&info, config);
    BYOL__TRY(byol_config_check(config, error)); /* what only sounds exclude */
    if (config->data.sound_std > 0) return BYOL_OK;
    if (began == NULL) return measure(source, config, error);
    config->data.sound_mean = began->data.sound_mean;
    config->data.sound_std = began->data.sound_std;
    return BYOL_OK;
}

const byol__input_kind byol__sound_input = {
    .name = "sound",
    .dtype = BYOL__F32,
    .view_elements = view_elements,
    .reserve = reserve,
    .read = read,
    .make = make,
    .complete = complete,
    .prepare = prepare,
    .settle = settle,
};
