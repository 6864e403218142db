/* The nodes and tensors of an ONNX model while it is put together. If memory runs out that is
 * remembered: what follows does nothing, and the caller looks at `out_of_memory` once. */
#ifndef BYOL__ONNX_BODY_H
#define BYOL__ONNX_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <onnx.pb-c.h>

/* A growing array of pointers. */
typedef struct byol__onnx_list {
    void **items;
    size_t count, capacity;
} byol__onnx_list;

typedef struct byol__onnx_body {
    byol__onnx_list nodes, tensors; /* of Onnx__NodeProto, Onnx__TensorProto */
    byol__onnx_list owned;          /* all memory that the two point to */
    bool out_of_memory;
} byol__onnx_body;

void byol__onnx_release(byol__onnx_body *body);

/* A text that lives as long as the body. "" if there is no memory. */
char *byol__onnx_text(byol__onnx_body *body, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends a node with one output. NULL if there is no memory; the functions below allow that. Names
 * are borrowed: constant, or from byol__onnx_text. */
Onnx__NodeProto *byol__onnx_node(byol__onnx_body *body, const char *type, const char *name,
                                 const char *output);
void byol__onnx_input(byol__onnx_body *body, Onnx__NodeProto *node, const char *name);
void byol__onnx_int(byol__onnx_body *body, Onnx__NodeProto *node, const char *name, int64_t value);
void byol__onnx_float(byol__onnx_body *body, Onnx__NodeProto *node, const char *name, float value);
void byol__onnx_ints(byol__onnx_body *body, Onnx__NodeProto *node, const char *name,
                     const int64_t *values, size_t count); /* copied */
void byol__onnx_string(byol__onnx_body *body, Onnx__NodeProto *node, const char *name,
                       const char *value); /* borrowed */

/* A tensor of real numbers, borrowed; one of integers, copied. */
void byol__onnx_floats(byol__onnx_body *body, const char *name, const int *dims, int ndims,
                       const float *values);
void byol__onnx_integers(byol__onnx_body *body, const char *name, const int64_t *values,
                         size_t count);
/* A single real number, copied. */
void byol__onnx_number(byol__onnx_body *body, const char *name, float value);

#endif
