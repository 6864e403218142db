#include "train/masked.h"

#include <stddef.h>
#include <string.h>

void byol__masked_find(byol__masked *masked, const int32_t *seen, const int32_t *whole) {
    masked->count = 0;
    for (int i = 0; i < masked->batch * masked->length; i++)
        if (seen[i] != whole[i]) masked->token[masked->count++] = i;
}

/* Where the first channel of a token lies. */
static size_t offset_of(const byol__masked *masked, int token) {
    int sample = token / masked->length, place = token % masked->length;
    return (size_t)sample * (size_t)masked->channels * (size_t)masked->length + (size_t)place;
}

void byol__masked_gather(const byol__masked *masked, const float *values, float scale,
                         float *rows) {
    size_t channels = (size_t)masked->channels, length = (size_t)masked->length;
#pragma omp parallel for schedule(static)
    for (int r = 0; r < masked->count; r++) {
        const float *from = values + offset_of(masked, masked->token[r]);
        for (size_t c = 0; c < channels; c++)
            rows[(size_t)r * channels + c] = scale * from[c * length];
    }
}

void byol__masked_scatter(const byol__masked *masked, const float *rows, float *values) {
    size_t channels = (size_t)masked->channels, length = (size_t)masked->length;
    memset(values, 0, (size_t)masked->batch * channels * length * sizeof *values);
#pragma omp parallel for schedule(static)
    for (int r = 0; r < masked->count; r++) {
        float *to = values + offset_of(masked, masked->token[r]);
        for (size_t c = 0; c < channels; c++) to[c * length] = rows[(size_t)r * channels + c];
    }
}
