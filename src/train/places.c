#include "train/places.h"

#include <string.h>

#include "augment/pixels.h"
#include "base/error.h"
#include "base/isa.h"
#include "base/memory.h"

/* 0: these are no square. */
static int side_of(int places) {
    int side = 0;
    while (side * side < places) side++;
    return side * side == places ? side : 0;
}

static byol_status find(const byol__safetensors *file, const char *name, byol__tensor *tensor,
                        byol_error *error) {
    for (size_t i = 0; i < byol__safetensors_count(file); i++)
        if (strcmp(byol__safetensors_name(file, i), name) == 0)
            return byol__safetensors_tensor(file, i, tensor, error);
    return byol__fail(error, BYOL_ERROR_NOT_FOUND, "there is no tensor '%.100s'", name);
}

/* (from, from, channels) -> (to, to, channels), with the same taps for both axes. */
static void resample(const byol__taps *taps, const float *src, int from, float *dst, int to,
                     size_t channels) {
    memset(dst, 0, (size_t)to * (size_t)to * channels * sizeof *dst);
    for (int i = 0; i < to * to; i++, dst += channels) {
        int y = i / to, x = i % to;
        for (int k = 0; k < taps->count * taps->count; k++) {
            int down = k / taps->count, across = k % taps->count;
            float weight =
                taps->weights[y * taps->count + down] * taps->weights[x * taps->count + across];
            const float *place =
                src + (size_t)((taps->start[y] + down) * from + taps->start[x] + across) * channels;
            for (size_t c = 0; c < channels; c++) dst[c] += weight * place[c];
        }
    }
}

byol_status byol__read_places(const byol__safetensors *file, const char *name,
                              const byol__param *row, int in_front, float *dst, byol_error *error) {
    byol__tensor tensor;
    byol__taps taps = {0};
    BYOL__TRY(find(file, name, &tensor, error));
    int from = tensor.ndims == 3 ? side_of(tensor.dims[1] - in_front) : 0;
    int to = side_of(row->dims[1] - in_front);
    if (from == 0 || to == 0 || tensor.dims[0] != 1 || tensor.dims[2] != row->dims[2])
        return byol__fail(error, BYOL_ERROR_MISMATCH, "the places in '%.100s' are no square", name);

    byol_status status = byol__alloc(&taps.start, (size_t)to, sizeof *taps.start, "places", error);
    if (status == BYOL_OK)
        status = byol__alloc(&taps.weights, (size_t)to * (size_t)byol__taps_limit(from, to),
                             sizeof *taps.weights, "places", error);
    if (status == BYOL_OK) {
        size_t channels = (size_t)row->dims[2], front = (size_t)in_front * channels;
        byol__pixels(byol__isa_best())->taps_fill(&taps, from, to, 0, to, 0);
        memcpy(dst, tensor.data, front * sizeof *dst);
        resample(&taps, tensor.data + front, from, dst + front, to, channels);
    }
    byol__free(taps.start);
    byol__free(taps.weights);
    return status;
}
