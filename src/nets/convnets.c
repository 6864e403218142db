/* The small convolutional networks. */
#include <stdio.h>

#include "nets/nets.h"
#include "ops/ops.h"

byol__value_id byol__conv1(byol__graph *graph, byol__value_id images, int width) {
    byol__value_id x = byol__graph_conv(graph, "conv1", images, width, 3, 1, 1, 1, 1);
    x = byol__graph_relu(graph, x);
    byol__graph_end_stage(graph, x);
    return byol__graph_flatten(graph, x);
}

/* Convolution 3x3, batch norm, ReLU. */
static byol__value_id block(byol__graph *graph, byol__value_id x, int number, int channels) {
    char name[BYOL__NODE_NAME_MAX];
    snprintf(name, sizeof name, "conv%d", number);
    x = byol__graph_conv(graph, name, x, channels, 3, 1, 1, 1, 0);
    snprintf(name, sizeof name, "bn%d", number);
    return byol__graph_relu(graph, byol__graph_batch_norm(graph, name, x)); // (N, C, H, W)
}

byol__value_id byol__conv4(byol__graph *graph, byol__value_id images, int width) {
    byol__value_id x = images;
    for (int number = 1; number <= 4; number++) {
        if (number > 1) x = byol__graph_max_pool(graph, x, 2, 2, 0); // (N, C, H/2, W/2)
        x = block(graph, x, number, width << (number - 1));
        byol__graph_end_stage(graph, x);
    }
    return byol__graph_global_avg_pool(graph, x);
}

byol__value_id byol__conv5(byol__graph *graph, byol__value_id images, int width) {
    static const int multiples[5] = {1, 2, 4, 8, 8};
    byol__value_id x = images;
    for (int number = 1; number <= 5; number++) {
        x = block(graph, x, number, multiples[number - 1] * width);
        x = byol__graph_max_pool(graph, x, 2, 2, 0); // (N, C, H/2, W/2)
        byol__graph_end_stage(graph, x);
    }
    return byol__graph_global_avg_pool(graph, x);
}
