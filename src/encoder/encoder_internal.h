/* Creates an encoder from weights in memory, and gives access to the weights of one. */
#ifndef BYOL__ENCODER_INTERNAL_H
#define BYOL__ENCODER_INTERNAL_H

#include "byol/encoder.h"
#include "graph/graph.h"
#include "input/input.h"
#include "state/checkpoint.h"

/* Copies an online network: `params` and `statistics` are arenas of byol__online_network for the
 * origin's configuration and channels. */
byol_status byol__encoder_create(byol_encoder **out, const byol__origin *origin,
                                 const float *params, const float *statistics, byol_error *error);

/* How samples are prepared for it. The tokenizer is borrowed. */
byol__preparation byol__encoder_preparation(const byol_encoder *encoder);
/* BYOL_ERROR_UNSUPPORTED unless it reads pictures, which `what` needs. */
byol_status byol__encoder_check_pictures(const byol_encoder *encoder, const char *what,
                                         byol_error *error);

/* The parts of an encoder, all borrowed from it. */
typedef struct byol__weights {
    const byol__origin *origin;
    /* The whole online network. Its parameters have values up to section `last`. */
    const byol__graph *graph;
    float *params, *statistics; /* do not write to them */
    byol__section last;
} byol__weights;

void byol__encoder_weights(const byol_encoder *encoder, byol__weights *weights);

#endif
