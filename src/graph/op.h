/* An operation: what graph, plan, exports and `byol info` must know of a kind, as one table. A file
 * of src/ops has each, or a small family of them; ops/registry.c lists them all. Nothing else in
 * the library names a kind. */
#ifndef BYOL__OP_H
#define BYOL__OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "graph/graph.h"

/* An operation that a plan runs, the plan, and the plan while it is made: plan/unit.h. */
typedef struct byol__unit byol__unit;
typedef struct byol__plan byol__plan;
typedef struct byol__compiler byol__compiler;

/* What the rules that run several nodes as one (plan/fuse.c) take it for. Those of one role run by
 * the same functions.
 */
typedef enum byol__role {
    BYOL__ROLE_ALONE,       /* nothing: it runs by itself */
    BYOL__ROLE_CONTRACTION, /* takes the batch norm and the ReLU behind it in evaluation */
    BYOL__ROLE_NORM,        /* batch norm, + residual, ReLU: one stage with any of them */
    BYOL__ROLE_ADD,
    BYOL__ROLE_RELU,
} byol__role;

/* What the backward pass reads of a unit's values: their memory is kept until then. A bit set; 0 is
 * not an answer. */
enum {
    BYOL__READS_NOTHING = 1 << 0,
    BYOL__READS_DST = 1 << 1,
    BYOL__READS_SRC = 1 << 2, /* the first source; the i-th: BYOL__READS_SRC << i */
};

/* An attribute of an ONNX node: `count` times the same integer, or with `count` 0 a number. */
typedef struct byol__onnx_attribute {
    const char *name;
    size_t count;
    double value;
    bool is_list; /* a list even of one */
} byol__onnx_attribute;

enum { BYOL__ONNX_ATTRIBUTES_MAX = 4 };

/* How units of some operations run, in the order in which a plan calls; what may be NULL says so.
 */
typedef struct byol__runs {
    size_t state_bytes;                           /* of unit->state: the op's own, zeroed */
    unsigned reads;                               /* BYOL__READS_*: of every unit */
    unsigned (*reads_of)(const byol__unit *unit); /* where that depends on the unit; else NULL */
    bool in_place; /* works element by element: may write over a source that nobody reads again */
    int diffs; /* gradients of its value that backward takes; those beyond are added up before */
    void (*join)(byol__plan *plan, int unit); /* agrees with its neighbours who does what; NULL */
    /* Buffers that live in slot `slot`, and longer; NULL: it needs none. */
    byol_status (*place_forward)(byol__compiler *c, byol__unit *unit, int slot);
    byol_status (*place_backward)(byol__compiler *c, byol__unit *unit, int slot);
    void (*place_staging)(byol__plan *plan, byol__unit *unit);                  /* NULL */
    byol_status (*bind)(byol__plan *plan, byol__unit *unit, byol_error *error); /* NULL */
    byol_status (*stage)(byol__plan *plan, byol__unit *unit,
                         byol_error *error); /* NULL: has no weights */
    byol_status (*forward)(byol__plan *plan, byol__unit *unit, byol_error *error);
    /* Writes each unit->dx that is wanted, ADDS the parameters' gradients. */
    byol_status (*backward)(byol__plan *plan, byol__unit *unit, byol_error *error);
    void (*release)(byol__unit *unit); /* of what `state` owns; NULL */
} byol__runs;

struct byol__op {
    const char *kind; /* in words: "max pool" */
    byol__role role;
    int sources;         /* 1 .. BYOL__SOURCES_MAX */
    bool sources_differ; /* in shape; else they must be equal */
    bool takes_vectors;  /* its source is (c, 1, 1) */

    /* In the graph. `src` is the shape of the first source. `infer` tells mistakes with
     * byol__graph_mistake. */
    byol__shape (*infer)(byol__graph *graph, const char *name, const byol__attributes *attributes,
                         byol__shape src);
    void (*add_parameters)(byol__graph *graph, byol__node *node,
                           byol__shape src); /* NULL: it has none */
    /* Of one sample's forward pass, 2 per multiply-add, padding included. NULL: none worth
     * counting. */
    uint64_t (*flops)(const byol__graph *graph, const byol__node *node);

    /* In ONNX: a node of this type with sources and parameters in our order. */
    const char *onnx_type;
    int (*onnx_attributes)(const byol__node *node,
                           byol__onnx_attribute *list); /* how many; NULL: none */
    bool onnx_keeps_space; /* its result there is (N, C, 1, 1), where ours is a vector */

    /* In a plan. */
    bool chooses_layout; /* of a source that nothing before it has settled; else that is plain */
    /* Settles the layout of the destination and makes what it runs. */
    byol_status (*compile)(byol__compiler *c, byol__unit *unit);
    const byol__runs *runs; /* what it shares with the others of its family */
};

/* FLOPs of one sample's forward pass through `node`. */
uint64_t byol__node_flops(const byol__graph *graph, const byol__node *node);

static inline byol__role byol__role_of(const byol__node *node) {
    return node->op == NULL ? BYOL__ROLE_ALONE : node->op->role;
}

#endif
