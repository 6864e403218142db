/* An operation: one table of what graph, plan, exports and `byol info` must know of a kind. Each
 * file of src/ops holds one operation or a small family; ops/registry.c lists them all. Nothing
 * else in the library names a kind. */
#ifndef BYOL__OP_H
#define BYOL__OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "graph/graph.h"

/* An operation that a plan runs, the plan, and the plan being compiled: plan/unit.h. */
typedef struct byol__unit byol__unit;
typedef struct byol__plan byol__plan;
typedef struct byol__compiler byol__compiler;

/* What the fusion rules (plan/fuse.c, several nodes run as one) take it for. Operations of one role
 * are run by the same functions. */
typedef enum byol__role {
    BYOL__ROLE_ALONE,       /* it runs by itself */
    BYOL__ROLE_CONTRACTION, /* takes the batch norm and the ReLU behind it in evaluation */
    BYOL__ROLE_NORM,        /* batch norm, + residual, ReLU: one stage with any of them */
    BYOL__ROLE_ADD,
    BYOL__ROLE_RELU,
} byol__role;

/* The values of a unit that its backward pass reads; kept in memory until then. A bit set, never
 * 0. */
enum {
    BYOL__READS_NOTHING = 1 << 0,
    BYOL__READS_DST = 1 << 1,
    BYOL__READS_SRC = 1 << 2, /* the first source; the i-th: BYOL__READS_SRC << i */
};

enum { BYOL__ONNX_LINES_MAX = 2048 };

/* How the units of some operations run, in the order of a plan's calls. What may be NULL says
 * so. */
typedef struct byol__runs {
    size_t state_bytes;                           /* of unit->state: the op's own, zeroed */
    unsigned reads;                               /* BYOL__READS_*: of every unit */
    unsigned (*reads_of)(const byol__unit *unit); /* where that depends on the unit; else NULL */
    bool in_place; /* element by element: may write over a source that nobody reads again */
    int diffs;     /* gradients of its value that backward takes; more are added up before it */
    void (*join)(byol__plan *plan, int unit); /* agrees with its neighbours who does what; NULL */
    /* Places buffers that live in time slot `slot`, and longer. NULL: it needs none. */
    byol_status (*place_forward)(byol__compiler *c, byol__unit *unit, int slot);
    byol_status (*place_backward)(byol__compiler *c, byol__unit *unit, int slot);
    void (*place_staging)(byol__plan *plan, byol__unit *unit);                  /* NULL */
    byol_status (*bind)(byol__plan *plan, byol__unit *unit, byol_error *error); /* NULL */
    byol_status (*stage)(byol__plan *plan, byol__unit *unit,
                         byol_error *error); /* NULL: has no weights */
    byol_status (*forward)(byol__plan *plan, byol__unit *unit, byol_error *error);
    /* Writes each requested unit->dx. ADDS the parameters' gradients. */
    byol_status (*backward)(byol__plan *plan, byol__unit *unit, byol_error *error);
    void (*release)(byol__unit *unit); /* frees what `state` owns; NULL */
} byol__runs;

struct byol__op {
    const char *kind; /* in words: "max pool" */
    byol__role role;
    int sources;          /* 1 .. BYOL__SOURCES_MAX */
    bool sources_differ;  /* in shape; else they must be equal */
    bool takes_vectors;   /* its source is (c, 1, 1) */
    bool takes_integers;  /* its first source is i32 */
    bool may_have_tokens; /* one more source may follow: the i32 tokens, for their padding */

    /* In the graph. `src` is the shape of the first source. `infer` reports mistakes with
     * byol__graph_mistake. */
    byol__shape (*infer)(byol__graph *graph, const char *name, const byol__attributes *attributes,
                         byol__shape src);
    void (*add_parameters)(byol__graph *graph, byol__node *node,
                           byol__shape src); /* NULL: it has none */
    /* FLOPs of one sample's forward pass: 2 per multiply-add, padding included. NULL: none worth
     * counting. */
    uint64_t (*flops)(const byol__graph *graph, const byol__node *node);

    /* In ONNX, of operator set 17: appends its nodes to `lines`, an empty text, by
     * byol__onnx_append, one a line; export/onnx_lines.h says how. An image is (N, c, h, w) there,
     * tokens (c, n) are (N, n, c). NULL, or a text that stays empty: it cannot be written. */
    void (*onnx_lines)(const byol__graph *graph, const byol__node *node, char *lines);

    /* In a plan. */
    bool chooses_layout; /* of a source whose layout is still open; else that becomes plain */
    /* Settles the layout of the destination and creates what it runs. */
    byol_status (*compile)(byol__compiler *c, byol__unit *unit);
    const byol__runs *runs; /* what it shares with the others of its family */
};

/* Appends to a text of at most BYOL__ONNX_LINES_MAX bytes. */
void byol__onnx_append(char *lines, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* FLOPs of one sample's forward pass through `node`. */
uint64_t byol__node_flops(const byol__graph *graph, const byol__node *node);

static inline byol__role byol__role_of(const byol__node *node) {
    return node->op == NULL ? BYOL__ROLE_ALONE : node->op->role;
}

#endif
