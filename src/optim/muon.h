/* Muon: the momentum of a matrix, its singular values all brought near 1, is the step (Jordan et
 * al., "Muon", 2024: kellerjordan.github.io/posts/muon). */
#ifndef BYOL__MUON_H
#define BYOL__MUON_H

#include <stdbool.h>
#include <stddef.h>

#include "graph/graph.h"

/* Floats of scratch for the largest matrix of `table`. A convolution's weight is the matrix (oc, ic
 * kh kw). */
size_t byol__muon_scratch(const byol__table *table);

/* In place, `x` (rows, columns) becomes near to U V^T of its singular value decomposition U S V^T:
 * five steps of a quintic Newton-Schulz iteration, after which singular values lie in about .7
 * .. 1.2. A matrix of zeros stays. With `bf16` the products are of bf16 numbers, as the authors
 * have them, where the CPU multiplies tiles of those (byol__cpu_has_amx). NaN everywhere where
 * oneDNN had no memory for its products: a step that is noticed and not kept. */
void byol__muon_orthogonalise(float *x, size_t rows, size_t columns, bool bf16, float *scratch);

#endif
