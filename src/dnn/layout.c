#include "dnn/layout.h"

int byol__layout_block(byol__format format) { return format == BYOL__NCHW8 ? 8 : format == BYOL__NCHW16 ? 16 : 1; }

int byol__layout_padded_channels(const byol__layout *layout) {
    int block = byol__layout_block(layout->format);
    return (layout->c + block - 1) / block * block;
}

size_t byol__layout_elements(const byol__layout *layout) {
    return (size_t)layout->n * (size_t)byol__layout_padded_channels(layout) * (size_t)layout->h * (size_t)layout->w;
}

size_t byol__layout_bytes(const byol__layout *layout) {
    return byol__layout_elements(layout) * byol__dtype_bytes(layout->dtype);
}

byol__strides byol__layout_strides(const byol__layout *layout) {
    int spatial = layout->h * layout->w;
    byol__strides strides = {.n = layout->n, .spatial = spatial};
    /* A matrix (n, c) is channels-last with one pixel. */
    if (layout->format == BYOL__NHWC || (layout->format == BYOL__NCHW && spatial == 1)) {
        strides.blocks = 1;
        strides.lanes = layout->c;
    } else {
        strides.lanes = byol__layout_block(layout->format);
        strides.blocks = byol__layout_padded_channels(layout) / strides.lanes;
    }
    strides.stride_s = (size_t)strides.lanes;
    strides.stride_block = (size_t)spatial * (size_t)strides.lanes;
    strides.stride_n = strides.stride_block * (size_t)strides.blocks;
    return strides;
}
