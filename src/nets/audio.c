/* The encoder of BYOL-A (Niizumi et al., arXiv 2103.06695, table I; 2204.07402): three blocks of
 * convolutions, then two linear layers on each frame, then mean + maximum over time. */
#include <stdio.h>

#include "nets/nets.h"
#include "ops/ops.h"

/* Convolution 3x3, batch norm, ReLU, 2x2 max pool: layers 4 number .. 4 number + 3 of `features`.
 */
static byol__value_id block(byol__graph *graph, byol__value_id x, int number, int channels) {
    char name[BYOL__NODE_NAME_MAX];
    snprintf(name, sizeof name, "features.%d", 4 * number);
    x = byol__graph_conv(graph, name, x, channels, 3, 1, 1, 1, 0);
    snprintf(name, sizeof name, "features.%d", 4 * number + 1);
    x = byol__graph_relu(graph, byol__graph_batch_norm(graph, name, x));
    return byol__graph_max_pool(graph, x, 2, 2, 0); // (N, C, F/2, T/2)
}

byol__value_id byol__audio(byol__graph *graph, byol__value_id images, const byol_config *config) {
    enum { BLOCKS = 3, WIDEN = 32 };
    int channels = config->encoder.width, hidden = WIDEN * channels;
    byol__value_id x = images;
    for (int number = 0; number < BLOCKS; number++) {
        x = block(graph, x, number, channels);
        byol__graph_end_stage(graph, x);
    }
    x = byol__graph_frames(graph, x); // (N, C F/8, T/8)
    x = byol__graph_relu(graph, byol__graph_token_linear(graph, "fc.0", x, hidden, 1));
    x = byol__graph_dropout(graph, x, config->encoder.dropout);
    x = byol__graph_relu(graph, byol__graph_token_linear(graph, "fc.3", x, hidden, 1));
    byol__graph_end_stage(graph, x);
    return byol__graph_mean_max(graph, x); // (N, 32 C)
}
