#include "byol/survey.h"

#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <omp.h>
#include <xxhash.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/decode.h"
#include "data/same_content.h"
#include "data/source_kind.h"
#include "data/span.h"

enum {
    PART = 1 << 22,     /* samples of a sound that are read at once */
    CHUNK = 64,         /* images between two calls of progress */
    READABLE_SIDE = 32, /* images are decoded as small as possible; unreadable ones are still
                           found */
    STATISTICS_SAMPLES = 1024,
    STATISTICS_SIDE =
        256, /* averaging pixels lowers the deviation: not below the size that networks see */
};

/* ---- all images ---- */

/* What is noted of one image or sound. */
typedef struct note {
    XXH128_hash_t content;
    int channels, height, width; /* channels 0: unreadable */
    int rate, milliseconds;      /* of a sound */
    bool silent;
} note;

/* Notes the stored bytes and what the header says. */
static byol_status note_file(const byol_source *source, size_t index, byol_picture *picture,
                             note *out, byol_error *error) {
    size_t length = 0;
    byol__picture_info info;
    BYOL__TRY(source->methods->bytes(source, index, picture, &length, error));
    out->content = XXH3_128bits(picture->bytes[0], length);
    BYOL__TRY(byol__decode_header(picture->bytes[0], length, &info, error));
    out->channels = info.channels;
    out->height = info.height;
    out->width = info.width;
    return BYOL_OK;
}

/* Images in memory are blocks without gaps, in any order of their channels. */
static void note_pixels(const byol_image *image, note *out) {
    size_t bytes = (size_t)image->channels * (size_t)image->height * (size_t)image->width;
    out->content = XXH3_128bits(image->pixels, bytes);
    out->channels = image->channels;
    out->height = image->height;
    out->width = image->width;
}

static bool is_silent(const byol_waveform *waveform) {
    for (size_t i = 0; i < waveform->count; i++)
        if (waveform->samples[i] != 0) return false;
    return true;
}

/* Part by part: a sound may be hours long. */
static byol_status note_sound(const byol_source *source, size_t index, byol_waveform *waveform,
                              note *out, byol_error *error) {
    uint64_t samples = 0;
    out->silent = true;
    do {
        BYOL__TRY(byol_source_sound(source, index, 0, samples, PART, waveform, error));
        out->content = XXH3_128bits_withSeed(waveform->samples, waveform->count * sizeof(float),
                                             out->content.low64);
        out->silent = out->silent && is_silent(waveform);
        samples += waveform->count;
    } while (waveform->count == PART);
    uint64_t milliseconds = samples * 1000 / (uint64_t)waveform->file_rate;
    out->channels = waveform->file_channels;
    out->rate = waveform->file_rate;
    out->milliseconds = milliseconds < INT_MAX ? (int)milliseconds : INT_MAX;
    return BYOL_OK;
}

/* What a thread reads into. */
typedef struct room {
    byol_picture picture;
    byol_waveform waveform;
} room;

static byol_status take_note(const byol_source *source, size_t index, room *into, note *out,
                             byol_error *error) {
    byol_picture *picture = &into->picture;
    if (source->methods->sound != NULL)
        return note_sound(source, index, &into->waveform, out, error);
    const byol_image_request wanted = {.short_side = READABLE_SIDE};
    BYOL__TRY(byol_source_image(source, index, &wanted, picture, error));
    if (source->methods->bytes != NULL) return note_file(source, index, picture, out, error);
    note_pixels(&picture->image, out);
    return BYOL_OK;
}

typedef struct reading {
    const byol_source *source;
    note *notes;         /* (count), or NULL */
    room *rooms;         /* one for each thread */
    byol_survey *survey; /* or NULL */
    byol_status status;
    byol_error error;
} reading;

static byol_status remember(byol_survey *survey, size_t index, const byol_error *why) {
    byol_unreadable *grown =
        realloc(survey->unreadable, (survey->unreadable_count + 1) * sizeof *grown);
    if (grown == NULL) return BYOL_ERROR_MEMORY;
    survey->unreadable = grown;
    grown[survey->unreadable_count].index = index;
    snprintf(grown[survey->unreadable_count++].reason, sizeof grown->reason, "%.239s", why->text);
    return BYOL_OK;
}

static void read_one(reading *r, size_t index) {
    byol_error why = {0};
    note here = {.channels = 0};
    byol_status status = take_note(r->source, index, &r->rooms[omp_get_thread_num()], &here, &why);
    if (status != BYOL_OK) here.channels = 0;
    if (r->notes != NULL) r->notes[index] = here;
    if (status == BYOL_OK) return;
#pragma omp critical(byol_survey)
    {
        if (byol_source_unreadable(r->source, index))
            status = r->survey != NULL ? remember(r->survey, index, &why) : BYOL_OK;
        if (status != BYOL_OK) {
            r->status = status;
            r->error = why;
        }
    }
}

static byol_status read_all(reading *r, int threads, byol_progress progress, void *context,
                            byol_error *error) {
    size_t count = r->source->info.count;
    for (size_t first = 0; first < count; first += CHUNK) {
        size_t end = first + CHUNK < count ? first + CHUNK : count;
#pragma omp parallel for schedule(dynamic) num_threads(threads)
        for (size_t i = first; i < end; i++) read_one(r, i);
        if (r->status != BYOL_OK) {
            if (error != NULL) *error = r->error;
            return r->status;
        }
        if (progress != NULL && progress(context, end, count) != 0)
            return byol__fail(error, BYOL_ERROR_CANCELLED, "stopped after %zu of %zu %s", end,
                              count, byol__samples_noun(r->source->info.samples));
    }
    return BYOL_OK;
}

/* ---- what they are together ---- */

/* Sets `*span` to that of the field at `offset` of the readable ones' notes. `values` has room for
 * all. */
static void measure(const note *notes, size_t count, size_t offset, int *values, byol_span *span) {
    size_t readable = 0;
    for (size_t i = 0; i < count; i++)
        if (notes[i].channels > 0)
            values[readable++] = *(const int *)(const void *)((const char *)&notes[i] + offset);
    *span = byol__span_of(values, readable);
}

static byol_status measure_all(byol_survey *survey, bool are_sounds, const note *notes,
                               byol_error *error) {
    int *values;
    BYOL__TRY(byol__alloc(&values, survey->count, sizeof *values, "sizes of the samples", error));
    for (size_t i = 0; i < survey->count; i++) {
        if (notes[i].channels == 0) continue;
        survey->readable++;
        survey->gray += !are_sounds && notes[i].channels == 1;
        survey->silent += notes[i].silent;
        survey->seconds += notes[i].milliseconds / 1000.0;
    }
    measure(notes, survey->count, offsetof(note, height), values, &survey->height);
    measure(notes, survey->count, offsetof(note, width), values, &survey->width);
    measure(notes, survey->count, offsetof(note, rate), values, &survey->rate);
    measure(notes, survey->count, offsetof(note, channels), values, &survey->channels);
    measure(notes, survey->count, offsetof(note, milliseconds), values, &survey->milliseconds);
    byol__free(values);
    return BYOL_OK;
}

static int by_unreadable_index(const void *a, const void *b) {
    const byol_unreadable *x = a, *y = b;
    return (x->index > y->index) - (x->index < y->index);
}

static byol_status find_duplicates(byol_survey *survey, const note *notes, byol_error *error) {
    byol__content *contents;
    size_t count = 0;
    BYOL__TRY(
        byol__alloc(&contents, survey->count, sizeof *contents, "contents of the images", error));
    for (size_t i = 0; i < survey->count; i++)
        if (notes[i].channels > 0) contents[count++] = (byol__content){notes[i].content, i};
    byol_status status = byol__find_same_content(contents, count, &survey->duplicates,
                                                 &survey->duplicate_count, error);
    byol__free(contents);
    return status;
}

void byol_survey_release(byol_survey *survey) {
    if (survey == NULL) return;
    free(survey->unreadable);
    byol__free(survey->duplicates);
    *survey = (byol_survey){0};
}

static byol_status survey_with(reading *r, int threads, byol_progress progress, void *context,
                               byol_error *error) {
    byol_survey *survey = r->survey;
    BYOL__TRY(
        byol__alloc(&r->rooms, (size_t)threads, sizeof *r->rooms, "buffers of samples", error));
    if (survey != NULL)
        BYOL__TRY(byol__alloc(&r->notes, r->source->info.count, sizeof *r->notes,
                              "notes on the images", error));
    BYOL__TRY(read_all(r, threads, progress, context, error));
    if (survey == NULL) return BYOL_OK;
    if (survey->unreadable_count > 0)
        qsort(survey->unreadable, survey->unreadable_count, sizeof *survey->unreadable,
              by_unreadable_index);
    bool are_sounds = r->source->info.samples == BYOL_SAMPLES_SOUNDS;
    BYOL__TRY(measure_all(survey, are_sounds, r->notes, error));
    return find_duplicates(survey, r->notes, error);
}

byol_status byol_source_survey(const byol_source *source, int threads, byol_survey *survey,
                               byol_progress progress, void *context, byol_error *error) {
    reading r = {.source = source, .survey = survey};
    if (survey == NULL && !source->info.decoded) return BYOL_OK;
    if (source->methods->sound == NULL)
        BYOL__TRY(byol__need_images(source, "a survey of pixels", error));
    if (survey != NULL) *survey = (byol_survey){.count = source->info.count};
    if (threads < 1) threads = omp_get_max_threads();
    byol_status status = survey_with(&r, threads, progress, context, error);
    for (int i = 0; r.rooms != NULL && i < threads; i++) {
        byol_picture_release(&r.rooms[i].picture);
        byol_waveform_release(&r.rooms[i].waveform);
    }
    byol__free(r.rooms);
    byol__free(r.notes);
    if (status != BYOL_OK) byol_survey_release(survey);
    return status;
}

/* ---- mean and deviation ---- */

typedef struct moments {
    double first[3], second[3];
    int channels; /* 0: unreadable */
} moments;

/* Byte values are counted first: the counts are exact, and only 256 values remain to be summed. */
static moments moments_of(const byol_image *image) {
    moments m = {.channels = image->channels};
    double pixels = (double)image->height * image->width;
    for (int c = 0; c < image->channels; c++) {
        size_t histogram[256] = {0};
        for (int y = 0; y < image->height; y++) {
            const uint8_t *row =
                image->pixels + (size_t)c * image->channel_stride + (size_t)y * image->row_stride;
            for (int x = 0; x < image->width; x++)
                histogram[row[(size_t)x * image->pixel_stride]]++;
        }
        for (int value = 0; value < 256; value++) {
            double scaled = value / 255.0, share = (double)histogram[value] / pixels;
            m.first[c] += share * scaled;
            m.second[c] += share * scaled * scaled;
        }
    }
    return m;
}

static byol_status combine(const byol_source *source, const moments *samples, size_t count,
                           float mean[3], float std[3], byol_error *error) {
    double first[3] = {0}, second[3] = {0}, seen = 0;
    for (size_t i = 0; i < count; i++) {
        seen += samples[i].channels > 0;
        for (int c = 0; c < 3; c++) {
            first[c] += samples[i].first[samples[i].channels == 1 ? 0 : c];
            second[c] += samples[i].second[samples[i].channels == 1 ? 0 : c];
        }
    }
    if (seen == 0)
        return byol__fail(error, BYOL_ERROR_FORMAT, "none of %zu images looked at can be read: %s",
                          count, source->info.description);
    for (int c = 0; c < 3; c++) {
        double m = first[c] / seen, variance = second[c] / seen - m * m;
        mean[c] = (float)m;
        std[c] = (float)sqrt(variance > 1e-6 ? variance : 1e-6); /* pictures of one colour */
    }
    return BYOL_OK;
}

byol_status byol_source_statistics(const byol_source *source, int threads, float mean[3],
                                   float std[3], byol_error *error) {
    const byol_image_request wanted = {.short_side = STATISTICS_SIDE};
    size_t total = source->info.count,
           count = total < STATISTICS_SAMPLES ? total : STATISTICS_SAMPLES;
    moments *samples;
    byol_status status = BYOL_OK;
    BYOL__TRY(byol__need_images(source, "a mean of pixels", error));
    BYOL__TRY(byol__alloc(&samples, count, sizeof *samples, "statistics of the images", error));
    if (threads < 1) threads = omp_get_max_threads();
#pragma omp parallel num_threads(threads)
    {
        byol_picture picture = {0};
#pragma omp for schedule(dynamic)
        for (size_t i = 0; i < count; i++) {
            size_t index = i * total / count;
            byol_error why = {0};
            byol_status one = byol_source_image(source, index, &wanted, &picture, &why);
            if (one == BYOL_OK) samples[i] = moments_of(&picture.image);
            if (one == BYOL_OK || byol_source_unreadable(source, index)) continue;
#pragma omp critical(byol_statistics)
            {
                status = one;
                if (error != NULL) *error = why;
            }
        }
        byol_picture_release(&picture);
    }
    if (status == BYOL_OK) status = combine(source, samples, count, mean, std, error);
    byol__free(samples);
    return status;
}
