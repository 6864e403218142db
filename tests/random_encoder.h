/* An encoder of random weights, as one that was trained; after cmocka.h and floats.h. */
#ifndef RANDOM_ENCODER_H
#define RANDOM_ENCODER_H

#include "encoder/encoder_internal.h"
#include "graph/arena.h"
#include "nets/nets.h"

/* Owned: byol_encoder_free. */
static inline byol_encoder *random_encoder(const byol_config *config, int channels) {
    byol__graph graph;
    byol__origin origin = {.channels = channels, .config = *config};
    float *params, *statistics;
    byol_encoder *encoder;
    byol__graph_init(&graph);
    check(byol__online_network(&graph, config, channels, config->data.image_size, &error));
    check(byol__arena_alloc(&params, graph.params.total, "parameters", &error));
    check(byol__arena_alloc(&statistics, graph.statistics.total, "statistics", &error));
    byol__params_init(&graph.params, 5, params);
    byol__params_init(&graph.statistics, 5, statistics);
    check(byol__encoder_create(&encoder, &origin, params, statistics, &error));
    byol__graph_release(&graph);
    byol__arena_free(params);
    byol__arena_free(statistics);
    return encoder;
}

#endif
