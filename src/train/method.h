/* BYOL itself (arXiv 2006.07733; the exact formulas are those of the authors' code, deepmind-research/byol):
 *
 *     online   p = q(g(f(view)))     parameters theta: backbone f, projector g, predictor q
 *     target   z' = g(f(view))       parameters xi: an average of theta's backbone and projector, never differentiated
 *     loss     |n(p1) - n(z'2)|^2 + |n(p2) - n(z'1)|^2     summed over the directions, mean over the batch: 0 .. 8
 *     then     theta <- optimizer(theta, gradient);  xi <- tau xi + (1 - tau) theta
 *
 * Views pass one at a time, so that batch norm sees one view, as in the reference, and so that only one view's
 * activations are alive: the target looks at both views first, then the online network goes forward and backward on
 * view 1, then on view 2, and the gradients add up.
 *
 * The rest of the family is this with other choices (docs/family.md), each made once, in byol__method_create:
 *
 *     kind         what the target is: the average; a network that never moves; or the online network itself
 *     both_sides   whether the gradient goes into the target too (contrastive: no stop-gradient)
 *     directions   2, or 1: view 1 predicts view 2 and that is all
 *     distance     for the squared distance of normalised vectors above
 *     graph        q and g may be one linear layer, or none
 *
 * Where the online network is its own target, what a view's gradient is depends on the other view's output. Both go
 * forward, view 1 last and then backward; view 2, whose activations are gone by then, goes forward once more before its
 * own backward: one forward pass more in exchange for half the memory.
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
#include "train/distance.h"
#include "train/start.h"

typedef struct byol__method {
    byol__graph graph;           /* of the online network */
    byol__graph target_graph;    /* of the target: as the online one's up to the projection, or of its own kind */
    byol__plan *online, *target; /* TRAIN as far as the prediction; TARGET (frozen: EVAL) as far as the projection,
                                    NULL where the online network is the target */
    byol_target_kind kind;
    int both_sides, directions;
    int mispaired; /* a view is held against its own target projection */
    byol__distance distance;
    int batch;
    int dimension;            /* D: of predictions and target projections */
    int projection_dimension; /* of the online network's projections: D too, unless the target is of its own kind */
    byol__optimizer_options optimizer;
    int states;       /* how many arenas of state the optimizer keeps */
    double clip_norm; /* 0: off */

    /* Arenas laid out by graph.params; the target's by target_graph.params: where it is of the same kind, that is the
     * same up to where the predictor begins. */
    float *params, *grads, *state[2];
    float *target_params; /* NULL where the online network is the target; so are its statistics */
    size_t target_count;  /* floats of target_params */

    /* Arenas laid out by graph.statistics: BN running means and variances. The target's come from its own forwards. */
    float *statistics, *target_statistics;
    size_t target_statistics_count;
    float *kept_statistics; /* while a view goes forward once more */

    void *workspace; /* shared by both plans: they run one after the other */
    size_t workspace_bytes, staging_bytes;
    uint64_t flops; /* of a batch: all passes */

    /* (N, D), of the last batch, by view. */
    float *projection[2];        /* z, online: what the monitor looks at */
    float *prediction[2];        /* p, online */
    float *target_projection[2]; /* z' */
    float *diff[2];              /* gradient of the loss by p */
    float *diff_target[2];       /* by z', where it has one */

    uint64_t step;       /* optimizer steps done */
    int pending;         /* batches whose gradients wait in `grads` */
    double pending_loss; /* sum of their losses */

    byol__profile *profile; /* NULL: nobody asks */
} byol__method;

/* The mean of a step's losses and the norm of its gradient before clipping. */
typedef struct byol__step_result {
    double loss, gradient_norm;
} byol__step_result;

/* `config` checked, and resolved: image_size, and precision fp32 or bf16. Freshly initialised from train.seed, the
 * target a copy of the online network (or random: target.init), both staged. Owned: byol__method_free. */
byol_status byol__method_create(byol__method **out, const byol_config *config, int channels, byol_error *error);
void byol__method_free(byol__method *method);

/* For a run that begins: reads the weights that encoder.init and target.init name, if they do. */
byol_status byol__method_load(byol__method *method, const byol_config *config, byol__hear hear, void *context,
                              byol_error *error);

/* From now on every step adds what it does to `profile` (borrowed). */
void byol__method_profile(byol__method *method, byol__profile *profile);

/* Copies the parameters to where the plans compute with them. To be called after `params` or `target_params` were
 * written from outside; byol__method_update does it itself. */
void byol__method_stage(byol__method *method);

/* One batch, `view[v]` (N, C, H, W) floats: adds its gradients to `grads` and returns its loss. With one direction,
 * prediction[0] and target_projection[1] are all that is known afterwards of the batch. */
double byol__method_forward_backward(byol__method *method, const float *const view[2]);

/* One optimizer step with the mean gradient of the batches since the last: clip, optimizer, EMA, stage, zero the
 * gradients. BYOL_NUMERIC, with parameters and state untouched, where the loss or the gradient is not finite. */
byol_status byol__method_update(byol__method *method, double lr, double tau, byol__step_result *result,
                                byol_error *error);

#endif
