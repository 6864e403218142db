/* An application that learns where it runs: images in memory, an encoder trained on them, vectors
 * out. */
#include <stdio.h>
#include <stdlib.h>

#include <byol/encoder.h>
#include <byol/trainer.h>

enum { COUNT = 512, CHANNELS = 1, SIDE = 20, DIMENSION = 64 /* 8 times the width */ };

static uint8_t pixels[COUNT][CHANNELS][SIDE][SIDE];
static float vectors[COUNT][DIMENSION];

static void check(byol_status status, const byol_error *error) {
    if (status == BYOL_OK) return;
    fprintf(stderr, "%s: %s\n", byol_status_name(status), error->text);
    exit(EXIT_FAILURE);
}

static int on_step(void *context, const byol_metrics *metrics) {
    (void)context;
    printf("step %d of %d: loss %.3f\n", (int)metrics->step, (int)metrics->steps, metrics->loss);
    return 0; /* anything else stops the training */
}

int main(void) {
    byol_error error = {0};
    for (int i = 0; i < COUNT;
         i++) /* in place of your own pictures: bars, lying and standing, thin and thick */
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++)
                pixels[i][0][y][x] =
                    abs((i % 2 ? x : y) - i % 13) < 1 + i % 4 ? 230 : (uint8_t)(rand() % 30);

    byol_config config;
    byol_config_init(&config);
    check(byol_config_set(&config, "encoder.width", "8", &error), &error);
    check(byol_config_set(&config, "encoder.stem", "small", &error), &error);
    config.train.epochs = 4; /* the same, without the check of the range */
    config.train.batch_size = 64;
    config.optimizer.warmup_epochs = 1;

    byol_source *source;
    byol_trainer *trainer;
    byol_encoder *encoder;
    const byol_trainer_hooks hooks = {.on_step = on_step};
    check(byol_source_from_memory(&source, pixels[0][0][0], NULL, COUNT, CHANNELS, SIDE, SIDE,
                                  &error),
          &error);
    check(byol_trainer_create(&trainer, &config, source, NULL, 0, &hooks, &error), &error);
    check(byol_trainer_run(trainer, NULL, &error), &error);
    check(byol_trainer_encoder(trainer, &encoder, &error), &error);
    check(byol_encoder_embed(encoder, source, BYOL_LAYER_BACKBONE, vectors[0], NULL, NULL, &error),
          &error);
    printf("%d vectors; the first begins with %.3f %.3f %.3f\n", COUNT, (double)vectors[0][0],
           (double)vectors[0][1], (double)vectors[0][2]);
    byol_encoder_free(encoder);
    byol_trainer_free(trainer);
    byol_source_free(source);
    return 0;
}
