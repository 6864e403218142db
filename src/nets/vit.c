/* Vision transformer, pre-norm, with timm's names and shapes. Dosovitskiy et al., "An image is
 * worth 16x16 words" (arXiv 2010.11929). */
#include <stdbool.h>
#include <stdio.h>

#include "nets/nets.h"
#include "ops/ops.h"

static const float EPSILON = 1e-6f; /* of layer norms */

enum { MLP_RATIO = 4 };

/* "blocks.3" + "attn.qkv" */
static const char *join(char *buffer, int block, const char *name) {
    snprintf(buffer, BYOL__NODE_NAME_MAX, "blocks.%d.%s", block, name);
    return buffer;
}

/* x + attention(norm(x)), then x + mlp(norm(x)). (C, L) -> (C, L). */
static byol__value_id block(byol__graph *graph, byol__value_id x, int number,
                            const byol_config *config) {
    char name[BYOL__NODE_NAME_MAX];
    int width = byol__graph_shape(graph, x).c, heads = byol_config_heads(config);
    float dropped = byol__drop_path_of(config, number);
    byol__value_id y = byol__graph_layer_norm(graph, join(name, number, "norm1"), x, EPSILON);
    y = byol__graph_token_linear(graph, join(name, number, "attn.qkv"), y, 3 * width, 1);
    y = byol__graph_packed_attention(graph, join(name, number, "attn"), y, heads, NULL);
    y = byol__graph_token_linear(graph, join(name, number, "attn.proj"), y, width, 1);
    x = byol__graph_add(graph, x, byol__graph_drop_path(graph, y, dropped));
    y = byol__graph_layer_norm(graph, join(name, number, "norm2"), x, EPSILON);
    y = byol__graph_token_linear(graph, join(name, number, "mlp.fc1"), y, MLP_RATIO * width, 1);
    y = byol__graph_gelu(graph, y, false);
    y = byol__graph_token_linear(graph, join(name, number, "mlp.fc2"), y, width, 1);
    return byol__graph_add(graph, x, byol__graph_drop_path(graph, y, dropped));
}

/* Patches, the class token if there is one, and their places: (C, h, w) -> (C, L). */
static byol__value_id embed(byol__graph *graph, byol__value_id images, const byol_config *config) {
    byol__shape in = byol__graph_shape(graph, images);
    int side = config->encoder.patch;
    if (in.h % side != 0 || in.w % side != 0)
        byol__graph_mistake(graph, BYOL_ERROR_INVALID,
                            "encoder.patch: patches of %d pixels do not fill images of %d x %d",
                            side, in.h, in.w);
    byol__value_id x =
        byol__graph_patches(graph, "patch_embed.proj", images, config->encoder.width, side);
    byol__shape patches = byol__graph_shape(graph, x);
    if (config->encoder.freeze_patches) byol__graph_freeze(graph, x);
    if (config->encoder.pool == BYOL_POOL_CLASS) x = byol__graph_class_token(graph, "cls_token", x);
    bool sine = config->encoder.positions == BYOL_POSITIONS_SINE;
    x = byol__graph_positions(graph, "pos_embed", x, patches.h, patches.w, sine);
    if (sine) byol__graph_freeze(graph, x);
    return x;
}

byol__value_id byol__vit(byol__graph *graph, byol__value_id images, const byol_config *config) {
    byol__value_id x = embed(graph, images, config);
    byol__graph_end_stage(graph, x);
    for (int i = 0; i < config->encoder.depth; i++) {
        x = block(graph, x, i, config);
        byol__graph_end_stage(graph, x);
    }
    if (config->encoder.pool == BYOL_POOL_CLASS)
        return byol__graph_first_token(graph, byol__graph_layer_norm(graph, "norm", x, EPSILON));
    x = config->encoder.pool == BYOL_POOL_MAX ? byol__graph_max_token(graph, x, NULL)
                                              : byol__graph_mean_token(graph, x, NULL);
    return byol__graph_layer_norm(graph, "fc_norm", x, EPSILON);
}
