/* What the tasks share: checks of numbers, and the training of a network over epochs. */
#ifndef BYOL__TASK_RUN_H
#define BYOL__TASK_RUN_H

#include "byol/status.h"
#include "tasks/dense_model.h"

/* BYOL_ERROR_INVALID: `value` is not low .. high. */
byol_status byol__task_number(const char *what, double value, double low, double high,
                              byol_error *error);

/* Progress over pictures, and the end when the caller wants it. */
typedef struct byol__task_progress {
    byol_progress call; /* may be NULL */
    void *context;
    uint64_t done, total;
} byol__task_progress;

byol_status byol__task_advance(byol__task_progress *progress, uint64_t pictures, byol_error *error);

/* One batch of training: shows pictures indices[0 .. batch-1] to the model, and after its forward
 * pass computes the loss and model->diff. */
typedef struct byol__task_batches {
    byol_status (*show)(void *context, const uint32_t *indices, int epoch, byol_error *error);
    double (*loss)(void *context);
    void *context;
} byol__task_batches;

/* Trains for `epochs` over `count` pictures, each in an order of its own. The mean loss of the last
 * epoch goes to `*loss`. */
byol_status byol__task_train(byol__dense_model *model, const byol__task_batches *batches,
                             size_t count, int epochs, byol__task_progress *progress, double *loss,
                             byol_error *error);

/* Writes the network for PyTorch (`save`) and for ONNX runtimes (`onnx`); either may be NULL. */
byol_status byol__task_write(const byol__dense_model *model, const byol_encoder *encoder,
                             const char *save, const char *onnx, byol_error *error);

#endif
