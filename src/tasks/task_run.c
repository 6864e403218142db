#include "tasks/task_run.h"

#include "base/error.h"
#include "base/memory.h"
#include "encoder/encoder_internal.h"
#include "export/onnx_network.h"
#include "input/loader.h"
#include "nets/nets.h"
#include "state/checkpoint.h"

byol_status byol__task_number(const char *what, double value, double low, double high,
                              byol_error *error) {
    if (value >= low && value <= high) return BYOL_OK; /* false for NaN */
    return byol__fail(error, BYOL_ERROR_INVALID, "%s is %g; it must be %g .. %g", what, value, low,
                      high);
}

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

byol_status byol__task_train(byol__dense_model *model, const byol__task_batches *batches,
                             size_t count, int epochs, byol__task_progress *progress, double *loss,
                             byol_error *error) {
    uint32_t *order;
    byol_status status = byol__alloc(&order, count, sizeof *order, "order of pictures", error);
    for (int epoch = 0; epoch < epochs && status == BYOL_OK; epoch++) {
        byol__epoch_order(model->options.seed, (uint32_t)epoch, order, (uint32_t)count);
        status = train_epoch(model, batches, order, count, epoch, progress, loss, error);
    }
    byol__free(order);
    return status == BYOL_OK ? byol__dense_model_refresh(model, error) : status;
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
