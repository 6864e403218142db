/* The smallest run on sounds: 64 tones of two classes in memory, of different lengths, and a conv4
 * of width 8 on 16 bands; after cmocka.h. */
#ifndef TINY_SOUNDS_H
#define TINY_SOUNDS_H

#include <math.h>
#include <stdint.h>

#include "byol/config.h"
#include "byol/source.h"

enum { TINY_SOUNDS = 64, TINY_SOUND_BATCH = 16, TINY_RATE = 8000, TINY_LONGEST = 4000 };

/* Owned: byol_source_free. */
static inline byol_source *tiny_sounds(void) {
    static float room[TINY_SOUNDS][TINY_LONGEST];
    const float *samples[TINY_SOUNDS];
    size_t lengths[TINY_SOUNDS];
    int32_t labels[TINY_SOUNDS];
    byol_source *source = NULL;
    byol_error why = {0};
    for (int i = 0; i < TINY_SOUNDS; i++) {
        double hz = (i % 2 == 0 ? 300 : 1500) + 20 * i;
        lengths[i] = (size_t)(600 + i * 50);
        for (size_t k = 0; k < lengths[i]; k++) {
            double t = (double)k / TINY_RATE;
            room[i][k] = (float)(0.4 * sin(2 * M_PI * hz * t) * (0.3 + 0.7 * fabs(sin(9 * t + i))));
        }
        samples[i] = room[i];
        labels[i] = i % 2;
    }
    if (byol_source_from_waveforms(&source, samples, lengths, TINY_RATE, labels, TINY_SOUNDS,
                                   &why) != BYOL_OK)
        fail_msg("%s", why.text);
    return source;
}

/* 4 batches an epoch, 2 epochs: 8 steps. */
static inline byol_config tiny_sound_config(void) {
    byol_config config;
    byol_config_init(&config);
    byol_config_set(&config, "recipe", "byol", NULL);
    byol_config_set(&config, "encoder.name", "conv4", NULL);
    config.data.sample_rate = TINY_RATE;
    config.data.window = 256;
    config.data.hop = 80;
    config.data.mels = 16;
    config.data.mel_high = 4000;
    config.data.frames = 24;
    config.encoder.width = 8;
    config.projector.hidden = 16;
    config.projector.out = 8;
    config.predictor.hidden = 16;
    config.optimizer.name = BYOL_ADAM;
    config.optimizer.lr = 0.01f;
    config.optimizer.warmup_epochs = 0;
    config.train.epochs = 2;
    config.train.batch_size = TINY_SOUND_BATCH;
    config.train.precision = BYOL_PRECISION_FP32;
    config.train.threads = 2;
    config.train.seed = 7;
    config.train.log_every = 1;
    config.checkpoint.every_minutes = 0;
    return config;
}

#endif
