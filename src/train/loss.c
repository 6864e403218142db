#include "train/loss.h"

#include <math.h>
#include <stddef.h>

#include "train/rows.h"

static double dot(const float *a, const float *b, int dim) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < dim; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

/* A sample's loss at some cosine, and the slope there. */
typedef struct point {
    double loss, slope;
} point;

static point byol_point(double cosine, double unused) {
    (void)unused;
    return (point){2 - 2 * cosine, -2};
}

static point softmax_pair_at(double cosine, double candidates) {
    double others = (candidates - 1) * exp(-cosine);
    return (point){log1p(others), -others / (1 + others)};
}

/* d/dp of slope n(p).n(t): with r = 1/|p|, slope r (n(t) - cos n(p)). Where |p| is below the floor,
 * n(p) = 1e6 p has no curvature, and the second term vanishes. */
static void sample_gradient(const float *p, const float *t, int dim, double scale_p, double scale_t,
                            double cosine, int below_floor, double slope, float *diff) {
    float along_t = (float)(slope * scale_p * scale_t);
    float along_p = below_floor ? 0 : (float)(-slope * scale_p * scale_p * cosine);
#pragma omp simd
    for (int i = 0; i < dim; i++) diff[i] = along_t * t[i] + along_p * p[i];
}

static inline double mean_over_pairs(const float *prediction, const float *target, int batch,
                                     int dim, point (*at)(double cosine, double parameter),
                                     double parameter, float *diff) {
    double loss = 0;
    for (int n = 0; n < batch; n++) {
        const float *p = prediction + (size_t)n * (size_t)dim,
                    *t = target + (size_t)n * (size_t)dim;
        double square_p = dot(p, p, dim), square_t = dot(t, t, dim);
        double scale_p = 1 / sqrt(fmax(square_p, byol__smallest_square)),
               scale_t = 1 / sqrt(fmax(square_t, byol__smallest_square));
        double cosine = dot(p, t, dim) * scale_p * scale_t;
        point here = at(cosine, parameter);
        loss += here.loss;
        if (diff != NULL)
            sample_gradient(p, t, dim, scale_p, scale_t, cosine, square_p < byol__smallest_square,
                            here.slope / batch, diff + (size_t)n * (size_t)dim);
    }
    return loss / batch;
}

double byol__byol_loss(const float *prediction, const float *target, int batch, int dim,
                       float *diff) {
    return mean_over_pairs(prediction, target, batch, dim, byol_point, 0, diff);
}

double byol__softmax_pair_loss(const float *prediction, const float *target, int batch, int dim,
                               double candidates, float *diff) {
    return mean_over_pairs(prediction, target, batch, dim, softmax_pair_at, candidates, diff);
}
