#include "byol/sheet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/png.h"
#include "byol/views.h"
#include "data/source_kind.h"

enum {
    PICTURES = 3,    /* side by side: the original and two views */
    GAP = 2,         /* pixels between the views */
    GAP_FIRST = 6,   /* pixels between them and the original */
    SPACE = 16,      /* around each group */
    SMALLEST = 96,   /* views are enlarged to at least this side */
    BACKGROUND = 228 /* gray: pictures may be white or black at their edges */
};

typedef struct sheet {
    const byol_config *config;
    int channels, size, magnify;
    int columns, rows, height, width; /* of groups; of the whole, in pixels */
    uint8_t *pixels;                  /* (height, width, channels) */
    float *view;                      /* (channels, size, size) */
} sheet;

static int group_width(const sheet *s) { return PICTURES * s->size * s->magnify + GAP_FIRST + GAP; }

/* Chooses the number of columns that brings the whole nearest to a screen's shape. */
static void arrange(sheet *s, int count) {
    double nearest = INFINITY;
    for (int columns = 1; columns <= count; columns++) {
        int rows = (count + columns - 1) / columns;
        int width = columns * (group_width(s) + SPACE) + SPACE,
            height = rows * (s->size * s->magnify + SPACE) + SPACE;
        double off = fabs(log((double)width / height / 1.5));
        if (off >= nearest) continue;
        nearest = off;
        s->columns = columns;
        s->rows = rows;
        s->width = width;
        s->height = height;
    }
}

/* Paints (channels, height, width) floats into the middle of square number `picture` of a group,
 * each pixel magnified. The values are multiplied by `std`, plus `mean`; NULL: unchanged. */
static void paint(sheet *s, int group, int picture, const float *src, int height, int width,
                  const float *mean, const float *std) {
    int side = s->size * s->magnify;
    int left = SPACE + group % s->columns * (group_width(s) + SPACE) + picture * (side + GAP);
    if (picture > 0) left += GAP_FIRST - GAP;
    int top = SPACE + group / s->columns * (side + SPACE);
    left += (s->size - width) / 2 * s->magnify;
    top += (s->size - height) / 2 * s->magnify;
    for (int y = 0; y < height * s->magnify; y++)
        for (int x = 0; x < width * s->magnify; x++) {
            size_t from = (size_t)(y / s->magnify) * width + x / s->magnify;
            uint8_t *to = s->pixels + ((size_t)(top + y) * s->width + left + x) * s->channels;
            for (int c = 0; c < s->channels; c++) {
                float value = src[(size_t)c * height * width + from];
                to[c] = byol__png_byte(mean == NULL ? value : value * std[c] + mean[c]);
            }
        }
}

/* Scales the longer side to that of a view. */
static byol_status paint_original(sheet *s, int group, const byol_image *image, byol_error *error) {
    int longer = image->height > image->width ? image->height : image->width;
    int height = (int)lrint((double)s->size * image->height / longer);
    int width = (int)lrint((double)s->size * image->width / longer);
    if (height < 1) height = 1;
    if (width < 1) width = 1;
    BYOL__TRY(byol_view_whole(image, height, width, s->view, error));
    paint(s, group, 0, s->view, height, width, NULL, NULL);
    return BYOL_OK;
}

static byol_status paint_group(sheet *s, int group, const byol_image *image, uint32_t sample,
                               byol_error *error) {
    size_t bytes = byol_view_scratch_bytes(image->channels, image->height, image->width, s->size);
    void *scratch;
    BYOL__TRY(paint_original(s, group, image, error));
    BYOL__TRY(byol__alloc(&scratch, bytes, 1, "views", error));
    for (int view = 0; view < 2; view++) {
        const byol_view_recipe *recipe = &s->config->views.view[view];
        byol_view_make(recipe, image, s->size, s->config->train.seed, 0, sample, view, s->view,
                       scratch);
        paint(s, group, 1 + view, s->view, s->size, s->size, recipe->mean, recipe->std);
    }
    byol__free(scratch);
    return BYOL_OK;
}

/* Reads the first readable image of `first` .. `end`-1. */
static byol_status read_one_of(const byol_source *source, size_t first, size_t end,
                               byol_picture *picture, size_t *index, byol_error *error) {
    byol_status status = BYOL_OK;
    for (*index = first; *index < end; ++*index) {
        status = byol_source_image(source, *index, NULL, picture, error);
        if (status == BYOL_OK || !byol_source_unreadable(source, *index)) return status;
    }
    return status;
}

static byol_status paint_all(sheet *s, const byol_source *source, size_t images, int count,
                             byol_progress progress, void *context, int *painted,
                             byol_error *error) {
    byol_picture picture = {0};
    byol_status unread = BYOL_OK, status = BYOL_OK;
    for (int i = 0; i < count && status == BYOL_OK; i++) {
        size_t first = (size_t)i * images / (size_t)count,
               end = (size_t)(i + 1) * images / (size_t)count, index;
        if (progress != NULL && progress(context, (uint64_t)i, (uint64_t)count) != 0) {
            status = byol__fail(error, BYOL_ERROR_CANCELLED, "stopped");
            break;
        }
        status = read_one_of(source, first, end, &picture, &index, error);
        if (status != BYOL_OK && index == end) {
            unread = status;
            status = BYOL_OK;
            continue;
        }
        if (status == BYOL_OK)
            status = paint_group(s, *painted, &picture.image, (uint32_t)index, error);
        if (status == BYOL_OK) ++*painted;
    }
    byol_picture_release(&picture);
    /* `error` is still that of the last image. */
    return status == BYOL_OK && *painted == 0 ? unread : status;
}

static byol_status write_png(const sheet *s, const char *path, byol_error *error) {
    uint8_t *png;
    size_t length;
    BYOL__TRY(byol__png_encode(s->pixels, s->channels, s->height, s->width, &png, &length, error));
    byol__atomic_file file;
    byol_status status = byol__atomic_open(&file, path, error);
    if (status == BYOL_OK) {
        fwrite(png, 1, length, file.stream); /* commit detects a failure */
        status = byol__atomic_commit(&file, error);
    }
    free(png);
    return status;
}

static byol_status sheet_init(sheet *s, const byol_config *config, const byol_source *source,
                              int channels, int count, byol_error *error) {
    *s = (sheet){.config = config, .channels = channels};
    s->size = config->data.image_size > 0 ? config->data.image_size : byol_source_view_size(source);
    s->magnify = (SMALLEST + s->size - 1) / s->size;
    arrange(s, count);
    size_t values = (size_t)s->width * (size_t)s->height * (size_t)channels;
    BYOL__TRY(byol__alloc(&s->view, (size_t)channels * (size_t)s->size * (size_t)s->size,
                          sizeof(float), "a view", error));
    BYOL__TRY(byol__alloc(&s->pixels, values, 1, "the contact sheet", error));
    memset(s->pixels, BACKGROUND, values);
    return BYOL_OK;
}

byol_status byol_sheet_write(const char *path, const byol_config *config, const byol_source *source,
                             int count, byol_progress progress, void *context,
                             byol_sheet_info *info, byol_error *error) {
    byol_source_info images;
    BYOL__TRY(byol__need_images(source, "a contact sheet", error));
    byol_source_describe(source, &images);
    if (count < 1)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "a contact sheet of %d images; at least 1 is needed", count);
    if ((size_t)count > images.count) count = (int)images.count;
    sheet s;
    int painted = 0;
    byol_status status = sheet_init(&s, config, source, images.channels, count, error);
    if (status == BYOL_OK)
        status = paint_all(&s, source, images.count, count, progress, context, &painted, error);
    if (status == BYOL_OK) status = write_png(&s, path, error);
    if (status == BYOL_OK && info != NULL)
        *info = (byol_sheet_info){painted, s.size, s.magnify, s.height, s.width};
    byol__free(s.view);
    byol__free(s.pixels);
    return status;
}
