/* Operations say in a few lines what they are in ONNX (byol__op.onnx_lines). A line is a node:
 *
 *     y = Gemm x weight bias transB=1
 *
 * a name for its result, its type, its inputs, its attributes. Inputs are
 *     x, x1, x2, x3                      what the operation reads
 *     weight, bias, running_mean, running_var    its parameters; left out where it has none
 *     a name that an earlier line defined
 *     -0.5                               one real number
 *     [0,-1,64]                          a row of integers
 *     none                               an input that is left out
 * Attributes are integers, real numbers (with a point or an exponent), rows of integers and words.
 * The last line defines y, the operation's value. */
#ifndef BYOL__ONNX_LINES_H
#define BYOL__ONNX_LINES_H

#include "byol/status.h"
#include "export/onnx_body.h"
#include "graph/op.h"

/* What the words mean for one node of a graph. */
typedef struct byol__onnx_words {
    const char *x[BYOL__SOURCES_MAX], *y;
    const char *weight, *bias, *running_mean, *running_var; /* NULL: it has none */
    const char *last;                                       /* name of the last line's node */
} byol__onnx_words;

/* Appends the nodes of `lines`. BYOL_ERROR_INVALID for a line that is none. */
byol_status byol__onnx_append_lines(byol__onnx_body *body, const byol__onnx_words *words,
                                    const char *lines, byol_error *error);

#endif
