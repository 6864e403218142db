#include "data/images.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"

static byol_status image(const byol_source *source, size_t index,
                         const byol__decode_request *request, byol_picture *picture,
                         byol_error *error) {
    (void)request;
    (void)error;
    const byol__images *images = (const byol__images *)source;
    const byol_source_info *info = &source->info;
    const byol__block *block = images->blocks;
    for (; index >= block->count; block++) index -= block->count;
    picture->image = (byol_image){
        .pixels = block->records + index * images->record_bytes + images->image_offset,
        .channels = info->channels,
        .height = info->height,
        .width = info->width,
        .channel_stride = images->interleaved ? 1 : (size_t)info->height * info->width,
        .row_stride =
            images->interleaved ? (size_t)info->width * info->channels : (size_t)info->width,
        .pixel_stride = images->interleaved ? (size_t)info->channels : 1,
    };
    return BYOL_OK;
}

static int32_t label(const byol_source *source, size_t index) {
    const byol__images *images = (const byol__images *)source;
    return images->labels == NULL ? -1 : images->labels[index];
}

static const char *class_name(const byol_source *source, int32_t number) {
    const byol__images *images = (const byol__images *)source;
    return number >= 0 && number < images->name_count ? images->names[number] : NULL;
}

static void release(byol_source *source) {
    byol__images *images = (byol__images *)source;
    for (size_t i = 0; i < images->block_count; i++) byol__free(images->blocks[i].owned);
    byol__free(images->blocks);
    byol__unmap_file(images->mapping, images->mapping_bytes);
    byol__free(images->owned_labels);
    byol__free(images->owned_names);
    byol__free(images->owned_text);
}

static const byol__source_methods METHODS = {
    .image = image, .label = label, .class_name = class_name, .release = release};

byol_status byol__images_create(byol__images **out, const char *kind, size_t block_count,
                                byol_error *error) {
    byol__images *images;
    BYOL__TRY(byol__alloc(&images, 1, sizeof *images, "source", error));
    images->base.methods = &METHODS;
    images->base.info.kind = kind;
    images->base.info.statistics_known = 1;
    images->base.info.description = images->base.description;
    byol_status status =
        byol__alloc(&images->blocks, block_count, sizeof *images->blocks, "source", error);
    if (status != BYOL_OK) {
        byol__free(images);
        return status;
    }
    images->block_count = block_count;
    *out = images;
    return BYOL_OK;
}

void byol__images_describe(byol__images *images, const char *what) {
    byol_source_info *info = &images->base.info;
    info->short_side = info->height < info->width ? info->height : info->width;
    char classes[32] = "no labels";
    if (info->classes > 0) snprintf(classes, sizeof classes, "%d classes", info->classes);
    snprintf(images->base.description, sizeof images->base.description,
             "%.400s: %zu images of %d x %d x %d, %s", what, info->count, info->channels,
             info->height, info->width, classes);
}

byol_status byol__images_take_names(byol__images *images, char *text, byol_error *error) {
    images->owned_text = text;
    size_t lines = 1;
    for (const char *c = text; *c != '\0'; c++) lines += *c == '\n';
    BYOL__TRY(byol__alloc(&images->owned_names, lines, sizeof *images->owned_names, "class names",
                          error));
    images->names = images->owned_names;
    char *rest = text;
    for (char *line; (line = strtok_r(rest, "\r\n", &rest)) != NULL;)
        images->owned_names[images->name_count++] = line;
    return BYOL_OK;
}
