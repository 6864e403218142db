#include "tasks/mask_set.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "data/decode.h"
#include "data/mask_file.h"

const char *byol__masks_words(const byol_masks *masked, size_t index, char text[BYOL__PATH_MAX]) {
    if (masked->in_memory == NULL)
        snprintf(text, BYOL__PATH_MAX, "%s", masked->files.paths[index]);
    else
        snprintf(text, BYOL__PATH_MAX, "mask %zu", index);
    return text;
}

/* ---- Checking ---- */

static byol_status check_size(const byol_masks *masked, size_t index, int height, int width,
                              const char *picture, byol_error *error) {
    byol__picture_info info;
    const unsigned char *bytes;
    size_t length;
    BYOL__TRY(byol__map_file(picture, &bytes, &length, error));
    byol_status status = byol__decode_header(bytes, length, &info, error);
    byol__unmap_file(bytes, length);
    if (status != BYOL_OK) return byol__fail_within(error, status, "%.600s", picture);
    if (info.height == height && info.width == width) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_MISMATCH,
                      "%.400s is %d x %d pixels (width, height) and its picture %.400s %d x %d: a "
                      "mask has a number for each pixel",
                      masked->files.paths[index], width, height, picture, info.width, info.height);
}

/* Is every number a class or ignored? Raises `*highest` to the highest class. */
static byol_status check_numbers(const byol_masks *masked, size_t index, const uint8_t *mask,
                                 int height, int width, int *highest, byol_error *error) {
    char words[BYOL__PATH_MAX];
    int classes = masked->info.classes;
    for (int i = 0; i < height * width; i++) {
        if (mask[i] == masked->info.ignore) continue;
        if (mask[i] > *highest) *highest = mask[i];
        if (classes > 0 && mask[i] >= classes)
            return byol__fail(
                error, BYOL_ERROR_MISMATCH,
                "%.600s: the pixel at (%d, %d) has number %d, but there are %d classes, 0 to %d%s; "
                "is %d what is to be ignored (--ignore)?",
                byol__masks_words(masked, index, words), i % width, i / width, mask[i], classes,
                classes - 1, masked->names.count > 0 ? " (classes.txt)" : "", mask[i]);
    }
    return BYOL_OK;
}

/* Looks at all masks: sizes (of files), numbers; settles the classes. */
static byol_status check(byol_masks *masked, const byol__path_list *pictures, byol_error *error) {
    int highest = -1;
    for (size_t i = 0; i < masked->info.count; i++) {
        uint8_t *mask;
        int height, width;
        BYOL__TRY(byol_masks_mask(masked, i, &mask, &height, &width, error));
        byol_status status = BYOL_OK;
        if (pictures != NULL)
            status = check_size(masked, i, height, width, pictures->paths[i], error);
        if (status == BYOL_OK)
            status = check_numbers(masked, i, mask, height, width, &highest, error);
        if (i == 0) {
            masked->info.height = height;
            masked->info.width = width;
        }
        byol_mask_free(mask);
        if (status != BYOL_OK) return status;
    }
    if (masked->info.classes == 0) masked->info.classes = highest + 1;
    if (masked->info.classes >= 2 && masked->info.classes <= BYOL_MASK_CLASSES_MAX) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_INVALID,
                      "the masks of %.500s have %d classes; 2 to %d can be told apart",
                      masked->description, masked->info.classes, BYOL_MASK_CLASSES_MAX);
}

/* ---- Opening ---- */

static byol_status create(byol_masks **out, const byol_masks_options *options, byol_error *error) {
    BYOL__TRY(byol__alloc(out, 1, sizeof **out, "pictures with masks", error));
    (*out)->info.description = (*out)->description;
    (*out)->info.ignore = options->ignore;
    (*out)->info.classes = options->classes;
    return BYOL_OK;
}

static void describe(byol_masks *masked, const char *what) {
    byol_source_info source;
    byol_source_describe(masked->pictures, &source);
    masked->info.count = source.count;
    masked->info.channels = source.channels;
    snprintf(masked->description, sizeof masked->description, "%s: %zu pictures with masks", what,
             source.count);
}

static byol_status open(byol_masks *masked, byol__path_list *pictures, const char *spec,
                        byol_error *error) {
    BYOL__TRY(byol__masks_find(masked, pictures, spec, error));
    BYOL__TRY(byol_source_from_files(&masked->owned, (const char *const *)pictures->paths,
                                     pictures->count, error));
    masked->pictures = masked->owned;
    describe(masked, spec);
    if (masked->info.classes == 0) masked->info.classes = (int)masked->names.count;
    return check(masked, pictures, error);
}

byol_status byol_masks_open(byol_masks **out, const char *spec, const byol_masks_options *options,
                            byol_error *error) {
    byol_masks *masked;
    byol__path_list pictures = {0};
    BYOL__TRY(create(&masked, options, error));
    byol_status status = open(masked, &pictures, spec, error);
    byol__path_list_release(&pictures);
    if (status == BYOL_OK)
        *out = masked;
    else
        byol_masks_free(masked);
    return status;
}

byol_status byol_masks_from_memory(byol_masks **out, const byol_source *pictures,
                                   const uint8_t *masks, const byol_masks_options *options,
                                   byol_error *error) {
    byol_source_info source;
    byol_masks *masked;
    byol_source_describe(pictures, &source);
    if (source.samples != BYOL_SAMPLES_IMAGES || source.height == 0)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "masks in memory are of pictures of one size; this is %.500s",
                          source.description);
    BYOL__TRY(create(&masked, options, error));
    masked->pictures = pictures;
    masked->in_memory = masks;
    masked->info.height = source.height;
    masked->info.width = source.width;
    describe(masked, "memory");
    byol_status status = check(masked, NULL, error);
    if (status == BYOL_OK)
        *out = masked;
    else
        byol_masks_free(masked);
    return status;
}

void byol_masks_free(byol_masks *masked) {
    if (masked == NULL) return;
    byol_source_free(masked->owned);
    byol__path_list_release(&masked->files);
    byol__path_list_release(&masked->names);
    byol__free(masked);
}

/* ---- Using it ---- */

void byol_masks_describe(const byol_masks *masked, byol_masks_info *info) { *info = masked->info; }

const byol_source *byol_masks_pictures(const byol_masks *masked) { return masked->pictures; }

const char *byol_masks_class_name(const byol_masks *masked, int label) {
    return label >= 0 && (size_t)label < masked->names.count ? masked->names.paths[label] : NULL;
}

byol_status byol_masks_mask(const byol_masks *masked, size_t index, uint8_t **mask, int *height,
                            int *width, byol_error *error) {
    if (index >= masked->info.count)
        return byol__fail(error, BYOL_ERROR_INVALID, "there is no mask %zu; there are %zu", index,
                          masked->info.count);
    if (masked->in_memory == NULL)
        return byol__mask_read(masked->files.paths[index], mask, height, width, error);
    *height = masked->info.height;
    *width = masked->info.width;
    size_t pixels = (size_t)*height * (size_t)*width;
    BYOL__TRY(byol__alloc(mask, pixels, 1, "a mask", error));
    memcpy(*mask, masked->in_memory + index * pixels, pixels);
    return BYOL_OK;
}

void byol_mask_free(uint8_t *mask) { byol__free(mask); }
