/* Encoder by name, heads, and the whole networks of a configuration. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "config/options.h"
#include "nets/nets.h"
#include "ops/ops.h"

enum { CONV1_OUT = 1024 };

byol__value_id byol__head(byol__graph *graph, const char *prefix, byol_head_kind kind,
                          byol__value_id src, int hidden, int out) {
    char name[BYOL__NODE_NAME_MAX];
    if (kind == BYOL_HEAD_NONE) return src;
    snprintf(name, sizeof name, "%s.0", prefix);
    if (kind == BYOL_HEAD_LINEAR) return byol__graph_linear(graph, name, src, out, 1);
    byol__value_id y = byol__graph_linear(graph, name, src, hidden, 1);
    snprintf(name, sizeof name, "%s.1", prefix);
    y = byol__graph_relu(graph, byol__graph_batch_norm(graph, name, y));
    snprintf(name, sizeof name, "%s.3", prefix); /* .2 is the ReLU, as in torch.nn.Sequential */
    return byol__graph_linear(graph, name, y, out, 0);
}

/* The same at every token, with GELU for batch norm and ReLU: prefix.0, prefix.2 (data2vec's head
 * for texts). */
static byol__value_id token_head(byol__graph *graph, const char *prefix, byol_head_kind kind,
                                 byol__value_id src, int hidden, int out) {
    char name[BYOL__NODE_NAME_MAX];
    if (kind == BYOL_HEAD_NONE) return src;
    snprintf(name, sizeof name, "%s.0", prefix);
    if (kind == BYOL_HEAD_LINEAR) return byol__graph_token_linear(graph, name, src, out, 1);
    src = byol__graph_gelu(graph, byol__graph_token_linear(graph, name, src, hidden, 1), false);
    snprintf(name, sizeof name, "%s.2", prefix); /* .1 is the GELU */
    return byol__graph_token_linear(graph, name, src, out, 1);
}

/* The convolutional encoders: a ResNet of some depth, or what `build` appends. */
static const struct {
    const char *name;
    int depth;
    byol__value_id (*build)(byol__graph *graph, byol__value_id images, int width);
} encoders[] = {
    {"resnet18", 18, NULL},    {"resnet34", 34, NULL},    {"resnet50", 50, NULL},
    {"conv1", 0, byol__conv1}, {"conv4", 0, byol__conv4}, {"conv5", 0, byol__conv5},
};

static byol_status encode(byol__graph *graph, const byol_config *config, byol__value_id input,
                          int layers, byol__value_id *out, byol__token_values *tokens,
                          byol_error *error) {
    if (byol__encoder_takes_texts(config->encoder.name)) {
        *tokens = byol__transformer(graph, input, config, layers);
        *out = tokens->pooled;
        return BYOL_OK;
    }
    if (strcmp(config->encoder.name, "vit") == 0) {
        *out = byol__vit(graph, input, config);
        return BYOL_OK;
    }
    if (strcmp(config->encoder.name, "audio") == 0) {
        *out = byol__audio(graph, input, config);
        return BYOL_OK;
    }
    for (size_t i = 0; i < sizeof encoders / sizeof *encoders; i++) {
        if (strcmp(config->encoder.name, encoders[i].name) != 0) continue;
        int width = config->encoder.width;
        *out = encoders[i].build != NULL
                   ? encoders[i].build(graph, input, width)
                   : byol__resnet(graph, input, encoders[i].depth, width, config->encoder.stem);
        return BYOL_OK;
    }
    return byol__fail(error, BYOL_ERROR_INVALID,
                      "encoder.name: there is no encoder '%s'; known are %s", config->encoder.name,
                      BYOL__ENCODERS);
}

/* Outputs of the encoder's own last linear layer; 0: it has none. */
static int own_outputs(const byol_config *config) {
    int is_conv1 = strcmp(config->encoder.name, "conv1") == 0;
    return config->encoder.out == 0 && is_conv1 ? CONV1_OUT : config->encoder.out;
}

/* Tokens of texts, log-mels of sounds, or square images. */
static byol__value_id append_input(byol__graph *graph, const byol_config *config, int channels,
                                   int image_size) {
    if (byol__encoder_takes_texts(config->encoder.name))
        return byol__graph_tokens(graph, config->data.length);
    if (byol__takes_sounds(config))
        return byol__graph_input(graph, 1, config->data.mels, config->data.frames);
    return byol__graph_input(graph, channels, image_size, image_size);
}

/* Appends the encoder, with its output marked. `tokens`: what a transformer has beside it, of so
 * many `layers`: none where nobody reads them, for an ONNX file has every node. */
static byol_status backbone(byol__graph *graph, const byol_config *config, int channels,
                            int image_size, int layers, byol__token_values *tokens,
                            byol_error *error) {
    byol__value_id y = 0, input = append_input(graph, config, channels, image_size);
    byol__graph_section(graph, BYOL__BACKBONE, "backbone");
    BYOL__TRY(encode(graph, config, input, layers, &y, tokens, error));
    if (own_outputs(config) > 0) y = byol__graph_linear(graph, "fc", y, own_outputs(config), 1);
    byol__graph_mark(graph, BYOL__REPRESENTATION, "backbone", y);
    return BYOL_OK;
}

/* Appends backbone and projector. With targets for tokens the projection is that of tokens: the
 * target's `top`, and what the online network predicts it of. */
static byol_status append_to_projection(byol__graph *graph, const byol_config *config, int channels,
                                        int image_size, bool is_target, byol_error *error) {
    byol__token_values tokens = {0};
    int layers = is_target ? config->target.layers : 0;
    BYOL__TRY(backbone(graph, config, channels, image_size, layers, &tokens, error));
    byol__graph_section(graph, BYOL__PROJECTOR, "projector");
    byol__value_id y = graph->output[BYOL__REPRESENTATION];
    if (config->target.layers > 0)
        y = is_target ? tokens.top : tokens.last;
    else
        y = byol__head(graph, "projector", config->projector.kind, y, config->projector.hidden,
                       config->projector.out);
    byol__graph_mark(graph, BYOL__PROJECTION, "projection", y);
    return BYOL_OK;
}

byol_status byol__stages(byol__graph *graph, const byol_config *config, int channels, int height,
                         int width, byol_error *error) {
    byol__token_values tokens = {0};
    byol__value_id y = 0, input = byol__graph_input(graph, channels, height, width);
    byol__graph_section(graph, BYOL__BACKBONE, "backbone");
    BYOL__TRY(encode(graph, config, input, 0, &y, &tokens, error));
    return graph->status == BYOL_OK ? BYOL_OK
                                    : byol__fail(error, graph->status, "%s", graph->error.text);
}

byol__value_id byol__stage_map(byol__graph *graph, const byol_config *config, int stage) {
    byol__value_id end = graph->stage_end[stage];
    if (byol__graph_shape(graph, end).rank == 3) return end;
    byol__shape input = graph->values[0].shape;
    int side = config->encoder.patch;
    return byol__graph_grid(graph, end, input.h / side, input.w / side);
}

int byol__first_stage(const byol_config *config) {
    return strncmp(config->encoder.name, "conv", 4) == 0 ? 1 : 0;
}

static int dimension_of(const byol__graph *graph, byol__output output) {
    return graph->values[graph->output[output]].shape.c;
}

byol_status byol__target_network(byol__graph *graph, const byol_config *config, int channels,
                                 int image_size, byol_error *error) {
    byol_config changed = *config;
    if (strcmp(config->target.encoder, "same") != 0) {
        memcpy(changed.encoder.name, config->target.encoder, sizeof changed.encoder.name);
        if (config->target.width > 0) changed.encoder.width = config->target.width;
    }
    if (config->target.attention == BYOL_TARGET_ATTENTION_FULL)
        changed.encoder.attention = BYOL_ATTENTION_FULL;
    changed.encoder.attention_noise = config->target.attention_noise;
    BYOL__TRY(append_to_projection(graph, &changed, channels, image_size, true, error));
    return byol__graph_finish(graph, error);
}

/* Length of the target's projections. */
static byol_status target_dimension(const byol_config *config, int channels, int image_size,
                                    int *dimension, byol_error *error) {
    if (config->target.kind == BYOL_TARGET_VECTORS) {
        *dimension = config->target.dimension;
        return *dimension > 0
                   ? BYOL_OK
                   : byol__fail(error, BYOL_ERROR_INVALID, "target.dimension is not known");
    }
    byol__graph target;
    byol__graph_init(&target);
    byol_status status = byol__target_network(&target, config, channels, image_size, error);
    if (status == BYOL_OK) *dimension = dimension_of(&target, BYOL__PROJECTION);
    byol__graph_release(&target);
    return status;
}

byol_status byol__online_network(byol__graph *graph, const byol_config *config, int channels,
                                 int image_size, byol_error *error) {
    int out;
    BYOL__TRY(append_to_projection(graph, config, channels, image_size, false, error));
    BYOL__TRY(target_dimension(config, channels, image_size, &out, error));
    byol__graph_section(graph, BYOL__PREDICTOR, "predictor");
    byol__value_id y = graph->output[BYOL__PROJECTION];
    y = (config->target.layers > 0 ? token_head : byol__head)(
        graph, "predictor", config->predictor.kind, y, config->predictor.hidden, out);
    byol__graph_mark(graph, BYOL__PREDICTION, "prediction", y);
    BYOL__TRY(byol__graph_finish(graph, error));
    if (dimension_of(graph, BYOL__PREDICTION) != out)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "the target's projections have %d numbers and the online network's %d: "
                          "take predictor.kind "
                          "linear (or mlp), which maps one to the other",
                          out, dimension_of(graph, BYOL__PREDICTION));
    return BYOL_OK;
}

const char *byol__classifier_name(const byol_config *config) {
    if (own_outputs(config) > 0) return "classifier";
    return strcmp(config->encoder.name, "vit") == 0 ? "head" : "fc";
}

void byol__class_layer_table(byol__table *table, byol__param rows[2], const byol_config *config,
                             int classes, int dimension) {
    const char *name = byol__classifier_name(config);
    rows[0] = (byol__param){.dims = {classes, dimension}, .ndims = 2};
    rows[1] =
        (byol__param){.dims = {classes}, .ndims = 1, .offset = (size_t)classes * (size_t)dimension};
    snprintf(rows[0].name, sizeof rows[0].name, "%s.weight", name);
    snprintf(rows[1].name, sizeof rows[1].name, "%s.bias", name);
    *table = (byol__table){.rows = rows, .count = classes > 0 ? 2 : 0};
}

byol_status byol__classifier_network(byol__graph *graph, const byol_config *config, int channels,
                                     int image_size, int classes, byol_error *error) {
    byol__token_values tokens = {0};
    BYOL__TRY(backbone(graph, config, channels, image_size, 0, &tokens, error));
    byol__graph_section(graph, BYOL__CLASSIFIER, "classifier");
    byol__value_id logits = byol__graph_linear(graph, byol__classifier_name(config),
                                               graph->output[BYOL__REPRESENTATION], classes, 1);
    byol__graph_mark(graph, BYOL__LOGITS, "logits", logits);
    return byol__graph_finish(graph, error);
}
