#include "train/contrast.h"

#include <math.h>

#include "base/error.h"
#include "base/philox.h"
#include "dnn/matmul.h"
#include "train/rows.h"

/* The parts of the scratch. */
typedef struct workspace {
    double *scale_p, *scale_z; /* (N): 1 / |x| */
    double *loss;              /* (N): each row's */
    float *p, *z;              /* (N, D): normalised */
    float *s;                  /* (N, M): cosines, then the loss's slopes by them */
} workspace;

/* M: how many candidates a prediction is compared with. */
static size_t candidates(const byol__contrast *contrast, size_t n) {
    return contrast->own_negatives ? 2 * n : n;
}

size_t byol__contrast_scratch(const byol__contrast *contrast, int batch, int dim) {
    size_t n = (size_t)batch, floats = 2 * n * (size_t)dim + n * candidates(contrast, n);
    return 3 * n + (floats + 1) / 2;
}

static workspace lay_out(double *scratch, size_t n, size_t dim) {
    workspace w = {.scale_p = scratch, .scale_z = scratch + n, .loss = scratch + 2 * n};
    w.p = (float *)(void *)(scratch + 3 * n);
    w.z = w.p + n * dim;
    w.s = w.z + n * dim;
    return w;
}

/* ---- One row: returns its loss; s (M) becomes the loss's slopes, times `weight` ---- */

/* Candidate `itself` (none: M) is the prediction itself and does not count. */
static double infonce_row(float *s, size_t m, size_t i, size_t itself, double t, double weight) {
    double largest = -INFINITY, sum = 0, own = (double)s[i];
    if (itself < m) s[itself] = -INFINITY;
    for (size_t j = 0; j < m; j++) largest = fmax(largest, (double)s[j]);
    for (size_t j = 0; j < m; j++) {
        double pushes = exp(((double)s[j] - largest) / t);
        sum += pushes;
        s[j] = (float)pushes;
    }
    for (size_t j = 0; j < m; j++) s[j] = (float)(weight / t * ((double)s[j] / sum - (j == i)));
    return log(sum) - (own - largest) / t;
}

/* -log g(x), without overflow. */
static double softplus_minus(double x) { return fmax(-x, 0) + log1p(exp(-fabs(x))); }

static double nce_row(float *s, size_t n, size_t i, double temperature, double weight) {
    double loss = 0;
    for (size_t j = 0; j < n; j++) {
        double sign = j == i ? 1 : -1, x = sign * (double)s[j] / temperature;
        loss += softplus_minus(x);
        s[j] = (float)(-weight * sign / temperature / (1 + exp(x)));
    }
    return loss;
}

static size_t hardest(const float *s, size_t n, size_t i) {
    size_t best = i == 0 ? 1 : 0;
    for (size_t j = 0; j < n; j++)
        if (j != i && s[j] > s[best]) best = j;
    return best;
}

/* On the sphere, squared distances differ by 2 (s_ij - s_ii). */
static double triplet_row(float *s, size_t n, size_t i, size_t other, double margin,
                          double weight) {
    double loss = margin + 2 * ((double)s[other] - (double)s[i]);
    float slope = loss > 0 ? (float)(2 * weight) : 0;
    for (size_t j = 0; j < n; j++) s[j] = j == other ? slope : j == i ? -slope : 0;
    return fmax(loss, 0);
}

static size_t choose_other(const byol__contrast *contrast, const float *s, size_t n, size_t i,
                           uint64_t number) {
    if (contrast->negatives == BYOL_NEGATIVES_HARDEST) return hardest(s, n, i);
    /* The stream's epoch has 24 bits: higher bits of `number` go into the seed. */
    byol__random random =
        byol__random_stream(contrast->seed + (number >> 24), BYOL__PURPOSE_NEGATIVE,
                            (uint32_t)(number & 0xffffff), (uint32_t)i, 0);
    size_t j = byol__random_below(&random, (uint32_t)(n - 1));
    return j < i ? j : j + 1;
}

static double row(const byol__contrast *contrast, float *s, size_t n, size_t i, uint64_t number) {
    double weight = 1.0 / (double)n;
    switch (contrast->kind) {
    case BYOL_INFONCE:
        return infonce_row(s, candidates(contrast, n), i, n + i, contrast->temperature, weight);
    case BYOL_NCE: return nce_row(s, n, i, contrast->temperature, weight);
    default:
        return triplet_row(s, n, i, choose_other(contrast, s, n, i, number), contrast->margin,
                           weight);
    }
}

/* ---- The whole batch ---- */

/* (N, M): the cosines of the predictions with the targets and, with own negatives, with each
 * other. */
static byol_status find_cosines(const byol__contrast *contrast, const workspace *w, size_t n,
                                size_t d) {
    size_t m = candidates(contrast, n);
    byol__matrix p = {w->p, d, BYOL__AS_IS}, p_turned = {w->p, d, BYOL__TRANSPOSED},
                 z_turned = {w->z, d, BYOL__TRANSPOSED};
    BYOL__TRY(byol__sgemm(n, n, d, 1, p, z_turned, 0, w->s, m, NULL));
    return contrast->own_negatives ? byol__sgemm(n, n, d, 1, p, p_turned, 0, w->s + n, m, NULL)
                                   : BYOL_OK;
}

/* From the (N, M) slopes to the gradient by the predictions. With own negatives, a prediction
 * counts in its own row and, as a candidate, in the others'. */
static byol_status by_prediction(const byol__contrast *contrast, const workspace *w, size_t n,
                                 size_t d, float *diff) {
    size_t m = candidates(contrast, n);
    byol__matrix slopes = {w->s, m, BYOL__AS_IS}, own = {w->s + n, m, BYOL__AS_IS},
                 own_turned = {w->s + n, m, BYOL__TRANSPOSED};
    byol__matrix p = {w->p, d, BYOL__AS_IS}, z = {w->z, d, BYOL__AS_IS};
    BYOL__TRY(byol__sgemm(n, d, n, 1, slopes, z, 0, diff, d, NULL)); // (N, N) (N, D)
    if (contrast->own_negatives) {
        BYOL__TRY(byol__sgemm(n, d, n, 1, own, p, 1, diff, d, NULL));
        BYOL__TRY(byol__sgemm(n, d, n, 1, own_turned, p, 1, diff, d, NULL));
    }
    byol__through_normalised_rows(w->p, w->scale_p, n, d, diff);
    return BYOL_OK;
}

static byol_status by_target(const byol__contrast *contrast, const workspace *w, size_t n, size_t d,
                             float *diff) {
    byol__matrix slopes_turned = {w->s, candidates(contrast, n), BYOL__TRANSPOSED},
                 p = {w->p, d, BYOL__AS_IS};
    BYOL__TRY(byol__sgemm(n, d, n, 1, slopes_turned, p, 0, diff, d, NULL));
    byol__through_normalised_rows(w->z, w->scale_z, n, d, diff);
    return BYOL_OK;
}

double byol__contrast_loss(const byol__contrast *contrast, const float *prediction,
                           const float *target, int batch, int dim, uint64_t number,
                           float *diff_prediction, float *diff_target, double *scratch) {
    size_t n = (size_t)batch, d = (size_t)dim, m = candidates(contrast, n);
    workspace w = lay_out(scratch, n, d);
    byol__normalise_rows(prediction, n, d, w.scale_p, w.p);
    byol__normalise_rows(target, n, d, w.scale_z, w.z);
    if (find_cosines(contrast, &w, n, d) != BYOL_OK) return (double)NAN;
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++) w.loss[i] = row(contrast, w.s + i * m, n, i, number);
    double loss = 0;
    for (size_t i = 0; i < n; i++) loss += w.loss[i];
    if (diff_prediction != NULL && by_prediction(contrast, &w, n, d, diff_prediction) != BYOL_OK)
        return (double)NAN;
    if (diff_target != NULL && by_target(contrast, &w, n, d, diff_target) != BYOL_OK)
        return (double)NAN;
    return loss / (double)n;
}
