/* Networks on the maps of an encoder's stages: backbone, some stages brought to one size and put
 * one behind the other, and a head; and their weights, from an encoder. */
#ifndef BYOL__DENSE_NET_H
#define BYOL__DENSE_NET_H

#include "byol/dense.h"
#include "graph/graph.h"

/* Which maps of which pictures. */
typedef struct byol__trunk {
    const byol_encoder *encoder;              /* borrowed */
    int height, width;                        /* of the pictures */
    int stages[BYOL_STAGES_MAX], stage_count; /* the finest first */
} byol__trunk;

/* Fills in the stages named in `names` ("stage3,stage4"; NULL or "": the last ones, up to four,
 * whose stride is 4 or more), the finest first. BYOL_ERROR_INVALID, BYOL_ERROR_NOT_FOUND. */
byol_status byol__trunk_choose(byol__trunk *trunk, const char *names, byol_error *error);

/* "stage2,stage3", cut to `size` bytes. */
void byol__trunk_words(const byol__trunk *trunk, char *words, size_t size);

/* Appends the backbone and the maps of the stages, brought to the size of the finest: `*maps` is
 * (c, h, w). The graph is not finished. */
byol_status byol__trunk_append(byol__graph *graph, const byol__trunk *trunk, byol__value_id *maps,
                               byol_error *error);

/* Copies the encoder's values into the rows of the same names of a graph that begins with its
 * backbone; a vit's places are interpolated. The other rows stay. */
byol_status byol__trunk_copy(const byol__graph *graph, const byol__trunk *trunk, float *params,
                             float *statistics, byol_error *error);

#endif
