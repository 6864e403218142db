/* Synthetic labelled features for the tests of evaluation. */
#ifndef BLOBS_H
#define BLOBS_H

#include <stdlib.h>

#include "base/philox.h"
#include "byol/eval.h"

typedef struct blobs {
    float *values;
    int32_t *labels;
    byol_features features; /* made of the two above */
} blobs;

/* Gaussian clouds around `classes` random centres at `distance` from the origin on average,
 * standard deviation 1. The centres depend on the shape alone, so different `lane`s give training
 * and test sets of one distribution. At distance 0, labels have nothing to do with the vectors. */
static inline blobs blobs_create(size_t count, int dimension, int classes, float distance,
                                 uint32_t lane) {
    size_t length = (size_t)dimension;
    blobs b = {malloc(count * length * sizeof(float)), malloc(count * sizeof(int32_t)), {0}};
    byol__random noise = byol__random_stream(11, BYOL__PURPOSE_BENCH, 0, 0, lane);
    for (size_t i = 0; i < count; i++) {
        b.labels[i] = (int32_t)byol__random_below(&noise, (uint32_t)classes);
        byol__random centre =
            byol__random_stream(12, BYOL__PURPOSE_BENCH, 0, (uint32_t)b.labels[i], 0);
        for (size_t d = 0; d < length; d++)
            b.values[i * length + d] =
                distance * byol__random_normal(&centre) + byol__random_normal(&noise);
    }
    b.features = (byol_features){b.values, b.labels, count, dimension, classes};
    return b;
}

static inline void blobs_free(blobs b) {
    free(b.values);
    free(b.labels);
}

#endif
