/* Maps vectors to points on a page. */
#ifndef BYOL__TSNE_H
#define BYOL__TSNE_H

#include <stddef.h>

#include "byol/encoder.h"

/* The first two principal components of `vectors` (count, dimension): `points` (count, 2), centred.
 * The signs are fixed: the largest component is positive. */
byol_status byol__pca2(const float *vectors, size_t count, int dimension, float *points,
                       byol_error *error);

/* t-SNE (van der Maaten and Hinton, JMLR 2008), exact. It starts from the principal components, as
 * Kobak and Berens (Nature Communications 2019) advise: large distances then mean more. `points`
 * (count, 2), centred. The same for any number of threads. `progress` may be NULL. At least 4
 * vectors. */
byol_status byol__tsne(const float *vectors, size_t count, int dimension, float *points,
                       byol_progress progress, void *context, byol_error *error);

/* Scales a vector to length 1; zeros stay. */
void byol__make_unit(float *v, size_t count);

#endif
