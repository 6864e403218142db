/* Terms that keep the projections of a batch apart without comparing views: functions of one matrix
 * Z (N, D).
 *
 *     variance      1/D sum_j max(0, 1 - sqrt(var(Z_j) + 1e-4))
 *                   VICReg: Bardes et al., arXiv 2105.04906, eq. 1, 2
 *     covariance    1/D sum_{i != j} C_ij^2,  C = cov(Z)
 *                   the same, eq. 3, 4
 *     coding rate   -1/2 log det(I + D / (N e) Y^T Y),  Y = n(Z)
 *                   Yu et al., arXiv 2006.08558, eq. 1;
 *                   as a loss by itself: Tong et al., EMP-SSL, arXiv 2304.03977
 *
 * var and cov divide by N - 1. n(Z) has rows of length 1; e is the square of the precision. */
#ifndef BYOL__REGULARIZER_H
#define BYOL__REGULARIZER_H

#include <stdbool.h>
#include <stddef.h>

#include "byol/config.h"
#include "byol/status.h"

typedef struct byol__regularizer {
    int batch, dim;
    double variance, covariance, coding_rate; /* weights; 0: not in the sum */
    double precision;                         /* e */
    double *scratch;                          /* owned; NULL where all weights are 0 */
} byol__regularizer;

/* Zero-initialise first. */
byol_status byol__regularizer_init(byol__regularizer *regularizer, const byol_config *config,
                                   int batch, int dim, byol_error *error);
void byol__regularizer_release(byol__regularizer *regularizer);

static inline bool byol__regularizes(const byol__regularizer *regularizer) {
    return regularizer->scratch != NULL;
}

/* The weighted sum for `z` (batch, dim), times `factor`. `diff` (batch, dim) gets its gradient,
 * overwritten. NaN if oneDNN had no memory for its matrix product. Allocates nothing. The result is
 * the same for any number of threads. */
double byol__regularize(const byol__regularizer *regularizer, const float *z, double factor,
                        float *diff);

#endif
