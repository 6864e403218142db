/* Watching a training, and ending it when it has learned enough: hooks see every step and every
 * epoch. The events can be looked at with TensorBoard. usage: training_callback SRC FOLDER */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <byol/events.h>
#include <byol/trainer.h>

typedef struct watch {
    byol_events *events;
    double best;
} watch;

static void check(byol_status status, const byol_error *error) {
    if (status == BYOL_OK) return;
    fprintf(stderr, "%s: %s\n", byol_status_name(status), error->text);
    exit(EXIT_FAILURE);
}

/* Anything but 0 stops the training. */
static int on_step(void *context, const byol_metrics *metrics) {
    watch *w = context;
    const byol_scalar scalars[] = {{"train/loss", metrics->loss},
                                   {"monitor/spread", metrics->spread}};
    w->best = fmin(w->best, metrics->loss);
    if (byol_events_scalars(w->events, metrics->step, scalars, 2, NULL) != BYOL_OK) return 1;
    return metrics->loss < 0.01;
}

static double on_epoch(void *context, byol_trainer *trainer, const byol_epoch_info *info) {
    const watch *w = context;
    int count, dimension;
    const float *vectors = byol_trainer_vectors(trainer, BYOL_LAYER_PROJECTION, &count, &dimension);
    printf("epoch %d of %d: lowest loss so far %.3f, a projection begins with %.3f\n", info->epoch,
           info->epochs, w->best, (double)vectors[0]);
    return NAN; /* or an accuracy that was measured here, in percent */
}

static void on_warning(void *context, const char *text) {
    (void)context;
    fprintf(stderr, "warning: %s\n", text);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: %s SRC FOLDER\n", argv[0]);
        return EXIT_FAILURE;
    }
    byol_error error = {0};
    byol_config config;
    byol_config_init(&config);
    check(byol_config_set(&config, "encoder.width", "8", &error), &error);
    check(byol_config_set(&config, "train.epochs", "2", &error), &error);
    check(byol_config_set(&config, "train.batch_size", "32", &error), &error);
    check(byol_config_set(&config, "optimizer.warmup_epochs", "0", &error), &error);

    byol_source *source;
    byol_trainer *trainer;
    watch w = {.best = INFINITY};
    const byol_trainer_hooks hooks = {&w, on_step, on_epoch, on_warning};
    check(byol_source_open(&source, argv[1], &error), &error);
    check(byol_events_open(&w.events, argv[2], 0, &error), &error);
    check(byol_trainer_create(&trainer, &config, source, NULL, 0, &hooks, &error), &error);
    byol_status status = byol_trainer_run(trainer, NULL, &error);
    if (status != BYOL_ERROR_CANCELLED)
        check(status, &error); /* cancelled: on_step had seen enough */
    byol_trainer_free(trainer);
    byol_events_close(w.events);
    byol_source_free(source);
    return 0;
}
