/* Pre-training: source and configuration in, encoder out.
 *
 * Signals: oneDNN before 3.11.2 lets the stack pointer lead into the heap while it multiplies
 * matrices over more than 8192 terms (AVX-512: 2048), and a signal handler that runs then
 * overwrites what lies there (uxlfoundation/oneDNN, issue 4845). An application that handles
 * asynchronous signals blocks them before it starts threads or calls the library, and takes them in
 * a thread of its own by sigwait(3), as the program does (cli/cli_interrupt.c). */
#ifndef BYOL_TRAINER_H
#define BYOL_TRAINER_H

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

/* What is known after a step. Everything is of that step; monitor figures are of its last batch's
 * projections. */
typedef struct byol_metrics {
    uint64_t step;  /* optimizer steps done, from 1 */
    uint64_t steps; /* of the whole run; by the clock (train.minutes): as it looks now */
    double epoch;   /* 1.5: half of the second epoch is done */
    double loss;    /* summed over the directions, mean over the batch; BYOL's: 0 .. 8 */
    double lr, tau; /* tau is NaN where the target is no average */
    double spread;  /* std of the normalised projections times sqrt(d): healthy is near 1, collapsed
                       near 0 */
    double positive_cosine; /* mean cos(prediction, target projection of the other view of the same
                               image) */
    double negative_cosine; /* the same for different images */
    double effective_rank;  /* exp(entropy of the normalised singular values) of the projections;
                               NaN: not computed this  step */
    double representation_rank; /* the same of the representations, which is what evaluation uses */
    double gradient_norm;       /* before clipping */
    double images_per_second;
    double seconds; /* since the run (or its resumption) began */
} byol_metrics;

typedef struct byol_epoch_info {
    int epoch;  /* epochs done, from 1 */
    int before; /* how many were done before this step: epoch - 1, or less where one step spans
                   several epochs */
    int epochs;
} byol_epoch_info;

typedef struct byol_trainer_hooks {
    void *context;
    /* After each step. Return non-zero to stop: a checkpoint is written and byol_trainer_run
     * returns BYOL_ERROR_CANCELLED. */
    int (*on_step)(void *context, const byol_metrics *metrics);
    /* After each step that ends an epoch, or several; may call byol_trainer_encoder. The returned
     * accuracy (percent, or NaN for none) goes into the metrics as "knn". May be NULL. */
    double (*on_epoch)(void *context, byol_trainer *trainer, const byol_epoch_info *info);
    /* A warning in plain words: collapse, rising loss, skipped data, nothing to resume. May be
     * NULL. */
    void (*on_warning)(void *context, const char *text);
} byol_trainer_hooks;

typedef struct byol_run_result {
    int epochs;
    uint64_t steps;
    double loss; /* mean over the steps of the last epoch; stopped within one: of that as far as it
                    went */
    double images_per_second;
    uint64_t peak_memory_bytes; /* of the process */
    uint64_t unreadable; /* images that could not be read and were replaced; RUN/unreadable.txt
                            names them, and those of the run before it was resumed */
} byol_run_result;

/* Prepares a run. `source` is borrowed. `run` is the run folder: created if it is not there;
 * BYOL_ERROR_INVALID where it already holds a run and `resume` is 0; NULL: nothing is written (the
 * library user keeps the weights by byol_trainer_save). With `resume`, goes on from the last good
 * checkpoint (a damaged one is named in a warning and passed over), or starts where there is none,
 * with a warning; settings that change the result must be as they were (BYOL_ERROR_MISMATCH names
 * them). */
BYOL_API byol_status byol_trainer_create(byol_trainer **out, const byol_config *config,
                                         const byol_source *source, const char *run, int resume,
                                         const byol_trainer_hooks *hooks, byol_error *error);

BYOL_API void byol_trainer_free(byol_trainer *trainer);

/* Trains to the end, or until a hook says stop. NaN in the loss: BYOL_ERROR_NUMERIC, the last good
 * checkpoint stays. Whatever else ends it, a checkpoint of the last step is written to the run
 * folder, except where reading fails between the batches of one step (train.accumulate): then the
 * last one stays. BYOL_OK and BYOL_ERROR_CANCELLED say that it is there. `result` may be NULL. */
BYOL_API byol_status byol_trainer_run(byol_trainer *trainer, byol_run_result *result,
                                      byol_error *error);

/* The resolved configuration (image_size, threads, precision as they are used). Borrowed. */
BYOL_API const byol_config *byol_trainer_config(const byol_trainer *trainer);

typedef struct byol_trainer_info {
    uint64_t parameters_encoder, parameters_projector, parameters_predictor;
    uint64_t flops_per_image; /* of a whole step: all passes of both views; 2 per multiply-add */
    uint64_t workspace_bytes, arena_bytes, staging_bytes;
    /* Steps are counted through the run and may span the end of an epoch under accumulation:
     * steps_per_epoch is rounded down, steps is exact; 0 as long as a run by the clock
     * (train.minutes) does not know its end. first_step > 0 when resumed. */
    uint64_t steps_per_epoch, steps, first_step;
} byol_trainer_info;
BYOL_API void byol_trainer_describe(const byol_trainer *trainer, byol_trainer_info *info);

/* A copy of the online network as it is now, for evaluation. Owned: byol_encoder_free. */
BYOL_API byol_status byol_trainer_encoder(const byol_trainer *trainer, byol_encoder **out,
                                          byol_error *error);

/* What the online network made of one view of the last batch, as training saw it: (*count,
 * *dimension) floats of BYOL_LAYER_PROJECTION or BYOL_LAYER_PREDICTION. Borrowed until the next
 * step. NULL before the first step, and for BYOL_LAYER_BACKBONE, which is not kept. */
BYOL_API const float *byol_trainer_vectors(const byol_trainer *trainer, byol_layer layer,
                                           int *count, int *dimension);

/* Writes the online network (backbone, projector, predictor, BN statistics, configuration) as
 * safetensors, atomically.
 */
BYOL_API byol_status byol_trainer_save(const byol_trainer *trainer, const char *path,
                                       byol_error *error);

#ifdef __cplusplus
}
#endif

#endif
