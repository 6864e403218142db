/* What goes into a safetensors file of ours and comes out again: a list of arenas by their tables,
 * and where they come from. Checkpoints (everything needed to go on) and encoder.safetensors (what
 * is used afterwards) differ in nothing but that list. */
#ifndef BYOL__CHECKPOINT_H
#define BYOL__CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "byol/config.h"
#include "byol/status.h"
#include "graph/graph.h"
#include "state/safetensors.h"

/* The rows of `table` as far as section `last`; a tensor is called `prefix` and the row's name
 * ("target." and "conv1.weight"), its values lie at the row's offset in `values`. */
typedef struct byol__arena {
    const char *prefix;
    const byol__table *table;
    byol__section last;
    float *values;
} byol__arena;

/* Where weights come from: the metadata of a file. */
typedef struct byol__origin {
    uint64_t step;     /* optimizer steps done */
    uint64_t batches;  /* batches seen: the data position */
    int channels;      /* of the input images */
    char data[96];     /* fingerprint of the training images */
    char monitor[160]; /* what the monitor remembers, in its words; empty: nothing */
    char losses[96]; /* what the trainer has summed up of the epoch, in its words; empty: nothing */
    char pacing[96]; /* of a run that ends by the clock, in the trainer's words; empty: it does not
                      */
    byol_config config; /* resolved */
} byol__origin;

/* Writes atomically, with digest; on failure what stood at `path` is untouched. */
byol_status byol__checkpoint_write(const char *path, const byol__arena *arenas, size_t count,
                                   const byol__origin *origin, byol_error *error);

/* Opens a file written by this library: BYOL_ERROR_FORMAT where it is damaged or somebody else's.
 * Owned: byol__safetensors_close. */
byol_status byol__checkpoint_open(byol__safetensors **out, const char *path, byol__origin *origin,
                                  byol_error *error);

/* Fills the arenas. BYOL_ERROR_NOT_FOUND names a tensor that is not there, BYOL_ERROR_MISMATCH one
 * of another shape. */
byol_status byol__checkpoint_read(const byol__safetensors *file, const byol__arena *arenas,
                                  size_t count, byol_error *error);

#endif
