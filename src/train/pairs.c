#include "train/pairs.h"

#include <math.h>
#include <stddef.h>

double byol__mse_loss(const float *prediction, const float *target, int batch, int dim,
                      float *diff) {
    size_t count = (size_t)batch * (size_t)dim;
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < count; i++) {
        double d = (double)prediction[i] - (double)target[i];
        sum += d * d;
    }
    float scale = 2 / (float)count;
    for (size_t i = 0; i < count && diff != NULL; i++)
        diff[i] = scale * (prediction[i] - target[i]);
    return sum / (double)count;
}

double byol__smooth_l1_loss(const float *prediction, const float *target, int batch, int dim,
                            float beta, float *diff) {
    size_t count = (size_t)batch * (size_t)dim;
    double sum = 0, bend = (double)beta;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < count; i++) {
        double d = fabs((double)prediction[i] - (double)target[i]);
        sum += d < bend ? d * d / (2 * bend) : d - bend / 2;
    }
    float scale = 1 / (float)count;
    for (size_t i = 0; i < count && diff != NULL; i++)
        diff[i] = scale * fminf(fmaxf((prediction[i] - target[i]) / beta, -1), 1);
    return sum / (double)count;
}
