/* The encoder of BERT, with the names and shapes of Hugging Face's BertModel. Devlin et al., "BERT"
 * (arXiv 1810.04805); Vaswani et al., "Attention is all you need" (arXiv 1706.03762). */
#include <stdbool.h>
#include <stdio.h>

#include "nets/nets.h"
#include "ops/ops.h"

static const float EPSILON = 1e-12f; /* of layer norms */

enum { HEAD_WIDTH = 64, MLP_RATIO = 4, TOKEN_KINDS = 2 };

int byol__heads_of(const byol_config *config) {
    int width = config->encoder.width;
    if (config->encoder.heads > 0) return config->encoder.heads;
    return width < HEAD_WIDTH ? 1 : width / HEAD_WIDTH;
}

/* What all layers of a network share. */
typedef struct builder {
    byol__graph *graph;
    byol__value_id tokens;
    int width, heads;
    float dropout;
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

/* norm(x + dropout(y)) */
static byol__value_id add_and_norm(const builder *b, int layer, const char *name, byol__value_id x,
                                   byol__value_id y) {
    char full[BYOL__NODE_NAME_MAX];
    y = byol__graph_dropout(b->graph, y, b->dropout);
    return byol__graph_layer_norm(b->graph, join(full, layer, name),
                                  byol__graph_add(b->graph, x, y), EPSILON);
}

/* (C, L) -> (C, L) */
static byol__value_id layer(const builder *b, int number, byol__value_id x) {
    byol__value_id q = linear(b, number, "attention.self.query", x, b->width),
                   k = linear(b, number, "attention.self.key", x, b->width),
                   v = linear(b, number, "attention.self.value", x, b->width);
    byol__value_id y = byol__graph_attention(b->graph, "attention", q, k, v, b->heads, &b->tokens);
    y = linear(b, number, "attention.output.dense", y, b->width);
    x = add_and_norm(b, number, "attention.output.LayerNorm", x, y);
    y = linear(b, number, "intermediate.dense", x, MLP_RATIO * b->width);
    y = byol__graph_gelu(b->graph, y, false);
    y = linear(b, number, "output.dense", y, b->width);
    return add_and_norm(b, number, "output.LayerNorm", x, y);
}

/* Words, places and the kind of token: (L) -> (C, L). */
static byol__value_id embed(const builder *b, int vocabulary) {
    int length = byol__graph_shape(b->graph, b->tokens).c;
    byol__value_id x = byol__graph_embedding(b->graph, "embeddings.word_embeddings", b->tokens,
                                             vocabulary, b->width);
    x = byol__graph_places(b->graph, "embeddings.position_embeddings", x, length);
    x = byol__graph_token_kind(b->graph, "embeddings.token_type_embeddings", x, TOKEN_KINDS);
    x = byol__graph_layer_norm(b->graph, "embeddings.LayerNorm", x, EPSILON);
    return byol__graph_dropout(b->graph, x, b->dropout);
}

byol__value_id byol__transformer(byol__graph *graph, byol__value_id tokens, int vocabulary,
                                 const byol_config *config) {
    const builder b = {graph, tokens, config->encoder.width, byol__heads_of(config),
                       config->encoder.dropout};
    byol__value_id x = embed(&b, vocabulary);
    byol__graph_end_stage(graph, x);
    for (int i = 0; i < config->encoder.depth; i++) {
        x = layer(&b, i, x);
        byol__graph_end_stage(graph, x);
    }
    return config->encoder.pool == BYOL_POOL_CLASS ? byol__graph_first_token(graph, x)
                                                   : byol__graph_mean_token(graph, x, &tokens);
}
