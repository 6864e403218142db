#include "export/onnx_body.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Memory ---- */

static void append(byol__onnx_body *body, byol__onnx_list *list, void *item) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 64 : 2 * list->capacity;
        void **items = realloc(list->items, capacity * sizeof *items);
        if (items == NULL) {
            body->out_of_memory = true;
            return;
        }
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = item;
}

/* Zeroed memory that is released with the body; NULL if there is none. */
static void *own(byol__onnx_body *body, size_t bytes) {
    size_t before = body->owned.count;
    void *memory = calloc(1, bytes > 0 ? bytes : 1);
    if (memory != NULL) append(body, &body->owned, memory);
    if (body->owned.count > before) return memory;
    free(memory);
    body->out_of_memory = true;
    return NULL;
}

void byol__onnx_release(byol__onnx_body *body) {
    for (size_t i = 0; i < body->owned.count; i++) free(body->owned.items[i]);
    free(body->owned.items);
    free(body->nodes.items);
    free(body->tensors.items);
    *body = (byol__onnx_body){0};
}

char *byol__onnx_text(byol__onnx_body *body, const char *format, ...) {
    static char nothing[1];
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    char *text = length < 0 ? NULL : own(body, (size_t)length + 1);
    if (text != NULL) vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(args);
    return text == NULL ? nothing : text;
}

/* ---- Nodes ---- */

enum { INPUTS_MAX = 8, ATTRIBUTES_MAX = 8 };

Onnx__NodeProto *byol__onnx_node(byol__onnx_body *body, const char *type, const char *name,
                                 const char *output) {
    Onnx__NodeProto *node = own(body, sizeof *node);
    char **inputs = own(body, INPUTS_MAX * sizeof *inputs), **outputs = own(body, sizeof *outputs);
    Onnx__AttributeProto **attributes = own(body, ATTRIBUTES_MAX * sizeof *attributes);
    if (node == NULL || inputs == NULL || outputs == NULL || attributes == NULL) return NULL;
    onnx__node_proto__init(node);
    outputs[0] = (char *)(uintptr_t)output;
    node->op_type = (char *)(uintptr_t)type;
    node->name = (char *)(uintptr_t)name;
    node->input = inputs;
    node->output = outputs;
    node->n_output = 1;
    node->attribute = attributes;
    append(body, &body->nodes, node);
    return node;
}

void byol__onnx_input(byol__onnx_body *body, Onnx__NodeProto *node, const char *name) {
    (void)body;
    if (node != NULL && node->n_input < INPUTS_MAX)
        node->input[node->n_input++] = (char *)(uintptr_t)name;
}

static Onnx__AttributeProto *add_attribute(byol__onnx_body *body, Onnx__NodeProto *node,
                                           const char *name,
                                           Onnx__AttributeProto__AttributeType type) {
    Onnx__AttributeProto *attribute =
        node == NULL || node->n_attribute == ATTRIBUTES_MAX ? NULL : own(body, sizeof *attribute);
    if (attribute == NULL) return NULL;
    onnx__attribute_proto__init(attribute);
    attribute->name = (char *)(uintptr_t)name;
    attribute->has_type = 1;
    attribute->type = type;
    node->attribute[node->n_attribute++] = attribute;
    return attribute;
}

void byol__onnx_int(byol__onnx_body *body, Onnx__NodeProto *node, const char *name, int64_t value) {
    Onnx__AttributeProto *attribute =
        add_attribute(body, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    if (attribute == NULL) return;
    attribute->has_i = 1;
    attribute->i = value;
}

void byol__onnx_float(byol__onnx_body *body, Onnx__NodeProto *node, const char *name, float value) {
    Onnx__AttributeProto *attribute =
        add_attribute(body, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    if (attribute == NULL) return;
    attribute->has_f = 1;
    attribute->f = value;
}

void byol__onnx_ints(byol__onnx_body *body, Onnx__NodeProto *node, const char *name,
                     const int64_t *values, size_t count) {
    Onnx__AttributeProto *attribute =
        add_attribute(body, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    int64_t *ints = own(body, count * sizeof *ints);
    if (attribute == NULL || ints == NULL) return;
    memcpy(ints, values, count * sizeof *ints);
    attribute->ints = ints;
    attribute->n_ints = count;
}

void byol__onnx_string(byol__onnx_body *body, Onnx__NodeProto *node, const char *name,
                       const char *value) {
    Onnx__AttributeProto *attribute =
        add_attribute(body, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
    if (attribute == NULL) return;
    attribute->has_s = 1;
    attribute->s = (ProtobufCBinaryData){strlen(value), (uint8_t *)(uintptr_t)value};
}

/* ---- Tensors ---- */

static void add_tensor(byol__onnx_body *body, const char *name, const int *dims, int ndims,
                       Onnx__TensorProto__DataType type, const void *values, size_t bytes) {
    Onnx__TensorProto *tensor = own(body, sizeof *tensor);
    int64_t *extents = own(body, (size_t)ndims * sizeof *extents);
    if (tensor == NULL || extents == NULL) return;
    onnx__tensor_proto__init(tensor);
    for (int i = 0; i < ndims; i++) extents[i] = dims[i];
    tensor->n_dims = (size_t)ndims;
    tensor->dims = extents;
    tensor->name = (char *)(uintptr_t)name;
    tensor->has_data_type = tensor->has_raw_data = 1;
    tensor->data_type = (int32_t)type;
    tensor->raw_data = (ProtobufCBinaryData){bytes, (uint8_t *)(uintptr_t)values};
    append(body, &body->tensors, tensor);
}

void byol__onnx_floats(byol__onnx_body *body, const char *name, const int *dims, int ndims,
                       const float *values) {
    size_t count = 1;
    for (int i = 0; i < ndims; i++) count *= (size_t)dims[i];
    add_tensor(body, name, dims, ndims, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, values,
               count * sizeof *values);
}

void byol__onnx_integers(byol__onnx_body *body, const char *name, const int64_t *values,
                         size_t count) {
    int64_t *copy = own(body, count * sizeof *copy);
    const int dims[] = {(int)count};
    if (copy == NULL) return;
    memcpy(copy, values, count * sizeof *copy);
    add_tensor(body, name, dims, 1, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, copy,
               count * sizeof *copy);
}

void byol__onnx_number(byol__onnx_body *body, const char *name, float value) {
    float *copy = own(body, sizeof *copy);
    if (copy == NULL) return;
    *copy = value;
    byol__onnx_floats(body, name, NULL, 0, copy);
}
