/* A backbone with a linear head, and the plans and arenas to train its last stages. The frozen
 * first stages run forward only, with batch norm folded in. The part after the cut is trained. */
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
    int train_stages; /* stages of the backbone; below 0: all */
    float lr_decay;   /* factor from stage to stage, towards the images */
    byol__dtype dtype;
    byol__optimizer_options optimizer; /* the classifier sets lr_scale itself */
    uint64_t seed;                     /* for the head */
} byol__classifier_options;

typedef struct byol__classifier {
    byol__graph whole, front, back; /* front and back only if some stages are frozen */
    const byol__graph *trained;     /* `back` or `whole` */
    int batch, classes;
    /* EVAL of `whole`; EVAL of `front`, or NULL; TRAIN of `trained`. */
    byol__plan *judge, *before, *learner;
    void *workspace;                         /* shared by all three */
    float *params, *statistics;              /* arenas of `whole` */
    size_t params_before, statistics_before; /* how many of their floats belong to `front` */
    float *grads, *state[2], *lr_scale;      /* of `trained`: arenas, and a factor for each row */
    byol__optimizer_options optimizer;
    uint64_t step, seed;  /* the seed: of dropout */
    float *images;        /* (batch, C, H, W): the next input */
    float *middle;        /* (batch, c, h, w) between front and back */
    float *logits, *diff; /* (batch, classes) */
} byol__classifier;

/* Starts with the encoder's backbone and a random head. BYOL_ERROR_INVALID if the backbone has
 * fewer stages than options->train_stages. Owned: byol__classifier_free. */
byol_status byol__classifier_create(byol__classifier **out, const byol_encoder *encoder,
                                    const byol__classifier_options *options, byol_error *error);
void byol__classifier_free(byol__classifier *classifier);

/* One optimizer step on `images`. BYOL_ERROR_NUMERIC if the loss is not finite. */
byol_status byol__classifier_step(byol__classifier *classifier, const int32_t *labels, double lr,
                                  double *loss, byol_error *error);

/* Gives the judge the current parameters. */
byol_status byol__classifier_refresh(byol__classifier *classifier, byol_error *error);

/* `images` -> `logits`, in evaluation mode, with the parameters of the last refresh. */
byol_status byol__classifier_judge(byol__classifier *classifier, byol_error *error);

#endif
