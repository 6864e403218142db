/* Batches of labelled images, prepared for a network. */
#ifndef BYOL__LABELLED_H
#define BYOL__LABELLED_H

#include <stddef.h>
#include <stdint.h>

#include "byol/source.h"
#include "byol/status.h"
#include "byol/views.h"
#include "input/input.h"

typedef struct byol__labelled {
    const byol_source *source;
    int32_t *labels; /* (count), owned */
    size_t count;    /* images of the source */
    byol__preparation how;
    byol__view_buffers *buffers; /* owned: one for each thread */
    int threads;
} byol__labelled;

/* `how` is copied, the source is borrowed. What byol__check_input returns; BYOL_ERROR_INVALID if it
 * has no labels. Uses OpenMP's current number of
 * threads, here and later. Owned: byol__labelled_release. */
byol_status byol__labelled_open(byol__labelled *set, const byol_source *source,
                                const byol__preparation *how, byol_error *error);
void byol__labelled_release(byol__labelled *set);

/* Prepares samples indices[0 .. n-1] (NULL: `first` .. first + n-1) into `samples`, n of
 * byol__prepared_elements, and their labels into `labels` (n, may be NULL). `pass` below 0: as they
 * are (byol_view_center); else augmented, differently in each pass. An unreadable image gives
 * zeros. */
byol_status byol__labelled_batch(const byol__labelled *set, const uint32_t *indices, size_t first,
                                 size_t n, int pass, void *samples, int32_t *labels,
                                 byol_error *error);

/* BYOL_ERROR_FORMAT if more than this share of the images was unreadable so far. */
byol_status byol__labelled_check(const byol__labelled *set, double max_unreadable,
                                 byol_error *error);

#endif
