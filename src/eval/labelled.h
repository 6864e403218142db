/* Batches of labelled images, prepared for a network. */
#ifndef BYOL__LABELLED_H
#define BYOL__LABELLED_H

#include <stddef.h>
#include <stdint.h>

#include "byol/source.h"
#include "byol/status.h"
#include "byol/views.h"
#include "data/prepare.h"

typedef struct byol__labelled {
    const byol_source *source;
    int32_t *labels; /* (count), owned */
    size_t count;    /* images of the source */
    byol__preparation how;
    byol__view_buffers *buffers; /* owned: one for each thread */
    int threads;
} byol__labelled;

/* The source is borrowed. BYOL_ERROR_MISMATCH where its channels are not those of the network;
 * BYOL_ERROR_INVALID without labels. Uses OpenMP's threads of the moment, here and later. Owned:
 * byol__labelled_release. */
byol_status byol__labelled_open(byol__labelled *set, const byol_source *source,
                                const byol_view_recipe *recipe, int channels, int side,
                                uint64_t seed, byol_error *error);
void byol__labelled_release(byol__labelled *set);

/* Prepares images indices[0 .. n-1] (NULL: `first` .. first + n-1) to `images` (n, channels, side,
 * side) and their labels to `labels` (n, may be NULL). `pass` below 0: as they are
 * (byol_view_center); else augmented, another way each pass. An image that cannot be read gives
 * zeros. */
byol_status byol__labelled_batch(const byol__labelled *set, const uint32_t *indices, size_t first,
                                 size_t n, int pass, float *images, int32_t *labels,
                                 byol_error *error);

/* BYOL_ERROR_FORMAT where more than this share of the images have turned out unreadable so far. */
byol_status byol__labelled_check(const byol__labelled *set, double max_unreadable,
                                 byol_error *error);

#endif
