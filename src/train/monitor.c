#include "train/monitor.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/c_locale.h"
#include "base/smaller.h"

size_t byol__monitor_scratch(int batch, int dim) {
    size_t samples = (size_t)byol__smaller(batch, BYOL__RANK_SAMPLES),
           side = (size_t)byol__smaller((int)samples, dim);
    size_t rank = samples + side * side + 2 * side, sums = 2 * (size_t)dim;
    return rank > sums ? rank : sums;
}

/* 1 / |x|; 0 for a vector of zeros, which then counts as having no direction. */
static double inverse_norm(const float *x, int dim) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < dim; i++) sum += (double)x[i] * (double)x[i];
    return sum == 0 ? 0 : 1 / sqrt(sum);
}

static const float *row(const float *x, int n, int dim) { return x + (size_t)n * (size_t)dim; }

double byol__spread(const float *z, int batch, int dim, double *scratch) {
    double *sum = scratch, *squares = scratch + dim, total = 0;
    memset(scratch, 0, 2 * (size_t)dim * sizeof *scratch);
    for (int n = 0; n < batch; n++) {
        const float *x = row(z, n, dim);
        double scale = inverse_norm(x, dim);
        for (int i = 0; i < dim; i++) {
            double value = scale * (double)x[i];
            sum[i] += value;
            squares[i] += value * value;
        }
    }
    for (int i = 0; i < dim; i++) {
        double mean = sum[i] / batch, variance = squares[i] / batch - mean * mean;
        total += variance < 0 ? 0 : sqrt(variance); /* below 0 by rounding; NaN stays NaN */
    }
    return total / dim * sqrt(dim);
}

void byol__pair_cosines(const float *prediction, const float *target, int batch, int dim,
                        double *scratch, double *positive, double *negative) {
    double *sum_p = scratch, *sum_t = scratch + dim, pairs = 0, all = 0;
    memset(scratch, 0, 2 * (size_t)dim * sizeof *scratch);
    for (int n = 0; n < batch; n++) {
        const float *p = row(prediction, n, dim), *t = row(target, n, dim);
        double scale_p = inverse_norm(p, dim), scale_t = inverse_norm(t, dim), dot = 0;
        for (int i = 0; i < dim; i++) {
            double value_p = scale_p * (double)p[i], value_t = scale_t * (double)t[i];
            sum_p[i] += value_p;
            sum_t[i] += value_t;
            dot += value_p * value_t;
        }
        pairs += dot;
    }
    for (int i = 0; i < dim; i++) all += sum_p[i] * sum_t[i];
    *positive = pairs / batch;
    *negative = batch > 1 ? (all - pairs) / ((double)batch * (batch - 1)) : (double)NAN;
}

/* The smaller Gram matrix of the normalised rows, lower triangle mirrored: (dim, dim) if dim <=
 * samples. */
static void gram_matrix(const float *z, int samples, int dim, double *inverse, double *gram) {
    int side = byol__smaller(samples, dim);
    for (int n = 0; n < samples; n++) inverse[n] = inverse_norm(row(z, n, dim), dim);
#pragma omp parallel for schedule(dynamic, 8)
    for (int i = 0; i < side; i++) {
        double *dst = gram + (size_t)i * (size_t)side;
        if (dim <= samples) { /* sum over n of z(n, i) z(n, j) */
            memset(dst, 0, (size_t)side * sizeof *dst);
            for (int n = 0; n < samples; n++) {
                const float *x = row(z, n, dim);
                double factor = inverse[n] * inverse[n] * (double)x[i];
                for (int j = 0; j < side; j++) dst[j] += factor * (double)x[j];
            }
        } else { /* z(i) . z(j) */
            const float *x = row(z, i, dim);
            for (int j = 0; j < side; j++) {
                const float *y = row(z, j, dim);
                double dot = 0;
#pragma omp simd reduction(+ : dot)
                for (int d = 0; d < dim; d++) dot += (double)x[d] * (double)y[d];
                dst[j] = inverse[i] * inverse[j] * dot;
            }
        }
    }
}

/* One Householder step (Golub and Van Loan, "Matrix Computations", 8.3.1) on the symmetric `a` (n,
 * n). It reflects the part of column k below the diagonal onto one number, from both sides, and
 * returns that number. `w` (n) is scratch. Row k of `a` ends as the reflection's vector; rows and
 * columns above k hold the reduced matrix. */
static double reflect(double *a, int n, int k, double *w) {
    double *v = a + (size_t)k * (size_t)n, square = 0, v_square, along = 0;
    for (int i = k + 1; i < n; i++) square += v[i] * v[i];
    if (square == 0) return 0;
    double off_diagonal = -copysign(sqrt(square), v[k + 1]);
    v_square = 2 * (square - off_diagonal * v[k + 1]);
    v[k + 1] -= off_diagonal;
    for (int i = k + 1; i < n; i++) {
        const double *line = a + (size_t)i * (size_t)n;
        double dot = 0;
#pragma omp simd reduction(+ : dot)
        for (int j = k + 1; j < n; j++) dot += line[j] * v[j];
        w[i] = 2 / v_square * dot;
        along += w[i] * v[i];
    }
    for (int i = k + 1; i < n; i++) w[i] -= along / v_square * v[i];
    for (int i = k + 1; i < n; i++) {
        double *line = a + (size_t)i * (size_t)n;
        for (int j = k + 1; j < n; j++) line[j] -= v[i] * w[j] + w[i] * v[j];
    }
    return off_diagonal;
}

/* Diagonal `d` (n) and off-diagonal `e` (n-1 of n) of a tridiagonal matrix with the eigenvalues of
 * `a`. `a` is overwritten. */
static void tridiagonalise(double *a, int n, double *d, double *e) {
    for (int k = 0; k < n; k++) {
        d[k] = a[(size_t)k * (size_t)n + (size_t)k];
        /* e from k+1 on is still unused: it is the reflection's scratch. */
        double off_diagonal = k + 1 < n ? reflect(a, n, k, e) : 0;
        e[k] = off_diagonal;
    }
}

/* One sweep of implicit QL with a Wilkinson shift over the unreduced block first..last. */
static void ql_sweep(double *d, double *e, int first, int last) {
    double shift = (d[first + 1] - d[first]) / (2 * e[first]);
    double bulge = d[last] - d[first] + e[first] / (shift + copysign(hypot(shift, 1), shift));
    double s = 1, c = 1, moved = 0;
    for (int i = last - 1; i >= first; i--) {
        double f = s * e[i], b = c * e[i], r = hypot(f, bulge);
        e[i + 1] = r;
        if (r == 0) { /* the block has split: the next sweep takes its parts */
            d[i + 1] -= moved;
            e[last] = 0;
            return;
        }
        s = f / r;
        c = bulge / r;
        bulge = d[i + 1] - moved;
        r = (d[i] - bulge) * s + 2 * c * b;
        moved = s * r;
        d[i + 1] = bulge + moved;
        bulge = c * r - b;
    }
    d[first] -= moved;
    e[first] = bulge;
    e[last] = 0;
}

/* Eigenvalues into `d`, to within rounding of the largest. Returns 0 where they were not found. */
static int tridiagonal_eigenvalues(double *d, double *e, int n) {
    enum { SWEEPS = 60 }; /* for each value; two or three are usual */
    double size = 0;
    for (int i = 0; i < n; i++) size = fmax(size, fabs(d[i]) + fabs(e[i]));
    double negligible = size * 0x1p-53;
    for (int first = 0; first < n; first++)
        for (int sweep = 0;; sweep++) {
            int last = first;
            while (last + 1 < n && fabs(e[last]) > negligible) last++;
            if (last == first) break;
            if (sweep == SWEEPS) return 0;
            ql_sweep(d, e, first, last);
        }
    return 1;
}

/* exp of the entropy of the square roots of `eigenvalues` over their sum. */
static double rank_of_spectrum(const double *eigenvalues, int count) {
    double sum = 0, entropy = 0;
    for (int i = 0; i < count; i++) sum += sqrt(fmax(eigenvalues[i], 0));
    for (int i = 0; i < count; i++) {
        double share = sqrt(fmax(eigenvalues[i], 0)) / sum;
        if (share > 0) entropy -= share * log(share);
    }
    return exp(entropy);
}

double byol__effective_rank(const float *z, int batch, int dim, double *scratch) {
    int samples = byol__smaller(batch, BYOL__RANK_SAMPLES), side = byol__smaller(samples, dim);
    double *inverse = scratch, *gram = inverse + samples, *d = gram + (size_t)side * (size_t)side,
           *e = d + side;
    double trace = 0;
    gram_matrix(z, samples, dim, inverse, gram);
    for (int i = 0; i < side; i++) trace += gram[(size_t)i * (size_t)side + (size_t)i];
    if (!(trace > 0) || !isfinite(trace)) return (double)NAN;
    tridiagonalise(gram, side, d, e);
    return tridiagonal_eigenvalues(d, e, side) ? rank_of_spectrum(d, side) : (double)NAN;
}

static const double low_spread = 0.05, recovered_spread = 0.2;
enum { SPREAD_PATIENCE = 20, RANK_PATIENCE = 5 };

/* Counts a reading. Returns 1 if the figure has been low for `patience` readings in a row without
 * climbing. If it has climbed to 1.5 times the peak of the row's first quarter, the count starts
 * again. */
static int stays_low(byol__streak *streak, uint64_t step, double value, double low, int patience) {
    if (!(value < low)) {
        streak->readings = 0;
        return 0;
    }
    if (streak->readings == 0) {
        streak->since = step;
        streak->start = 0;
    }
    streak->readings++;
    if (4 * streak->readings <= patience + 3) streak->start = fmax(streak->start, value);
    if (streak->readings < patience) return 0;
    if (value < 1.5 * streak->start || value == 0) return 1;
    streak->readings = 0;
    return 0;
}

/* Returns whether the verdict on this figure stands. `*begins`: it did not stand before. */
static int judge_figure(byol__streak *streak, uint64_t step, double value, double low,
                        double recovered, int patience, int *begins) {
    *begins = 0;
    if (stays_low(streak, step, value, low, patience) && !streak->warned)
        *begins = streak->warned = 1;
    if (value > recovered) streak->warned = 0;
    return streak->warned;
}

byol__verdict byol__monitor_judge(byol__monitor *monitor, const byol__reading *reading, char *text,
                                  size_t size) {
    unsigned long long step = reading->step;
    double low_rank = 1 + 0.015 * monitor->full_rank;
    int begins;
    text[0] = '\0';
    if (!isfinite(reading->loss) || !isfinite(reading->spread)) {
        snprintf(
            text, size,
            "step %llu: the %s is no longer a number. The learning rate is probably too high for "
            "this batch size, "
            "or the warm-up too short; optimizer.clip_norm helps where single steps are the cause.",
            step, isfinite(reading->loss) ? "spread of the projections" : "loss");
        return BYOL__NOT_A_NUMBER;
    }
    if (judge_figure(&monitor->spread, reading->step, reading->spread, low_spread, recovered_spread,
                     SPREAD_PATIENCE, &begins)) {
        if (begins)
            snprintf(text, size,
                     "step %llu: the representation has collapsed. Since step %llu the spread of "
                     "the projections has "
                     "been below %g (now %.2g; healthy is near 1): all inputs are mapped to nearly "
                     "the same vector, and "
                     "a small loss (%.3g) means nothing. A lower learning rate, a longer warm-up "
                     "or a target that "
                     "moves more slowly (target.tau nearer to 1) usually helps.",
                     step, (unsigned long long)monitor->spread.since, low_spread, reading->spread,
                     reading->loss);
        return BYOL__COLLAPSED;
    }
    if (isnan(reading->effective_rank))
        return monitor->rank.warned ? BYOL__FEW_DIRECTIONS : BYOL__HEALTHY;
    if (judge_figure(&monitor->rank, reading->step, reading->effective_rank, low_rank, 2 * low_rank,
                     RANK_PATIENCE, &begins)) {
        if (begins)
            snprintf(text, size,
                     "step %llu: the projections use few directions. Since step %llu their "
                     "effective rank has been "
                     "below %.1f (now %.1f of at most %d), while their spread is %.2f. The "
                     "representation may still be "
                     "of use: check it by kNN. A lower learning rate, less weight decay or "
                     "stronger views usually help.",
                     step, (unsigned long long)monitor->rank.since, low_rank,
                     reading->effective_rank, monitor->full_rank, reading->spread);
        return BYOL__FEW_DIRECTIONS;
    }
    return BYOL__HEALTHY;
}

byol__verdict byol__monitor_verdict(const byol__monitor *monitor) {
    if (monitor->spread.warned) return BYOL__COLLAPSED;
    return monitor->rank.warned ? BYOL__FEW_DIRECTIONS : BYOL__HEALTHY;
}

void byol__monitor_write(const byol__monitor *monitor, char *text, size_t size) {
    const byol__streak *spread = &monitor->spread, *rank = &monitor->rank;
    locale_t c_locale, before = byol__c_locale_enter(&c_locale);
    snprintf(text, size, "spread %d %" PRIu64 " %a %d rank %d %" PRIu64 " %a %d", spread->readings,
             spread->since, spread->start, spread->warned, rank->readings, rank->since, rank->start,
             rank->warned);
    byol__c_locale_leave(before, c_locale);
}

void byol__monitor_read(byol__monitor *monitor, const char *text) {
    byol__streak spread, rank;
    locale_t c_locale, before = byol__c_locale_enter(&c_locale);
    int read = sscanf(text, "spread %d %" SCNu64 " %la %d rank %d %" SCNu64 " %la %d",
                      &spread.readings, &spread.since, &spread.start, &spread.warned,
                      &rank.readings, &rank.since, &rank.start, &rank.warned);
    byol__c_locale_leave(before, c_locale);
    if (read != 8) return;
    monitor->spread = spread;
    monitor->rank = rank;
}
