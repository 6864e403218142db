/* ResNet v1 with torchvision's names and shapes. He, Zhang, Ren, Sun, "Deep residual learning"
 * (2015). */
#include <stdio.h>

#include "nets/nets.h"
#include "ops/ops.h"

typedef struct depth_info {
    int depth, blocks[4], expansion;
} depth_info;

static const depth_info depths[] = {
    {18, {2, 2, 2, 2}, 1},
    {34, {3, 4, 6, 3}, 1},
    {50, {3, 4, 6, 3}, 4},
};

/* "layer1.0" + "conv1" */
static const char *join(char *buffer, size_t size, const char *prefix, const char *name) {
    snprintf(buffer, size, "%s.%s", prefix, name);
    return buffer;
}

static byol__value_id conv_bn(byol__graph *graph, const char *prefix, const char *conv,
                              const char *bn, byol__value_id src, int oc, int kernel, int stride) {
    char name[BYOL__NODE_NAME_MAX];
    byol__value_id y = byol__graph_conv(graph, join(name, sizeof name, prefix, conv), src, oc,
                                        kernel, stride, kernel / 2, 1, 0);
    return byol__graph_batch_norm(graph, join(name, sizeof name, prefix, bn), y);
}

/* The identity, or a 1x1 convolution where the shape changes. */
static byol__value_id shortcut(byol__graph *graph, const char *prefix, byol__value_id src, int oc,
                               int stride) {
    if (stride == 1 && graph->values[src].shape.c == oc) return src;
    return conv_bn(graph, prefix, "downsample.0", "downsample.1", src, oc, 1, stride);
}

static byol__value_id basic_block(byol__graph *graph, const char *prefix, byol__value_id src,
                                  int width, int stride) {
    byol__value_id y =
        byol__graph_relu(graph, conv_bn(graph, prefix, "conv1", "bn1", src, width, 3, stride));
    y = conv_bn(graph, prefix, "conv2", "bn2", y, width, 3, 1);
    return byol__graph_relu(graph,
                            byol__graph_add(graph, y, shortcut(graph, prefix, src, width, stride)));
}

/* The stride is in the 3x3 (ResNet "v1.5"), as torchvision and the BYOL authors have it. */
static byol__value_id bottleneck(byol__graph *graph, const char *prefix, byol__value_id src,
                                 int width, int stride) {
    byol__value_id y =
        byol__graph_relu(graph, conv_bn(graph, prefix, "conv1", "bn1", src, width, 1, 1));
    y = byol__graph_relu(graph, conv_bn(graph, prefix, "conv2", "bn2", y, width, 3, stride));
    y = conv_bn(graph, prefix, "conv3", "bn3", y, 4 * width, 1, 1);
    return byol__graph_relu(
        graph, byol__graph_add(graph, y, shortcut(graph, prefix, src, 4 * width, stride)));
}

byol__value_id byol__resnet(byol__graph *graph, byol__value_id images, int depth, int width,
                            byol_stem stem) {
    const depth_info *info = &depths[0];
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++)
        if (depths[i].depth == depth) info = &depths[i];

    int imagenet = stem == BYOL_STEM_IMAGENET;
    byol__value_id x = byol__graph_conv(graph, "conv1", images, width, imagenet ? 7 : 3,
                                        imagenet ? 2 : 1, imagenet ? 3 : 1, 1, 0);
    x = byol__graph_relu(graph, byol__graph_batch_norm(graph, "bn1", x));
    if (imagenet) x = byol__graph_max_pool(graph, x, 3, 2, 1);
    byol__graph_end_stage(graph, x);

    for (int stage = 0; stage < 4; stage++) {
        for (int block = 0; block < info->blocks[stage]; block++) {
            char prefix[BYOL__NODE_NAME_MAX];
            snprintf(prefix, sizeof prefix, "layer%d.%d", stage + 1, block);
            int stride = stage > 0 && block == 0 ? 2 : 1;
            x = (info->expansion == 1 ? basic_block : bottleneck)(graph, prefix, x, width << stage,
                                                                  stride);
        }
        byol__graph_end_stage(graph, x);
    }
    return byol__graph_global_avg_pool(graph, x);
}
