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
    const byol__input_kind *input;
    int32_t *labels; /* (count), owned */
    size_t count;    /* images of the source */
    byol__preparation how;
    byol__view_buffers *buffers; /* owned: one for each thread */
    int threads;
} byol__labelled;

/* The source is borrowed. BYOL_ERROR_MISMATCH if it has other channels than the network, unless it
 * decodes its images; BYOL_ERROR_INVALID if it has no labels. Uses OpenMP's current number of
 * threads, here and later. Owned: byol__labelled_release. */
byol_status byol__labelled_open(byol__labelled *set, const byol_source *source,
                                const byol_view_recipe *recipe, int channels, int side,
                                uint64_t seed, byol_error *error);
void byol__labelled_release(byol__labelled *set);

/* Prepares images indices[0 .. n-1] (NULL: `first` .. first + n-1) into `images` (n, channels,
 * side, side) and their labels into `labels` (n, may be NULL). `pass` below 0: as they are
 * (byol_view_center); else augmented, differently in each pass. An unreadable image gives zeros. */
byol_status byol__labelled_batch(const byol__labelled *set, const uint32_t *indices, size_t first,
                                 size_t n, int pass, float *images, int32_t *labels,
                                 byol_error *error);

/* BYOL_ERROR_FORMAT if more than this share of the images was unreadable so far. */
byol_status byol__labelled_check(const byol__labelled *set, double max_unreadable,
                                 byol_error *error);

#endif
