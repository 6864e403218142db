/* Making an encoder from weights in memory. */
#ifndef BYOL__ENCODER_INTERNAL_H
#define BYOL__ENCODER_INTERNAL_H

#include "byol/encoder.h"

/* A copy of an online network: `params` and `statistics` are arenas of byol__online_network(config, channels). */
byol_status byol__encoder_create(byol_encoder **out, const byol_config *config, int channels, const float *params,
                                 const float *statistics, byol_error *error);

#endif
