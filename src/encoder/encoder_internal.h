/* Making an encoder from weights in memory, and getting at the weights of one. */
#ifndef BYOL__ENCODER_INTERNAL_H
#define BYOL__ENCODER_INTERNAL_H

#include "byol/encoder.h"
#include "graph/graph.h"
#include "state/checkpoint.h"

/* A copy of an online network: `params` and `statistics` are arenas of byol__online_network of the
 * origin's configuration and channels. */
byol_status byol__encoder_create(byol_encoder **out, const byol__origin *origin,
                                 const float *params, const float *statistics, byol_error *error);

/* What an encoder is made of. All borrowed from it. */
typedef struct byol__weights {
    const byol__origin *origin;
    const byol__graph
        *graph; /* the whole online network; of its parameters, there are values as far as `last` */
    float *params, *statistics; /* not to be written to */
    byol__section last;
} byol__weights;

void byol__encoder_weights(const byol_encoder *encoder, byol__weights *weights);

#endif
