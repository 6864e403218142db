/* From nodes to stages: which nodes run as one. */
#ifndef BYOL__FUSE_H
#define BYOL__FUSE_H

#include <stdbool.h>

#include "graph/graph.h"
#include "plan/plan.h"

enum { BYOL__NO_VALUE = -1 };

typedef struct byol__stage {
    int node;                   /* whose op runs the stage */
    int bn;                     /* node of the batch norm in it, or BYOL__NONE */
    int src[BYOL__SOURCES_MAX]; /* values, or BYOL__NO_VALUE; a batch norm adds [1] */
    int dst;                    /* value */
    bool relu;
    bool aside; /* only an output before the last depends on it: nothing of it runs backward */
} byol__stage;

/* Fills `stages` (space for graph->node_count) with what must run, in order, to compute `output`,
 * and in mode TRAIN the outputs before it.
 * Returns how many, or -1 if out of memory. A value that an output marks, or that two nodes read,
 * is always computed. */
int byol__fuse(const byol__graph *graph, byol__mode mode, byol__output output, byol__stage *stages);

#endif
