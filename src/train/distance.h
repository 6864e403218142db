/* The distance between predictions and target projections that a configuration chooses (the group
 * `loss`), with its gradients. The formulas: loss.h, pairs.h, contrast.h, correlation.h. */
#ifndef BYOL__DISTANCE_H
#define BYOL__DISTANCE_H

#include <stdint.h>

#include "byol/config.h"
#include "byol/status.h"
#include "train/contrast.h"

typedef struct byol__distance {
    byol_distance_kind kind;
    int batch, dim;
    float beta;         /* smooth_l1 */
    double candidates;  /* softmax_pair */
    double second_term; /* mse, smooth_l1: d(p, z) + second_term d(stop_gradient(p), z) */
    byol__contrast contrast;
    double redundancy; /* cross_correlation */
    double *scratch;   /* owned; NULL where none is needed */
} byol__distance;

/* Zero-initialise first. */
byol_status byol__distance_init(byol__distance *distance, const byol_config *config, int batch,
                                int dim, byol_error *error);
void byol__distance_release(byol__distance *distance);

/* The distance of `prediction` and `target`, both (batch, dim): the mean over the batch.
 * `diff_prediction` gets the gradient by the prediction. `diff_target`, if not NULL, gets that by
 * the target. Both are overwritten. `number` counts the calls of a run (random negatives depend on
 * it). Allocates nothing. */
double byol__distance_between(const byol__distance *distance, const float *prediction,
                              const float *target, uint64_t number, float *diff_prediction,
                              float *diff_target);

/* The same of any number of `rows`, for a distance that compares row by row (cosine, mse,
 * smooth_l1, softmax_pair). */
double byol__distance_of_rows(const byol__distance *distance, const float *prediction,
                              const float *target, int rows, float *diff_prediction);

#endif
