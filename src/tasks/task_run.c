#include "tasks/task_run.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "dnn/precision.h"
#include "encoder/encoder_internal.h"
#include "export/onnx_network.h"
#include "input/loader.h"
#include "nets/nets.h"
#include "state/checkpoint.h"

enum { EPOCHS_MAX = 100000, BATCH_MAX = 4096, SIDE_MAX = 16384, DRAW_EPOCH = 0xfffffe };

/* ---- Options ---- */

void byol_task_options_init(byol_task_options *options) {
    *options = (byol_task_options){.epochs = 30,
                                   .batch_size = 8,
                                   .lr = 0.001f,
                                   .lr_decay = 0.8f,
                                   .weight_decay = 0.01f,
                                   .label_fraction = 1,
                                   .crop_min = 0.25f,
                                   .jitter = 0.2f,
                                   .precision = BYOL_PRECISION_AUTO,
                                   .seed = 1};
}

static byol_status check(const char *what, double value, double low, double high,
                         byol_error *error) {
    if (value >= low && value <= high) return BYOL_OK; /* false for NaN */
    return byol__fail(error, BYOL_ERROR_INVALID, "%s is %g; it must be %g .. %g", what, value, low,
                      high);
}

byol_status byol__task_settle(byol_task_options *o, size_t total, int height, int width,
                              size_t *learned, byol_error *error) {
    const double tiny = 1e-9;
    if (o->height == 0) {
        o->height = height;
        o->width = width;
    }
    BYOL__TRY(check("the number of epochs", o->epochs, 1, EPOCHS_MAX, error));
    BYOL__TRY(check("the batch size", o->batch_size, 1, BATCH_MAX, error));
    BYOL__TRY(check("the learning rate", (double)o->lr, tiny, 1000, error));
    BYOL__TRY(check("the decay of the learning rate", (double)o->lr_decay, 0, 1, error));
    BYOL__TRY(check("the weight decay", (double)o->weight_decay, 0, 1000, error));
    BYOL__TRY(check("the smallest crop", (double)o->crop_min, tiny, 1, error));
    BYOL__TRY(check("the jitter of colours", (double)o->jitter, 0, 1, error));
    BYOL__TRY(check("the height of pictures", o->height, 1, SIDE_MAX, error));
    BYOL__TRY(check("the width of pictures", o->width, 1, SIDE_MAX, error));
    BYOL__TRY(check("the label fraction", (double)o->label_fraction, tiny, 1, error));
    double wanted = (double)o->label_fraction * (double)total;
    *learned = wanted < 1 ? 1 : (size_t)(wanted + 0.5);
    if ((size_t)o->batch_size > *learned) o->batch_size = (int)*learned;
    return BYOL_OK;
}

byol__scene_draws byol__task_draws(const byol_task_options *options) {
    return (byol__scene_draws){options->crop_min, options->jitter, options->seed};
}

void byol__task_draw(const byol_task_options *options, size_t total, uint32_t *indices) {
    for (size_t i = 0; i < total; i++) indices[i] = (uint32_t)i;
    if (options->label_fraction < 1)
        byol__epoch_order(options->seed, DRAW_EPOCH, indices, (uint32_t)total);
}

byol__frame byol__task_frame(const byol_encoder *encoder, const byol_task_options *options) {
    const byol_view_recipe *recipe = &byol_encoder_config(encoder)->views.view[0];
    byol__frame frame = {.channels = byol_encoder_channels(encoder),
                         .height = options->height,
                         .width = options->width};
    memcpy(frame.mean, recipe->mean, sizeof frame.mean);
    memcpy(frame.std, recipe->std, sizeof frame.std);
    return frame;
}

byol_status byol__task_create_model(byol__dense_model **out, byol__graph *graph,
                                    const byol__trunk *trunk, byol__value_id maps,
                                    const byol_task_options *o, size_t count, byol_error *error) {
    const byol__dense_model_options options = {
        .batch = o->batch_size,
        .dtype = byol__precision_dtype(byol__precision_resolve(o->precision)),
        .lr = o->lr,
        .lr_decay = o->lr_decay,
        .weight_decay = o->weight_decay,
        .steps = (uint64_t)o->epochs * (count / (size_t)o->batch_size),
        .seed = o->seed,
        .trunk = trunk,
        .cut = trunk == NULL || o->fine_tune ? NULL : &maps,
    };
    return byol__dense_model_create(out, graph, &options, error);
}

/* ---- Training ---- */

byol_status byol__task_advance(byol__task_progress *progress, uint64_t pictures,
                               byol_error *error) {
    progress->done += pictures;
    if (progress->call == NULL ||
        progress->call(progress->context, progress->done, progress->total) == 0)
        return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_CANCELLED, "stopped after %llu of %llu pictures",
                      (unsigned long long)progress->done, (unsigned long long)progress->total);
}

static byol_status train_epoch(byol__dense_model *model, const byol__task_batches *batches,
                               const uint32_t *order, size_t count, int epoch,
                               byol__task_progress *progress, double *loss, byol_error *error) {
    size_t batch = (size_t)model->options.batch, steps = count / batch;
    *loss = 0;
    for (size_t b = 0; b < steps; b++) {
        BYOL__TRY(batches->show(batches->context, order + b * batch, epoch, error));
        BYOL__TRY(byol__dense_model_forward(model, error));
        double one = batches->loss(batches->context);
        BYOL__TRY(byol__dense_model_learn(model, one, error));
        *loss += one / (double)steps;
        BYOL__TRY(byol__task_advance(progress, batch, error));
    }
    return BYOL_OK;
}

/* `drawn` (learned) of the pictures; `order` (learned) is scratch. */
static byol_status train(byol__dense_model *model, const byol__task_batches *batches, int epochs,
                         const uint32_t *drawn, uint32_t *order, size_t learned,
                         byol__task_progress *progress, double *loss, byol_error *error) {
    for (int epoch = 0; epoch < epochs; epoch++) {
        byol__epoch_order(model->options.seed, (uint32_t)epoch, order, (uint32_t)learned);
        for (size_t i = 0; i < learned; i++) order[i] = drawn[order[i]];
        BYOL__TRY(train_epoch(model, batches, order, learned, epoch, progress, loss, error));
    }
    return byol__dense_model_refresh(model, error);
}

byol_status byol__task_train(byol__dense_model *model, const byol__task_batches *batches,
                             const byol_task_options *options, size_t total, size_t learned,
                             byol__task_progress *progress, double *loss, byol_error *error) {
    uint32_t *indices;
    BYOL__TRY(byol__alloc(&indices, total + learned, sizeof *indices, "order of pictures", error));
    byol__task_draw(options, total, indices);
    byol_status status = train(model, batches, options->epochs, indices, indices + total, learned,
                               progress, loss, error);
    byol__free(indices);
    return status;
}

byol_status byol__task_write(const byol__dense_model *model, const byol_encoder *encoder,
                             const char *save, const char *onnx, byol_error *error) {
    const byol__arena arenas[] = {
        {"", &model->whole.params, BYOL__CLASSIFIER, model->params},
        {"", &model->whole.statistics, BYOL__CLASSIFIER, model->statistics},
    };
    byol__weights weights;
    byol__encoder_weights(encoder, &weights);
    if (save != NULL) BYOL__TRY(byol__checkpoint_write(save, arenas, 2, weights.origin, error));
    if (onnx == NULL) return BYOL_OK;
    weights.graph = &model->whole;
    weights.params = model->params;
    weights.statistics = model->statistics;
    return byol__onnx_write(&weights, BYOL__LOGITS, false, NULL, onnx, error);
}
