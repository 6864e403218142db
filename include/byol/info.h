/* The layers of a network and what it costs, before anything is trained. */
#ifndef BYOL_INFO_H
#define BYOL_INFO_H

#include <stdint.h>

#include "byol/config.h"
#include "byol/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One layer, for one image. Strings are borrowed until the call returns. */
typedef struct byol_network_layer {
    const char *name;    /* "layer1.0.conv1"; "relu" and the like where there are no parameters */
    const char *kind;    /* "convolution", "batch norm", "linear" ... */
    const char *section; /* "backbone", "projector", "predictor" */
    int channels, height, width; /* of the output; a vector has height and width 1 */
    uint64_t parameters;         /* learned numbers */
    uint64_t flops;        /* forward, 2 per multiply-add; 0 for all but convolution and linear */
    uint64_t output_bytes; /* in fp32 */
} byol_network_layer;

typedef struct byol_network_totals {
    uint64_t parameters_encoder, parameters_projector, parameters_predictor;
    uint64_t forward_flops; /* of one image through the whole online network */
    uint64_t encoder_flops; /* of one image through the backbone: what an embedding costs */
    /* Of the training plan for the configured batch size and precision. */
    uint64_t workspace_bytes, staging_bytes;
    int representation, projection; /* lengths of the vectors */
} byol_network_totals;

/* Calls `layer` (may be NULL) for every layer of the online network of `config` in order, and fills
 * `totals` (may be NULL). `channels` is 1 or 3; `image_size` replaces data.image_size. */
BYOL_API byol_status byol_network_describe(const byol_config *config, int channels, int image_size,
                                           void (*layer)(void *context,
                                                         const byol_network_layer *layer),
                                           void *context, byol_network_totals *totals,
                                           byol_error *error);

#ifdef __cplusplus
}
#endif

#endif
