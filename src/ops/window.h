/* What convolutions and pools have in common: a square window that slides over the picture. */
#ifndef BYOL__WINDOW_H
#define BYOL__WINDOW_H

#include "graph/op.h"

#include <stdbool.h>

/* Side of the output; 0: the window does not fit. */
static inline int byol__window_out(int size, const byol__attributes *a) {
    bool fits = a->stride >= 1 && a->kernel >= 1 && size + 2 * a->padding >= a->kernel;
    return fits ? (size + 2 * a->padding - a->kernel) / a->stride + 1 : 0;
}

enum { BYOL__WINDOW_TEXT_MAX = 128 };

/* Writes kernel_shape, strides and pads as a line of onnx_lines has them. Returns `text`. */
const char *byol__window_in_onnx(const byol__attributes *a, char text[BYOL__WINDOW_TEXT_MAX]);

#endif
