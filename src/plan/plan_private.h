/* The inside of a plan. Private to src/plan: compile.c builds it, run.c binds and runs it. */
#ifndef BYOL__PLAN_PRIVATE_H
#define BYOL__PLAN_PRIVATE_H

#include "dnn/dnn.h"
#include "plan/fuse.h"
#include "plan/kernels.h"
#include "plan/liveness.h"
#include "plan/plan.h"

enum { BYOL__NO_BUFFER = -1, BYOL__MAX_FANOUT = 8 };

/* A graph value as this plan keeps it. */
typedef struct byol__slot {
    byol__layout layout;
    int buffer;                  /* BYOL__NO_BUFFER: this plan never makes it */
    int diffs[BYOL__MAX_FANOUT]; /* buffers of gradients, one from each reader */
    int diff_count;
    bool wants_grad;
} byol__slot;

/* Offset and count of parameters or statistics in their arena; absent: count 0. */
typedef struct byol__span {
    size_t offset, count;
} byol__span;

/* One stage with all that it runs. In time slot i the plan runs unit i forward, in slot 2 units - 1 - i backward. */
typedef struct byol__unit {
    byol__stage stage;
    char name[BYOL__NODE_NAME_MAX];
    byol__span weight, bias;                           /* contraction */
    byol__span gamma, beta, running_mean, running_var; /* batch norm */
    uint64_t flops;                                    /* forward, whole batch */

    byol__contraction *forward, *backward_data, *backward_weights;
    size_t staged_forward, staged_backward, staged_bias; /* offsets into the staging memory */
    bool own_backward_weights;                           /* backward data wants another weight layout than forward */
    byol__pointwise pointwise;
    byol__pool pool;
    int applied_by;      /* a batch norm: the unit that applies it, with its ReLU, on reading; BYOL__NONE: itself */
    int applies_norm_of; /* a convolution: the unit whose batch norm it applies, or BYOL__NONE */
    int gathered_by;     /* a batch norm: the unit that gathers its moments, or BYOL__NONE */
    int gathers_for;     /* a convolution: the last unit that it gathers moments for, or BYOL__NONE */
    const byol__moments *gathered;

    /* Buffers, or BYOL__NO_BUFFER. */
    int mean, inv_std, scale, shift, partial, moments;
    int scratch, backward_scratch, diff_weights, diff_bias;
    int dy[BYOL__MAX_FANOUT];
    int dy_count;
    int dx, g;
} byol__unit;

struct byol__plan {
    byol__plan_options options;
    byol__dnn *dnn;
    const byol__kernel_table *kernels;
    byol__unit *units;
    int unit_count;
    byol__slot *slots; /* by graph value */
    int slot_count;
    byol__buffer *buffers;
    int buffer_count, buffer_capacity;
    size_t workspace_bytes, staging_bytes, fold_floats;
    char *staging; /* owned */
    float *fold;   /* owned: EVAL's scratch for folded weights */
    byol__value_id output[BYOL__OUTPUTS];
    unsigned has_output;
    int diff_output;     /* buffer of the gradient that backward is given */
    int diff_projection; /* of the one at the projection, where there is one */

    byol__binding bound;
    byol__profile *profile; /* NULL: nobody asks */
};

/* Fills an empty plan from the graph. On failure byol__plan_free cleans up. */
byol_status byol__plan_compile(byol__plan *plan, const byol__graph *graph, byol_error *error);

#endif
