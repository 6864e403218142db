/* Small labelled pictures for the tests of fine-tuning. */
#ifndef PICTURES_H
#define PICTURES_H

#include <stdlib.h>

#include "base/philox.h"
#include "byol/source.h"

enum {
    PICTURE_CHANNELS = 3,
    PICTURE_SIDE = 20,
    PICTURE_BYTES = PICTURE_CHANNELS * PICTURE_SIDE * PICTURE_SIDE
};

typedef struct pictures {
    uint8_t *pixels;
    int32_t *labels;
    byol_source *source;
} pictures;

/* Each picture is noise around its own grey; one of the three colours (class 0, 1, 2) is brighter
 * by `signal`. At signal 0, labels have nothing to do with the pictures. Different `lane`s give
 * training and test sets of one kind. */
static inline pictures pictures_create(size_t count, int signal, uint32_t lane) {
    pictures p = {malloc(count * PICTURE_BYTES), malloc(count * sizeof(int32_t)), NULL};
    byol__random random = byol__random_stream(13, BYOL__PURPOSE_BENCH, 0, 0, lane);
    uint8_t *pixel = p.pixels;
    for (size_t i = 0; i < count; i++) {
        p.labels[i] = (int32_t)(i % 3);
        int grey = 40 + (int)byol__random_below(&random, 100);
        for (int c = 0; c < PICTURE_CHANNELS; c++)
            for (int k = 0; k < PICTURE_SIDE * PICTURE_SIDE; k++)
                *pixel++ = (uint8_t)(grey + (c == p.labels[i] ? signal : 0) +
                                     (int)byol__random_below(&random, 40));
    }
    byol_source_from_memory(&p.source, p.pixels, p.labels, count, PICTURE_CHANNELS, PICTURE_SIDE,
                            PICTURE_SIDE, NULL);
    return p;
}

static inline void pictures_free(pictures p) {
    byol_source_free(p.source);
    free(p.pixels);
    free(p.labels);
}

#endif
