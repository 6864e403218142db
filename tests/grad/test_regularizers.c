/* What looks at dimensions and not at images: the regularizers and the cross-correlation. Their
 * values against the formulas in double precision, their gradients against finite differences of
 * those. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "base/philox.h"
#include "train/distance.h"
#include "train/regularizer.h"

enum { MOST = 12, COUNT = MOST * MOST };

typedef struct sides {
    int n, d;
    double p[COUNT], z[COUNT];
} sides;

static void fill(sides *s, int n, int d) {
    byol__random random = byol__random_stream(6, BYOL__PURPOSE_BENCH, 0, 0, 0);
    *s = (sides){.n = n, .d = d};
    for (int i = 0; i < n * d;
         i++) { /* columns of different sizes and means, as float holds them */
        s->p[i] =
            (double)(float)((double)byol__random_normal(&random) * (0.2 + i % d * 0.2) + i % d);
        s->z[i] = (double)(float)((double)byol__random_normal(&random) + 0.5 * s->p[i]);
    }
}

/* ---- The formulas ---- */

static double mean_of(const sides *s, const double *x, int j) {
    double sum = 0;
    for (int i = 0; i < s->n; i++) sum += x[i * s->d + j];
    return sum / s->n;
}

static double covariance_of(const sides *s, const double *x, int j, const double *y, int k) {
    double sum = 0, mean_x = mean_of(s, x, j), mean_y = mean_of(s, y, k);
    for (int i = 0; i < s->n; i++) sum += (x[i * s->d + j] - mean_x) * (y[i * s->d + k] - mean_y);
    return sum;
}

static double variance(const sides *s) {
    double sum = 0;
    for (int j = 0; j < s->d; j++)
        sum += fmax(0, 1 - sqrt(covariance_of(s, s->p, j, s->p, j) / (s->n - 1) + 1e-4)) / s->d;
    return sum;
}

static double covariance(const sides *s) {
    double sum = 0;
    for (int j = 0; j < s->d; j++)
        for (int k = 0; k < s->d; k++)
            if (k != j) sum += pow(covariance_of(s, s->p, j, s->p, k) / (s->n - 1), 2) / s->d;
    return sum;
}

/* By elimination, without pivots: the matrix is positive definite. */
static double log_determinant(double *a, int m) {
    double sum = 0;
    for (int k = 0; k < m; k++) {
        sum += log(a[k * m + k]);
        for (int i = k + 1; i < m; i++)
            for (int j = m - 1; j >= k; j--)
                a[i * m + j] -= a[i * m + k] / a[k * m + k] * a[k * m + j];
    }
    return sum;
}

static double coding_rate(const sides *s) {
    double a[COUNT] = {0}, scale = s->d / (s->n * 0.2);
    for (int j = 0; j < s->d; j++) a[j * s->d + j] = 1;
    for (int i = 0; i < s->n; i++) {
        const double *row = s->p + i * s->d;
        double square = 0;
        for (int j = 0; j < s->d; j++) square += row[j] * row[j];
        for (int j = 0; j < s->d; j++)
            for (int k = 0; k < s->d; k++) a[j * s->d + k] += scale * row[j] * row[k] / square;
    }
    return -log_determinant(a, s->d) / 2;
}

static double cross_correlation(const sides *s) {
    double sum = 0;
    for (int j = 0; j < s->d; j++) {
        for (int k = 0; k < s->d; k++) {
            double deviations = sqrt(covariance_of(s, s->p, j, s->p, j) / s->n + 1e-5) *
                                sqrt(covariance_of(s, s->z, k, s->z, k) / s->n + 1e-5);
            double c = covariance_of(s, s->p, j, s->z, k) / s->n / deviations;
            sum += j == k ? pow(1 - c, 2) : 0.005 * c * c;
        }
    }
    return sum;
}

/* ---- Checking ---- */

static double slope(const sides *s, double (*formula)(const sides *), const double *element) {
    sides moved = *s;
    double *here = (double *)((char *)&moved + ((const char *)element - (const char *)s)),
           step = 1e-6;
    *here = *element + step;
    double above = formula(&moved);
    *here = *element - step;
    return (above - formula(&moved)) / (2 * step);
}

static void assert_gradient(const sides *s, double (*formula)(const sides *), const double *values,
                            const float *diff, double factor) {
    double largest = 0, worst = 0;
    for (int i = 0; i < s->n * s->d; i++) {
        double expected = factor * slope(s, formula, &values[i]);
        largest = fmax(largest, fabs(expected));
        worst = fmax(worst, fabs(expected - (double)diff[i]));
    }
    assert_true(largest > 0);
    if (!(worst < 2e-5 * largest))
        fail_msg("%d x %d: off by %.2e of %.2e", s->n, s->d, worst, largest);
}

static const int shapes[][2] = {{9, 5}, {5, 9}, {12, 12}, {2, 3}};

static void regularizer_is(double (*formula)(const sides *), byol_config config) {
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        sides s;
        float z[COUNT], diff[COUNT];
        byol__regularizer regularizer = {0};
        fill(&s, shapes[k][0], shapes[k][1]);
        for (int i = 0; i < s.n * s.d; i++) z[i] = (float)s.p[i];
        assert_int_equal(byol__regularizer_init(&regularizer, &config, s.n, s.d, NULL), BYOL_OK);
        assert_true(byol__regularizes(&regularizer));
        double loss = byol__regularize(&regularizer, z, 0.5, diff), expected = 1.5 * formula(&s);
        if (!(fabs(loss - expected) < 1e-5 * (1 + fabs(expected))))
            fail_msg("%.9g, should be %.9g", loss, expected);
        assert_gradient(&s, formula, s.p, diff, 1.5);
        byol__regularizer_release(&regularizer);
    }
}

static void variance_is_vicregs(void **state) {
    (void)state;
    byol_config config;
    byol_config_init(&config);
    config.loss.variance = 3;
    regularizer_is(variance, config);
}

static void covariance_is_vicregs(void **state) {
    (void)state;
    byol_config config;
    byol_config_init(&config);
    config.loss.covariance = 3;
    regularizer_is(covariance, config);
}

static void coding_rate_is_emp_ssls(void **state) {
    (void)state;
    byol_config config;
    byol_config_init(&config);
    config.loss.coding_rate = 3;
    regularizer_is(coding_rate, config);
}

static double all_three(const sides *s) { return variance(s) + covariance(s) + coding_rate(s); }

static void regularizers_add_up(void **state) {
    (void)state;
    byol_config config;
    byol_config_init(&config);
    config.loss.variance = config.loss.covariance = config.loss.coding_rate = 3;
    regularizer_is(all_three, config);
}

static void without_weights_there_is_none(void **state) {
    (void)state;
    byol_config config;
    byol__regularizer regularizer = {0};
    byol_config_init(&config);
    assert_int_equal(byol__regularizer_init(&regularizer, &config, 4, 4, NULL), BYOL_OK);
    assert_false(byol__regularizes(&regularizer));
}

static void cross_correlation_is_barlow_twins(void **state) {
    (void)state;
    byol_config config;
    byol_config_init(&config);
    config.loss.distance = BYOL_CROSS_CORRELATION;
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        sides s;
        float p[COUNT], z[COUNT], diff_p[COUNT], diff_z[COUNT];
        byol__distance distance = {0};
        fill(&s, shapes[k][0], shapes[k][1]);
        for (int i = 0; i < s.n * s.d; i++) {
            p[i] = (float)s.p[i];
            z[i] = (float)s.z[i];
        }
        assert_int_equal(byol__distance_init(&distance, &config, s.n, s.d, NULL), BYOL_OK);
        double loss = byol__distance_between(&distance, p, z, 0, diff_p, diff_z),
               expected = cross_correlation(&s);
        if (!(fabs(loss - expected) < 1e-5 * (1 + fabs(expected))))
            fail_msg("%.9g, should be %.9g", loss, expected);
        if (s.n > 2) { /* of two images all correlations are 1 or -1: hardly a slope */
            assert_gradient(&s, cross_correlation, s.p, diff_p, 1);
            assert_gradient(&s, cross_correlation, s.z, diff_z, 1);
        }
        byol__distance_release(&distance);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variance_is_vicregs),
        cmocka_unit_test(covariance_is_vicregs),
        cmocka_unit_test(coding_rate_is_emp_ssls),
        cmocka_unit_test(regularizers_add_up),
        cmocka_unit_test(without_weights_there_is_none),
        cmocka_unit_test(cross_correlation_is_barlow_twins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
