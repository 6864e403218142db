/* Distances over the whole batch: the pair (p_i, z_i) is to be more alike than the pairs (p_i,
 * z_j), j != i, the in-batch negatives. All are functions of the cosines s_ij = n(p_i) . n(z_j),
 * averaged over the rows i:
 *
 *     infonce   -log(exp(s_ii / t) / sum_j exp(s_ij / t))
 *               van den Oord et al., arXiv 1807.03748, eq. 4
 *     nce       -log g(s_ii / t) - sum_{j != i} log(1 - g(s_ij / t))
 *               Gutmann and Hyvarinen, AISTATS 2010, eq. 3
 *     triplet   max(0, |n(p_i) - n(z_i)|^2 - |n(p_i) - n(z_j)|^2 + m)
 *               Schroff et al., "FaceNet", 2015, eq. 3
 *
 * t is the temperature, m the margin, g(x) = 1 / (1 + exp(-x)). With own negatives (infonce), the
 * sum runs over n(p_i) . n(p_j), j != i, as well: Chen et al., "SimCLR", arXiv 2002.05709, eq. 1.
 * In nce, the noise is the batch's other images, k = N - 1 of them, each with probability 1 / k:
 * the term log(k P(noise)) of its formula is then 0. A triplet's j is the hardest (the largest
 * s_ij) or one at random. */
#ifndef BYOL__CONTRAST_H
#define BYOL__CONTRAST_H

#include <stddef.h>
#include <stdint.h>

#include "byol/config.h"

typedef struct byol__contrast {
    byol_distance_kind kind; /* BYOL_INFONCE, BYOL_NCE or BYOL_TRIPLET */
    double temperature, margin;
    byol_negatives negatives;
    int own_negatives;
    uint64_t seed; /* for random negatives: a batch's depend on seed and `number` below */
} byol__contrast;

/* Scratch for (batch, dim), in doubles. */
size_t byol__contrast_scratch(const byol__contrast *contrast, int batch, int dim);

/* Both sides are (batch, dim). `diff_prediction` and `diff_target` (batch, dim), or NULL: the
 * gradients, overwritten. `number` counts the batches (and directions) of a run. NaN if oneDNN had
 * no memory for its matrix product. Allocates nothing. The result is the same for any number of
 * threads. */
double byol__contrast_loss(const byol__contrast *contrast, const float *prediction,
                           const float *target, int batch, int dim, uint64_t number,
                           float *diff_prediction, float *diff_target, double *scratch);

#endif
