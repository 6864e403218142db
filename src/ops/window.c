#include "ops/window.h"

int byol__window_attributes(const byol__node *node, byol__onnx_attribute *list) {
    const byol__attributes *a = &node->attributes;
    list[0] = (byol__onnx_attribute){"kernel_shape", 2, a->kernel, true};
    list[1] = (byol__onnx_attribute){"strides", 2, a->stride, true};
    list[2] = (byol__onnx_attribute){"pads", 4, a->padding, true};
    return 3;
}
