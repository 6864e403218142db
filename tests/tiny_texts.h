/* The smallest run on texts: 64 texts of up to 17 words and a transformer of two layers; after
 * cmocka.h. */
#ifndef TINY_TEXTS_H
#define TINY_TEXTS_H

#include <stdint.h>
#include <stdio.h>

#include "byol/config.h"
#include "byol/source.h"

enum { TINY_TEXTS = 64, TINY_TEXT_BATCH = 16 };

/* Owned: byol_source_free. */
static inline byol_source *tiny_texts(void) {
    static const char *const words[] = {"sun ", "rain ", "warm ", "cold ", "is ", "the ", "a "};
    static char room[TINY_TEXTS][128];
    const char *texts[TINY_TEXTS];
    byol_source *source = NULL;
    byol_error why = {0};
    for (int i = 0; i < TINY_TEXTS; i++) {
        size_t used = 0;
        for (int j = 0; j <= i % 17; j++)
            used += (size_t)snprintf(room[i] + used, sizeof room[i] - used, "%s",
                                     words[(i * 5 + j * j) % 7]);
        texts[i] = room[i];
    }
    if (byol_source_from_texts(&source, texts, NULL, NULL, TINY_TEXTS, &why) != BYOL_OK)
        fail_msg("%s", why.text);
    return source;
}

/* 4 batches an epoch, 2 epochs: 8 steps. */
static inline byol_config tiny_text_config(void) {
    byol_config config;
    byol_config_init(&config);
    byol_config_set(&config, "recipe", "byol", NULL);
    byol_config_set(&config, "encoder.name", "transformer", NULL);
    config.data.length = 16;
    config.data.vocabulary = 40;
    config.encoder.width = 16;
    config.encoder.depth = 2;
    config.encoder.heads = 2;
    config.encoder.pool = BYOL_POOL_MEAN;
    config.projector.hidden = 16;
    config.projector.out = 8;
    config.predictor.hidden = 16;
    config.optimizer.name = BYOL_ADAMW;
    config.optimizer.warmup_epochs = 0;
    config.train.epochs = 2;
    config.train.batch_size = TINY_TEXT_BATCH;
    config.train.precision = BYOL_PRECISION_FP32;
    config.train.threads = 2;
    config.train.seed = 7;
    config.train.log_every = 1;
    config.checkpoint.every_minutes = 0;
    return config;
}

/* data2vec: targets for the tokens that view 1 hides. */
static inline byol_config tiny_data2vec(void) {
    byol_config config = tiny_text_config();
    config.projector.kind = BYOL_HEAD_NONE;
    config.target.layers = 2;
    config.loss.distance = BYOL_SMOOTH_L1;
    config.loss.beta = 4;
    config.loss.symmetric = false;
    for (int v = 0; v < 2; v++)
        config.views.text[v] = (byol_text_recipe){.crop_min = 1, .mask_span = 2};
    config.views.text[0].mask = 0.4f;
    return config;
}

/* A student of low rank beside a teacher of full attention whose weights have noise. */
static inline byol_config tiny_low_rank(byol_rank_sharing shared) {
    byol_config config = tiny_text_config();
    config.encoder.attention = BYOL_ATTENTION_LOWRANK;
    config.encoder.rank = 4;
    config.encoder.rank_shared = shared;
    config.encoder.attention_noise = 0.1f;
    config.target.attention = BYOL_TARGET_ATTENTION_FULL;
    config.target.attention_noise = 0.1f;
    config.loss.distance = BYOL_MSE;
    return config;
}

#endif
