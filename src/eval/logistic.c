#include "eval/logistic.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

enum { STEPS_MAX = 200, INNER_STEPS_MAX = 1000, HALVINGS_MAX = 40 };
static const double tolerance = 1e-6; /* of the gradient's length, in that at zero weights */

/* ---- Vectors ---- */

/* Fixed parts, added in order: the bits do not depend on threads. */
enum { PARTS = 64, WORTH_THREADS = 1 << 15 };

static double dot(const double *a, const double *b, size_t n) {
    double parts[PARTS], sum = 0;
#pragma omp parallel for schedule(static) if (n > WORTH_THREADS)
    for (size_t part = 0; part < PARTS; part++) {
        double partial = 0;
        size_t end = n * (part + 1) / PARTS;
#pragma omp simd reduction(+ : partial)
        for (size_t i = n * part / PARTS; i < end; i++) partial += a[i] * b[i];
        parts[part] = partial;
    }
    for (size_t part = 0; part < PARTS; part++) sum += parts[part];
    return sum;
}

/* y = a x + b y */
static void combine(double a, const double *x, double b, double *y, size_t n) {
#pragma omp parallel for simd schedule(static) if (n > WORTH_THREADS)
    for (size_t i = 0; i < n; i++) y[i] = a * x[i] + b * y[i];
}

/* ---- Loss, gradient, curvature ---- */

/* 1 where the first class has no weights and its logit is 0. */
static int fixed_classes(const byol__logistic *l) { return l->classes - (int)l->outputs; }

/* Softmax of a row of logits into `p`; returns -log softmax[label]. */
static double softmax(const byol__logistic *l, const double *logits, int32_t label, double *p) {
    int fixed = fixed_classes(l);
    double highest = fixed ? 0 : logits[0], sum = 0;
    for (size_t k = 0; k < l->outputs; k++) highest = fmax(highest, logits[k]);
    for (size_t k = 0; k < l->outputs; k++) sum += p[k] = exp(logits[k] - highest);
    if (fixed) sum += exp(-highest);
    for (size_t k = 0; k < l->outputs; k++) p[k] /= sum;
    double own = label < fixed ? 0 : logits[label - fixed];
    return log(sum) + (highest - own);
}

/* Fills in l->probabilities; returns the sum of the rows' losses. */
static double judge(byol__logistic *l, const double *logits) {
    double sum = 0;
#pragma omp parallel for schedule(static)
    for (size_t row = 0; row < l->rows->rows; row++)
        l->losses[row] = softmax(l, logits + row * l->outputs, l->labels[row],
                                 l->probabilities + row * l->outputs);
    for (size_t row = 0; row < l->rows->rows; row++) sum += l->losses[row];
    return sum;
}

/* Numbers that belong to W, and not to b. */
static size_t penalised(const byol__logistic *l) { return l->length - l->outputs; }

static void apply(const byol__logistic *l, const double *weights, double *logits) {
    byol__sparse_multiply(l->rows, weights, l->outputs, weights + penalised(l), logits);
}

/* out = C rows^T diff + the penalty's part: `weights` without b. */
static void pull_back(const byol__logistic *l, const double *weights, double *out) {
    double *bias = out + penalised(l);
    byol__sparse_multiply(&l->by_column, l->diff, l->outputs, NULL, out);
    memset(bias, 0, l->outputs * sizeof *bias);
    for (size_t row = 0; row < l->rows->rows; row++)
        for (size_t k = 0; k < l->outputs; k++) bias[k] += l->diff[row * l->outputs + k];
    combine(1, weights, l->c, out, penalised(l));
    for (size_t k = 0; k < l->outputs; k++) bias[k] *= l->c;
}

/* The gradient of a row's loss by its logits is softmax - label. */
static void make_gradient(byol__logistic *l, const double *weights) {
    int fixed = fixed_classes(l);
    memcpy(l->diff, l->probabilities, l->rows->rows * l->outputs * sizeof *l->diff);
    for (size_t row = 0; row < l->rows->rows; row++)
        if (l->labels[row] >= fixed)
            l->diff[row * l->outputs + (size_t)(l->labels[row] - fixed)] -= 1;
    pull_back(l, weights, l->gradient);
}

/* out = H v. For a row's logits H is diag(p) - p p^T, so it makes p (z - p z) of z = v x. */
static void curve(byol__logistic *l, const double *v, double *out) {
    apply(l, v, l->moved);
#pragma omp parallel for schedule(static)
    for (size_t row = 0; row < l->rows->rows; row++) {
        const double *z = l->moved + row * l->outputs, *p = l->probabilities + row * l->outputs;
        double mean = 0;
        for (size_t k = 0; k < l->outputs; k++) mean += p[k] * z[k];
        for (size_t k = 0; k < l->outputs; k++)
            l->diff[row * l->outputs + k] = p[k] * (z[k] - mean);
    }
    pull_back(l, v, out);
}

double byol__logistic_loss(byol__logistic *l, const double *weights) {
    apply(l, weights, l->logits);
    double loss = l->c * judge(l, l->logits) + dot(weights, weights, penalised(l)) / 2;
    make_gradient(l, weights);
    return loss;
}

/* ---- Newton's method ---- */

/* l->step solves H step = -gradient by conjugate gradients, until what is left of the gradient is
 * the share min(1/2, sqrt(norm / first)) of it: roughly far from the minimum, well near it, which
 * keeps Newton's convergence (Nocedal and Wright, Numerical Optimization, algorithm 7.1). */
static void solve(byol__logistic *l, double norm, double first) {
    size_t n = l->length;
    double enough = fmin(0.5, sqrt(norm / first)) * norm, square = norm * norm;
    memset(l->step, 0, n * sizeof *l->step);
    combine(-1, l->gradient, 0, l->residual, n);
    combine(1, l->residual, 0, l->direction, n);
    for (int i = 0; i < INNER_STEPS_MAX && square > enough * enough; i++) {
        curve(l, l->direction, l->product);
        double along = dot(l->direction, l->product, n), before = square;
        if (!(along > 0)) return; /* flat to the last bit */
        combine(square / along, l->direction, 1, l->step, n);
        combine(-square / along, l->product, 1, l->residual, n);
        square = dot(l->residual, l->residual, n);
        combine(1, l->residual, square / before, l->direction, n);
    }
}

/* Goes along l->step, half as far until the loss falls (Armijo's condition, with room for
 * rounding). The rows are read once, for the change of the logits. */
static bool descend(byol__logistic *l, double *weights, double *loss) {
    size_t logits = l->rows->rows * l->outputs, n = penalised(l);
    double slope = dot(l->gradient, l->step, l->length), length = 1;
    double square = dot(weights, weights, n), cross = dot(weights, l->step, n),
           step_square = dot(l->step, l->step, n);
    apply(l, l->step, l->moved);
    for (int i = 0; i < HALVINGS_MAX; i++, length /= 2) {
        memcpy(l->trial, l->logits, logits * sizeof *l->trial);
        combine(length, l->moved, 1, l->trial, logits);
        double now = l->c * judge(l, l->trial) + square / 2 + length * cross +
                     length * length * step_square / 2;
        if (!(now <= *loss + 1e-4 * length * slope + 1e-13 * fabs(*loss))) continue;
        double *before = l->logits;
        l->logits = l->trial;
        l->trial = before;
        *loss = now;
        combine(length, l->step, 1, weights, l->length);
        return true;
    }
    return false;
}

byol_status byol__logistic_fit(byol__logistic *l, double *weights, byol_progress progress,
                               void *context, uint64_t done, uint64_t total, byol_error *error) {
    double first = 0;
    memset(weights, 0, l->length * sizeof *weights);
    double loss = byol__logistic_loss(l, weights);
    for (int i = 0; i < STEPS_MAX; i++) {
        double norm = sqrt(dot(l->gradient, l->gradient, l->length));
        if (i == 0) first = norm;
        if (norm <= tolerance * first) return BYOL_OK;
        solve(l, norm, first);
        if (!descend(l, weights, &loss)) break;
        make_gradient(l, weights);
        if (progress != NULL && progress(context, done, total) != 0)
            return byol__fail(error, BYOL_ERROR_CANCELLED,
                              "logistic regression was stopped at C = %g", l->c);
    }
    return byol__fail(error, BYOL_ERROR_NUMERIC,
                      "logistic regression finds no minimum at C = %g; a smaller C may help", l->c);
}

/* ---- The whole ---- */

static byol_status allocate(byol__logistic *l, byol_error *error) {
    double **of_rows[] = {&l->logits, &l->trial, &l->moved, &l->probabilities, &l->diff};
    double **of_weights[] = {&l->gradient, &l->step, &l->residual, &l->direction, &l->product};
    const char *what = "logistic regression";
    for (size_t i = 0; i < sizeof of_rows / sizeof *of_rows; i++)
        BYOL__TRY(byol__alloc(of_rows[i], l->rows->rows * l->outputs, sizeof(double), what, error));
    for (size_t i = 0; i < sizeof of_weights / sizeof *of_weights; i++)
        BYOL__TRY(byol__alloc(of_weights[i], l->length, sizeof(double), what, error));
    return byol__alloc(&l->losses, l->rows->rows, sizeof(double), what, error);
}

byol_status byol__logistic_open(byol__logistic *l, const byol__sparse *rows, const int32_t *labels,
                                int classes, byol_error *error) {
    *l = (byol__logistic){.rows = rows,
                          .labels = labels,
                          .classes = classes,
                          .outputs = classes == 2 ? 1 : (size_t)classes};
    l->length = (rows->columns + 1) * l->outputs;
    byol_status status = byol__sparse_transpose(&l->by_column, rows, error);
    if (status == BYOL_OK) status = allocate(l, error);
    if (status != BYOL_OK) byol__logistic_close(l);
    return status;
}

void byol__logistic_close(byol__logistic *l) {
    double *all[] = {l->logits,   l->trial, l->moved,    l->probabilities, l->diff,   l->losses,
                     l->gradient, l->step,  l->residual, l->direction,     l->product};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) byol__free(all[i]);
    byol__sparse_release(&l->by_column);
    *l = (byol__logistic){0};
}

void byol__logistic_predict(const byol__logistic *l, const double *weights,
                            const byol__sparse *rows, double *logits, int32_t *predicted) {
    int fixed = fixed_classes(l);
    byol__sparse_multiply(rows, weights, l->outputs, weights + penalised(l), logits);
    for (size_t row = 0; row < rows->rows; row++) {
        const double *own = logits + row * l->outputs;
        double highest = fixed ? 0 : own[0];
        predicted[row] = 0;
        for (size_t k = 0; k < l->outputs; k++) {
            if (own[k] <= highest) continue;
            highest = own[k];
            predicted[row] = (int32_t)k + fixed;
        }
    }
}
