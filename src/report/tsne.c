#include "report/tsne.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "dnn/matmul.h"

enum { POWER_STEPS = 60, SEARCH_STEPS = 60, EXAGGERATED = 250, ITERATIONS = 750, PERPLEXITY = 30 };
static const float exaggeration = 12;

/* ---- Principal components ---- */

static double dot(const float *a, const float *b, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

void byol__make_unit(float *v, size_t count) {
    double norm = sqrt(dot(v, v, count));
    float scale = norm > 0 ? (float)(1 / norm) : 0;
    for (size_t i = 0; i < count; i++) v[i] *= scale;
}

/* Power iteration for the leading direction of `centred` that is orthogonal to `found` (NULL: the
 * first direction). Fills `scores` (count) and `direction` (dimension). */
static byol_status lead(const float *centred, size_t count, size_t dimension, const float *found,
                        float *direction, float *scores, byol_error *error) {
    byol__matrix rows = {centred, dimension, BYOL__AS_IS},
                 columns = {centred, dimension, BYOL__TRANSPOSED};
    for (size_t d = 0; d < dimension; d++) direction[d] = 1 + (float)(d % 7) + (float)(d % 3);
    for (int step = 0; step <= POWER_STEPS; step++) {
        if (found != NULL) {
            float along = (float)dot(direction, found, dimension);
            for (size_t d = 0; d < dimension; d++) direction[d] -= along * found[d];
        }
        byol__make_unit(direction, dimension);
        byol__matrix v = {direction, 1, BYOL__AS_IS}, s = {scores, 1, BYOL__AS_IS};
        BYOL__TRY(byol__sgemm(count, 1, dimension, 1, rows, v, 0, scores, 1, error));
        if (step < POWER_STEPS)
            BYOL__TRY(byol__sgemm(dimension, 1, count, 1, columns, s, 0, direction, 1, error));
    }
    return BYOL_OK;
}

static void centre(float *x, size_t count, size_t dimension) {
    for (size_t d = 0; d < dimension; d++) {
        double mean = 0;
        for (size_t i = 0; i < count; i++) mean += (double)x[i * dimension + d];
        mean /= (double)count;
        for (size_t i = 0; i < count; i++) x[i * dimension + d] -= (float)mean;
    }
}

static float sign_of_largest(const float *v, size_t count) {
    size_t largest = 0;
    for (size_t i = 1; i < count; i++)
        if (fabsf(v[i]) > fabsf(v[largest])) largest = i;
    return v[largest] < 0 ? -1.0f : 1.0f;
}

static byol_status two_components(float *centred, size_t count, size_t dimension, float *directions,
                                  float *scores, float *points, byol_error *error) {
    centre(centred, count, dimension);
    for (size_t k = 0; k < 2; k++) {
        float *direction = directions + k * dimension;
        BYOL__TRY(
            lead(centred, count, dimension, k > 0 ? directions : NULL, direction, scores, error));
        float sign = sign_of_largest(direction, dimension);
        for (size_t i = 0; i < count; i++) points[2 * i + k] = sign * scores[i];
    }
    return BYOL_OK;
}

byol_status byol__pca2(const float *vectors, size_t count, int dimension, float *points,
                       byol_error *error) {
    float *centred = NULL, *directions = NULL, *scores = NULL;
    size_t d = (size_t)dimension;
    const char *what = "principal components";
    byol_status status = byol__alloc(&centred, count * d, sizeof(float), what, error);
    if (status == BYOL_OK) status = byol__alloc(&directions, 2 * d, sizeof(float), what, error);
    if (status == BYOL_OK) status = byol__alloc(&scores, count, sizeof(float), what, error);
    if (status == BYOL_OK) {
        memcpy(centred, vectors, count * d * sizeof(float));
        status = two_components(centred, count, d, directions, scores, points, error);
    }
    byol__free(centred);
    byol__free(directions);
    byol__free(scores);
    return status;
}

/* ---- Which points are neighbours: p ---- */

/* Row i of p from squared distances: a Gaussian whose width gives the wanted entropy (log of the
 * perplexity). */
static void fill_row(const float *distances, size_t count, size_t i, double wanted, float *p) {
    double beta = 1, low = 0, high = INFINITY, nearest = DBL_MAX, sum = 0;
    for (size_t j = 0; j < count; j++)
        if (j != i && (double)distances[j] < nearest) nearest = (double)distances[j];
    for (int step = 0; step < SEARCH_STEPS; step++) {
        double moment = 0;
        sum = 0;
        for (size_t j = 0; j < count; j++) {
            /* The shift by `nearest` does not change the result and keeps the sum above 0. */
            double further = (double)distances[j] - nearest;
            double weight = j == i ? 0 : exp(-beta * further);
            p[j] = (float)weight;
            sum += weight;
            moment += weight * further;
        }
        double entropy = log(sum) + beta * moment / sum;
        if (fabs(entropy - wanted) < 1e-5) break;
        if (entropy > wanted)
            low = beta;
        else
            high = beta;
        beta = isinf(high) ? beta * 2 : (low + high) / 2;
    }
    for (size_t j = 0; j < count; j++) p[j] = (float)((double)p[j] / sum);
}

/* p (count, count), symmetric, sum 1. `work` is as large; `squares` is (count). */
static byol_status neighbourhood(const float *vectors, size_t count, size_t dimension, float *work,
                                 double *squares, float *p, byol_error *error) {
    byol__matrix rows = {vectors, dimension, BYOL__AS_IS},
                 columns = {vectors, dimension, BYOL__TRANSPOSED};
    double perplexity = fmin(PERPLEXITY, (double)(count - 1) / 3), wanted = log(perplexity);
    BYOL__TRY(byol__sgemm(count, count, dimension, 1, rows, columns, 0, work, count, error));
    for (size_t i = 0; i < count; i++)
        squares[i] = dot(vectors + i * dimension, vectors + i * dimension, dimension);
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < count; i++) {
        float *row = work + i * count;
        for (size_t j = 0; j < count; j++)
            row[j] = (float)fmax(0, squares[i] + squares[j] - 2 * (double)row[j]);
        fill_row(row, count, i, wanted, p + i * count);
    }
    memcpy(work, p, count * count * sizeof *p);
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            p[i * count + j] = (work[i * count + j] + work[j * count + i]) / (2 * (float)count);
    return BYOL_OK;
}

/* ---- The descent ---- */

typedef struct descent {
    size_t count;
    const float *p;
    float *x, *y;           /* (count) the points */
    float *pull, *push;     /* (2, count): forces of a row, x before y */
    double *closeness;      /* (count): sum of q before normalising */
    float *velocity, *gain; /* (2, count) */
} descent;

/* The forces on point i: attraction p q d, repulsion q^2 d. */
static void feel(const descent *s, size_t i) {
    const float *p = s->p + i * s->count, x = s->x[i], y = s->y[i];
    float pull_x = 0, pull_y = 0, push_x = 0, push_y = 0, sum = 0;
#pragma omp simd reduction(+ : pull_x, pull_y, push_x, push_y, sum)
    for (size_t j = 0; j < s->count; j++) {
        float dx = x - s->x[j], dy = y - s->y[j], q = 1 / (1 + dx * dx + dy * dy);
        sum += q;
        pull_x += p[j] * q * dx;
        pull_y += p[j] * q * dy;
        push_x += q * q * dx;
        push_y += q * q * dy;
    }
    s->pull[i] = pull_x;
    s->pull[s->count + i] = pull_y;
    s->push[i] = push_x;
    s->push[s->count + i] = push_y;
    s->closeness[i] = (double)sum - 1; /* without itself */
}

/* Moves the points, with the gains and the momentum of the authors' code. */
static void move(const descent *s, float stress, float momentum, float rate) {
    double all = 0;
    for (size_t i = 0; i < s->count; i++) all += s->closeness[i];
    float scale = all > 0 ? (float)(1 / all) : 0;
    for (size_t k = 0; k < 2 * s->count; k++) {
        float gradient = 4 * (stress * s->pull[k] - scale * s->push[k]);
        int same = (gradient > 0) == (s->velocity[k] > 0);
        s->gain[k] = fmaxf(same ? s->gain[k] * 0.8f : s->gain[k] + 0.2f, 0.01f);
        s->velocity[k] = momentum * s->velocity[k] - rate * s->gain[k] * gradient;
        s->x[k] += s->velocity[k]; /* y comes after x in memory */
    }
}

static byol_status descend(const descent *s, byol_progress progress, void *context,
                           byol_error *error) {
    float rate = fmaxf((float)s->count / exaggeration / 4, 50);
    for (int step = 0; step < ITERATIONS; step++) {
        int early = step < EXAGGERATED;
#pragma omp parallel for schedule(static)
        for (size_t i = 0; i < s->count; i++) feel(s, i);
        move(s, early ? exaggeration : 1, early ? 0.5f : 0.8f, rate);
        if (progress != NULL && step % 10 == 0 &&
            progress(context, (uint64_t)step, ITERATIONS) != 0)
            return byol__fail(error, BYOL_ERROR_CANCELLED,
                              "the map was stopped after %d of %d steps", step, ITERATIONS);
    }
    return BYOL_OK;
}

/* From `points` (count, 2) to two rows, scaled so small that the points' positions do not matter
 * yet. finish() copies back. */
static void begin(descent *s, const float *points) {
    double square = 0;
    for (size_t i = 0; i < s->count; i++) square += (double)points[2 * i] * (double)points[2 * i];
    double spread = sqrt(square / (double)s->count);
    float scale = spread > 0 ? (float)(1e-4 / spread) : 0;
    for (size_t i = 0; i < s->count; i++) {
        s->x[i] = scale * points[2 * i];
        s->y[i] = scale * points[2 * i + 1];
        s->gain[i] = s->gain[s->count + i] = 1;
    }
}

static void finish(const descent *s, float *points) {
    for (size_t i = 0; i < s->count; i++) {
        points[2 * i] = s->x[i];
        points[2 * i + 1] = s->y[i];
    }
    centre(points, s->count, 2);
}

byol_status byol__tsne(const float *vectors, size_t count, int dimension, float *points,
                       byol_progress progress, void *context, byol_error *error) {
    enum { ROWS = 10 }; /* x, y, pull, push, velocity, gain */
    float *p = NULL, *work = NULL, *rows = NULL;
    double *closeness = NULL;
    const char *what = "a map";
    if (count < 4)
        return byol__fail(error, BYOL_ERROR_INVALID, "a map needs at least 4 vectors, not %zu",
                          count);
    byol_status status = byol__pca2(vectors, count, dimension, points, error);
    if (status == BYOL_OK) status = byol__alloc(&p, count * count, sizeof(float), what, error);
    if (status == BYOL_OK) status = byol__alloc(&work, count * count, sizeof(float), what, error);
    if (status == BYOL_OK) status = byol__alloc(&rows, ROWS * count, sizeof(float), what, error);
    if (status == BYOL_OK) status = byol__alloc(&closeness, count, sizeof(double), what, error);
    if (status == BYOL_OK)
        status = neighbourhood(vectors, count, (size_t)dimension, work, closeness, p, error);
    if (status == BYOL_OK) {
        descent s = {.count = count, .p = p, .x = rows, .y = rows + count, .closeness = closeness};
        s.pull = rows + 2 * count;
        s.push = rows + 4 * count;
        s.velocity = rows + 6 * count;
        s.gain = rows + 8 * count;
        begin(&s, points);
        status = descend(&s, progress, context, error);
        finish(&s, points);
    }
    byol__free(p);
    byol__free(work);
    byol__free(rows);
    byol__free(closeness);
    return status;
}
