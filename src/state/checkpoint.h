/* What our safetensors files hold: a list of arenas by their tables, and where these come from.
 * Checkpoints (everything needed to resume) and encoder.safetensors (what is used afterwards)
 * differ only in that list. */
#ifndef BYOL__CHECKPOINT_H
#define BYOL__CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "byol/config.h"
#include "byol/status.h"
#include "byol/tokenizer.h"
#include "graph/graph.h"
#include "state/safetensors.h"

/* The rows of `table` up to section `last`. A tensor's name is `prefix` and the row's name
 * ("target." and "conv1.weight"). Its values lie at the row's offset in `values`. */
typedef struct byol__arena {
    const char *prefix;
    const byol__table *table;
    byol__section last;
    float *values;
} byol__arena;

/* Where weights come from: the metadata of a file. */
typedef struct byol__origin {
    uint64_t step;                   /* optimizer steps done */
    uint64_t batches;                /* batches seen: the data position */
    int channels;                    /* of the input images; 0: texts */
    const byol_tokenizer *tokenizer; /* of texts, borrowed; NULL: images, or just opened */
    /* Of a classifier, borrowed: its classes as byol__class_names_pack writes them. NULL: it is
     * none, or just opened. */
    const char *classes;
    char data[96]; /* fingerprint of the training images */
    /* The monitor's state, as its text; empty: none. */
    char monitor[160];
    /* The trainer's sums for the current epoch, as its text; empty: none. */
    char losses[96];
    /* For a run that ends by the clock, as the trainer's text; empty: it does not. */
    char pacing[96];
    byol_config config; /* resolved */
} byol__origin;

/* Writes atomically, with digest. On failure the old file at `path` is untouched. */
byol_status byol__checkpoint_write(const char *path, const byol__arena *arenas, size_t count,
                                   const byol__origin *origin, byol_error *error);

/* Opens a file written by this library. BYOL_ERROR_FORMAT if it is damaged or from another program.
 * Owned: byol__safetensors_close. */
byol_status byol__checkpoint_open(byol__safetensors **out, const char *path, byol__origin *origin,
                                  byol_error *error);

/* The tokenizer that an encoder of texts was trained with; NULL if there is none. Owned:
 * byol_tokenizer_free. BYOL_ERROR_FORMAT: it is damaged. */
byol_status byol__checkpoint_tokenizer(const byol__safetensors *file, const char *path,
                                       byol_tokenizer **out, byol_error *error);

/* What stands before the names of the online network's tensors: "online." in a checkpoint, nothing
 * in an encoder file. Looks for `row`, which is in both, and may fill its values in `arena`. */
const char *byol__checkpoint_prefix(const byol__safetensors *file, const byol__param *row,
                                    float *arena);

/* Fills the arenas. BYOL_ERROR_NOT_FOUND names a missing tensor, BYOL_ERROR_MISMATCH one of another
 * shape. */
byol_status byol__checkpoint_read(const byol__safetensors *file, const byol__arena *arenas,
                                  size_t count, byol_error *error);

#endif
