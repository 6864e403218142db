/* ONNX: our graph, node by node, as the messages of onnx.proto. A batch norm stays a separate node,
 * so that the initializers are the weights under their own names. Runtimes fold it themselves.
 *
 * Everything that a model points to is in `parts` or here, and is released after writing. */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "byol/export.h"
#include "byol/version.h"
#include "config/options.h"
#include "encoder/encoder_internal.h"
#include "export/onnx_body.h"
#include "export/onnx_lines.h"
#include "export/onnx_network.h"
#include "graph/op.h"
#include "nets/nets.h"

enum {
    OPSET = 17,
    IR_VERSION = 8, /* the one of opset 17 */
    VALUE_NAME_MAX = BYOL__NODE_NAME_MAX + 16,
};

/* An input or output of the model; its name is that of its value. */
typedef struct onnx_port {
    Onnx__ValueInfoProto proto;
    Onnx__TypeProto type;
    Onnx__TypeProto__Tensor tensor;
    Onnx__TensorShapeProto shape;
    Onnx__TensorShapeProto__Dimension dim[4], *dims[4];
} onnx_port;

typedef struct model {
    byol__weights weights;
    const byol__graph *graph;
    char (*value_name)[VALUE_NAME_MAX]; /* one for each value of the graph */
    bool *needed;                       /* for each value: an output depends on it */
    byol__onnx_body parts;
    onnx_port input, outputs[1 + BYOL__STAGES_MAX];
    size_t output_count;
    float mean[3], std[3];

    Onnx__ModelProto proto;
    Onnx__GraphProto body;
    Onnx__OperatorSetIdProto opset, *opsets[1];
    Onnx__StringStringEntryProto classes, *metadata[1];
    Onnx__ValueInfoProto *input_list[1], *output_list[1 + BYOL__STAGES_MAX];
} model;

/* ---- Nodes and tensors ---- */

/* The rows of the network up to `last`. */
static void add_table(model *m, const byol__table *table, byol__section last, const float *values) {
    for (int r = 0; r < table->count && table->rows[r].section <= last; r++) {
        const byol__param *row = &table->rows[r];
        byol__onnx_floats(&m->parts, row->name, row->dims, row->ndims, values + row->offset);
    }
}

/* What a network is given that is normalised within. */
static const char *input_name(const model *m) {
    return byol__takes_sounds(&m->weights.origin->config) ? "log_mels" : "images";
}

/* Input - mean, / std: (1, C, 1, 1) each. The padding of the first convolution is zero after this,
 * so this cannot be folded into the weights. */
static void add_normalisation(model *m, char *dst) {
    const int dims[4] = {1, m->weights.origin->channels, 1, 1};
    byol__onnx_body *parts = &m->parts;
    byol__onnx_floats(parts, "normalise.mean", dims, 4, m->mean);
    byol__onnx_floats(parts, "normalise.std", dims, 4, m->std);
    Onnx__NodeProto *centred = byol__onnx_node(parts, "Sub", "normalise.sub", "centred");
    byol__onnx_input(parts, centred, input_name(m));
    byol__onnx_input(parts, centred, "normalise.mean");
    Onnx__NodeProto *scaled = byol__onnx_node(parts, "Div", "normalise.div", dst);
    byol__onnx_input(parts, scaled, "centred");
    byol__onnx_input(parts, scaled, "normalise.std");
}

static const char *row_name(const byol__table *table, int row) {
    return row == BYOL__NONE ? NULL : table->rows[row].name;
}

/* Two operations that share a matrix have one name; ONNX wants one for each node. */
static bool name_is_new(const byol__graph *graph, const byol__node *of) {
    for (const byol__node *node = graph->nodes; node < of; node++)
        if (strcmp(node->name, of->name) == 0) return false;
    return true;
}

/* A node without parameters, or without a name of its own, is called as its value. */
static byol_status translate(model *m, const byol__node *of, byol_error *error) {
    const byol__table *params = &m->graph->params, *statistics = &m->graph->statistics;
    char *dst = m->value_name[of->dst], lines[BYOL__ONNX_LINES_MAX] = "";
    if (of->op == NULL) {
        if (m->weights.origin->channels > 0) add_normalisation(m, dst);
        return BYOL_OK;
    }
    if (of->op->onnx_lines != NULL) of->op->onnx_lines(m->graph, of, lines);
    if (*lines == '\0')
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED,
                          "layer %s is of a kind that is not written as ONNX", of->name);
    byol__onnx_words words = {
        .y = dst,
        .weight = row_name(params, of->weight),
        .bias = row_name(params, of->bias),
        .running_mean = row_name(statistics, of->running_mean),
        .running_var = row_name(statistics, of->running_var),
        .last = of->weight != BYOL__NONE && name_is_new(m->graph, of) ? of->name : dst,
    };
    for (int i = 0; i < of->src_count; i++) words.x[i] = m->value_name[of->src[i]];
    return byol__onnx_append_lines(&m->parts, &words, lines, error);
}

/* ---- Inputs and outputs ---- */

/* An extent that the caller chooses. */
static void set_free(onnx_port *port, int dim, const char *name) {
    port->dim[dim].value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
    port->dim[dim].dim_param = (char *)(uintptr_t)name;
}

/* (batch, c, h, w); tokens: (batch, n, c); their numbers: (batch, length). Of texts n is free too.
 */
static void set_port(const model *m, onnx_port *port, char *name, byol__value_id id) {
    const byol__value *value = &m->graph->values[id];
    byol__shape shape = value->shape;
    onnx__value_info_proto__init(&port->proto);
    onnx__type_proto__init(&port->type);
    onnx__type_proto__tensor__init(&port->tensor);
    onnx__tensor_shape_proto__init(&port->shape);
    bool is_tokens = shape.rank == 2;
    const int ndims = 1 + shape.rank,
              sizes[4] = {0, is_tokens ? shape.h : shape.c, is_tokens ? shape.c : shape.h, shape.w};
    for (int i = 0; i < ndims; i++) {
        onnx__tensor_shape_proto__dimension__init(&port->dim[i]);
        port->dim[i].value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        port->dim[i].dim_value = sizes[i];
        port->dims[i] = &port->dim[i];
    }
    set_free(port, 0, "batch");
    if (value->integers || (is_tokens && m->graph->values[0].integers)) set_free(port, 1, "length");
    port->shape.n_dim = (size_t)ndims;
    port->shape.dim = port->dims;
    port->tensor.has_elem_type = 1;
    port->tensor.elem_type = value->integers ? ONNX__TENSOR_PROTO__DATA_TYPE__INT64
                                             : ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    port->tensor.shape = &port->shape;
    port->type.value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    port->type.tensor_type = &port->tensor;
    port->proto.name = name;
    port->proto.type = &port->type;
}

static void add_output(model *m, byol__value_id value, const char *name) {
    snprintf(m->value_name[value], VALUE_NAME_MAX, "%s", name);
    set_port(m, &m->outputs[m->output_count], m->value_name[value], value);
    m->output_list[m->output_count] = &m->outputs[m->output_count].proto;
    m->output_count++;
    m->needed[value] = true;
}

/* A stage's name is the beginning of its last layer's name, with its number: "layer1.1.bn2" ->
 * "layer1", "blocks.3.mlp.fc2" -> "blocks.3", "encoder.layer.0.output.LayerNorm" ->
 * "encoder.layer.0". The stem has no such name. */
static bool stage_name(const byol__graph *graph, byol__value_id end, char name[VALUE_NAME_MAX]) {
    uint32_t n = graph->values[end].producer;
    while (n > 0 && graph->nodes[n].weight == BYOL__NONE) n--;
    const char *dot = strchr(graph->nodes[n].name, '.');
    while (dot != NULL && !isdigit((unsigned char)dot[-1])) dot = strchr(dot + 1, '.');
    if (dot != NULL)
        snprintf(name, VALUE_NAME_MAX, "%.*s", (int)(dot - graph->nodes[n].name),
                 graph->nodes[n].name);
    return dot != NULL;
}

/* In networks without such names (conv5), every stage is an output, counted from 1. */
static void add_features(model *m) {
    char name[VALUE_NAME_MAX];
    int named = 0;
    for (int s = 0; s < m->graph->stage_count; s++) {
        if (!stage_name(m->graph, m->graph->stage_end[s], name)) continue;
        add_output(m, m->graph->stage_end[s], name);
        named++;
    }
    for (int s = 0; s < m->graph->stage_count && named == 0; s++) {
        snprintf(name, sizeof name, "layer%d", s + 1);
        add_output(m, m->graph->stage_end[s], name);
    }
}

/* ---- The whole model ---- */

/* From the outputs back to the input. */
static void find_needed(model *m, byol__value_id end) {
    const byol__graph *graph = m->graph;
    for (uint32_t i = graph->values[end].producer + 1; i-- > 0;)
        for (int s = 0; m->needed[graph->nodes[i].dst] && s < graph->nodes[i].src_count; s++)
            m->needed[graph->nodes[i].src[s]] = true;
}

static byol_status fill_body(model *m, byol__output output, bool features, byol_error *error) {
    const byol__graph *graph = m->graph;
    byol__value_id end = graph->output[output];
    for (uint32_t v = 0; v < graph->value_count; v++) {
        const byol__node *node = &graph->nodes[graph->values[v].producer];
        snprintf(m->value_name[v], VALUE_NAME_MAX, "%s:%u",
                 node->op == NULL ? "normalised" : node->name, v);
    }
    if (graph->values[0].integers) snprintf(m->value_name[0], VALUE_NAME_MAX, "input_ids");
    const char *input = m->weights.origin->channels > 0 ? input_name(m) : m->value_name[0];
    set_port(m, &m->input, (char *)(uintptr_t)input, 0);
    m->input_list[0] = &m->input.proto;
    add_output(m, end, graph->output_name[output]);
    if (features) add_features(m);

    find_needed(m, end);
    for (uint32_t i = 0; i <= graph->values[end].producer; i++)
        if (m->needed[graph->nodes[i].dst]) BYOL__TRY(translate(m, &graph->nodes[i], error));
    add_table(m, &graph->params, (byol__section)output, m->weights.params);
    add_table(m, &graph->statistics, (byol__section)output, m->weights.statistics);
    return m->parts.out_of_memory
               ? byol__fail(error, BYOL_ERROR_MEMORY, "no memory for an ONNX model")
               : BYOL_OK;
}

static void fill_model(model *m) {
    onnx__graph_proto__init(&m->body);
    m->body.name = (char *)m->weights.origin->config.encoder.name;
    m->body.node = (Onnx__NodeProto **)m->parts.nodes.items;
    m->body.n_node = m->parts.nodes.count;
    m->body.initializer = (Onnx__TensorProto **)m->parts.tensors.items;
    m->body.n_initializer = m->parts.tensors.count;
    m->body.input = m->input_list;
    m->body.n_input = 1;
    m->body.output = m->output_list;
    m->body.n_output = m->output_count;

    onnx__operator_set_id_proto__init(&m->opset);
    m->opset.domain = "";
    m->opset.has_version = 1;
    m->opset.version = OPSET;
    m->opsets[0] = &m->opset;

    onnx__model_proto__init(&m->proto);
    m->proto.has_ir_version = 1;
    m->proto.ir_version = IR_VERSION;
    m->proto.producer_name = "byol";
    m->proto.producer_version = BYOL_VERSION;
    m->proto.doc_string =
        byol__takes_sounds(&m->weights.origin->config)
            ? "log_mels: ln(power + 1.19e-7) of mel bands of data.* of the run's config.yaml; mean "
              "and standard deviation are applied within."
        : m->weights.origin->channels > 0
            ? "images: RGB (or grey) in 0 .. 1, short side resized to the input's size, centre "
              "crop; mean and standard deviation are applied within."
            : "input_ids: the tokens of each text, 0 behind its end.";
    m->proto.opset_import = m->opsets;
    m->proto.n_opset_import = 1;
    m->proto.graph = &m->body;
}

/* What is no part of the computation. */
static void add_metadata(model *m, char *classes) {
    onnx__string_string_entry_proto__init(&m->classes);
    m->classes.key = "classes";
    m->classes.value = classes;
    m->metadata[0] = &m->classes;
    m->proto.metadata_props = m->metadata;
    m->proto.n_metadata_props = 1;
}

/* A ProtobufCBuffer that writes to a file. */
typedef struct file_buffer {
    ProtobufCBuffer base;
    FILE *stream;
    int why; /* errno of the first failure */
} file_buffer;

static void append_to_file(ProtobufCBuffer *buffer, size_t length, const uint8_t *bytes) {
    file_buffer *to = (file_buffer *)buffer;
    if (to->why == 0 && fwrite(bytes, 1, length, to->stream) != length)
        to->why = errno != 0 ? errno : EIO;
}

static byol_status write_model(const model *m, const char *path, byol_error *error) {
    byol__atomic_file file;
    BYOL__TRY(byol__atomic_open(&file, path, error));
    file_buffer to = {.base.append = append_to_file, .stream = file.stream};
    onnx__model_proto__pack_to_buffer(&m->proto, &to.base);
    if (to.why == 0) return byol__atomic_commit(&file, error);
    byol__atomic_abandon(&file);
    return byol__fail(error, BYOL_ERROR_IO,
                      "cannot write %s: %s; what was there before is untouched", path,
                      strerror(to.why));
}

static void take_statistics(model *m) {
    const byol_config *config = &m->weights.origin->config;
    memcpy(m->mean, config->views.view[0].mean, sizeof m->mean);
    memcpy(m->std, config->views.view[0].std, sizeof m->std);
    if (!byol__takes_sounds(config)) return;
    m->mean[0] = config->data.sound_mean;
    m->std[0] = config->data.sound_std;
}

byol_status byol__onnx_write(const byol__weights *weights, byol__output output, bool features,
                             char *classes, const char *path, byol_error *error) {
    model *m;
    BYOL__TRY(byol__alloc(&m, 1, sizeof *m, "an ONNX model", error));
    m->weights = *weights;
    m->graph = weights->graph;
    take_statistics(m);
    byol_status status = byol__alloc(&m->value_name, m->graph->value_count, sizeof *m->value_name,
                                     "names of an ONNX model", error);
    if (status == BYOL_OK)
        status = byol__alloc(&m->needed, m->graph->value_count, sizeof *m->needed,
                             "values of an ONNX model", error);
    if (status == BYOL_OK) status = fill_body(m, output, features, error);
    if (status == BYOL_OK) {
        fill_model(m);
        if (classes != NULL) add_metadata(m, classes);
        status = write_model(m, path, error);
    }
    byol__onnx_release(&m->parts);
    byol__free(m->value_name);
    byol__free(m->needed);
    byol__free(m);
    return status;
}

byol_status byol_export_onnx(const byol_encoder *encoder, const char *path,
                             const byol_onnx_options *options, byol_error *error) {
    const byol_onnx_options usual = {.output = BYOL_LAYER_BACKBONE};
    byol__weights weights;
    if (options == NULL) options = &usual;
    if (byol_encoder_dimension(encoder, options->output) == 0)
        return byol__fail(error, BYOL_ERROR_NOT_FOUND,
                          "these weights have no such output with one vector for each sample");
    byol__encoder_weights(encoder, &weights);
    return byol__onnx_write(&weights, (byol__output)options->output, options->features, NULL, path,
                            error);
}
