/* Muon: the step is the momentum of a matrix with all its singular values brought near 1 (Jordan et
 * al., "Muon", 2024: kellerjordan.github.io/posts/muon). */
#ifndef BYOL__MUON_H
#define BYOL__MUON_H

#include <stdbool.h>
#include <stddef.h>

#include "dnn/dnn.h"
#include "graph/graph.h"

/* Is this row a matrix that Muon steps along? The others take the step of adamw. */
bool byol__is_for_muon(const byol__param *row);

/* Scratch for the largest matrix of `table`, in floats. A convolution's weight is the matrix (oc,
 * ic kh kw). */
size_t byol__muon_scratch(const byol__table *table);

/* In place: `x` (rows, columns) becomes close to U V^T of its singular value decomposition U S V^T.
 * Five steps of a quintic Newton-Schulz iteration bring the singular values to about .7 .. 1.2. A
 * matrix of zeros stays. With `dnn` the products are of bf16 numbers, like the authors'; NULL:
 * fp32. If oneDNN had no memory for its products, `x` is all NaN: such a step is noticed and not
 * kept. */
void byol__muon_orthogonalise(float *x, size_t rows, size_t columns, byol__dnn *dnn,
                              float *scratch);

#endif
