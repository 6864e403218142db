/* ONNX: our graph, node by node, as the messages of onnx.proto. A batch norm stays a separate node,
 * so that the initializers are the weights under their own names. Runtimes fold it themselves.
 *
 * Everything that a model points to is in a few arrays, which are released after writing. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <onnx.pb-c.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "byol/export.h"
#include "byol/version.h"
#include "encoder/encoder_internal.h"
#include "graph/op.h"

enum {
    OPSET = 17,
    IR_VERSION = 8, /* the one of opset 17 */
    VALUE_NAME_MAX = BYOL__NODE_NAME_MAX + 16,
    INPUTS_MAX = 5, /* batch norm: data, scale, shift, mean, variance */
    ATTRIBUTES_MAX = BYOL__ONNX_ATTRIBUTES_MAX,
    EXTRA_NODES = 3, /* subtract the mean, divide by std; flatten after the pool */
};

typedef struct onnx_node {
    Onnx__NodeProto proto;
    char name[VALUE_NAME_MAX];
    char *inputs[INPUTS_MAX], *outputs[1];
    Onnx__AttributeProto attribute[ATTRIBUTES_MAX], *attributes[ATTRIBUTES_MAX];
    int64_t ints[ATTRIBUTES_MAX][4];
} onnx_node;

typedef struct onnx_tensor {
    Onnx__TensorProto proto;
    int64_t dims[4];
} onnx_tensor;

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
    onnx_node *nodes;
    size_t node_count;
    onnx_tensor *tensors;
    size_t tensor_count;
    onnx_port input, outputs[1 + BYOL__STAGES_MAX];
    size_t output_count;
    float mean[3], std[3];

    Onnx__ModelProto proto;
    Onnx__GraphProto body;
    Onnx__OperatorSetIdProto opset, *opsets[1];
    Onnx__NodeProto **node_list;
    Onnx__TensorProto **tensor_list;
    Onnx__ValueInfoProto *input_list[1], *output_list[1 + BYOL__STAGES_MAX];
} model;

/* ---- Tensors ---- */

static void add_tensor(model *m, const char *name, const int *dims, int ndims,
                       const float *values) {
    onnx_tensor *tensor = &m->tensors[m->tensor_count];
    onnx__tensor_proto__init(&tensor->proto);
    size_t count = 1;
    for (int i = 0; i < ndims; i++) {
        tensor->dims[i] = dims[i];
        count *= (size_t)dims[i];
    }
    tensor->proto.n_dims = (size_t)ndims;
    tensor->proto.dims = tensor->dims;
    tensor->proto.name = (char *)name;
    tensor->proto.has_data_type = tensor->proto.has_raw_data = 1;
    tensor->proto.data_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    tensor->proto.raw_data = (ProtobufCBinaryData){count * sizeof(float), (uint8_t *)values};
    m->tensor_list[m->tensor_count++] = &tensor->proto;
}

/* The rows of the network up to `last`. */
static void add_table(model *m, const byol__table *table, byol__section last, const float *values) {
    for (int r = 0; r < table->count && table->rows[r].section <= last; r++) {
        const byol__param *row = &table->rows[r];
        add_tensor(m, row->name, row->dims, row->ndims, values + row->offset);
    }
}

/* ---- Nodes ---- */

static onnx_node *add_node(model *m, const char *op, const char *name, char *dst) {
    onnx_node *node = &m->nodes[m->node_count];
    onnx__node_proto__init(&node->proto);
    snprintf(node->name, sizeof node->name, "%s", name);
    node->outputs[0] = dst;
    node->proto.op_type = (char *)op;
    node->proto.name = node->name;
    node->proto.input = node->inputs;
    node->proto.output = node->outputs;
    node->proto.n_output = 1;
    node->proto.attribute = node->attributes;
    m->node_list[m->node_count++] = &node->proto;
    return node;
}

static void add_input(onnx_node *node, const char *name) {
    node->inputs[node->proto.n_input++] = (char *)name;
}

/* A learned parameter or statistic, if the node has it. */
static void add_row(onnx_node *node, const byol__table *table, int row) {
    if (row != BYOL__NONE) add_input(node, table->rows[row].name);
}

static Onnx__AttributeProto *add_attribute(onnx_node *node, const char *name,
                                           Onnx__AttributeProto__AttributeType type) {
    size_t index = node->proto.n_attribute++;
    Onnx__AttributeProto *attribute = node->attributes[index] = &node->attribute[index];
    onnx__attribute_proto__init(attribute);
    attribute->name = (char *)name;
    attribute->has_type = 1;
    attribute->type = type;
    return attribute;
}

static void add_int(onnx_node *node, const char *name, int value) {
    Onnx__AttributeProto *attribute =
        add_attribute(node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    attribute->has_i = 1;
    attribute->i = value;
}

static void add_float(onnx_node *node, const char *name, float value) {
    Onnx__AttributeProto *attribute =
        add_attribute(node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    attribute->has_f = 1;
    attribute->f = value;
}

/* The same number `count` times: our windows are square. */
static void add_ints(onnx_node *node, const char *name, int value, size_t count) {
    int64_t *ints = node->ints[node->proto.n_attribute];
    Onnx__AttributeProto *attribute =
        add_attribute(node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    for (size_t i = 0; i < count; i++) ints[i] = value;
    attribute->ints = ints;
    attribute->n_ints = count;
}

static void add_attributes(onnx_node *node, const byol__node *of) {
    byol__onnx_attribute list[BYOL__ONNX_ATTRIBUTES_MAX];
    int count = of->op->onnx_attributes == NULL ? 0 : of->op->onnx_attributes(of, list);
    for (int i = 0; i < count; i++) {
        if (list[i].count == 0)
            add_float(node, list[i].name, (float)list[i].value);
        else if (list[i].is_list)
            add_ints(node, list[i].name, (int)list[i].value, list[i].count);
        else
            add_int(node, list[i].name, (int)list[i].value);
    }
}

/* images - mean, / std: (1, C, 1, 1) each. The padding of the first convolution is zero after this,
 * so this cannot be folded into the weights. */
static void add_normalisation(model *m, char *dst) {
    const int dims[4] = {1, m->weights.origin->channels, 1, 1};
    add_tensor(m, "normalise.mean", dims, 4, m->mean);
    add_tensor(m, "normalise.std", dims, 4, m->std);
    onnx_node *centred = add_node(m, "Sub", "normalise.sub", "centred");
    add_input(centred, "images");
    add_input(centred, "normalise.mean");
    onnx_node *scaled = add_node(m, "Div", "normalise.div", dst);
    add_input(scaled, "centred");
    add_input(scaled, "normalise.std");
}

/* A node without parameters has no name of its own. If the ONNX operation keeps its space where
 * ours gives a vector, a flatten follows it. */
static byol_status translate(model *m, const byol__node *of, byol_error *error) {
    const byol__table *params = &m->graph->params, *statistics = &m->graph->statistics;
    char *dst = m->value_name[of->dst];
    if (of->op == NULL) {
        add_normalisation(m, dst);
        return BYOL_OK;
    }
    if (of->op->onnx_type == NULL)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED,
                          "layer %s is of a kind that is not written as ONNX", of->name);
    bool flattens = of->op->onnx_keeps_space;
    onnx_node *node =
        add_node(m, of->op->onnx_type, of->weight == BYOL__NONE && !flattens ? dst : of->name,
                 flattens ? "pooled" : dst);
    for (int i = 0; i < of->src_count; i++) add_input(node, m->value_name[of->src[i]]);
    add_row(node, params, of->weight);
    add_row(node, params, of->bias);
    add_row(node, statistics, of->running_mean);
    add_row(node, statistics, of->running_var);
    add_attributes(node, of);
    if (flattens) add_input(add_node(m, "Flatten", "flatten", dst), "pooled");
    return BYOL_OK;
}

/* ---- Inputs and outputs ---- */

static void set_port(onnx_port *port, char *name, byol__shape shape, int ndims) {
    onnx__value_info_proto__init(&port->proto);
    onnx__type_proto__init(&port->type);
    onnx__type_proto__tensor__init(&port->tensor);
    onnx__tensor_shape_proto__init(&port->shape);
    const int sizes[4] = {0, shape.c, shape.h, shape.w};
    for (int i = 0; i < ndims; i++) {
        onnx__tensor_shape_proto__dimension__init(&port->dim[i]);
        port->dim[i].value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        port->dim[i].dim_value = sizes[i];
        port->dims[i] = &port->dim[i];
    }
    port->dim[0].value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
    port->dim[0].dim_param = "batch";
    port->shape.n_dim = (size_t)ndims;
    port->shape.dim = port->dims;
    port->tensor.has_elem_type = 1;
    port->tensor.elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    port->tensor.shape = &port->shape;
    port->type.value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    port->type.tensor_type = &port->tensor;
    port->proto.name = name;
    port->proto.type = &port->type;
}

static void add_output(model *m, byol__value_id value, const char *name, int ndims) {
    snprintf(m->value_name[value], VALUE_NAME_MAX, "%s", name);
    set_port(&m->outputs[m->output_count], m->value_name[value], m->graph->values[value].shape,
             ndims);
    m->output_list[m->output_count] = &m->outputs[m->output_count].proto;
    m->output_count++;
}

/* A stage's name is the beginning of its last layer's name: "layer1.1.bn2" -> "layer1". The stem
 * has no such name. */
static bool stage_name(const byol__graph *graph, byol__value_id end, char name[VALUE_NAME_MAX]) {
    uint32_t n = graph->values[end].producer;
    while (n > 0 && graph->nodes[n].weight == BYOL__NONE) n--;
    const char *dot = strchr(graph->nodes[n].name, '.');
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
        add_output(m, m->graph->stage_end[s], name, 4);
        named++;
    }
    for (int s = 0; s < m->graph->stage_count && named == 0; s++) {
        snprintf(name, sizeof name, "layer%d", s + 1);
        add_output(m, m->graph->stage_end[s], name, 4);
    }
}

/* ---- The whole model ---- */

static byol_status allocate(model *m, byol_error *error) {
    const byol__graph *graph = m->graph;
    size_t nodes = graph->node_count + EXTRA_NODES,
           tensors = (size_t)(graph->params.count + graph->statistics.count) + 2;
    BYOL__TRY(byol__alloc(&m->value_name, graph->value_count, sizeof *m->value_name,
                          "names of an ONNX model", error));
    BYOL__TRY(byol__alloc(&m->nodes, nodes, sizeof *m->nodes, "nodes of an ONNX model", error));
    BYOL__TRY(
        byol__alloc(&m->node_list, nodes, sizeof *m->node_list, "nodes of an ONNX model", error));
    BYOL__TRY(
        byol__alloc(&m->tensors, tensors, sizeof *m->tensors, "weights of an ONNX model", error));
    return byol__alloc(&m->tensor_list, tensors, sizeof *m->tensor_list, "weights of an ONNX model",
                       error);
}

static void release(model *m) {
    byol__free(m->value_name);
    byol__free(m->nodes);
    byol__free(m->node_list);
    byol__free(m->tensors);
    byol__free(m->tensor_list);
}

static byol_status fill_body(model *m, const byol_onnx_options *options, byol_error *error) {
    const byol__graph *graph = m->graph;
    byol__value_id end = graph->output[options->output];
    for (uint32_t v = 0; v < graph->value_count; v++) {
        const byol__node *node = &graph->nodes[graph->values[v].producer];
        snprintf(m->value_name[v], VALUE_NAME_MAX, "%s:%u",
                 node->op == NULL ? "normalised" : node->name, v);
    }
    set_port(&m->input, "images", graph->values[graph->nodes[0].dst].shape, 4);
    m->input_list[0] = &m->input.proto;
    add_output(m, end, graph->output_name[options->output], 2);
    if (options->features) add_features(m);

    for (uint32_t i = 0; i <= graph->values[end].producer; i++)
        BYOL__TRY(translate(m, &graph->nodes[i], error));
    add_table(m, &graph->params, (byol__section)options->output, m->weights.params);
    add_table(m, &graph->statistics, (byol__section)options->output, m->weights.statistics);
    return BYOL_OK;
}

static void fill_model(model *m) {
    onnx__graph_proto__init(&m->body);
    m->body.name = (char *)m->weights.origin->config.encoder.name;
    m->body.node = m->node_list;
    m->body.n_node = m->node_count;
    m->body.initializer = m->tensor_list;
    m->body.n_initializer = m->tensor_count;
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
    m->proto.doc_string = "images: RGB (or grey) in 0 .. 1, short side resized to the input's "
                          "size, centre crop; mean "
                          "and standard deviation are applied within.";
    m->proto.opset_import = m->opsets;
    m->proto.n_opset_import = 1;
    m->proto.graph = &m->body;
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

byol_status byol_export_onnx(const byol_encoder *encoder, const char *path,
                             const byol_onnx_options *options, byol_error *error) {
    const byol_onnx_options usual = {.output = BYOL_LAYER_BACKBONE};
    if (options == NULL) options = &usual;
    if (byol_encoder_dimension(encoder, options->output) == 0)
        return byol__fail(error, BYOL_ERROR_NOT_FOUND,
                          "these weights end before the wanted output");
    model *m;
    BYOL__TRY(byol__alloc(&m, 1, sizeof *m, "an ONNX model", error));
    byol__encoder_weights(encoder, &m->weights);
    m->graph = m->weights.graph;
    memcpy(m->mean, m->weights.origin->config.views.view[0].mean, sizeof m->mean);
    memcpy(m->std, m->weights.origin->config.views.view[0].std, sizeof m->std);
    byol_status status = allocate(m, error);
    if (status == BYOL_OK) status = fill_body(m, options, error);
    if (status == BYOL_OK) {
        fill_model(m);
        status = write_model(m, path, error);
    }
    release(m);
    byol__free(m);
    return status;
}
