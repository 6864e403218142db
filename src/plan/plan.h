/* A plan: a graph compiled for one batch size, precision and mode. It is an array of steps, each a
 * oneDNN primitive or one of our kernels with its arguments, and one workspace. The workspace's
 * size and every offset in it are known before the first step.
 *
 * Build: byol__plan_create. Bind: byol__plan_bind gives it parameters, gradients, statistics and
 * workspace. Run: stage, forward, backward. None of the three allocates; all fail only if oneDNN
 * fails. */
#ifndef BYOL__PLAN_H
#define BYOL__PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dtype.h"
#include "base/profile.h"
#include "byol/status.h"
#include "comm/comm.h"
#include "dnn/layout.h"
#include "graph/graph.h"

typedef enum byol__mode {
    BYOL__TRAIN,  /* batch statistics, activations kept for backward, running statistics updated */
    BYOL__TARGET, /* batch statistics, running statistics updated, nothing kept: forward only */
    BYOL__EVAL,   /* running statistics, folded into the convolutions: forward only */
} byol__mode;

typedef struct byol__plan_options {
    int batch;
    byol__dtype dtype; /* of activations and staged weights; parameters, gradients and statistics
                          are always fp32 */
    byol__mode mode;
    /* Compile as far as this output. Those before it that it needs can be read too; with TRAIN all
     * that are before it. */
    byol__output output;
    unsigned diffs;  /* TRAIN: a bit for each output before that one whose gradient is given too */
    bool input_diff; /* TRAIN: byol__plan_read_input_diff can be asked after backward */
    byol__format format;    /* of activations; BYOL__FORMAT_ANY (0): what oneDNN prefers here, and
                               plain before the first convolution */
    const byol__comm *comm; /* ranks whose batches (of this size) are one batch to batch norm,
                               borrowed; NULL: this rank alone */
} byol__plan_options;

typedef struct byol__plan byol__plan; /* declared in graph/op.h too */

typedef struct byol__plan_info {
    size_t workspace_bytes;                 /* what byol__plan_bind's workspace must hold */
    size_t staging_bytes;                   /* the plan's own: weights in the primitives' layouts */
    uint64_t forward_flops, backward_flops; /* of one run */
    int steps;
} byol__plan_info;

/* The plan copies what it needs from the graph. Owned: byol__plan_free. */
byol_status byol__plan_create(byol__plan **out, const byol__graph *graph,
                              const byol__plan_options *options, byol_error *error);
void byol__plan_free(byol__plan *plan);
void byol__plan_describe(const byol__plan *plan, byol__plan_info *info);

/* All borrowed and 64-byte aligned. Plans that run one after another may share a workspace. */
typedef struct byol__binding {
    const float *params; /* the graph's params.total floats (or the sections that this plan's output
                            needs) */
    float *grads;        /* same layout; TRAIN only, else NULL */
    float *statistics;   /* the graph's statistics.total floats (or the sections needed) */
    void *workspace;
} byol__binding;
byol_status byol__plan_bind(byol__plan *plan, const byol__binding *binding, byol_error *error);

/* From now on the plan adds its work to `profile` (borrowed). NULL: it stops. */
void byol__plan_profile(byol__plan *plan, byol__profile *profile);

/* Copies the parameters into the primitives' layouts and precision; EVAL folds batch norm in. Call
 * it after every change of the parameters, before the next forward. */
byol_status byol__plan_stage(byol__plan *plan, byol_error *error);

/* What the random numbers of a forward pass and of its backward pass depend on, beside node and
 * place: dropout (zeros unless it was set) and attention's noise (none unless it was set). */
typedef struct byol__draw {
    uint64_t seed;
    uint32_t step, view;
} byol__draw;
void byol__plan_draw(byol__plan *plan, const byol__draw *draw);

/* `input` (batch, shape of the graph's input): plain floats, or int32_t if that is of integers. */
byol_status byol__plan_forward(byol__plan *plan, const void *input, byol_error *error);

/* After forward: copies an output, (batch, dimension) plain floats. */
void byol__plan_read(const byol__plan *plan, byol__output output, float *dst);

/* After forward, TRAIN only: `diff` (batch, dimension) floats is the gradient of the plan's output.
 * ADDS the parameters' gradients to the bound gradient arena. */
byol_status byol__plan_backward(byol__plan *plan, const float *diff, byol_error *error);

/* Before each backward, for each output of options.diffs. `diff`, (batch, dimension) floats, is the
 * part of the output's gradient that does not come from the output behind it. */
void byol__plan_diff(byol__plan *plan, byol__output output, const float *diff);

/* After backward, TRAIN with options.input_diff only: the gradient of the input, plain floats of
 * its shape. */
void byol__plan_read_input_diff(const byol__plan *plan, float *dst);

/* Activations by graph value, for tests and debugging: copies value `id` as plain (batch, c, h, w)
 * floats. Only values that the plan keeps (TRAIN: all inputs and outputs of fused steps, except a
 * batch norm that its reader applies). BYOL_ERROR_NOT_FOUND otherwise. */
byol_status byol__plan_read_value(const byol__plan *plan, byol__value_id id, float *dst,
                                  byol_error *error);

#endif
