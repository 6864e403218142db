/* Batch norm and convolution, as each sees the other: a norm's work is shared out among its
 * neighbours (norm_neighbours.c), and in evaluation it disappears into the convolution before it.
 */
#ifndef BYOL__NORM_H
#define BYOL__NORM_H

#include "plan/unit.h"

#include <stdbool.h>

/* Where a batch norm's parameters and statistics lie in their arenas. */
typedef struct byol__norm {
    byol__range gamma, beta, running_mean, running_var;
} byol__norm;

byol__norm byol__norm_of(const byol__graph *graph, int node);

/* Batch norm with running statistics is y = scale x + shift. */
void byol__norm_fixed(const byol__plan *plan, const byol__norm *norm, size_t channel, float *scale,
                      float *shift);

/* State of a unit with batch norm, + residual, ReLU: any of them. Ints are buffers, or units where
 * said. */
typedef struct byol__pointwise_state {
    byol__pointwise kernel;
    byol__norm norm;
    int mean, inv_std, scale, shift, partial;
    size_t staged_scale, staged_shift; /* EVAL, not folded */
    int gathered_by;                   /* the unit that gathers its moments, or BYOL__NONE */
} byol__pointwise_state;

/* State of a convolution or linear layer. */
typedef struct byol__contraction_state {
    byol__range weight, bias;
    byol__norm norm; /* EVAL: folded in */
    byol__contraction *forward, *backward_data, *backward_weights;
    size_t staged_forward, staged_backward, staged_bias; /* offsets into the staging memory */
    bool own_backward_weights; /* backward data wants another weight layout than forward */
    int applies_norm_of;       /* the unit whose batch norm it applies, or BYOL__NONE */
    int gathers_for;           /* the last unit that it gathers moments for, or BYOL__NONE */
    const byol__moments *gathered;
    int moments, scratch, backward_scratch, diff_weights, diff_bias;
} byol__contraction_state;

/* The state of unit `index` where it is of that kind, else NULL. */
byol__pointwise_state *byol__pointwise_of(const byol__plan *plan, int index);
byol__contraction_state *byol__contraction_of(const byol__plan *plan, int index);

/* norm_neighbours.c: byol__op.join of both. */
void byol__hand_norm_on(byol__plan *plan, int unit);
void byol__gather_moments(byol__plan *plan, int unit);

#endif
