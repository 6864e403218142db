/* Scales the rows of a matrix to length 1, and takes gradients through this. A row whose norm is
 * below a floor (1e-6) is multiplied by a constant instead. */
#ifndef BYOL__ROWS_H
#define BYOL__ROWS_H

#include <stddef.h>

/* That floor, squared; the constant is 1e6. The loss of single pairs (loss.c) has it too. */
static const double byol__smallest_square = 1e-12;

/* dst (n, dim) = scale_i src_i, scale_i = 1 / |src_i|. `src` (n, dim). */
void byol__normalise_rows(const float *src, size_t n, size_t dim, double *scale, float *dst);

/* In place: from the gradient `g` by the normalised y = r x to the gradient by x: r (g - (g . y)
 * y). Below the floor, where r is constant: r g. */
void byol__through_normalised_rows(const float *y, const double *scale, size_t n, size_t dim,
                                   float *g);

#endif
