/* Cross-correlation of two matrices P, Z (N, D). Both are standardised over the batch by column
 * (variance divided by N, eps 1e-5, as batch norm without scale and shift):
 *
 *     sum_i (1 - C_ii)^2 + redundancy sum_{i != j} C_ij^2,  C = P^T Z / N
 *
 * Barlow Twins: Zbontar et al., arXiv 2103.03230, eq. 1 and algorithm 1. */
#ifndef BYOL__CORRELATION_H
#define BYOL__CORRELATION_H

#include <stddef.h>

/* Scratch for (batch, dim), in doubles. */
size_t byol__correlation_scratch(int batch, int dim);

/* Both sides are (batch, dim). `diff_prediction`, `diff_target`, each or NULL: the gradients,
 * overwritten. NaN if oneDNN had no memory for its matrix product. Allocates nothing. The result is
 * the same for any number of threads. */
double byol__correlation_loss(const float *prediction, const float *target, int batch, int dim,
                              double redundancy, float *diff_prediction, float *diff_target,
                              double *scratch);

#endif
