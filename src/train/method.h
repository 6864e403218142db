/* BYOL itself (arXiv 2006.07733; the exact formulas are those of the authors' code, deepmind-research/byol):
 *
 *     online   p = q(g(f(view)))     parameters theta: backbone f, projector g, predictor q
 *     target   z' = g(f(view))       parameters xi: an average of theta's backbone and projector, never differentiated
 *     loss     |n(p1) - n(z'2)|^2 + |n(p2) - n(z'1)|^2     summed over the directions, mean over the batch: 0 .. 8
 *     then     theta <- optimizer(theta, gradient);  xi <- tau xi + (1 - tau) theta
 *
 * Both networks are plans of one graph. Views pass one at a time, so that batch norm sees one view, as in the
 * reference, and so that only one view's activations are alive: the target looks at both views first, then the online
 * network goes forward and backward on view 1, then on view 2, and the gradients add up.
 *
 * The struct is open: the trainer writes its arenas to checkpoints, the golden tests read them. */
#ifndef BYOL__METHOD_H
#define BYOL__METHOD_H

#include <stddef.h>
#include <stdint.h>

#include "byol/config.h"
#include "byol/status.h"
#include "graph/graph.h"
#include "optim/optim.h"
#include "plan/plan.h"

typedef struct byol__method {
    byol__graph graph;           /* of the online network; the target is its part up to the projection */
    byol__plan *online, *target; /* TRAIN as far as the prediction; TARGET as far as the projection */
    int batch, dimension;        /* N, and D of projections and predictions */
    byol__optimizer_options optimizer;
    int states;       /* how many arenas of state the optimizer keeps */
    double clip_norm; /* 0: off */

    /* Arenas laid out by graph.params; the target's end where the predictor begins. */
    float *params, *grads, *state[2];
    float *target_params;
    size_t target_count; /* floats of target_params */

    /* Arenas laid out by graph.statistics: BN running means and variances. The target's come from its own forwards. */
    float *statistics, *target_statistics;
    size_t target_statistics_count;

    void *workspace; /* shared by both plans: they run one after the other */
    size_t workspace_bytes;

    /* (N, D), of the last batch, by view. */
    float *projection[2];        /* z, online: what the monitor looks at */
    float *prediction[2];        /* p, online */
    float *target_projection[2]; /* z' */
    float *diff;                 /* gradient of the loss by p, of the view in work */

    uint64_t step;       /* optimizer steps done */
    int pending;         /* batches whose gradients wait in `grads` */
    double pending_loss; /* sum of their losses */

    byol__profile *profile; /* NULL: nobody asks */
} byol__method;

/* The mean of a step's losses and the norm of its gradient before clipping. */
typedef struct byol__step_result {
    double loss, gradient_norm;
} byol__step_result;

/* `config` resolved: image_size, and precision fp32 or bf16. Freshly initialised from train.seed, the target a copy of
 * the online network, both staged. Owned: byol__method_free. */
byol_status byol__method_create(byol__method **out, const byol_config *config, int channels, byol_error *error);
void byol__method_free(byol__method *method);

/* From now on every step adds what it does to `profile` (borrowed). */
void byol__method_profile(byol__method *method, byol__profile *profile);

/* Copies the parameters to where the plans compute with them. To be called after `params` or `target_params` were
 * written from outside; byol__method_update does it itself. */
void byol__method_stage(byol__method *method);

/* One batch, `view[v]` (N, C, H, W) floats: adds its gradients to `grads` and returns its loss. */
double byol__method_forward_backward(byol__method *method, const float *const view[2]);

/* One optimizer step with the mean gradient of the batches since the last: clip, optimizer, EMA, stage, zero the
 * gradients. BYOL_NUMERIC, with parameters and state untouched, where the loss or the gradient is not finite. */
byol_status byol__method_update(byol__method *method, double lr, double tau, byol__step_result *result,
                                byol_error *error);

#endif
