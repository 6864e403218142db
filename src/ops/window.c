#include "ops/window.h"

#include <stdio.h>

const char *byol__window_in_onnx(const byol__attributes *a, char text[BYOL__WINDOW_TEXT_MAX]) {
    int k = a->kernel, s = a->stride, p = a->padding;
    snprintf(text, BYOL__WINDOW_TEXT_MAX, "kernel_shape=[%d,%d] strides=[%d,%d] pads=[%d,%d,%d,%d]",
             k, k, s, s, p, p, p, p);
    return text;
}
