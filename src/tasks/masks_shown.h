/* Pictures with masks as a network is given them, and what is made of its answers. */
#ifndef BYOL__MASKS_SHOWN_H
#define BYOL__MASKS_SHOWN_H

#include "byol/segment.h"
#include "tasks/dense_model.h"
#include "tasks/scene.h"

typedef struct byol__masks_shown {
    byol__frame frame;
    byol__scene_draws draws;
    bool with_places; /* two more channels: how far right and down, -1 .. 1 */
    int ignore;       /* of the labels below: a number that no class has */
    int threads;
    byol_picture *pictures; /* one for each thread */
    uint8_t *labels;        /* (batch, height, width) */
    byol__window *windows;  /* (batch) */
} byol__masks_shown;

/* Uses OpenMP's current number of threads. Owned: byol__masks_shown_release. */
byol_status byol__masks_shown_open(byol__masks_shown *shown, int batch, byol_error *error);
void byol__masks_shown_release(byol__masks_shown *shown);

/* Shows pictures indices[0 .. n-1] (NULL: first .. first + n-1) to the model: its images, and here
 * labels and windows. `epoch` below 0: whole; else random windows. An unreadable picture is black
 * and counts for nothing. */
byol_status byol__masks_shown_batch(byol__masks_shown *shown, const byol_masks *set,
                                    const uint32_t *indices, size_t first, size_t n, int epoch,
                                    float *images, byol_error *error);

/* Adds the model's answers for pictures first .. first + n-1, which are shown whole, to the matrix,
 * at the size of their masks, and hands them to `answer` (may be NULL). */
byol_status byol__masks_shown_judge(const byol__masks_shown *shown, const byol_masks *set,
                                    size_t first, size_t n, const float *maps, int classes,
                                    uint64_t *confusion, byol_segment_answer answer, void *context,
                                    byol_error *error);

#endif
