/* Pictures as an input: views by augment/. */
#include <stdbool.h>
#include <string.h>

#include <xxhash.h>

#include "augment/draws.h"
#include "base/error.h"
#include "base/memory.h"
#include "byol/survey.h"
#include "data/source_kind.h"
#include "input/input.h"

/* ---- Training ---- */

static size_t view_elements(const byol_source_info *info, const byol__view_list *views, int view) {
    size_t side = (size_t)views->size[view];
    return (size_t)info->channels * side * side;
}

static int largest_view(const byol__view_list *views) {
    int largest = 0;
    for (int view = 0; view < views->count; view++)
        if (views->size[view] > largest) largest = views->size[view];
    return largest;
}

static byol_status reserve(const byol_source_info *info, const byol__view_list *views,
                           byol__view_buffers *buffers, byol_error *error) {
    if (info->height == 0) return BYOL_OK; /* of any size */
    return byol__view_buffers_fit(buffers, info->channels, info->height, info->width,
                                  largest_view(views), error);
}

/* What decides how much smaller an image may be decoded: the crops that will be made from it. */
typedef struct crops {
    const byol__view_list *views;
    const byol__sample_key *key;
} crops;

/* The largest reduction that leaves no crop to enlarge, except those that must be enlarged
 * anyway. */
static int reduce_to_crops(const void *context, int height, int width) {
    const crops *c = context;
    int least = 0;
    for (int view = 0; view < c->views->count; view++) {
        byol__draws draws = byol__view_draw(&c->views->recipe[view], height, width, c->key->seed,
                                            c->key->epoch, c->key->index, view);
        int crop = draws.crop_height < draws.crop_width ? draws.crop_height : draws.crop_width;
        int reduction = byol__reduction_for(c->views->size[view], crop, crop);
        if (view == 0 || reduction < least) least = reduction;
    }
    return least;
}

static byol_status read(const byol_source *source, size_t index, const byol__view_list *views,
                        const byol__sample_key *key, byol__view_buffers *buffers,
                        byol_error *error) {
    const crops context = {views, key};
    const byol__decode_request request = {.reduction = reduce_to_crops, .context = &context};
    const byol_image *image = &buffers->picture.image;
    BYOL__TRY(byol__source_read(source, index, &request, &buffers->picture, error));
    return byol__view_buffers_fit(buffers, image->channels, image->height, image->width,
                                  largest_view(views), error);
}

static byol_status make(const byol__view_list *views, int view, const byol__sample_key *key,
                        byol__view_buffers *buffers, void *dst, byol_error *error) {
    (void)error;
    byol_view_make(&views->recipe[view], &buffers->picture.image, views->size[view], key->seed,
                   key->epoch, key->index, view, dst, buffers->scratch);
    return BYOL_OK;
}

/* ---- Evaluation ---- */

/* Mirrors (channels, side, side) left to right. */
static void mirror(float *image, int channels, int side) {
    for (float *row = image; row < image + (size_t)channels * side * side; row += side) {
        for (int x = 0; x < side / 2; x++) {
            float kept = row[x];
            row[x] = row[side - 1 - x];
            row[side - 1 - x] = kept;
        }
    }
}

static byol_status prepare(const byol__preparation *how, const byol_source *source, size_t index,
                           byol__view_buffers *buffers, void *dst, byol_error *error) {
    const byol_image *image = &buffers->picture.image;
    int side = how->side;
    const byol_image_request wanted = {.channels = how->channels,
                                       .short_side = how->augmented ? 0 : side};
    byol_status status = byol_source_image(source, index, &wanted, &buffers->picture, error);
    if (status != BYOL_OK && byol_source_unreadable(source, index)) {
        memset(dst, 0, (size_t)how->channels * side * side * sizeof(float));
        return BYOL_OK;
    }
    if (status != BYOL_OK) return status;
    BYOL__TRY(
        byol__view_buffers_fit(buffers, image->channels, image->height, image->width, side, error));
    if (how->augmented)
        byol_view_make(&how->recipe, image, side, how->seed, how->pass, (uint32_t)index, 0, dst,
                       buffers->scratch);
    else
        byol_view_center(how->recipe.mean, how->recipe.std, image, side, dst, buffers->scratch);
    if (how->mirrored) mirror(dst, how->channels, side);
    return BYOL_OK;
}

/* ---- A run ---- */

static bool is_by_preset(const byol_view_recipe *recipe, const byol_view_recipe *preset) {
    return memcmp(recipe->mean, preset->mean, sizeof recipe->mean) == 0 &&
           memcmp(recipe->std, preset->std, sizeof recipe->std) == 0;
}

/* Measures mean and std if the source does not know them and the configuration does not set
 * them. */
static byol_status settle(const byol_source *source, const byol_config *began, byol_config *config,
                          byol_error *error) {
    byol_source_info info;
    byol_view_recipe preset[BYOL_VIEW_KINDS], *view = config->views.view;
    byol_source_describe(source, &info);
    BYOL__TRY(byol_view_preset(config->views.preset, preset, error));
    bool is_set = config->data.statistics != BYOL_STATISTICS_AUTO || info.statistics_known;
    for (int kind = 0; kind < BYOL_VIEW_KINDS; kind++)
        is_set = is_set || !is_by_preset(&view[kind], &preset[kind]);
    if (is_set) return BYOL_OK;
    if (began != NULL) {
        memcpy(view[0].mean, began->views.view[0].mean, sizeof view[0].mean);
        memcpy(view[0].std, began->views.view[0].std, sizeof view[0].std);
    } else {
        BYOL__TRY(byol_source_statistics(source, config->train.threads, view[0].mean, view[0].std,
                                         error));
    }
    for (int kind = 1; kind < BYOL_VIEW_KINDS; kind++) {
        memcpy(view[kind].mean, view[0].mean, sizeof view[0].mean);
        memcpy(view[kind].std, view[0].std, sizeof view[0].std);
    }
    return BYOL_OK;
}

enum { SAMPLES = 64 };

/* The bytes of an image in the order (c, y, x), whatever its strides. */
static size_t gather(const byol_image *image, uint8_t *dst) {
    size_t count = 0;
    for (int c = 0; c < image->channels; c++)
        for (int y = 0; y < image->height; y++)
            for (int x = 0; x < image->width; x++)
                dst[count++] =
                    image->pixels[(size_t)c * image->channel_stride +
                                  (size_t)y * image->row_stride + (size_t)x * image->pixel_stride];
    return count;
}

static byol_status digest(const byol_source *source, uint64_t *value, byol_error *error) {
    byol_source_info info;
    uint8_t *pixels;
    byol_source_describe(source, &info);
    BYOL__TRY(byol__alloc(&pixels, (size_t)info.channels * (size_t)info.height, (size_t)info.width,
                          "an image", error));
    byol_status status = BYOL_OK;
    byol_picture picture = {0};
    size_t samples = info.count < SAMPLES ? info.count : SAMPLES;
    for (size_t i = 0; i < samples && status == BYOL_OK; i++) {
        status = byol_source_image(source, i * info.count / samples, NULL, &picture, error);
        if (status == BYOL_OK)
            *value = XXH3_64bits_withSeed(pixels, gather(&picture.image, pixels), *value);
    }
    byol_picture_release(&picture);
    byol__free(pixels);
    return status;
}

const byol__input_kind byol__image_input = {
    .name = "image",
    .dtype = BYOL__F32,
    .view_elements = view_elements,
    .reserve = reserve,
    .read = read,
    .make = make,
    .prepare = prepare,
    .settle = settle,
    .digest = digest,
};
