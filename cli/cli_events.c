#include "cli_events.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "byol/sheet.h"

static void give_up(cli_events *events, const byol_error *error) {
    char text[sizeof error->text + 64];
    snprintf(text, sizeof text, "%s; the run goes on without events for TensorBoard", error->text);
    cli_warn(text);
    cli_events_close(events);
}

/* Reads a whole file: malloc's bytes, or NULL where it cannot be read. */
static void *read_file(const char *path, size_t *length) {
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) return NULL;
    fseek(stream, 0, SEEK_END);
    long size = ftell(stream);
    rewind(stream);
    void *bytes = size > 0 ? malloc((size_t)size) : NULL;
    *length = bytes != NULL ? fread(bytes, 1, (size_t)size, stream) : 0;
    fclose(stream);
    return bytes;
}

static byol_status write_views(cli_events *events, const char *run, const byol_source *source,
                               byol_error *error) {
    enum { IMAGES = 8 };
    char path[BYOL_PATH_MAX + 16];
    size_t length;
    snprintf(path, sizeof path, "%s/views.png", run);
    byol_status status = byol_sheet_write(path, byol_trainer_config(events->trainer), source,
                                          IMAGES, NULL, NULL, NULL, error);
    if (status != BYOL_OK) return status;
    void *png = read_file(path, &length);
    if (png == NULL) return cli_error(error, BYOL_ERROR_IO, "cannot read %.900s", path);
    status = byol_events_png(events->file, 0, "views", png, length, error);
    free(png);
    return status;
}

void cli_events_open(cli_events *events, const char *run, const byol_trainer *trainer,
                     const byol_source *source) {
    byol_trainer_info info;
    byol_source_info data;
    byol_error error = {0};
    byol_trainer_describe(trainer, &info);
    byol_source_describe(source, &data);
    *events = (cli_events){.trainer = trainer, .knn = NAN};
    byol_status status = byol_events_open(&events->file, run, info.first_step, &error);
    if (status == BYOL_OK && info.first_step == 0 && data.samples == BYOL_SAMPLES_IMAGES)
        status = write_views(events, run, source, &error);
    if (status != BYOL_OK) give_up(events, &error);
}

void cli_events_close(cli_events *events) {
    byol_events_close(events->file);
    events->file = NULL;
}

void cli_events_epoch(cli_events *events, double knn) {
    events->epoch_ended = 1;
    events->knn = knn;
}

static byol_status write_scalars(cli_events *events, const byol_metrics *m, byol_error *error) {
    const byol_scalar scalars[] = {
        {"train/loss", m->loss},
        {"train/lr", m->lr},
        {"train/tau", m->tau},
        {"train/gradient_norm", m->gradient_norm},
        {"train/epoch", m->epoch},
        {"monitor/spread", m->spread},
        {"monitor/positive_cosine", m->positive_cosine},
        {"monitor/negative_cosine", m->negative_cosine},
        {"monitor/effective_rank", m->effective_rank},
        {"monitor/representation_rank", m->representation_rank},
        {"system/images_per_second", m->images_per_second},
        {"system/seconds", m->seconds},
        {"eval/knn", events->epoch_ended ? events->knn : NAN},
    };
    return byol_events_scalars(events->file, m->step, scalars, sizeof scalars / sizeof *scalars,
                               error);
}

static byol_status write_histograms(cli_events *events, uint64_t step, byol_error *error) {
    static const struct {
        const char *tag;
        byol_layer layer;
    } histograms[] = {{"vectors/projection", BYOL_LAYER_PROJECTION},
                      {"vectors/prediction", BYOL_LAYER_PREDICTION}};
    byol_status status = BYOL_OK;
    for (size_t i = 0; i < 2 && status == BYOL_OK; i++) {
        int count, dimension;
        const float *values =
            byol_trainer_vectors(events->trainer, histograms[i].layer, &count, &dimension);
        if (values != NULL)
            status = byol_events_histogram(events->file, step, histograms[i].tag, values,
                                           (size_t)count * (size_t)dimension, error);
    }
    return status;
}

/* Writes only the steps that metrics.jsonl has. */
void cli_events_step(cli_events *events, const byol_metrics *metrics) {
    if (events->file == NULL) return;
    uint64_t every = (uint64_t)byol_trainer_config(events->trainer)->train.log_every;
    bool logged = metrics->step % every == 0 || metrics->step == metrics->steps;
    byol_error error = {0};
    byol_status status = BYOL_OK;
    if (logged || (events->epoch_ended && isfinite(events->knn)))
        status = write_scalars(events, metrics, &error);
    if (status == BYOL_OK && events->epoch_ended)
        status = write_histograms(events, metrics->step, &error);
    events->epoch_ended = 0;
    events->knn = NAN;
    if (status != BYOL_OK) give_up(events, &error);
}
