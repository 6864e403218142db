/* The encoder of BERT, with the names and shapes of Hugging Face's BertModel; with norms before
 * each branch those of its RobertaPreLayerNormModel (Xiong et al., arXiv 2002.04745). Devlin et
 * al., "BERT" (arXiv 1810.04805); Vaswani et al., "Attention is all you need" (arXiv 1706.03762).
 */
#include <stdbool.h>
#include <stdio.h>

#include "nets/nets.h"
#include "ops/ops.h"

static const float EPSILON = 1e-12f;           /* of layer norms */
static const float EPSILON_OF_TARGETS = 1e-5f; /* of those without weights: PyTorch's default */

enum { MLP_RATIO = 4, TOKEN_KINDS = 2 };

float byol__drop_path_of(const byol_config *config, int number) {
    int last = config->encoder.depth - 1;
    return last == 0 ? config->encoder.drop_path
                     : config->encoder.drop_path * (float)number / (float)last;
}

/* What all layers of a network share. */
typedef struct builder {
    byol__graph *graph;
    byol__value_id tokens;
    int width, heads, length;
    const byol_config *config;
    byol__value_id mlp; /* what the last layer's MLP gave */
} builder;

/* "encoder.layer.3" + "output.dense" */
static const char *join(char *buffer, int layer, const char *name) {
    snprintf(buffer, BYOL__NODE_NAME_MAX, "encoder.layer.%d.%s", layer, name);
    return buffer;
}

static byol__value_id linear(const builder *b, int layer, const char *name, byol__value_id x,
                             int out) {
    char full[BYOL__NODE_NAME_MAX];
    return byol__graph_token_linear(b->graph, join(full, layer, name), x, out, 1);
}

static byol__value_id norm(const builder *b, int layer, const char *name, byol__value_id x) {
    char full[BYOL__NODE_NAME_MAX];
    return byol__graph_layer_norm(b->graph, join(full, layer, name), x, EPSILON);
}

/* x + dropout(y) */
static byol__value_id add(const builder *b, int layer, byol__value_id x, byol__value_id y) {
    y = byol__graph_dropout(b->graph, y, b->config->encoder.dropout);
    y = byol__graph_drop_path(b->graph, y, byol__drop_path_of(b->config, layer));
    return byol__graph_add(b->graph, x, y);
}

/* Keys or values as fewer mixtures of them. With full attention their matrix is there all the same
 * if `exists`, so that a target's parameters lie as the online network's do. */
static byol__value_id mix(const builder *b, int layer, const char *own, byol__value_id x,
                          bool exists) {
    char full[BYOL__NODE_NAME_MAX];
    byol_rank_sharing shared = b->config->encoder.rank_shared;
    int heads = shared == BYOL_RANK_SHARED_NONE ? b->heads : 1, rank = b->config->encoder.rank;
    join(full, layer, shared == BYOL_RANK_SHARED_KEY_VALUE ? "attention.self.compress" : own);
    if (b->config->encoder.attention == BYOL_ATTENTION_LOWRANK)
        return byol__graph_low_rank(b->graph, full, x, rank, heads, &b->tokens);
    if (exists) byol__graph_low_rank_matrix(b->graph, full, b->length, rank, heads);
    return x;
}

/* (C, L) -> (C, L), before the product with attention.output.dense */
static byol__value_id attend(const builder *b, int number, byol__value_id x) {
    bool low_rank = b->config->encoder.attention == BYOL_ATTENTION_LOWRANK,
         exists = b->config->target.attention == BYOL_TARGET_ATTENTION_FULL;
    byol__value_id q = linear(b, number, "attention.self.query", x, b->width),
                   k = linear(b, number, "attention.self.key", x, b->width),
                   v = linear(b, number, "attention.self.value", x, b->width);
    k = mix(b, number, "attention.self.compress_k", k, exists);
    v = mix(b, number, "attention.self.compress_v", v, exists);
    return byol__graph_attention(b->graph, "attention", q, k, v, b->heads,
                                 b->config->encoder.attention_noise, low_rank ? NULL : &b->tokens);
}

/* (C, L) -> (C, L). Norms stand behind each sum, as BERT has them, or before each branch. */
static byol__value_id layer(builder *b, int number, byol__value_id x) {
    bool pre = b->config->encoder.norm == BYOL_NORM_PRE;
    byol__value_id y = pre ? norm(b, number, "attention.LayerNorm", x) : x;
    y = linear(b, number, "attention.output.dense", attend(b, number, y), b->width);
    x = add(b, number, x, y);
    if (!pre) x = norm(b, number, "attention.output.LayerNorm", x);
    y = pre ? norm(b, number, "intermediate.LayerNorm", x) : x;
    y = linear(b, number, "intermediate.dense", y, MLP_RATIO * b->width);
    b->mlp = linear(b, number, "output.dense", byol__graph_gelu(b->graph, y, false), b->width);
    x = add(b, number, x, b->mlp);
    return pre ? x : norm(b, number, "output.LayerNorm", x);
}

/* Words, places and the kind of token: (L) -> (C, L). */
static byol__value_id embed(const builder *b) {
    byol__value_id x = byol__graph_embedding(b->graph, "embeddings.word_embeddings", b->tokens,
                                             b->config->data.vocabulary, b->width);
    byol__graph_spread(b->graph, x, b->config->encoder.embedding_std);
    x = byol__graph_places(b->graph, "embeddings.position_embeddings", x, b->length);
    byol__graph_spread(b->graph, x, b->config->encoder.embedding_std);
    x = byol__graph_token_kind(b->graph, "embeddings.token_type_embeddings", x, TOKEN_KINDS);
    x = byol__graph_layer_norm(b->graph, "embeddings.LayerNorm", x, EPSILON);
    return byol__graph_dropout(b->graph, x, b->config->encoder.dropout);
}

/* (C, L) -> (C) */
static byol__value_id pool(const builder *b, byol__value_id x) {
    switch (b->config->encoder.pool) {
    case BYOL_POOL_MEAN: return byol__graph_mean_token(b->graph, x, &b->tokens);
    case BYOL_POOL_MAX: return byol__graph_max_token(b->graph, x, &b->tokens);
    case BYOL_POOL_CLASS: break;
    }
    return byol__graph_first_token(b->graph, x);
}

byol__token_values byol__transformer(byol__graph *graph, byol__value_id tokens,
                                     const byol_config *config, int layers) {
    builder b = {.graph = graph,
                 .tokens = tokens,
                 .width = config->encoder.width,
                 .heads = byol_config_heads(config),
                 .length = byol__graph_shape(graph, tokens).c,
                 .config = config};
    int depth = config->encoder.depth;
    byol__token_values values = {0};
    byol__value_id x = embed(&b);
    byol__graph_end_stage(graph, x);
    for (int i = 0; i < depth; i++) {
        x = layer(&b, i, x);
        byol__graph_end_stage(graph, x);
        if (i < depth - layers) continue;
        byol__value_id normal = byol__graph_bare_layer_norm(graph, b.mlp, EPSILON_OF_TARGETS);
        values.top = values.top == 0 ? normal : byol__graph_add(graph, values.top, normal);
    }
    if (config->encoder.norm == BYOL_NORM_PRE)
        x = byol__graph_layer_norm(graph, "LayerNorm", x, EPSILON);
    values.last = x;
    values.pooled = pool(&b, x);
    return values;
}
