#include "train/regularizer.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/smaller.h"
#include "dnn/matmul.h"
#include "train/rows.h"

/* The parts of the scratch. */
typedef struct workspace {
    double *mean, *slope; /* (D) */
    double *scale;        /* (N) */
    double *square;       /* (M, M), M = min(N, D): factored */
    float *y;             /* (N, D): centred, or normalised */
    float *gram;          /* (D, D), (N, N) */
    float *half, *part;   /* (N, D) */
} workspace;

static size_t scratch_doubles(size_t n, size_t d) {
    size_t m = byol__smaller_size(n, d), floats = 3 * n * d + d * d + n * n;
    return 2 * d + n + m * m + (floats + 1) / 2;
}

static workspace lay_out(const byol__regularizer *r) {
    size_t n = (size_t)r->batch, d = (size_t)r->dim, m = byol__smaller_size(n, d);
    workspace w = {.mean = r->scratch};
    w.slope = w.mean + d;
    w.scale = w.slope + d;
    w.square = w.scale + n;
    w.y = (float *)(void *)(w.square + m * m);
    w.half = w.y + n * d;
    w.part = w.half + n * d;
    w.gram = w.part + n * d;
    return w;
}

byol_status byol__regularizer_init(byol__regularizer *regularizer, const byol_config *config,
                                   int batch, int dim, byol_error *error) {
    *regularizer = (byol__regularizer){.batch = batch,
                                       .dim = dim,
                                       .variance = (double)config->loss.variance,
                                       .covariance = (double)config->loss.covariance,
                                       .coding_rate = (double)config->loss.coding_rate,
                                       .precision = (double)config->loss.coding_precision};
    if (regularizer->variance == 0 && regularizer->covariance == 0 && regularizer->coding_rate == 0)
        return BYOL_OK;
    return byol__alloc(&regularizer->scratch, scratch_doubles((size_t)batch, (size_t)dim),
                       sizeof(double), "scratch of the regularizer", error);
}

void byol__regularizer_release(byol__regularizer *regularizer) {
    byol__free(regularizer->scratch);
    regularizer->scratch = NULL;
}

/* ---- variance and covariance ---- */

/* y = z - mean, by column. */
static void centre(const float *z, size_t n, size_t d, double *mean, float *y) {
    memset(mean, 0, d * sizeof *mean);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++) mean[j] += (double)z[i * d + j] / (double)n;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++) y[i * d + j] = (float)((double)z[i * d + j] - mean[j]);
}

/* Adds weight times the gradient to `diff`. For a centred y, d sqrt(var) / dz_i = y_i / ((N - 1)
 * sqrt(var)): the mean of this gradient over a column is already 0. */
static double add_variance(const workspace *w, size_t n, size_t d, double weight, float *diff) {
    double loss = 0;
    memset(w->slope, 0, d * sizeof *w->slope);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++)
            w->slope[j] += (double)w->y[i * d + j] * (double)w->y[i * d + j];
    for (size_t j = 0; j < d; j++) {
        double deviation = sqrt(w->slope[j] / (double)(n - 1) + 1e-4);
        loss += fmax(0, 1 - deviation) / (double)d;
        w->slope[j] = deviation < 1 ? -weight / ((double)d * (double)(n - 1) * deviation) : 0;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++)
            diff[i * d + j] += (float)(w->slope[j] * (double)w->y[i * d + j]);
    return weight * loss;
}

/* dC_ij^2 / dy = 4 / (N - 1) y C off the diagonal. The columns of y C have a mean of 0, so the
 * centring does not change the gradient. */
static double add_covariance(const workspace *w, size_t n, size_t d, double weight, float *diff) {
    byol__matrix y = {w->y, d, BYOL__AS_IS}, y_turned = {w->y, d, BYOL__TRANSPOSED},
                 c = {w->gram, d, BYOL__AS_IS};
    double loss = 0;
    if (byol__sgemm(d, d, n, 1 / (float)(n - 1), y_turned, y, 0, w->gram, d, NULL) != BYOL_OK)
        return (double)NAN;
    for (size_t j = 0; j < d; j++) w->gram[j * d + j] = 0;
    for (size_t k = 0; k < d * d; k++) loss += (double)w->gram[k] * (double)w->gram[k];
    float slope = (float)(4 * weight / ((double)(n - 1) * (double)d));
    if (byol__sgemm(n, d, d, slope, y, c, 1, diff, d, NULL) != BYOL_OK) return (double)NAN;
    return weight * loss / (double)d;
}

/* ---- coding rate ---- */

/* Replaces a (m, m), symmetric and positive definite, by its lower factor L, a = L L^T. Returns the
 * sum of log L_ii, half of log det a. */
static double factor(double *a, size_t m) {
    double logs = 0;
    for (size_t j = 0; j < m; j++) {
        for (size_t i = j; i < m; i++) {
            double sum = a[i * m + j];
#pragma omp simd reduction(- : sum)
            for (size_t k = 0; k < j; k++) sum -= a[i * m + k] * a[j * m + k];
            a[i * m + j] = i == j ? sqrt(sum) : sum / a[j * m + j];
        }
        logs += log(a[j * m + j]);
    }
    return logs;
}

/* Replaces the lower factor by its inverse, lower too, row by row. `row` (m) is scratch. */
static void invert(double *l, size_t m, double *row) {
    for (size_t i = 0; i < m; i++) {
        double *own = l + i * m;
        memcpy(row, own, (i + 1) * sizeof *row);
        memset(own, 0, m * sizeof *own);
        for (size_t k = 0; k < i; k++) {
            const double *other = l + k * m;
#pragma omp simd
            for (size_t j = 0; j <= k; j++) own[j] -= row[k] * other[j];
        }
        for (size_t j = 0; j < i; j++) own[j] /= row[i];
        own[i] = 1 / row[i];
    }
}

/* part = slope Y A^-1 or slope A^-1 Y, from W, the inverse of A's lower factor: A^-1 = W^T W. */
static byol_status apply_inverse(const workspace *w, size_t n, size_t d, bool by_columns,
                                 float slope) {
    size_t m = byol__smaller_size(n, d);
    byol__matrix y = {w->y, d, BYOL__AS_IS}, half = {w->half, d, BYOL__AS_IS},
                 lower = {w->gram, m, BYOL__AS_IS}, turned = {w->gram, m, BYOL__TRANSPOSED};
    if (by_columns) {
        BYOL__TRY(byol__sgemm(n, d, d, slope, y, turned, 0, w->half, d, NULL));
        return byol__sgemm(n, d, d, 1, half, lower, 0, w->part, d, NULL);
    }
    BYOL__TRY(byol__sgemm(n, d, n, slope, lower, y, 0, w->half, d, NULL));
    return byol__sgemm(n, d, n, 1, turned, half, 0, w->part, d, NULL);
}

/* With a = D / (N e), the rate's gradient is a Y (I + a Y^T Y)^-1 = a (I + a Y Y^T)^-1 Y: the form
 * with the smaller square is used. */
static double add_coding_rate(const byol__regularizer *r, const workspace *w, const float *z,
                              double weight, float *diff) {
    size_t n = (size_t)r->batch, d = (size_t)r->dim, m = byol__smaller_size(n, d);
    bool by_columns = d <= n;
    float a = (float)((double)d / ((double)n * r->precision));
    byol__normalise_rows(z, n, d, w->scale, w->y);
    byol__matrix y = {w->y, d, BYOL__AS_IS}, turned = {w->y, d, BYOL__TRANSPOSED};
    if (byol__sgemm(m, m, by_columns ? n : d, a, by_columns ? turned : y, by_columns ? y : turned,
                    0, w->gram, m, NULL) != BYOL_OK)
        return (double)NAN;
    for (size_t k = 0; k < m * m; k++) w->square[k] = (double)w->gram[k] + (k % (m + 1) == 0);
    double rate = factor(w->square, m);
    invert(w->square, m, w->slope);
    for (size_t k = 0; k < m * m; k++) w->gram[k] = (float)w->square[k];
    if (apply_inverse(w, n, d, by_columns, (float)-weight * a) != BYOL_OK) return (double)NAN;
    byol__through_normalised_rows(w->y, w->scale, n, d, w->part);
    for (size_t k = 0; k < n * d; k++) diff[k] += w->part[k];
    return -weight * rate;
}

double byol__regularize(const byol__regularizer *r, const float *z, double factor, float *diff) {
    size_t n = (size_t)r->batch, d = (size_t)r->dim;
    workspace w = lay_out(r);
    double loss = 0;
    memset(diff, 0, n * d * sizeof *diff);
    if (r->variance != 0 || r->covariance != 0) centre(z, n, d, w.mean, w.y);
    if (r->variance != 0) loss += add_variance(&w, n, d, factor * r->variance, diff);
    if (r->covariance != 0) loss += add_covariance(&w, n, d, factor * r->covariance, diff);
    if (r->coding_rate != 0) loss += add_coding_rate(r, &w, z, factor * r->coding_rate, diff);
    return loss;
}
