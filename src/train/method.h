/* BYOL itself (arXiv 2006.07733). The exact formulas are those of the authors' code
 * (deepmind-research/byol):
 *
 *     online   p = q(g(f(view)))
 *              parameters theta: backbone f, projector g, predictor q
 *     target   z' = g(f(view)), never differentiated
 *              parameters xi: an average of theta's backbone and projector
 *     loss     |n(p1) - n(z'2)|^2 + |n(p2) - n(z'1)|^2
 *              summed over the directions, mean over the batch: 0 .. 8
 *     then     theta <- optimizer(theta, gradient);  xi <- tau xi + (1 - tau) theta
 *
 * Views pass one at a time. So batch norm sees one view, as in the reference, and only one view's
 * activations are alive. The target runs forward on both views first. Then the online network runs
 * forward and backward on view 1, then on view 2. The gradients add up.
 *
 * There may be more than two views, and some of them small (multi-crop: Caron et al., arXiv
 * 2006.09882, section 3.2). The target sees the large ones only. Every view predicts every large
 * one but itself. A pair is one view's prediction compared with one view's target. The loss is the
 * mean over the pairs, times two, as BYOL's is a sum of two.
 *
 * The rest of the family differs in these choices (docs/family.md), each made once, in
 * byol__method_create:
 *
 *     kind         what the target is: the average, a network that never moves, the online
 *                  network itself, or vectors from a file
 *     both_sides   whether the gradient goes into the target too (contrastive: no stop-gradient)
 *     pairs        all, or one: view 1 predicts view 2 and that is all
 *     distance     replaces the squared distance of normalised vectors above
 *     graph        q and g may be one linear layer, or none
 *
 * With target.layers the target of a text is not one vector but one for each token that view 1
 * hides (masked.h): view 1 predicts, at those tokens, the mean of the target's last layers, which
 * has seen them in view 2 (data2vec). "Rows" below are those tokens, else the samples.
 *
 * Where the online network is its own target, a view's gradient depends on the other views'
 * outputs. So all views go forward, view 1 last, and then backward, view 1 first. Each view has its
 * own plan and activations. With train.recompute the views share one plan, and the other views'
 * activations are overwritten. Those views go forward once more before their backward: the same
 * numbers, slower, in the memory of one view.
 *
 * The struct is open: the trainer writes its arenas to checkpoints, the golden tests read them. */
#ifndef BYOL__METHOD_H
#define BYOL__METHOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "byol/config.h"
#include "byol/status.h"
#include "comm/comm.h"
#include "config/view_list.h"
#include "graph/graph.h"
#include "optim/optim.h"
#include "plan/plan.h"
#include "train/distance.h"
#include "train/masked.h"
#include "train/regularizer.h"
#include "train/start.h"

/* The prediction of view `prediction` against the target projection of view `target`. */
typedef struct byol__pair {
    int prediction, target;
} byol__pair;

enum { BYOL__PAIRS_MAX = BYOL_VIEWS_MAX * BYOL_VIEWS_MAX, BYOL__LENGTHS_MAX = 8 };

/* One plan per view. Views of one size share a plan, unless their activations must be alive
 * together. `online` is a TRAIN plan up to the prediction. `target` is a TARGET plan (frozen: EVAL)
 * up to the projection. NULL where it is not needed. */
typedef struct byol__view_plans {
    int length; /* tokens of a text that they take; 0: images */
    byol__plan *online[BYOL_VIEWS_MAX], *target[BYOL_VIEWS_MAX];
} byol__view_plans;

typedef struct byol__method {
    const byol__comm *comm; /* the ranks that train it together, borrowed */
    byol__graph graph;      /* of the online network, for images of data.image_size */
    /* Of the target: like the online one up to the projection, or another kind of network. */
    byol__graph target_graph;
    byol__view_list views;
    byol__pair pairs[BYOL__PAIRS_MAX];
    int pair_count;
    double pair_weight; /* each pair's weight in the loss */
    int predicting;     /* how many views predict: the first ones */

    /* Images: one row. Texts: one for each of some lengths, the shortest first, of which a batch
     * takes the first that has room for its longest text. */
    byol__view_plans lengths[BYOL__LENGTHS_MAX];
    int length_count;
    byol__plan *online[BYOL_VIEWS_MAX], *target[BYOL_VIEWS_MAX]; /* the current batch's row */
    int32_t *tokens[BYOL_VIEWS_MAX]; /* texts: the batch without the rest of its padding */
    struct {
        byol__plan *plan;
        bool is_target, stale; /* stale: parameters have changed since it was staged */
    } plans[2 * BYOL_VIEWS_MAX * BYOL__LENGTHS_MAX]; /* every plan once; owned */
    int plan_count;

    byol_target_kind kind;
    bool both_sides;
    bool recompute;
    bool mispaired;       /* p is compared with z' of its own view */
    const float *vectors; /* (images, D): the teacher's, borrowed; NULL: the target is a network */
    const uint32_t *samples; /* of the current batch; only with `vectors` */
    byol__distance distance;
    /* Applied to every online projection. Its mean over the views is added to the loss. */
    byol__regularizer regularizer;
    uint64_t seed; /* of dropout */
    int batch;
    int rows;                     /* of the last batch: as many samples, or tokens */
    byol__masked masked;          /* channels 0: samples are compared, not tokens */
    float target_scale;           /* tokens: 1 / layers */
    float *all_tokens;            /* (N, D, length): an output before tokens are chosen */
    int dimension;                /* D: of predictions and target projections */
    int representation_dimension; /* R */
    /* Of the online projections; equals D, unless the target is another kind of network. */
    int projection_dimension;
    byol__optimizer_options optimizer;
    /* What failed in a plan since the last update, and why. */
    byol_status failed;
    byol_error why;
    float *optimizer_scratch; /* for muon; NULL for the others */
    byol__dnn *optimizer_dnn; /* muon in bf16 on a CPU that multiplies tiles; else NULL */
    int states;               /* number of the optimizer's state arenas */
    double clip_norm;         /* 0: off */

    /* Arenas laid out by graph.params; the target's by target_graph.params. If the target is of the
     * same kind, both layouts agree up to where the predictor begins. */
    float *params, *grads, *state[2];
    float *target_params; /* NULL without a second network; so are its statistics */
    size_t target_count;  /* floats of target_params */

    /* Arenas laid out by graph.statistics: BN running means and variances. The target's come from
     * its own forward passes. */
    float *statistics, *target_statistics;
    size_t target_statistics_count;
    float *kept_statistics; /* a copy, while a view goes forward once more */

    /* Shared by the plans, which run one after the other. It has as many parts as must be alive at
     * once. */
    void *workspace;
    size_t workspace_bytes, staging_bytes;
    uint64_t flops; /* for one batch, all passes */

    /* (rows, D), from the last batch, one per view. */
    float *representation; /* (N, R), of the first view; measured by the monitor, like z */
    float *projection[BYOL_VIEWS_MAX];        /* z, online */
    float *prediction[BYOL_VIEWS_MAX];        /* p, online */
    float *target_projection[BYOL_VIEWS_MAX]; /* z' */
    float *diff[BYOL_VIEWS_MAX];     /* gradient of the loss by p, and by z' if it has one */
    bool has_diff[BYOL_VIEWS_MAX];   /* diff[v] holds something from this batch */
    float *pair_diff[2];             /* one pair's gradients: by p, by z' */
    float *own_diff[BYOL_VIEWS_MAX]; /* gradient of the regularizer by z; NULL without one */

    uint64_t step;       /* optimizer steps done */
    int pending;         /* batches whose gradients wait in `grads` */
    double pending_loss; /* sum of their losses */

    byol__profile *profile; /* NULL: not profiled */
} byol__method;

/* The mean of a step's losses and the norm of its gradient before clipping. */
typedef struct byol__step_result {
    double loss, gradient_norm;
} byol__step_result;

/* `config` must be checked, with image_size set and the precision resolved to fp32 or bf16. The
 * weights are freshly initialised from train.seed. The target is a copy of the online network (or
 * random: target.init). Both are staged. Every rank of `comm` (borrowed) creates the same method;
 * train.batch_size is per rank. `*out` is owned: byol__method_free. */
byol_status byol__method_create(byol__method **out, const byol_config *config, int channels,
                                const byol__comm *comm, byol_error *error);
void byol__method_free(byol__method *method);

/* For a new run: reads the weight files that encoder.init and target.init name, if they name
 * any. */
byol_status byol__method_load(byol__method *method, const byol_config *config, byol__hear hear,
                              void *context, byol_error *error);

/* For a step: the plans of row `row` of method->lengths become the current ones. */
void byol__method_take_plans(byol__method *method, int row);

/* From now on every step adds its work to `profile` (borrowed). */
void byol__method_profile(byol__method *method, byol__profile *profile);

/* Copies the parameters to where the plans compute with them. Call it after writing `params` or
 * `target_params` from outside; byol__method_update does it itself. */
byol_status byol__method_stage(byol__method *method, byol_error *error);

/* Gives every rank the parameters, statistics and optimizer state of the first rank. */
byol_status byol__method_share(byol__method *method, byol_error *error);

/* Runs one batch: adds its gradients to `grads` and returns its loss. `view[v]` is the input of
 * byol__plan_forward for views.size[v]. With one pair, only prediction[0] and target_projection[1]
 * of the batch are known afterwards. byol__method_update reports what oneDNN could not do. */
double byol__method_forward_backward(byol__method *method, const void *const *view);

/* One optimizer step with the mean gradient of all ranks' batches since the last one: clip,
 * optimizer, EMA, stage, zero the gradients. BYOL_ERROR_NUMERIC if the loss or the gradient is not
 * finite; parameters and state are then untouched. */
byol_status byol__method_update(byol__method *method, double lr, double tau,
                                byol__step_result *result, byol_error *error);

#endif
