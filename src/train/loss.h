/* The loss of BYOL (arXiv 2006.07733, eq. 2) and similar ones: functions of the cosine of each
 * pair. The other distances: pairs.h (each pair alone), contrast.h (the whole batch). */
#ifndef BYOL__LOSS_H
#define BYOL__LOSS_H

/* One direction of the loss: 2 - 2 n(prediction) . n(target) per sample, mean over the batch, 0 ..
 * 4, with n(x) = x * rsqrt(max(sum x^2, 1e-12)). Both are (batch, dim). The method SUMS the two
 * directions (0 .. 8). `diff` (batch, dim), or NULL: the gradient of that mean with respect to the
 * prediction, overwritten. The target gets no gradient. Where it should have one, call again with
 * the two sides exchanged. */
double byol__byol_loss(const float *prediction, const float *target, int batch, int dim,
                       float *diff);

/* The same with -log(exp(s) / (exp(s) + T - 1)) instead of 2 - 2 s, where s is the cosine and T =
 * `candidates` > 1: the softmax over one pair and T - 1 imagined ones whose cosine is 0. */
double byol__softmax_pair_loss(const float *prediction, const float *target, int batch, int dim,
                               double candidates, float *diff);

#endif
