/* From nodes to stages: which nodes run as one kernel. */
#ifndef BYOL__FUSE_H
#define BYOL__FUSE_H

#include <stdbool.h>

#include "graph/graph.h"
#include "plan/plan.h"

enum { BYOL__NO_VALUE = -1 };

typedef enum byol__stage_kind {
    BYOL__STAGE_CONTRACT,  /* convolution or linear layer; EVAL: with the batch norm and ReLU behind it */
    BYOL__STAGE_POINTWISE, /* batch norm, + residual, ReLU: any of them */
    BYOL__STAGE_MAX_POOL,
    BYOL__STAGE_AVG_POOL, /* the global one has kernel 0 */
    BYOL__STAGE_FLATTEN,
} byol__stage_kind;

typedef struct byol__stage {
    byol__stage_kind kind;
    int node;     /* the first node: convolution, linear, pool, flatten, or of a pointwise stage its first one */
    int bn;       /* node of the batch norm in it, or BYOL__NONE */
    int src;      /* value */
    int residual; /* value that is added, or BYOL__NO_VALUE */
    int dst;      /* value */
    bool relu;
} byol__stage;

/* Fills `stages` (room for graph->node_count) with what must run, in order, to compute `output`; returns how many. A
 * value that an output marks, or that two nodes read, always comes into being. */
int byol__fuse(const byol__graph *graph, byol__mode mode, byol__output output, byol__stage *stages);

#endif
