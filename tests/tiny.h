/* The smallest run: 64 coloured pictures of 20 x 20 pixels and a ResNet-18 of width 8. That is the
 * smallest network that oneDNN 2.6 has fast convolutions for (channels by eight, no image below 3 x
 * 3). */
#ifndef TINY_H
#define TINY_H

#include <stdint.h>
#include <string.h>

#include "byol/config.h"
#include "byol/source.h"

enum { TINY_IMAGES = 64, TINY_CHANNELS = 3, TINY_SIDE = 20, TINY_BATCH = 16 };

static uint8_t tiny_pixels[TINY_IMAGES * TINY_CHANNELS * TINY_SIDE * TINY_SIDE];

/* Every picture is a gradient with its own colour and direction. */
static inline byol_source *tiny_source(void) {
    uint8_t *pixel = tiny_pixels;
    for (int i = 0; i < TINY_IMAGES; i++)
        for (int c = 0; c < TINY_CHANNELS; c++)
            for (int y = 0; y < TINY_SIDE; y++)
                for (int x = 0; x < TINY_SIDE; x++)
                    *pixel++ = (uint8_t)(i * 37 + c * 91 + x * (i % 7) * 5 + y * (i % 5) * 7);
    byol_source *source = NULL;
    byol_source_from_memory(&source, tiny_pixels, NULL, TINY_IMAGES, TINY_CHANNELS, TINY_SIDE,
                            TINY_SIDE, NULL);
    return source;
}

/* 4 batches an epoch, 2 epochs: 8 steps. */
static inline byol_config tiny_config(void) {
    byol_config config;
    byol_config_init(&config);
    byol_config_set(&config, "recipe", "byol", NULL);
    config.data.image_size = TINY_SIDE;
    config.encoder.width = 8;
    config.encoder.stem = BYOL_STEM_SMALL;
    config.projector.hidden = 16;
    config.projector.out = 8;
    config.predictor.hidden = 16;
    config.optimizer.name = BYOL_SGD;
    config.optimizer.lr = 0.5f;
    config.optimizer.warmup_epochs = 0;
    config.train.epochs = 2;
    config.train.batch_size = TINY_BATCH;
    config.train.precision = BYOL_PRECISION_FP32;
    config.train.threads = 2;
    config.train.seed = 7;
    config.train.log_every = 1;
    config.checkpoint.every_minutes = 0;
    return config;
}

/* A network that learns the vectors of a frozen one of another kind. */
static inline byol_config tiny_student(void) {
    byol_config config = tiny_config();
    config.target.kind = BYOL_TARGET_FROZEN;
    strcpy(config.target.init, "random");
    strcpy(config.target.encoder, "resnet18");
    config.target.width = 16;
    config.projector.kind = BYOL_HEAD_NONE;
    config.predictor.kind = BYOL_HEAD_LINEAR;
    config.loss.distance = BYOL_MSE;
    config.loss.symmetric = 0;
    return config;
}

#endif
