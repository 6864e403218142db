#include "dnn/layout.h"

#include <string.h>

#include "base/bf16.h"

int byol__layout_block(byol__format format) {
    return format == BYOL__NCHW8 ? 8 : format == BYOL__NCHW16 ? 16 : 1;
}

int byol__layout_padded_channels(const byol__layout *layout) {
    int block = byol__layout_block(layout->format);
    return (layout->c + block - 1) / block * block;
}

size_t byol__layout_elements(const byol__layout *layout) {
    return (size_t)layout->n * (size_t)byol__layout_padded_channels(layout) * (size_t)layout->h *
           (size_t)layout->w;
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

/* The same format: element by element, padding included. */
static void convert_flat(const byol__layout *to, void *dst, const byol__layout *from,
                         const void *src) {
    size_t count = byol__layout_elements(to);
    if (to->dtype == from->dtype)
        memcpy(dst, src, byol__layout_bytes(to));
    else if (to->dtype == BYOL__BF16)
        byol__bf16_narrow(dst, src, count);
    else
        byol__bf16_widen(dst, src, count);
}

/* One channel of one sample; strides in elements. `src` NULL: zeros. */
static void convert_channel(byol__dtype to, void *dst, size_t dst_stride, byol__dtype from,
                            const void *src, size_t src_stride, int count) {
    for (int s = 0; s < count; s++) {
        size_t at = (size_t)s * src_stride;
        float value = src == NULL          ? 0.0f
                      : from == BYOL__BF16 ? byol__bf16_to_float(((const byol__bf16 *)src)[at])
                                           : ((const float *)src)[at];
        if (to == BYOL__BF16)
            ((byol__bf16 *)dst)[(size_t)s * dst_stride] = byol__bf16_from_float(value);
        else
            ((float *)dst)[(size_t)s * dst_stride] = value;
    }
}

static size_t channel_offset(const byol__strides *s, int n, int c) {
    return (size_t)n * s->stride_n + (size_t)(c / s->lanes) * s->stride_block +
           (size_t)(c % s->lanes);
}

void byol__layout_convert(const byol__layout *to, void *dst, const byol__layout *from,
                          const void *src) {
    if (to->format == from->format) {
        convert_flat(to, dst, from, src);
        return;
    }
    byol__strides in = byol__layout_strides(from), out = byol__layout_strides(to);
    size_t in_bytes = byol__dtype_bytes(from->dtype), out_bytes = byol__dtype_bytes(to->dtype);
#pragma omp parallel for schedule(static)
    for (int n = 0; n < out.n; n++) {
        for (int c = 0; c < out.blocks * out.lanes; c++) {
            const char *channel =
                c < from->c ? (const char *)src + channel_offset(&in, n, c) * in_bytes : NULL;
            convert_channel(to->dtype, (char *)dst + channel_offset(&out, n, c) * out_bytes,
                            out.stride_s, from->dtype, channel, in.stride_s, out.spatial);
        }
    }
}
