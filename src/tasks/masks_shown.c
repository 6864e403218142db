#include "tasks/masks_shown.h"

#include <string.h>

#include <omp.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "tasks/mask_set.h"
#include "tasks/pixel_loss.h"

static size_t pixels_of(const byol__masks_shown *s) {
    return (size_t)s->frame.height * (size_t)s->frame.width;
}

byol_status byol__masks_shown_open(byol__masks_shown *s, int batch, byol_error *error) {
    s->threads = omp_get_max_threads();
    s->ignore = BYOL_MASK_CLASSES_MAX;
    BYOL__TRY(
        byol__alloc(&s->pictures, (size_t)s->threads, sizeof *s->pictures, "pictures", error));
    BYOL__TRY(byol__alloc(&s->windows, (size_t)batch, sizeof *s->windows, "windows", error));
    return byol__alloc(&s->labels, (size_t)batch * pixels_of(s), 1, "labels of a batch", error);
}

void byol__masks_shown_release(byol__masks_shown *s) {
    for (int i = 0; s->pictures != NULL && i < s->threads; i++)
        byol_picture_release(&s->pictures[i]);
    byol__free(s->pictures);
    byol__free(s->windows);
    byol__free(s->labels);
}

/* How far right and down of the picture, in its window: -1 .. 1. */
static void add_places(const byol__masks_shown *s, const byol__window *w, float *dst) {
    for (int y = 0; y < s->frame.height; y++)
        for (int x = 0; x < s->frame.width; x++, dst++) {
            dst[0] = 2 * ((float)x + 0.5f) / (float)w->shown_width - 1;
            dst[pixels_of(s)] = 2 * ((float)y + 0.5f) / (float)w->shown_height - 1;
        }
}

/* What is ignored gets a number of our own. */
static void show_mask(const byol__masks_shown *s, const byol_masks *set, const byol__window *w,
                      uint8_t *mask, int height, int width, uint8_t *labels) {
    for (int i = 0; i < height * width; i++)
        if (mask[i] == set->info.ignore) mask[i] = (uint8_t)s->ignore;
    byol__window_mask(&s->frame, w, mask, width, (uint8_t)s->ignore, labels);
}

static byol_status show_picture(const byol__masks_shown *s, const byol_masks *set, size_t index,
                                int epoch, byol_picture *picture, byol__window *w, float *image,
                                byol_error *error) {
    const byol_image_request wanted = {.channels = s->frame.channels};
    BYOL__TRY(byol_source_image(set->pictures, index, &wanted, picture, error));
    const byol_image *read = &picture->image;
    if (read->channels != s->frame.channels)
        return byol__fail(error, BYOL_ERROR_MISMATCH,
                          "the pictures have %d channels, the encoder takes %d", read->channels,
                          s->frame.channels);
    *w = epoch < 0 ? byol__window_whole(&s->frame, read->height, read->width)
                   : byol__window_draw(&s->frame, read->height, read->width, &s->draws,
                                       (uint32_t)epoch, (uint32_t)index);
    BYOL__TRY(byol__window_picture(&s->frame, w, read, image, error));
    if (s->with_places) add_places(s, w, image + (size_t)s->frame.channels * pixels_of(s));
    return BYOL_OK;
}

static byol_status show(byol__masks_shown *s, const byol_masks *set, size_t index, size_t slot,
                        int epoch, float *images, byol_error *error) {
    size_t channels = (size_t)s->frame.channels + (s->with_places ? 2 : 0);
    float *image = images + slot * channels * pixels_of(s);
    byol_picture *picture = &s->pictures[omp_get_thread_num()];
    byol__window *w = &s->windows[slot];
    uint8_t *labels = s->labels + slot * pixels_of(s), *mask;
    int height, width;
    byol_status status = show_picture(s, set, index, epoch, picture, w, image, error);
    if (status != BYOL_OK && byol_source_unreadable(set->pictures, index)) {
        memset(image, 0, channels * pixels_of(s) * sizeof *image);
        memset(labels, s->ignore, pixels_of(s));
        return BYOL_OK;
    }
    if (status != BYOL_OK) return status;
    BYOL__TRY(byol_masks_mask(set, index, &mask, &height, &width, error));
    show_mask(s, set, w, mask, height, width, labels);
    byol_mask_free(mask);
    return BYOL_OK;
}

byol_status byol__masks_shown_batch(byol__masks_shown *s, const byol_masks *set,
                                    const uint32_t *indices, size_t first, size_t n, int epoch,
                                    float *images, byol_error *error) {
    byol_status status = BYOL_OK;
#pragma omp parallel for schedule(dynamic)
    for (size_t i = 0; i < n; i++) {
        byol_error words = {0};
        size_t index = indices != NULL ? indices[i] : first + i;
        byol_status one = show(s, set, index, i, epoch, images, &words);
        if (one == BYOL_OK) continue;
#pragma omp critical(byol_masks_shown)
        {
            status = one;
            if (error != NULL) *error = words;
        }
    }
    return status;
}

static byol_status judge(const byol__masks_shown *s, const byol_masks *set, size_t index,
                         const byol__window *w, const float *maps, int classes, uint8_t *truth,
                         int height, int width, uint64_t *confusion, byol_segment_answer answer,
                         void *context, byol_error *error) {
    uint8_t *mask;
    size_t pixels = (size_t)height * (size_t)width;
    BYOL__TRY(byol__alloc(&mask, pixels, 1, "an answer", error));
    byol__pixel_answer(maps, classes, s->frame.height, s->frame.width, w->shown_height,
                       w->shown_width, height, width, mask);
    byol__confusion_add(confusion, classes, truth, mask, pixels, set->info.ignore);
    byol_status status =
        answer == NULL ? BYOL_OK : answer(context, index, mask, height, width, error);
    byol__free(mask);
    return status;
}

byol_status byol__masks_shown_judge(const byol__masks_shown *s, const byol_masks *set, size_t first,
                                    size_t n, const float *maps, int classes, uint64_t *confusion,
                                    byol_segment_answer answer, void *context, byol_error *error) {
    size_t floats = (size_t)classes * pixels_of(s);
    byol_status status = BYOL_OK;
    for (size_t i = 0; i < n && status == BYOL_OK; i++) {
        uint8_t *truth;
        int height, width;
        if (byol_source_unreadable(set->pictures, first + i)) continue;
        BYOL__TRY(byol_masks_mask(set, first + i, &truth, &height, &width, error));
        status = judge(s, set, first + i, &s->windows[i], maps + i * floats, classes, truth, height,
                       width, confusion, answer, context, error);
        byol_mask_free(truth);
    }
    return status;
}
