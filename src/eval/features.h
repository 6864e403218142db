/* What kNN and the linear probe require of their features. */
#ifndef BYOL__FEATURES_H
#define BYOL__FEATURES_H

#include <stdbool.h>
#include <stddef.h>

#include "byol/eval.h"

/* Checks that there are vectors, that every number is finite (and below 1e18, so that products stay
 * finite too), and that every label is 0 .. classes-1. `what` names the set in the error:
 * "training", "test". */
byol_status byol__features_check(const byol_features *features, const char *what,
                                 byol_error *error);

/* Checks that `other` has the same dimension as `train`, and no more classes. */
byol_status byol__features_agree(const byol_features *train, const byol_features *other,
                                 const char *what, byol_error *error);

/* 1 / |x| of each of `count` vectors, into `scale`; 0 for a vector of zeros. Returns whether every
 * vector is finite, with numbers below 1e18. */
bool byol__inverse_norms(const float *vectors, size_t count, int dimension, float *scale);

#endif
