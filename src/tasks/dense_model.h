/* A network that answers at every pixel, and the plans and arenas to train it: what stands before
 * its head may be frozen, and is then run as for evaluation. */
#ifndef BYOL__DENSE_MODEL_H
#define BYOL__DENSE_MODEL_H

#include "base/dtype.h"
#include "graph/graph.h"
#include "optim/optim.h"
#include "plan/plan.h"
#include "tasks/dense_net.h"

typedef struct byol__dense_model_options {
    int batch;
    byol__dtype dtype;         /* of training */
    float lr, lr_decay;        /* of the head; factor from stage to stage, towards the pictures */
    float weight_decay;        /* AdamW's */
    uint64_t steps;            /* of the whole training: the rate falls as (1 - t / steps)^.9 */
    uint64_t seed;             /* of the head's weights and of dropout */
    const byol__trunk *trunk;  /* whose weights it begins with; NULL: random ones */
    const byol__value_id *cut; /* what is before this value is frozen; NULL: nothing */
} byol__dense_model_options;

typedef struct byol__dense_model {
    byol__graph whole, front, back; /* the latter two only where something is frozen */
    const byol__graph *trained;     /* `back` or `whole` */
    byol__dense_model_options options;
    byol__shape map;                         /* of the answer: (c, h, w) */
    byol__plan *judge, *before, *learner;    /* EVAL of whole; EVAL of front or NULL; TRAIN */
    void *workspace;                         /* shared by all three */
    float *params, *statistics;              /* arenas of `whole` */
    size_t params_before, statistics_before; /* how many of their floats belong to `front` */
    float *grads, *state[2], *lr_scale;      /* of `trained` */
    byol__optimizer_options optimizer;
    uint64_t step;
    float *images;      /* (batch, C, H, W): the next input */
    float *middle;      /* between front and back */
    float *maps, *diff; /* (batch, c, h, w): the answer, and the gradient of the loss by it */
} byol__dense_model;

/* Takes over `graph`, which is finished and whose answer is output BYOL__LOGITS; it is released in
 * any case. Owned: byol__dense_model_free. */
byol_status byol__dense_model_create(byol__dense_model **out, byol__graph *graph,
                                     const byol__dense_model_options *options, byol_error *error);
void byol__dense_model_free(byol__dense_model *model);

/* `images` -> `maps`, as in training. */
byol_status byol__dense_model_forward(byol__dense_model *model, byol_error *error);

/* One step along `diff`. BYOL_ERROR_NUMERIC if `loss` or the gradient is not finite. */
byol_status byol__dense_model_learn(byol__dense_model *model, double loss, byol_error *error);

/* Gives the judge the current parameters. */
byol_status byol__dense_model_refresh(byol__dense_model *model, byol_error *error);

/* `images` -> `maps`, in evaluation mode, with the parameters of the last refresh. */
byol_status byol__dense_model_judge(byol__dense_model *model, byol_error *error);

#endif
