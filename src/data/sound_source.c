/* Sources of sounds: files that are decoded when they are asked for, as those of pictures are; and
 * waveforms that the caller holds. */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/picture_files.h"
#include "data/span.h"
#include "sound/sound_file.h"

/* ---- files ---- */

/* `path`: PATH_MAX bytes, which the place points to. */
static byol_status place_of(const byol__pictures *pictures, size_t index, byol_picture *room,
                            char *path, byol__sound_place *place, byol_error *error) {
    *place = (byol__sound_place){0};
    if (pictures->members[index].holder == BYOL__OWN_FILE) {
        BYOL__TRY(byol__member_path(pictures, index, path, PATH_MAX, error));
        place->path = path;
        return BYOL_OK;
    }
    BYOL__TRY(byol__member_bytes(pictures, index, room, &place->length, error));
    place->bytes = room->bytes[0] != NULL ? room->bytes[0] : (const void *)"";
    return BYOL_OK;
}

static byol_status read_part(const byol__sound_place *place, const byol__sound_request *request,
                             byol_waveform *waveform, byol_error *error) {
    byol__sound sound;
    BYOL__TRY(byol__sound_open(&sound, place, error));
    int rate = request->rate > 0 ? request->rate : sound.rate;
    uint64_t length = byol__sound_length(&sound, rate), begin = 0, count = length;
    if (request->part != NULL) request->part(request->context, length, &begin, &count);
    byol_status status = byol__sound_read(&sound, rate, begin, count, waveform, error);
    byol__sound_close(&sound);
    return status;
}

static byol_status sound(const byol_source *source, size_t index,
                         const byol__sound_request *request, byol_waveform *waveform,
                         byol_error *error) {
    const byol__pictures *pictures = (const byol__pictures *)source;
    char path[PATH_MAX];
    byol__sound_place place;
    byol_status status = place_of(pictures, index, &waveform->file, path, &place, error);
    if (status == BYOL_OK) status = read_part(&place, request, waveform, error);
    return byol__member_named(pictures, index, status, error);
}

void byol__pictures_hold_sounds(byol__pictures *pictures) {
    pictures->noun = "sounds (WAV, FLAC, OGG, MP3 and others)";
    pictures->methods.image = NULL;
    pictures->methods.bytes = NULL;
    pictures->methods.sound = sound;
    pictures->base.info.samples = BYOL_SAMPLES_SOUNDS;
    pictures->base.info.channels = 1;
}

static byol_status look_at(const byol__pictures *pictures, size_t index, byol_picture *room,
                           byol__sound *found, byol_error *error) {
    char path[PATH_MAX];
    byol__sound_place place;
    byol_status status = place_of(pictures, index, room, path, &place, error);
    if (status == BYOL_OK) status = byol__sound_open(found, &place, error);
    if (status == BYOL_OK) byol__sound_close(found);
    return byol__member_named(pictures, index, status, error);
}

/* Finds typical rate and length from the headers of sounds spread over the source. */
static byol_status probe(byol__pictures *pictures, byol_error *error) {
    int rates[BYOL__PROBES], milliseconds[BYOL__PROBES];
    size_t seen = 0,
           samples = pictures->count < BYOL__PROBES ? pictures->count : (size_t)BYOL__PROBES;
    byol_error first = {0};
    byol_picture room = {0};
    for (size_t i = 0; i < samples; i++) {
        byol__sound found;
        byol_error why = {0};
        byol_status status = look_at(pictures, i * pictures->count / samples, &room, &found, &why);
        if (status != BYOL_OK && first.text[0] == '\0') first = why;
        if (status != BYOL_OK) continue;
        uint64_t length = found.samples * 1000 / (uint64_t)found.rate;
        rates[seen] = found.rate;
        milliseconds[seen++] = length < INT_MAX ? (int)length : INT_MAX;
    }
    byol_picture_release(&room);
    if (seen == 0)
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "none of %zu sounds looked at can be read. The first: %.700s", samples,
                          first.text);
    pictures->base.info.rate = byol__span_of(rates, seen).median;
    pictures->base.info.seconds = (float)byol__span_of(milliseconds, seen).median / 1000;
    return BYOL_OK;
}

static void describe(byol_source *source, const char *what) {
    const byol_source_info *info = &source->info;
    char classes[32] = "no labels";
    if (info->classes > 0) snprintf(classes, sizeof classes, "%d classes", info->classes);
    snprintf(source->description, sizeof source->description,
             "%.380s: %zu sound%s, typically %.2f s at %d Hz, %s", what, info->count,
             info->count == 1 ? "" : "s", (double)info->seconds, info->rate, classes);
}

byol_status byol__sounds_complete(byol__pictures *pictures, const char *what, byol_error *error) {
    BYOL__TRY(probe(pictures, error));
    describe(&pictures->base, what);
    return BYOL_OK;
}

static int is_sound(const char *name) { return byol__is_sound_name(name); }

bool byol__sounds_are_in(const char *folder) {
    byol__pictures *tree;
    if (byol__pictures_create_tree(&tree, folder, is_sound, NULL) != BYOL_OK) return false;
    bool found = tree->count > 0;
    byol_source_free(&tree->base);
    return found;
}

byol_status byol__sounds_open_folder(byol_source **out, const char *folder, const char *split,
                                     byol_error *error) {
    char what[PATH_MAX + 64];
    byol__pictures *sounds;
    BYOL__TRY(byol__pictures_create_tree(&sounds, folder, is_sound, error));
    byol__pictures_hold_sounds(sounds);
    byol_status status = byol__pictures_arrange(sounds, split, error);
    snprintf(what, sizeof what, "%s%s%s", folder, *split != '\0' ? ":" : "", split);
    if (status == BYOL_OK) status = byol__pictures_complete(sounds, what, error);
    if (status == BYOL_OK)
        *out = &sounds->base;
    else
        byol_source_free(&sounds->base);
    return status;
}

byol_status byol__sounds_open_file(byol_source **out, const char *path, byol_error *error) {
    byol__pictures *sounds;
    BYOL__TRY(byol__pictures_create(&sounds, "sound", "", error));
    byol__pictures_hold_sounds(sounds);
    byol_status status = byol__pictures_add(sounds, path, error);
    if (status == BYOL_OK) status = byol__pictures_complete(sounds, path, error);
    if (status == BYOL_OK)
        *out = &sounds->base;
    else
        byol_source_free(&sounds->base);
    return status;
}

/* ---- waveforms ---- */

typedef struct waveforms {
    byol_source base;
    const float **samples; /* (count), owned; what they point to is borrowed */
    size_t *lengths;       /* (count), owned */
    int32_t *labels;       /* (count), owned; NULL: none */
} waveforms;

static byol_status held_sound(const byol_source *source, size_t index,
                              const byol__sound_request *request, byol_waveform *waveform,
                              byol_error *error) {
    const waveforms *self = (const waveforms *)source;
    const byol__sound_place place = {
        .samples = self->samples[index], .count = self->lengths[index], .rate = source->info.rate};
    byol_status status = read_part(&place, request, waveform, error);
    return status == BYOL_OK ? status : byol__fail_within(error, status, "sound %zu", index);
}

static int32_t held_label(const byol_source *source, size_t index) {
    const waveforms *self = (const waveforms *)source;
    return self->labels != NULL ? self->labels[index] : -1;
}

static const char *no_class_name(const byol_source *source, int32_t number) {
    (void)source, (void)number;
    return NULL;
}

static byol_status held_digest(const byol_source *source, uint64_t *digest, byol_error *error) {
    (void)error;
    const waveforms *self = (const waveforms *)source;
    uint64_t sum = (uint64_t)source->info.rate;
    for (size_t i = 0; i < source->info.count; i++)
        sum = XXH3_64bits_withSeed(self->samples[i], self->lengths[i] * sizeof(float), sum);
    *digest = sum;
    return BYOL_OK;
}

static void release(byol_source *source) {
    waveforms *self = (waveforms *)source;
    byol__free((void *)self->samples);
    byol__free(self->lengths);
    byol__free(self->labels);
}

static const byol__source_methods METHODS = {.sound = held_sound,
                                             .label = held_label,
                                             .class_name = no_class_name,
                                             .release = release,
                                             .digest = held_digest};

static byol_status check(const float *const *samples, const size_t *lengths, int rate, size_t count,
                         byol_error *error) {
    if (samples == NULL || lengths == NULL || count == 0)
        return byol__fail(error, BYOL_ERROR_INVALID, "there are no sounds: count is 0");
    if (rate < BYOL__RATE_MIN || rate > BYOL__RATE_MAX)
        return byol__fail(error, BYOL_ERROR_INVALID, "%d samples a second: %d to %d are possible",
                          rate, BYOL__RATE_MIN, BYOL__RATE_MAX);
    for (size_t i = 0; i < count; i++)
        if (samples[i] == NULL || lengths[i] == 0)
            return byol__fail(error, BYOL_ERROR_INVALID, "sound %zu has no samples", i);
    return BYOL_OK;
}

static byol_status copy_lists(waveforms *self, const float *const *samples, const size_t *lengths,
                              const int32_t *labels, size_t count, byol_error *error) {
    BYOL__TRY(byol__alloc(&self->samples, count, sizeof *self->samples, "sounds", error));
    BYOL__TRY(byol__alloc(&self->lengths, count, sizeof *self->lengths, "sounds", error));
    memcpy((void *)self->samples, samples, count * sizeof *samples);
    memcpy(self->lengths, lengths, count * sizeof *lengths);
    if (labels != NULL) {
        BYOL__TRY(byol__alloc(&self->labels, count, sizeof *labels, "labels", error));
        memcpy(self->labels, labels, count * sizeof *labels);
    }
    return byol__alloc(&self->base.unreadable, count, sizeof *self->base.unreadable, "sounds",
                       error);
}

static float typical_seconds(const size_t *lengths, size_t count, int rate) {
    int milliseconds[BYOL__PROBES];
    size_t looked = count < BYOL__PROBES ? count : (size_t)BYOL__PROBES;
    for (size_t i = 0; i < looked; i++) {
        size_t length = lengths[i * count / looked] * 1000 / (size_t)rate;
        milliseconds[i] = length < INT_MAX ? (int)length : INT_MAX;
    }
    return (float)byol__span_of(milliseconds, looked).median / 1000;
}

byol_status byol_source_from_waveforms(byol_source **out, const float *const *samples,
                                       const size_t *lengths, int rate, const int32_t *labels,
                                       size_t count, byol_error *error) {
    int classes = 0;
    waveforms *self;
    BYOL__TRY(check(samples, lengths, rate, count, error));
    BYOL__TRY(byol__count_classes(labels, count, &classes, error));
    BYOL__TRY(byol__alloc(&self, 1, sizeof *self, "source", error));
    self->base.methods = &METHODS;
    byol_status status = copy_lists(self, samples, lengths, labels, count, error);
    if (status != BYOL_OK) {
        byol_source_free(&self->base);
        return status;
    }
    self->base.info = (byol_source_info){.samples = BYOL_SAMPLES_SOUNDS,
                                         .kind = "memory",
                                         .description = self->base.description,
                                         .count = count,
                                         .channels = 1,
                                         .classes = classes,
                                         .rate = rate,
                                         .seconds = typical_seconds(lengths, count, rate)};
    describe(&self->base, "memory");
    *out = &self->base;
    return BYOL_OK;
}
