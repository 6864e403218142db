/* Pre-training: source and configuration in, encoder out.
 *
 * Signals: oneDNN before 3.11.2 lets the stack pointer lead into the heap while it multiplies
 * matrices over more than 8192 terms (AVX-512: 2048). A signal handler that runs then overwrites
 * what lies there (uxlfoundation/oneDNN, issue 4845). So an application that handles asynchronous
 * signals must block them before it starts threads or calls the library, and receive them in a
 * separate thread by sigwait(3), as the program does (cli/cli_interrupt.c). */
#ifndef BYOL_TRAINER_H
#define BYOL_TRAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "byol/config.h"
#include "byol/encoder.h"
#include "byol/source.h"
#include "byol/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct byol_trainer byol_trainer;

/* The figures of a step. Monitor figures are of the projections of its last batch. */
typedef struct byol_metrics {
    uint64_t step;  /* optimizer steps done, from 1 */
    uint64_t steps; /* of the whole run; with train.minutes: the present estimate */
    double epoch;   /* 1.5: half of the second epoch is done */
    double loss;    /* summed over the directions, mean over the batch; BYOL's: 0 .. 8 */
    double lr, tau; /* tau is NaN where the target is no average */
    /* Std of the normalised projections times sqrt(d): healthy is near 1, collapsed near 0. */
    double spread;
    /* Mean cos(prediction, target projection of the other view of the same image). */
    double positive_cosine;
    double negative_cosine; /* the same for different images */
    /* exp(entropy of the normalised singular values) of the projections; NaN: not computed. */
    double effective_rank;
    double representation_rank; /* the same of the representations, which evaluation uses */
    double gradient_norm;       /* before clipping */
    double images_per_second;
    double seconds; /* since the run (or its resumption) began */
    /* Of the run, without evaluation: by the clock (train.minutes), or at the recent pace. */
    double seconds_left;
} byol_metrics;

typedef struct byol_epoch_info {
    int epoch; /* epochs done, from 1 */
    /* Epochs done before this step: epoch - 1, or less where one step spans several epochs. */
    int before;
    int epochs;
} byol_epoch_info;

typedef struct byol_trainer_hooks {
    void *context;
    /* After each step. Return non-zero to stop: a checkpoint is written and byol_trainer_run
     * returns BYOL_ERROR_CANCELLED. */
    int (*on_step)(void *context, const byol_metrics *metrics);
    /* After each step that ends one or more epochs; may call byol_trainer_encoder. The returned
     * accuracy (percent, or NaN for none) goes into the metrics as "knn". May be NULL. */
    double (*on_epoch)(void *context, byol_trainer *trainer, const byol_epoch_info *info);
    /* A warning in plain words: collapse, rising loss, skipped data, nothing to resume. May be
     * NULL. */
    void (*on_warning)(void *context, const char *text);
} byol_trainer_hooks;

typedef struct byol_run_result {
    int epochs;
    uint64_t steps;
    /* Mean over the steps of the last epoch; if stopped within one, over its steps so far. */
    double loss;
    double images_per_second;
    uint64_t peak_memory_bytes; /* of the process */
    /* Images that could not be read and were replaced. RUN/unreadable.txt names them, and those
     * from before the run was resumed. */
    uint64_t unreadable;
} byol_run_result;

/* Prepares a run. `source` is borrowed. `run` is the run folder; it is created if it is not there.
 * BYOL_ERROR_INVALID where it already holds a run and `resume` is 0. `run` NULL: nothing is written
 * (keep the weights by byol_trainer_save).
 *
 * With `resume`, the run continues from the last good checkpoint; a damaged one is named in a
 * warning and skipped. Without a checkpoint it starts anew, with a warning. Settings that change
 * the result must be as they were (BYOL_ERROR_MISMATCH names them). Owned: byol_trainer_free. */
BYOL_API byol_status byol_trainer_create(byol_trainer **out, const byol_config *config,
                                         const byol_source *source, const char *run, bool resume,
                                         const byol_trainer_hooks *hooks, byol_error *error);

BYOL_API void byol_trainer_free(byol_trainer *trainer);

/* Trains to the end, or until a hook says stop. A loss or gradient that is not a finite number:
 * BYOL_ERROR_NUMERIC, and the last good checkpoint stays. However else it ends, a checkpoint of the
 * last step is written to the run folder, unless reading fails between the batches of one step
 * (train.accumulate): then the last checkpoint stays. BYOL_OK and BYOL_ERROR_CANCELLED mean that it
 * is there. `result` may be NULL. */
BYOL_API byol_status byol_trainer_run(byol_trainer *trainer, byol_run_result *result,
                                      byol_error *error);

/* The resolved configuration, with the image_size, threads and precision in use. Borrowed. */
BYOL_API const byol_config *byol_trainer_config(const byol_trainer *trainer);

typedef struct byol_trainer_info {
    uint64_t parameters_encoder, parameters_projector, parameters_predictor;
    uint64_t flops_per_image; /* of a whole step: all passes of all views; 2 per multiply-add */
    uint64_t workspace_bytes, arena_bytes, staging_bytes;
    /* Steps are counted over the whole run. With train.accumulate a step may span the end of an
     * epoch, so steps_per_epoch is rounded down while steps is exact. steps is 0 while the end of a
     * run by the clock (train.minutes) is not known. first_step > 0 when resumed. */
    uint64_t steps_per_epoch, steps, first_step;
} byol_trainer_info;
BYOL_API void byol_trainer_describe(const byol_trainer *trainer, byol_trainer_info *info);

/* A copy of the online network as it is now, for evaluation. Owned: byol_encoder_free. */
BYOL_API byol_status byol_trainer_encoder(const byol_trainer *trainer, byol_encoder **out,
                                          byol_error *error);

/* Outputs of the online network for one view of the last batch, as training saw it: (*count,
 * *dimension) floats of BYOL_LAYER_PROJECTION or BYOL_LAYER_PREDICTION. Borrowed until the next
 * step. NULL before the first step, and for BYOL_LAYER_BACKBONE, which is not kept. */
BYOL_API const float *byol_trainer_vectors(const byol_trainer *trainer, byol_layer layer,
                                           int *count, int *dimension);

/* Writes the online network (backbone, projector, predictor, BN statistics, configuration) as
 * safetensors, atomically. */
BYOL_API byol_status byol_trainer_save(const byol_trainer *trainer, const char *path,
                                       byol_error *error);

#ifdef __cplusplus
}
#endif

#endif
