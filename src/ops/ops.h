/* The operations: their builder functions, and the list of all. Each op's file says what it
 * computes and how its gradient is found. Values are (c, h, w) by sample; a vector is (c, 1, 1). */
#ifndef BYOL__OPS_H
#define BYOL__OPS_H

#include "graph/op.h"

/* Every kind, NULL behind the last. */
extern const byol__op *const byol__all_ops[];

/* ---- conv_linear.c ---- */

/* (c, h, w) -> (oc, oh, ow), oh = (h + 2 padding - kernel) / stride + 1. Weight (oc, c/groups,
 * kernel, kernel). */
byol__value_id byol__graph_conv(byol__graph *graph, const char *name, byol__value_id src, int oc,
                                int kernel, int stride, int padding, int groups, int bias);
/* (in) -> (out). Weight (out, in). */
byol__value_id byol__graph_linear(byol__graph *graph, const char *name, byol__value_id src, int out,
                                  int bias);

/* ---- norm.c ---- */

/* Over batch and space, per channel. Running statistics with momentum .1, unbiased variance (as
 * PyTorch). */
byol__value_id byol__graph_batch_norm(byol__graph *graph, const char *name, byol__value_id src);
byol__value_id byol__graph_relu(byol__graph *graph, byol__value_id src);
byol__value_id byol__graph_add(byol__graph *graph, byol__value_id a, byol__value_id b);

/* ---- pools.c ---- */

byol__value_id byol__graph_max_pool(byol__graph *graph, byol__value_id src, int kernel, int stride,
                                    int padding);
/* Padding counts in the mean (PyTorch's count_include_pad). */
byol__value_id byol__graph_avg_pool(byol__graph *graph, byol__value_id src, int kernel, int stride,
                                    int padding);
byol__value_id byol__graph_global_avg_pool(byol__graph *graph,
                                           byol__value_id src); /* -> (c, 1, 1) */

/* ---- flatten.c ---- */

byol__value_id byol__graph_flatten(byol__graph *graph,
                                   byol__value_id src); /* -> (c*h*w, 1, 1), order c, h, w */

#endif
