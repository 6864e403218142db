/* The loader: turns a source into batches of views, on its own threads, one batch ahead of the
 * training step.
 *
 * The contents of batch number k of a run are a pure function of (seed, k). The order of an epoch
 * is a permutation keyed by (seed, epoch), in which texts of like length share a batch; a view is
 * keyed by (seed, epoch, sample, view). So the position to resume from is one number, and the
 * number of threads changes nothing. The last, incomplete batch of an epoch is dropped.
 *
 * An unreadable image is replaced by the next readable one of the source, under the key of the
 * replaced one. So this, too, depends on the data alone. Unreadable images are recorded; too many
 * of them are a failure. */
#ifndef BYOL__LOADER_H
#define BYOL__LOADER_H

#include <stddef.h>
#include <stdint.h>

#include "byol/source.h"
#include "byol/status.h"
#include "config/view_list.h"

typedef struct byol__loader byol__loader;

typedef struct byol__loader_options {
    byol__view_list views;
    int batch_size;
    uint64_t seed;
    int threads; /* at least 1 */
    /* Number of the first batch from byol__loader_next, counted from the run's start. */
    uint64_t first_batch;
    double max_unreadable; /* share of the images, 0 .. 1, that may turn out unreadable */
} byol__loader_options;

typedef struct byol__batch {
    /* (batch_size, one view), 64-byte aligned; for pictures (channels, size, size) floats. */
    const void *view[BYOL_VIEWS_MAX];
    const uint32_t *indices; /* batch_size sample numbers */
    uint64_t number;         /* of this batch in the run */
    uint32_t epoch;          /* number / batches per epoch */
} byol__batch;

/* `source` is borrowed. BYOL_ERROR_INVALID if it holds fewer images than a batch. */
byol_status byol__loader_create(byol__loader **out, const byol_source *source,
                                const byol__loader_options *options, byol_error *error);
void byol__loader_free(byol__loader *loader); /* stops the threads */

uint64_t byol__loader_batches_per_epoch(const byol__loader *loader);

/* Waits for the next batch; its pointers are borrowed until the following call. Allocates nothing.
 */
byol_status byol__loader_next(byol__loader *loader, byol__batch *batch, byol_error *error);

/* An image that was needed and could not be read. */
typedef struct byol__skipped {
    uint32_t index;
    char reason[256];
} byol__skipped;

/* Returns how many different ones there are so far. Copies number `which` of them to `*out`, if
 * `out` is not NULL. */
size_t byol__loader_unreadable(const byol__loader *loader, size_t which, byol__skipped *out);

/* Fills `order` with the permutation of 0 .. count-1 in which `epoch` is read. */
void byol__epoch_order(uint64_t seed, uint32_t epoch, uint32_t *order, uint32_t count);

#endif
