/* The loss of BYOL (arXiv 2006.07733, eq. 2). */
#ifndef BYOL__LOSS_H
#define BYOL__LOSS_H

/* One direction of the loss: 2 - 2 n(prediction) . n(target) per sample, mean over the batch, 0 .. 4, with
 * n(x) = x * rsqrt(max(sum x^2, 1e-12)). Both (batch, dim). The method SUMS the two directions (0 .. 8).
 * `diff` (batch, dim), or NULL: the gradient of that mean with respect to the prediction, overwritten. The target gets
 * no gradient. */
double byol__byol_loss(const float *prediction, const float *target, int batch, int dim, float *diff);

#endif
