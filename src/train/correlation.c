#include "train/correlation.h"

#include <math.h>
#include <string.h>

#include "dnn/matmul.h"

/* The parts of the scratch. */
typedef struct workspace {
    double *scale_p, *scale_z, *mean, *along; /* (D) */
    float *p, *z;                             /* (N, D): standardised */
    float *c; /* (D, D): correlations, then the loss's slopes by them */
} workspace;

size_t byol__correlation_scratch(int batch, int dim) {
    size_t n = (size_t)batch, d = (size_t)dim;
    return 4 * d + (2 * n * d + d * d + 1) / 2;
}

static workspace lay_out(double *scratch, size_t n, size_t d) {
    workspace w = {.scale_p = scratch,
                   .scale_z = scratch + d,
                   .mean = scratch + 2 * d,
                   .along = scratch + 3 * d};
    w.p = (float *)(void *)(scratch + 4 * d);
    w.z = w.p + n * d;
    w.c = w.z + n * d;
    return w;
}

/* y = scale (x - mean), by column. */
static void standardise(const float *x, size_t n, size_t d, double *mean, double *scale, float *y) {
    memset(mean, 0, d * sizeof *mean);
    memset(scale, 0, d * sizeof *scale);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++) mean[j] += (double)x[i * d + j] / (double)n;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < d; j++) {
            double far = (double)x[i * d + j] - mean[j];
            scale[j] += far * far / (double)n;
        }
    }
    for (size_t j = 0; j < d; j++) scale[j] = 1 / sqrt(scale[j] + 1e-5);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++)
            y[i * d + j] = (float)(scale[j] * ((double)x[i * d + j] - mean[j]));
}

/* In place: from the gradient g by y to the gradient by x: scale (g - mean(g) - y mean(g y)). */
static void through_standardising(const workspace *w, const float *y, const double *scale, size_t n,
                                  size_t d, float *g) {
    memset(w->mean, 0, d * sizeof *w->mean);
    memset(w->along, 0, d * sizeof *w->along);
    for (size_t i = 0; i < n * d; i++) {
        w->mean[i % d] += (double)g[i] / (double)n;
        w->along[i % d] += (double)g[i] * (double)y[i] / (double)n;
    }
    for (size_t i = 0; i < n * d; i++)
        g[i] = (float)(scale[i % d] *
                       ((double)g[i] - w->mean[i % d] - w->along[i % d] * (double)y[i]));
}

double byol__correlation_loss(const float *prediction, const float *target, int batch, int dim,
                              double redundancy, float *diff_prediction, float *diff_target,
                              double *scratch) {
    size_t n = (size_t)batch, d = (size_t)dim;
    workspace w = lay_out(scratch, n, d);
    standardise(prediction, n, d, w.mean, w.scale_p, w.p);
    standardise(target, n, d, w.mean, w.scale_z, w.z);
    byol__matrix p = {w.p, d, BYOL__AS_IS}, p_turned = {w.p, d, BYOL__TRANSPOSED},
                 z = {w.z, d, BYOL__AS_IS};
    byol__matrix c = {w.c, d, BYOL__AS_IS}, c_turned = {w.c, d, BYOL__TRANSPOSED};
    float share = 1 / (float)n;
    if (byol__sgemm(d, d, n, share, p_turned, z, 0, w.c, d, NULL) != BYOL_OK) return (double)NAN;
    double loss = 0;
    for (size_t k = 0; k < d * d; k++) {
        double far = (double)w.c[k] - (k % (d + 1) == 0),
               weight = k % (d + 1) == 0 ? 1 : redundancy;
        loss += weight * far * far;
        w.c[k] = (float)(2 * weight * far);
    }
    if (diff_prediction != NULL) {
        if (byol__sgemm(n, d, d, share, z, c_turned, 0, diff_prediction, d, NULL) != BYOL_OK)
            return (double)NAN;
        through_standardising(&w, w.p, w.scale_p, n, d, diff_prediction);
    }
    if (diff_target != NULL) {
        if (byol__sgemm(n, d, d, share, p, c, 0, diff_target, d, NULL) != BYOL_OK)
            return (double)NAN;
        through_standardising(&w, w.z, w.scale_z, n, d, diff_target);
    }
    return loss;
}
