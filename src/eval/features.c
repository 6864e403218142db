#include "eval/features.h"

#include <math.h>
#include <stdint.h>

#include "base/error.h"

static const double largest_square = 1e36; /* products of two vectors stay finite in fp32 */

static double square_of_norm(const float *x, int dimension) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < dimension; i++) sum += (double)x[i] * (double)x[i];
    return sum;
}

bool byol__inverse_norms(const float *vectors, size_t count, int dimension, float *scale) {
    int finite = 1;
#pragma omp parallel for schedule(static) reduction(& : finite)
    for (size_t i = 0; i < count; i++) {
        double square = square_of_norm(vectors + i * (size_t)dimension, dimension);
        finite &= square < largest_square; /* false for NaN */
        scale[i] = square > 0 ? (float)(1 / sqrt(square)) : 0;
    }
    return finite;
}

/* Index of the first vector with a NaN, an infinity or too large a number; `count` if there is
 * none. */
static size_t first_bad_vector(const byol_features *features) {
    size_t bad = features->count;
#pragma omp parallel for schedule(static) reduction(min : bad)
    for (size_t i = 0; i < features->count; i++) {
        const float *x = features->values + i * (size_t)features->dimension;
        int good = square_of_norm(x, features->dimension) < largest_square;
        if (!good && i < bad) bad = i;
    }
    return bad;
}

byol_status byol__features_check(const byol_features *features, const char *what,
                                 byol_error *error) {
    if (features->values == NULL || features->labels == NULL || features->count == 0 ||
        features->dimension < 1 || features->classes < 1)
        return byol__fail(
            error, BYOL_ERROR_INVALID,
            "the %s features are empty or have no labels: %zu vectors of dimension %d, %d classes",
            what, features->count, features->dimension, features->classes);
    if (features->count > UINT32_MAX)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "the %s features are %zu vectors; at most %u can be evaluated", what,
                          features->count, UINT32_MAX);
    for (size_t i = 0; i < features->count; i++)
        if (features->labels[i] < 0 || features->labels[i] >= features->classes)
            return byol__fail(error, BYOL_ERROR_INVALID,
                              "label %zu of the %s features is %d; labels are 0 .. %d", i, what,
                              (int)features->labels[i], features->classes - 1);
    size_t bad = first_bad_vector(features);
    if (bad < features->count)
        return byol__fail(error, BYOL_ERROR_NUMERIC,
                          "vector %zu of the %s features holds NaN, infinity or numbers above "
                          "1e18: the network that "
                          "made them has diverged, or they are not features",
                          bad, what);
    return BYOL_OK;
}

byol_status byol__features_agree(const byol_features *train, const byol_features *other,
                                 const char *what, byol_error *error) {
    if (other->dimension != train->dimension)
        return byol__fail(error, BYOL_ERROR_MISMATCH,
                          "the %s features have dimension %d, the training features %d: both must "
                          "come from the same "
                          "encoder and layer",
                          what, other->dimension, train->dimension);
    if (other->classes > train->classes)
        return byol__fail(error, BYOL_ERROR_MISMATCH,
                          "the %s features have %d classes, the training features %d: they are of "
                          "different data sets",
                          what, other->classes, train->classes);
    return BYOL_OK;
}
