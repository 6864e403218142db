#include "train/rows.h"

#include <math.h>

void byol__normalise_rows(const float *src, size_t n, size_t dim, double *scale, float *dst) {
    for (size_t i = 0; i < n; i++, src += dim, dst += dim) {
        double square = 0;
#pragma omp simd reduction(+ : square)
        for (size_t d = 0; d < dim; d++) square += (double)src[d] * (double)src[d];
        scale[i] = 1 / sqrt(fmax(square, byol__smallest_square));
        for (size_t d = 0; d < dim; d++) dst[d] = (float)(scale[i] * (double)src[d]);
    }
}

void byol__through_normalised_rows(const float *y, const double *scale, size_t n, size_t dim,
                                   float *g) {
    for (size_t i = 0; i < n; i++, y += dim, g += dim) {
        double along = 0;
#pragma omp simd reduction(+ : along)
        for (size_t d = 0; d < dim; d++) along += (double)g[d] * (double)y[d];
        if (scale[i] == 1 / sqrt(byol__smallest_square)) along = 0;
        for (size_t d = 0; d < dim; d++)
            g[d] = (float)(scale[i] * ((double)g[d] - along * (double)y[d]));
    }
}
