/* The inside of a plan: what compile.c builds, what run.c binds and runs, and what an operation
 * sees of its plan. For src/plan and src/ops only. */
#ifndef BYOL__UNIT_H
#define BYOL__UNIT_H

#include "dnn/dnn.h"

#include "graph/op.h"
#include "plan/fuse.h"
#include "plan/kernels.h"
#include "plan/liveness.h"
#include "plan/plan.h"
#include <stdbool.h>

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
typedef struct byol__range {
    size_t offset, count;
} byol__range;

/* One stage with all that it runs. In time slot i, unit i runs forward; in slot 2 units - 1 - i, it
 * runs backward. */
struct byol__unit {
    byol__stage stage;
    const byol__op *op; /* whose functions run it */
    void *state;        /* owned: the op's own */
    char name[BYOL__NODE_NAME_MAX];
    uint64_t forward_flops, backward_flops; /* whole batch */
    int applied_by; /* the unit that computes this one's value as it reads, so that it is never
                       stored; BYOL__NONE: itself */

    /* Buffers, or BYOL__NO_BUFFER. */
    int dy[BYOL__MAX_FANOUT]; /* gradients of its value, one from each reader */
    int dy_count;
    int dx[BYOL__SOURCES_MAX]; /* gradients of its sources */
};

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
    byol__value_id output[BYOL__OUTPUTS_MAX];
    unsigned has_output;
    int diff[BYOL__OUTPUTS_MAX]; /* buffers of the gradients that backward is given */

    byol__binding bound;
    byol__draw draw;
    bool draws;             /* it was set */
    byol__profile *profile; /* NULL: not profiled */
};

/* A plan being compiled. */
struct byol__compiler {
    byol__plan *plan;
    const byol__graph *graph;
    byol__format
        trunk; /* of the options, or chosen by the first convolution; FORMAT_ANY before it */
    byol_error *error;
};

/* Fills an empty plan from the graph. On failure byol__plan_free cleans up. */
byol_status byol__plan_compile(byol__plan *plan, const byol__graph *graph, byol_error *error);

/* ---- While it is compiled ---- */

static inline bool byol__trains(const byol__plan *plan) {
    return plan->options.mode == BYOL__TRAIN;
}

/* The time slot in which a unit runs backward. */
static inline int byol__backward_slot(const byol__plan *plan, int unit) {
    return 2 * plan->unit_count - 1 - unit;
}

/* A buffer of the workspace that lives from slot `first` to slot `last`. */
byol_status byol__new_buffer(byol__compiler *c, size_t bytes, int first, int last, int *id);
byol_status byol__new_floats(byol__compiler *c, int count, int first, int last, int *id);
void byol__keep_until(byol__plan *plan, int buffer, int slot);
/* Reserves bytes of the staging memory. Returns their offset. */
size_t byol__reserve_staging(byol__plan *plan, size_t bytes);

byol__layout byol__layout_for(const byol__compiler *c, int value, byol__format format);
byol__range byol__range_of(const byol__table *table, int row);
/* How many units and outputs read a value; the unit that makes it, or BYOL__NONE. */
int byol__count_readers(const byol__plan *plan, int value);
int byol__producer(const byol__plan *plan, int value);
/* What the unit's backward pass reads: BYOL__READS_*. */
unsigned byol__backward_reads(const byol__unit *unit);

/* ---- Once it is bound ---- */

/* The address of a buffer, of a value, of staged weights. NULL for BYOL__NO_BUFFER. */
void *byol__at(const byol__plan *plan, int buffer);
void *byol__value_at(const byol__plan *plan, int value);
float *byol__staged(const byol__plan *plan, size_t offset);
size_t byol__value_bytes(const byol__plan *plan, int value); /* 0 for BYOL__NO_VALUE */

#endif
