/* A source whose images come from the user's program, one by one. */
#include <stdbool.h>
#include <stdio.h>

#include <xxhash.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/source_kind.h"

typedef struct functions {
    byol_source base;
    byol_source_functions calls;
    void *context;
} functions;

uint8_t *byol_picture_reserve(byol_picture *picture, size_t bytes, byol_error *error) {
    return byol__picture_reserve(picture, 1, bytes, error) == BYOL_OK ? picture->bytes[1] : NULL;
}

/* The image that the function gave must match the description. */
static byol_status check_image(const byol_source_info *info, size_t index, int channels,
                               const byol_image *image, byol_error *error) {
    bool has_size = image->height > 0 && image->width > 0 && image->height <= BYOL__SIDE_MAX &&
                    image->width <= BYOL__SIDE_MAX;
    bool fits = info->height == 0 || (image->height == info->height && image->width == info->width);
    if (image->pixels != NULL && has_size && fits && image->channels == channels) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_FORMAT,
                      "image %zu of the program's own source is %d x %d x %d (channels, height, "
                      "width); the source says %d x %d x %d",
                      index, image->channels, image->height, image->width, channels, info->height,
                      info->width);
}

static byol_status image(const byol_source *source, size_t index,
                         const byol__decode_request *request, byol_picture *picture,
                         byol_error *error) {
    const functions *self = (const functions *)source;
    int channels = request->channels != 0 ? request->channels : source->info.channels;
    picture->image = (byol_image){0};
    BYOL__TRY(self->calls.image(self->context, index, channels, picture, error));
    return check_image(&source->info, index, channels, &picture->image, error);
}

static int32_t label(const byol_source *source, size_t index) {
    const functions *self = (const functions *)source;
    return self->calls.label == NULL ? -1 : self->calls.label(self->context, index);
}

static const char *class_name(const byol_source *source, int32_t number) {
    (void)source, (void)number;
    return NULL;
}

static void name(const byol_source *source, size_t index, char *text, size_t size) {
    const functions *self = (const functions *)source;
    if (self->calls.name != NULL)
        self->calls.name(self->context, index, text, size);
    else
        snprintf(text, size, "image %zu", index);
}

static byol_status digest(const byol_source *source, uint64_t *out, byol_error *error) {
    (void)error;
    const functions *self = (const functions *)source;
    *out =
        XXH3_64bits_withSeed(&source->info.count, sizeof source->info.count, self->calls.identity);
    return BYOL_OK;
}

static void release(byol_source *source) {
    functions *self = (functions *)source;
    if (self->calls.release != NULL) self->calls.release(self->context);
}

static const byol__source_methods METHODS = {.image = image,
                                             .label = label,
                                             .class_name = class_name,
                                             .release = release,
                                             .name = name,
                                             .digest = digest};

static byol_status check_description(const byol_source_functions *calls, byol_error *error) {
    bool has_size = calls->height > 0 && calls->width > 0 && calls->height <= BYOL__SIDE_MAX &&
                    calls->width <= BYOL__SIDE_MAX;
    bool differ = calls->height == 0 && calls->width == 0 && calls->short_side > 0;
    if (calls->image == NULL || calls->count == 0)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "a source of one's own needs a function `image` and a count above 0");
    if ((calls->channels != 1 && calls->channels != 3) || !(has_size || differ))
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "a source of one's own: %d x %d x %d; channels must be 1 or 3, sides 1 "
                          "to %d, or both 0 with short_side set",
                          calls->channels, calls->height, calls->width, BYOL__SIDE_MAX);
    return BYOL_OK;
}

byol_status byol_source_from_functions(byol_source **out, const byol_source_functions *calls,
                                       void *context, byol_error *error) {
    functions *self;
    BYOL__TRY(check_description(calls, error));
    BYOL__TRY(byol__alloc(&self, 1, sizeof *self, "source", error));
    self->calls = *calls;
    self->context = context;
    self->base.methods = &METHODS;
    byol_status status = byol__alloc(&self->base.unreadable, calls->count,
                                     sizeof *self->base.unreadable, "source", error);
    if (status != BYOL_OK) {
        byol__free(self);
        return status;
    }
    snprintf(self->base.description, sizeof self->base.description,
             "%zu images of the program's own", calls->count);
    int shorter = calls->height < calls->width ? calls->height : calls->width;
    self->base.info = (byol_source_info){
        .kind = "functions",
        .description = self->base.description,
        .count = calls->count,
        .channels = calls->channels,
        .height = calls->height,
        .width = calls->width,
        .short_side = calls->height > 0 ? shorter : calls->short_side,
        .classes = calls->label == NULL ? 0 : calls->classes,
        .decoded = 1,
    };
    *out = &self->base;
    return BYOL_OK;
}
