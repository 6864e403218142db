#include "data/source_kind.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/images.h"
#include "data/text_file.h"
#include "sound/sound_file.h"

void byol_source_free(byol_source *source) {
    if (source == NULL) return;
    source->methods->release(source);
    byol__free(source->unreadable);
    byol__free(source);
}

void byol_source_describe(const byol_source *source, byol_source_info *info) {
    *info = source->info;
}

int byol_source_view_size(const byol_source *source) {
    enum { LEAST = 8, USUAL = 224 };
    int side = source->info.short_side;
    if (source->info.samples != BYOL_SAMPLES_IMAGES) return 0;
    if (!source->info.decoded) return source->info.height;
    return side < LEAST ? LEAST : side < USUAL ? side : USUAL;
}

/* ---- what the samples are ---- */

const char *byol__samples_noun(byol_sample_kind samples) {
    static const char *const nouns[] = {"images", "texts", "sounds"};
    return nouns[samples];
}

const char *byol__sample_noun(byol_sample_kind samples) {
    static const char *const nouns[] = {"image", "text", "sound"};
    return nouns[samples];
}

byol_status byol__need_images(const byol_source *source, const char *what, byol_error *error) {
    if (source->info.samples == BYOL_SAMPLES_IMAGES) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_INVALID, "%s needs images, but these are %s: %s", what,
                      byol__samples_noun(source->info.samples), source->info.description);
}

/* The source holds something else, or has no such sample. */
static byol_status no_sample(const byol_source *source, byol_sample_kind wanted, size_t index,
                             byol_error *error) {
    if (source->info.samples != wanted)
        return byol__fail(error, BYOL_ERROR_INVALID, "there is no %s %zu: the source holds %s: %s",
                          byol__sample_noun(wanted), index,
                          byol__samples_noun(source->info.samples), source->info.description);
    return byol__fail(error, BYOL_ERROR_INVALID, "there is no %s %zu: %s",
                      byol__sample_noun(wanted), index, source->info.description);
}

byol_status byol_source_text(const byol_source *source, size_t index, const char **text,
                             size_t *length, byol_error *error) {
    if (source->methods->text == NULL || index >= source->info.count)
        return no_sample(source, BYOL_SAMPLES_TEXTS, index, error);
    return source->methods->text(source, index, text, length, error);
}

/* ---- reading an image ---- */

void byol_picture_release(byol_picture *picture) {
    if (picture == NULL) return;
    byol__free(picture->bytes[0]);
    byol__free(picture->bytes[1]);
    *picture = (byol_picture){0};
}

byol_status byol__picture_reserve(byol_picture *picture, int which, size_t bytes,
                                  byol_error *error) {
    if (bytes <= picture->capacity[which]) return BYOL_OK;
    byol__free(picture->bytes[which]);
    picture->bytes[which] = NULL;
    picture->capacity[which] = 0;
    BYOL__TRY(byol__alloc(&picture->bytes[which], bytes, 1, "an image", error));
    picture->capacity[which] = bytes;
    return BYOL_OK;
}

int byol__reduction_for(int short_side, int height, int width) {
    int shorter = height < width ? height : width, reduction = 8;
    if (short_side < 1) return 1;
    while (reduction > 1 && shorter / reduction < short_side) reduction /= 2;
    return reduction;
}

static int reduce_to_side(const void *context, int height, int width) {
    return byol__reduction_for(*(const int *)context, height, width);
}

/* Is the image at fault, so that the others can still be read? */
static bool is_damage(byol_status status) {
    return status == BYOL_ERROR_FORMAT || status == BYOL_ERROR_IO ||
           status == BYOL_ERROR_NOT_FOUND || status == BYOL_ERROR_UNSUPPORTED;
}

byol_status byol__source_read(const byol_source *source, size_t index,
                              const byol__decode_request *request, byol_picture *picture,
                              byol_error *error) {
    if (source->methods->image == NULL || index >= source->info.count)
        return no_sample(source, BYOL_SAMPLES_IMAGES, index, error);
    if (request->channels != 0 && request->channels != 1 && request->channels != 3)
        return byol__fail(error, BYOL_ERROR_INVALID, "images have 1 or 3 channels, not %d",
                          request->channels);
    byol_status status = source->methods->image(source, index, request, picture, error);
    if (source->unreadable != NULL && is_damage(status))
        atomic_store(&source->unreadable[index], 1);
    return status;
}

byol_status byol_source_image(const byol_source *source, size_t index,
                              const byol_image_request *wanted, byol_picture *picture,
                              byol_error *error) {
    byol__decode_request request = {0};
    if (wanted != NULL)
        request = (byol__decode_request){wanted->channels, reduce_to_side, &wanted->short_side};
    return byol__source_read(source, index, &request, picture, error);
}

/* ---- reading a sound ---- */

void byol_waveform_release(byol_waveform *waveform) {
    if (waveform == NULL) return;
    free(waveform->samples);
    free(waveform->blocks);
    byol_picture_release(&waveform->file);
    *waveform = (byol_waveform){0};
}

byol_status byol__source_sound(const byol_source *source, size_t index,
                               const byol__sound_request *request, byol_waveform *waveform,
                               byol_error *error) {
    if (source->methods->sound == NULL || index >= source->info.count)
        return no_sample(source, BYOL_SAMPLES_SOUNDS, index, error);
    if (request->rate != 0 && (request->rate < BYOL__RATE_MIN || request->rate > BYOL__RATE_MAX))
        return byol__fail(error, BYOL_ERROR_INVALID, "%d samples a second: %d to %d are possible",
                          request->rate, BYOL__RATE_MIN, BYOL__RATE_MAX);
    byol_status status = source->methods->sound(source, index, request, waveform, error);
    if (source->unreadable != NULL && is_damage(status))
        atomic_store(&source->unreadable[index], 1);
    return status;
}

typedef struct wanted_part {
    size_t begin, count;
} wanted_part;

static void take_part(void *context, uint64_t length, uint64_t *begin, uint64_t *count) {
    const wanted_part *wanted = context;
    *begin = wanted->begin;
    *count = wanted->count > 0 ? wanted->count : length;
}

byol_status byol_source_sound(const byol_source *source, size_t index, int rate, size_t begin,
                              size_t count, byol_waveform *waveform, byol_error *error) {
    wanted_part wanted = {begin, count};
    const byol__sound_request request = {.rate = rate, .part = take_part, .context = &wanted};
    return byol__source_sound(source, index, &request, waveform, error);
}

/* ---- what is known of a sample ---- */

int byol_source_unreadable(const byol_source *source, size_t index) {
    if (index >= source->info.count) return 0;
    if (source->methods->unreadable != NULL) return source->methods->unreadable(source, index);
    return source->unreadable != NULL && atomic_load(&source->unreadable[index]);
}

size_t byol__unreadable_allowed(double share, size_t count) {
    size_t allowed = (size_t)(share * (double)count);
    return allowed == 0 && share > 0 ? 1 : allowed;
}

void byol_source_name(const byol_source *source, size_t index, char *name, size_t size) {
    if (source->methods->name != NULL && index < source->info.count)
        source->methods->name(source, index, name, size);
    else
        snprintf(name, size, "%s %zu", byol__sample_noun(source->info.samples), index);
}

void byol_source_excerpt(const byol_source *source, size_t index, char *excerpt, size_t size) {
    const char *text;
    size_t length;
    excerpt[0] = '\0';
    if (byol_source_text(source, index, &text, &length, NULL) == BYOL_OK)
        byol__text_line(excerpt, size, text, length);
}

int32_t byol_source_label(const byol_source *source, size_t index) {
    return index < source->info.count ? source->methods->label(source, index) : -1;
}

const char *byol_source_class_name(const byol_source *source, int32_t label) {
    return source->methods->class_name(source, label);
}

/* ---- images that the caller holds ---- */

byol_status byol__count_classes(const int32_t *labels, size_t count, int *classes,
                                byol_error *error) {
    int32_t highest = -1;
    for (size_t i = 0; labels != NULL && i < count; i++) {
        if (labels[i] < 0 || labels[i] == INT32_MAX)
            return byol__fail(error, BYOL_ERROR_INVALID,
                              "label %zu is %d: labels are numbers 0 .. classes-1", i, labels[i]);
        if (labels[i] > highest) highest = labels[i];
    }
    *classes = highest + 1;
    return BYOL_OK;
}

byol_status byol_source_from_memory(byol_source **out, const uint8_t *pixels, const int32_t *labels,
                                    size_t count, int channels, int height, int width,
                                    byol_error *error) {
    if (pixels == NULL || count == 0)
        return byol__fail(error, BYOL_ERROR_INVALID, "there are no images: count is 0");
    if ((channels != 1 && channels != 3) || height < 1 || width < 1 || height > BYOL__SIDE_MAX ||
        width > BYOL__SIDE_MAX)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "images of %d x %d x %d: channels must be 1 or 3, sides 1 to %d",
                          channels, height, width, BYOL__SIDE_MAX);
    int classes = 0;
    BYOL__TRY(byol__count_classes(labels, count, &classes, error));
    byol__images *images;
    BYOL__TRY(byol__images_create(&images, "memory", 1, error));
    images->blocks[0] = (byol__block){.records = pixels, .count = count};
    images->record_bytes = (size_t)channels * height * width;
    images->labels = labels;
    images->base.info.count = count;
    images->base.info.channels = channels;
    images->base.info.height = height;
    images->base.info.width = width;
    images->base.info.classes = classes;
    byol__images_describe(images, "memory");
    *out = &images->base;
    return BYOL_OK;
}

/* ---- a subset of another source's samples ---- */

typedef struct subset {
    byol_source base;
    byol__source_methods methods;
    const byol_source *of;
    uint32_t *indices;
} subset;

static byol_status subset_image(const byol_source *source, size_t index,
                                const byol__decode_request *request, byol_picture *picture,
                                byol_error *error) {
    const subset *self = (const subset *)source;
    return byol__source_read(self->of, self->indices[index], request, picture, error);
}

static byol_status subset_text(const byol_source *source, size_t index, const char **text,
                               size_t *length, byol_error *error) {
    const subset *self = (const subset *)source;
    return byol_source_text(self->of, self->indices[index], text, length, error);
}

static byol_status subset_sound(const byol_source *source, size_t index,
                                const byol__sound_request *request, byol_waveform *waveform,
                                byol_error *error) {
    const subset *self = (const subset *)source;
    return byol__source_sound(self->of, self->indices[index], request, waveform, error);
}

static void subset_name(const byol_source *source, size_t index, char *name, size_t size) {
    const subset *self = (const subset *)source;
    byol_source_name(self->of, self->indices[index], name, size);
}

static int subset_unreadable(const byol_source *source, size_t index) {
    const subset *self = (const subset *)source;
    return byol_source_unreadable(self->of, self->indices[index]);
}

static byol_status subset_bytes(const byol_source *source, size_t index, byol_picture *picture,
                                size_t *length, byol_error *error) {
    const subset *self = (const subset *)source;
    return self->of->methods->bytes(self->of, self->indices[index], picture, length, error);
}

/* Of the other source, and of which samples are chosen. */
static byol_status subset_digest(const byol_source *source, uint64_t *digest, byol_error *error) {
    const subset *self = (const subset *)source;
    uint64_t of;
    BYOL__TRY(self->of->methods->digest(self->of, &of, error));
    *digest = XXH3_64bits_withSeed(self->indices, source->info.count * sizeof *self->indices, of);
    return BYOL_OK;
}

static int32_t subset_label(const byol_source *source, size_t index) {
    const subset *self = (const subset *)source;
    return byol_source_label(self->of, self->indices[index]);
}

static const char *subset_class_name(const byol_source *source, int32_t label) {
    return byol_source_class_name(((const subset *)source)->of, label);
}

static void subset_release(byol_source *source) { byol__free(((subset *)source)->indices); }

/* A subset has the methods that may be NULL only if the other source has them. */
static const byol__source_methods SUBSET = {
    .image = subset_image,
    .text = subset_text,
    .sound = subset_sound,
    .label = subset_label,
    .class_name = subset_class_name,
    .release = subset_release,
    .name = subset_name,
    .unreadable = subset_unreadable,
    .bytes = subset_bytes,
    .digest = subset_digest,
};

byol_status byol_source_subset(byol_source **out, const byol_source *of, const uint32_t *indices,
                               size_t count, byol_error *error) {
    for (size_t i = 0; i < count; i++)
        if (indices[i] >= of->info.count)
            return byol__fail(error, BYOL_ERROR_INVALID, "subset asks for %s %u: %s",
                              byol__sample_noun(of->info.samples), indices[i],
                              of->info.description);
    subset *self;
    BYOL__TRY(byol__alloc(&self, 1, sizeof *self, "subset", error));
    byol_status status = byol__alloc(&self->indices, count, sizeof *self->indices, "subset", error);
    if (status != BYOL_OK) {
        byol__free(self);
        return status;
    }
    memcpy(self->indices, indices, count * sizeof *indices);
    self->of = of;
    self->methods = SUBSET;
    if (of->methods->image == NULL) self->methods.image = NULL;
    if (of->methods->text == NULL) self->methods.text = NULL;
    if (of->methods->sound == NULL) self->methods.sound = NULL;
    if (of->methods->bytes == NULL) self->methods.bytes = NULL;
    if (of->methods->digest == NULL) self->methods.digest = NULL;
    self->base.methods = &self->methods;
    self->base.info = of->info;
    self->base.info.count = count;
    self->base.info.skipped = 0;
    self->base.info.description = self->base.description;
    snprintf(self->base.description, sizeof self->base.description, "%zu of %.480s", count,
             of->info.description);
    *out = &self->base;
    return BYOL_OK;
}
