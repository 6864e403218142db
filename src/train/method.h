/* BYOL itself (arXiv 2006.07733; the exact formulas are those of the authors' code,
 * deepmind-research/byol):
 *
 *     online   p = q(g(f(view)))     parameters theta: backbone f, projector g, predictor q
 *     target   z' = g(f(view))       parameters xi: an average of theta's backbone and projector,
 * never differentiated loss     |n(p1) - n(z'2)|^2 + |n(p2) - n(z'1)|^2     summed over the
 * directions, mean over the batch: 0 .. 8 then     theta <- optimizer(theta, gradient);  xi <- tau
 * xi + (1 - tau) theta
 *
 * Views pass one at a time, so that batch norm sees one view, as in the reference, and so that only
 * one view's activations are alive: the target looks at both views first, then the online network
 * goes forward and backward on view 1, then on view 2, and the gradients add up.
 *
 * There may be more views than two, and small ones among them (multi-crop: Caron et al., arXiv
 * 2006.09882, section 3.2): the target looks at the large ones, and every view predicts every large
 * one but itself. A pair is a view whose prediction is held against a view's target; the loss is
 * the mean over the pairs, times two as BYOL's sum is.
 *
 * The rest of the family is this with other choices (docs/family.md), each made once, in
 * byol__method_create:
 *
 *     kind         what the target is: the average; a network that never moves; or the online
 * network itself both_sides   whether the gradient goes into the target too (contrastive: no
 * stop-gradient) pairs        all, or one: view 1 predicts view 2 and that is all distance     for
 * the squared distance of normalised vectors above graph        q and g may be one linear layer, or
 * none
 *
 * Where the online network is its own target, what a view's gradient is depends on the other views'
 * outputs. All go forward, view 1 last, and then backward, view 1 first: each view has a plan and
 * activations of its own. With train.recompute they share one, and the others, whose activations
 * are gone by then, go forward once more before their backward: the same numbers, slower, in the
 * memory of one view.
 *
 * The struct is open: the trainer writes its arenas to checkpoints, the golden tests read them. */
#ifndef BYOL__METHOD_H
#define BYOL__METHOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "byol/config.h"
#include "byol/status.h"
#include "config/view_list.h"
#include "graph/graph.h"
#include "optim/optim.h"
#include "plan/plan.h"
#include "train/distance.h"
#include "train/regularizer.h"
#include "train/start.h"

/* The prediction of view `prediction` against the target projection of view `target`. */
typedef struct byol__pair {
    int prediction, target;
} byol__pair;

enum { BYOL__PAIRS_MAX = BYOL_VIEWS_MAX * BYOL_VIEWS_MAX };

typedef struct byol__method {
    byol__graph graph;        /* of the online network, for images of data.image_size */
    byol__graph target_graph; /* of the target: as the online one's up to the projection, or of its
                                 own kind */
    byol__view_list views;
    byol__pair pairs[BYOL__PAIRS_MAX];
    int pair_count;
    double pair_weight; /* of each in the loss */
    int predicting;     /* the first of the views, which predict */

    /* By view. Views of one size share a plan, unless their activations must be alive together.
     * `online` is TRAIN as far as the prediction; `target` TARGET (frozen: EVAL) as far as the
     * projection, NULL where nobody asks. */
    byol__plan *online[BYOL_VIEWS_MAX], *target[BYOL_VIEWS_MAX];
    struct {
        byol__plan *plan;
        bool is_target;
    } plans[2 * BYOL_VIEWS_MAX]; /* each once, owned */
    int plan_count;

    byol_target_kind kind;
    int both_sides;
    int recompute;
    int mispaired;        /* a view is held against its own target projection */
    const float *vectors; /* (images, D): the teacher's, borrowed; NULL: the target is a network */
    const uint32_t *samples; /* of the batch at hand, with `vectors` */
    byol__distance distance;
    byol__regularizer
        regularizer; /* of every online projection: its mean over the views is added to the loss */
    int batch;
    int dimension;                /* D: of predictions and target projections */
    int representation_dimension; /* R */
    int projection_dimension; /* of the online network's projections: D too, unless the target is of
                                 its own kind */
    byol__optimizer_options optimizer;
    byol_status failed; /* what a plan could not do since the last update, and why */
    byol_error why;
    float *optimizer_scratch; /* of muon; NULL for the others */
    int states;               /* how many arenas of state the optimizer keeps */
    double clip_norm;         /* 0: off */

    /* Arenas laid out by graph.params; the target's by target_graph.params: where it is of the same
     * kind, that is the same up to where the predictor begins. */
    float *params, *grads, *state[2];
    float *target_params; /* NULL where the online network is the target; so are its statistics */
    size_t target_count;  /* floats of target_params */

    /* Arenas laid out by graph.statistics: BN running means and variances. The target's come from
     * its own forwards. */
    float *statistics, *target_statistics;
    size_t target_statistics_count;
    float *kept_statistics; /* while a view goes forward once more */

    void *workspace; /* shared by the plans, which run one after the other; of as many parts as must
                        be alive */
    size_t workspace_bytes, staging_bytes;
    uint64_t flops; /* of a batch: all passes */

    /* (N, D), of the last batch, by view. */
    float *representation; /* (N, R), of the first view: what the monitor looks at, as at z */
    float *projection[BYOL_VIEWS_MAX];        /* z, online */
    float *prediction[BYOL_VIEWS_MAX];        /* p, online */
    float *target_projection[BYOL_VIEWS_MAX]; /* z' */
    float *diff[BYOL_VIEWS_MAX];     /* gradient of the loss by p, and by z' where it has one */
    int has_diff[BYOL_VIEWS_MAX];    /* something has been added to it in this batch */
    float *pair_diff[2];             /* of one pair: by p, by z' */
    float *own_diff[BYOL_VIEWS_MAX]; /* of the regularizer, by z; NULL without one */

    uint64_t step;       /* optimizer steps done */
    int pending;         /* batches whose gradients wait in `grads` */
    double pending_loss; /* sum of their losses */

    byol__profile *profile; /* NULL: nobody asks */
} byol__method;

/* The mean of a step's losses and the norm of its gradient before clipping. */
typedef struct byol__step_result {
    double loss, gradient_norm;
} byol__step_result;

/* `config` checked, and resolved: image_size, and precision fp32 or bf16. Freshly initialised from
 * train.seed, the target a copy of the online network (or random: target.init), both staged. Owned:
 * byol__method_free. */
byol_status byol__method_create(byol__method **out, const byol_config *config, int channels,
                                byol_error *error);
void byol__method_free(byol__method *method);

/* For a run that begins: reads the weights that encoder.init and target.init name, if they do. */
byol_status byol__method_load(byol__method *method, const byol_config *config, byol__hear hear,
                              void *context, byol_error *error);

/* From now on every step adds what it does to `profile` (borrowed). */
void byol__method_profile(byol__method *method, byol__profile *profile);

/* Copies the parameters to where the plans compute with them. To be called after `params` or
 * `target_params` were written from outside; byol__method_update does it itself. */
byol_status byol__method_stage(byol__method *method, byol_error *error);

/* One batch, `view[v]` (N, C, H, W) floats of views.size[v]: adds its gradients to `grads` and
 * returns its loss. With one pair, prediction[0] and target_projection[1] are all that is known
 * afterwards of the batch. What oneDNN could not do, byol__method_update tells. */
double byol__method_forward_backward(byol__method *method, const float *const *view);

/* One optimizer step with the mean gradient of the batches since the last: clip, optimizer, EMA,
 * stage, zero the gradients. BYOL_ERROR_NUMERIC, with parameters and state untouched, where the
 * loss or the gradient is not finite. */
byol_status byol__method_update(byol__method *method, double lr, double tau,
                                byol__step_result *result, byol_error *error);

#endif
