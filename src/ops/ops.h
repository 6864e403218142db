/* The operations: their builder functions, and the list of all. Each op's file says what it
 * computes and how its gradient is found. Values are (c, h, w) by sample; a vector is (c, 1, 1). */
#ifndef BYOL__OPS_H
#define BYOL__OPS_H

#include <stdbool.h>

#include "graph/op.h"

/* Every kind, NULL behind the last. */
extern const byol__op *const byol__all_ops[];

/* ---- conv_linear.c ---- */

/* (c, h, w) -> (oc, oh, ow), oh = (h + 2 padding - kernel) / stride + 1. Weight (oc, c/groups,
 * kernel, kernel). */
byol__value_id byol__graph_conv(byol__graph *graph, const char *name, byol__value_id src, int oc,
                                int kernel, int stride, int padding, int groups, int bias);
/* Squares of `side` pixels that do not overlap become vectors: (c, h, w) -> (out, h / side, w /
 * side). Weight (out, c, side, side), bias (out). */
byol__value_id byol__graph_patches(byol__graph *graph, const char *name, byol__value_id src,
                                   int out, int side);
/* (in) -> (out). Weight (out, in). */
byol__value_id byol__graph_linear(byol__graph *graph, const char *name, byol__value_id src, int out,
                                  int bias);

/* The same at every position: (in, h, w) -> (out, h, w). Weight (out, in). */
byol__value_id byol__graph_token_linear(byol__graph *graph, const char *name, byol__value_id src,
                                        int out, int bias);

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

/* ---- layer_norm.c, gelu.c ---- */

/* Over the channels of each position. Weight and bias (c). */
byol__value_id byol__graph_layer_norm(byol__graph *graph, const char *name, byol__value_id src,
                                      float epsilon);
/* Without weight and bias. */
byol__value_id byol__graph_bare_layer_norm(byol__graph *graph, byol__value_id src, float epsilon);
/* x Phi(x); `tanh`: its approximation. */
byol__value_id byol__graph_gelu(byol__graph *graph, byol__value_id src, bool tanh);

/* ---- dropout.c ---- */

/* With probability `rate` 0, else x / (1 - rate), while a network is trained. `rate` 0: `src`. */
byol__value_id byol__graph_dropout(byol__graph *graph, byol__value_id src, float rate);
/* The same for all of a sample at once: stochastic depth (Huang et al. 2016, arXiv 1603.09382). */
byol__value_id byol__graph_drop_path(byol__graph *graph, byol__value_id src, float rate);

/* ---- embedding.c ---- */

/* (length) i32 below `vocabulary` -> (width, length). Weight (vocabulary, width). */
byol__value_id byol__graph_embedding(byol__graph *graph, const char *name, byol__value_id tokens,
                                     int vocabulary, int width);

/* ---- tokens.c ---- */

/* (c, h, w) -> (c, h w): x + p, p the first h w rows of a learned weight (places, c). */
byol__value_id byol__graph_places(byol__graph *graph, const char *name, byol__value_id src,
                                  int places);
/* x + the first row of a learned weight (kinds, c): the kind of all tokens (BERT's token types). */
byol__value_id byol__graph_token_kind(byol__graph *graph, const char *name, byol__value_id src,
                                      int kinds);
/* Places once more, one for each position: weight (1, h w, c), called `name`. `sine`: it begins as
 * the two-dimensional sines of rows x columns; one more position is a class token in front. */
byol__value_id byol__graph_positions(byol__graph *graph, const char *name, byol__value_id src,
                                     int rows, int columns, bool sine);
/* (c, h, w) -> (c, h w + 1): a learned token, weight (1, 1, c), called `name`, in front of the
 * others. */
byol__value_id byol__graph_class_token(byol__graph *graph, const char *name, byol__value_id src);
/* (c, h, w) -> (c): the first token; the mean of those that are no padding (`tokens` as for
 * attention). */
byol__value_id byol__graph_first_token(byol__graph *graph, byol__value_id src);
byol__value_id byol__graph_mean_token(byol__graph *graph, byol__value_id src,
                                      const byol__value_id *tokens);

/* ---- resize.c, concat.c, grid.c ---- */

/* (c, h, w) -> (c, height, width), bilinear (PyTorch's interpolate, align_corners false). The size
 * that it has already: `src`. */
byol__value_id byol__graph_bilinear(byol__graph *graph, byol__value_id src, int height, int width);
/* The channels of two maps of one size, one behind the other. */
byol__value_id byol__graph_concat(byol__graph *graph, byol__value_id a, byol__value_id b);
/* Tokens as a map: (c, n) -> (c, height, width). The last tokens are taken: no class token. */
byol__value_id byol__graph_grid(byol__graph *graph, byol__value_id tokens, int height, int width);

/* ---- max_token.c ---- */

/* (c, h, w) -> (c): each channel's largest value over the tokens that are no padding. */
byol__value_id byol__graph_max_token(byol__graph *graph, byol__value_id src,
                                     const byol__value_id *tokens);

/* ---- frames.c ---- */

/* (c, h, w) -> (h c, w): each column becomes a frame, row behind row. */
byol__value_id byol__graph_frames(byol__graph *graph, byol__value_id src);
/* (c, h, w) -> (c): the mean of all positions + their maximum. */
byol__value_id byol__graph_mean_max(byol__graph *graph, byol__value_id src);

/* ---- low_rank.c ---- */

/* Positions become `rank` mixtures of them: (c, n) -> (c, rank). Weight (rank, n), or (heads, rank,
 * n) for more than one head; operations of one name share it. `tokens`: padding counts as 0. */
byol__value_id byol__graph_low_rank(byol__graph *graph, const char *name, byol__value_id src,
                                    int rank, int heads, const byol__value_id *tokens);
/* That weight alone, for a network that has it but does without it. Returns its index. */
int byol__graph_low_rank_matrix(byol__graph *graph, const char *name, int positions, int rank,
                                int heads);

/* ---- attention.c ---- */

/* softmax(q k^T / sqrt(c / heads)) v over positions, head by head: q (c, h, w), k and v (c, h', w')
 * -> (c, h, w). `tokens` (length) i32, or NULL: positions from the first of a row of zeros at its
 * end are padding. `noise`: deviation of normal numbers that are added to the weights, in plans
 * that draw (byol__plan_draw). */
byol__value_id byol__graph_attention(byol__graph *graph, const char *name, byol__value_id q,
                                     byol__value_id k, byol__value_id v, int heads, float noise,
                                     const byol__value_id *tokens);
/* The same of one value (3c, h, w): q, k and v one behind the other. */
byol__value_id byol__graph_packed_attention(byol__graph *graph, const char *name,
                                            byol__value_id qkv, int heads,
                                            const byol__value_id *tokens);

#endif
