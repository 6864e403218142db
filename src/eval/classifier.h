/* A backbone with a linear head, and what it takes to train its last stages: plans and arenas. The
 * stages that stay as they are run forward only, with batch norm folded in; behind the cut lies the
 * part that is trained. */
#ifndef BYOL__CLASSIFIER_H
#define BYOL__CLASSIFIER_H

#include <stddef.h>
#include <stdint.h>

#include "byol/encoder.h"
#include "graph/graph.h"
#include "optim/optim.h"
#include "plan/plan.h"

typedef struct byol__classifier_options {
    int classes, batch;
    int train_stages; /* of the backbone; below 0: all */
    float lr_decay;   /* factor from stage to stage, towards the images */
    byol__dtype dtype;
    byol__optimizer_options optimizer; /* lr_scale is the classifier's own */
    uint64_t seed;                     /* of the head */
} byol__classifier_options;

typedef struct byol__classifier {
    byol__graph whole, front, back; /* front and back only where some stages stay as they are */
    const byol__graph *trained;     /* back, or the whole */
    int batch, classes;
    byol__plan *judge, *before,
        *learner;    /* EVAL of the whole; EVAL of the front, or NULL; TRAIN of `trained` */
    void *workspace; /* of all three */
    float *params, *statistics;              /* arenas of the whole */
    size_t params_before, statistics_before; /* floats of them that are the front's */
    float *grads, *state[2], *lr_scale;      /* of `trained`: arenas, and a factor for each row */
    byol__optimizer_options optimizer;
    uint64_t step;
    float *images;        /* (batch, C, H, W): what comes next */
    float *middle;        /* (batch, c, h, w) between front and back */
    float *logits, *diff; /* (batch, classes) */
} byol__classifier;

/* Starts with the encoder's backbone and a random head. BYOL_ERROR_INVALID where the backbone has
 * fewer stages. Owned: byol__classifier_free. */
byol_status byol__classifier_create(byol__classifier **out, const byol_encoder *encoder,
                                    const byol__classifier_options *options, byol_error *error);
void byol__classifier_free(byol__classifier *classifier);

/* One optimizer step on `images`. BYOL_ERROR_NUMERIC where the loss is not finite. */
byol_status byol__classifier_step(byol__classifier *classifier, const int32_t *labels, double lr,
                                  double *loss, byol_error *error);

/* Makes the judge see the parameters as they are now. */
byol_status byol__classifier_refresh(byol__classifier *classifier, byol_error *error);

/* `images` -> `logits`, in evaluation mode, as of the last refresh. */
byol_status byol__classifier_judge(byol__classifier *classifier, byol_error *error);

#endif
