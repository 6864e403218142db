/* What the tasks share: checks of numbers, and the training of a network over epochs. */
#ifndef BYOL__TASK_RUN_H
#define BYOL__TASK_RUN_H

#include "byol/status.h"
#include "tasks/dense_model.h"
#include "tasks/scene.h"

/* Fills in what is left to the data (`total` training pictures, the first of height x width) and
 * checks the rest: BYOL_ERROR_INVALID. `*learned` is how many pictures are learned from. */
byol_status byol__task_settle(byol_task_options *options, size_t total, int height, int width,
                              size_t *learned, byol_error *error);

/* How training pictures are cropped and coloured. */
byol__scene_draws byol__task_draws(const byol_task_options *options);

/* Which of `total` pictures are learned from: the first so many of `indices` (total). */
void byol__task_draw(const byol_task_options *options, size_t total, uint32_t *indices);

/* What the encoder's network is given. */
byol__frame byol__task_frame(const byol_encoder *encoder, const byol_task_options *options);

/* The network of a finished graph, which is taken over, with the trunk's weights (NULL: random
 * ones). Without fine-tuning it is cut at `maps`. */
byol_status byol__task_create_model(byol__dense_model **out, byol__graph *graph,
                                    const byol__trunk *trunk, byol__value_id maps,
                                    const byol_task_options *options, size_t count,
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

/* Trains over `learned` of `total` pictures, each epoch in an order of its own. The mean loss of
 * the last epoch goes to `*loss`. */
byol_status byol__task_train(byol__dense_model *model, const byol__task_batches *batches,
                             const byol_task_options *options, size_t total, size_t learned,
                             byol__task_progress *progress, double *loss, byol_error *error);

/* Writes the network for PyTorch (`save`) and for ONNX runtimes (`onnx`); either may be NULL. */
byol_status byol__task_write(const byol__dense_model *model, const byol_encoder *encoder,
                             const char *save, const char *onnx, byol_error *error);

#endif
