/* Pictures with boxes as a network is given them. */
#ifndef BYOL__BOXES_SHOWN_H
#define BYOL__BOXES_SHOWN_H

#include "byol/detect.h"
#include "tasks/center_loss.h"
#include "tasks/scene.h"

typedef struct byol__boxes_shown {
    byol__frame frame;
    byol__center_shape shape; /* of the network's map */
    byol__scene_draws draws;
    int threads;
    byol_picture *pictures;   /* one for each thread */
    byol__window *windows;    /* (batch) */
    byol__target_box **boxes; /* (batch), of `most` each */
    int *counts;              /* (batch) */
    size_t *first;            /* (pictures + 1) of the training set: where its objects begin */
    int batch;
} byol__boxes_shown;

/* `set` is what is learned from. Uses OpenMP's current number of threads. Owned:
 * byol__boxes_shown_release. */
byol_status byol__boxes_shown_open(byol__boxes_shown *shown, const byol_boxes *set, int batch,
                                   byol_error *error);
void byol__boxes_shown_release(byol__boxes_shown *shown);

/* Shows pictures indices[0 .. n-1] (NULL: first .. first + n - 1) of a set. `epoch` below 0: whole,
 * without boxes; else by random windows, with the boxes of the set that was opened. An unreadable
 * picture is black and empty. */
byol_status byol__boxes_shown_batch(byol__boxes_shown *shown, const byol_boxes *set,
                                    const uint32_t *indices, size_t first, size_t n, int epoch,
                                    float *images, byol_error *error);

#endif
