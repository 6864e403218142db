/* Optimizers, schedules and the EMA: loops over arenas. All formulas are the BYOL authors'
 * (deepmind-research, byol) or PyTorch's, as noted at each. An optimizer's state is one or two
 * arenas of the same layout as the parameters. */
#ifndef BYOL__OPTIM_H
#define BYOL__OPTIM_H

#include <stddef.h>
#include <stdint.h>

#include "byol/config.h"
#include "dnn/dnn.h"
#include "graph/graph.h"

typedef struct byol__optimizer_options {
    byol_optimizer_name name;
    float momentum;
    int nesterov;
    float weight_decay;
    float trust_coefficient;
    float beta1, beta2, epsilon;
    byol__dnn *dnn; /* muon: as byol__muon_orthogonalise has it, borrowed */
    float *scratch; /* muon: byol__muon_scratch floats, borrowed */
    /* A factor on the learning rate for each row of the table, borrowed; NULL: 1 for all. */
    const float *lr_scale;
} byol__optimizer_options;

/* How many state arenas this optimizer has: 1 (momentum) or 2 (first and second moment). muon uses
 * the second only for parameters that are not matrices, for which it takes adamw's step. */
int byol__optimizer_states(byol_optimizer_name name);

/* One update of `params` with `grads` (both `table` arenas) at learning rate `lr`. `step` counts
 * from 1 (Adam's bias correction). `state[i]`: see byol__optimizer_states. Gradients are unchanged.
 * `grad_scale` multiplies every gradient first (1/accumulate, clipping). */
void byol__optimizer_update(const byol__optimizer_options *options, const byol__table *table,
                            float lr, float grad_scale, uint64_t step, float *params,
                            const float *grads, float *const state[2]);

/* target = tau target + (1 - tau) online over `count` floats (arXiv 2006.07733, eq. 1): parameters,
 * biases and BN scale and shift alike. */
void byol__ema_update(float *target, const float *online, size_t count, double tau);

/* Euclidean norm over an arena; the same result for any number of threads. */
double byol__arena_norm(const float *arena, size_t count);

/* Learning rate of optimizer step `step` (counted from 0) of `steps`: linear from 0 over
 * `warmup_steps`, then half a cosine to 0. `lr` is the base rate, already scaled to the batch. */
double byol__lr_at(double lr, uint64_t step, uint64_t steps, uint64_t warmup_steps);

/* The same with a constant rate after the warm-up; it falls linearly to 0 over the last
 * `decay_steps`. */
double byol__lr_trapezoid_at(double lr, uint64_t step, uint64_t steps, uint64_t warmup_steps,
                             uint64_t decay_steps);

/* tau(k) = 1 - (1 - tau0) (1 + cos(pi k / K)) / 2, k = `step` from 0, K = `steps`; constant: tau0.
 * Steps are optimizer steps, never batches. */
double byol__tau_at(byol_tau_schedule schedule, double tau0, uint64_t step, uint64_t steps);

#endif
