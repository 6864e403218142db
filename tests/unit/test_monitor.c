/* The monitor's figures on matrices whose figures are known, and its verdicts on runs that went
 * well and badly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "train/monitor.h"

typedef struct figures {
    double spread, positive, negative, rank;
} figures;

/* Scratch is malloc'd to its exact size, so that a sanitizer sees a step too far. */
static figures measure(const float *prediction, const float *target, int batch, int dim) {
    double *scratch = malloc(byol__monitor_scratch(batch, dim) * sizeof *scratch);
    figures f = {.spread = byol__spread(target, batch, dim, scratch),
                 .rank = byol__effective_rank(target, batch, dim, scratch)};
    byol__pair_cosines(prediction, target, batch, dim, scratch, &f.positive, &f.negative);
    free(scratch);
    return f;
}

static float *gaussian(int batch, int dim, uint32_t lane) {
    byol__random random = byol__random_stream(9, BYOL__PURPOSE_BENCH, 0, 0, lane);
    float *z = malloc((size_t)batch * (size_t)dim * sizeof *z);
    for (int i = 0; i < batch * dim; i++) z[i] = byol__random_normal(&random);
    return z;
}

static int near(double a, double b, double tolerance) { return fabs(a - b) < tolerance; }

static void equal_vectors_have_no_spread_and_rank_one(void **state) {
    (void)state;
    float z[20 * 6];
    for (int i = 0; i < 20 * 6; i++)
        z[i] = (float)(1 + i / 6) * (float)(i % 6 - 2); /* any length, one direction */
    figures f = measure(z, z, 20, 6);
    assert_true(near(f.spread, 0, 1e-6));
    assert_true(near(f.rank, 1, 1e-5));
    assert_true(near(f.positive, 1, 1e-12));
    assert_true(near(f.negative, 1, 1e-12));
}

static void orthogonal_vectors_have_full_rank_and_no_negative_cosine(void **state) {
    (void)state;
    float z[8 * 8] = {0};
    for (int i = 0; i < 8; i++) z[9 * i] = (float)(i + 1);
    figures f = measure(z, z, 8, 8);
    assert_true(near(f.spread, sqrt(7.0 / 8), 1e-12)); /* per dimension: sqrt(1/8 - 1/64) */
    assert_true(near(f.rank, 8, 1e-9));
    assert_true(near(f.positive, 1, 1e-12));
    assert_true(near(f.negative, 0, 1e-12));
}

/* What the spread alone does not see: half of all images in one place, half in the opposite one. */
static void opposite_vectors_have_full_spread_and_rank_one(void **state) {
    (void)state;
    float z[10 * 16];
    for (int i = 0; i < 10 * 16; i++) z[i] = (i / 16) % 2 ? -3.0f : 3.0f;
    figures f = measure(z, z, 10, 16);
    assert_true(near(f.spread, 1, 1e-9));
    assert_true(near(f.rank, 1, 1e-5));
    assert_true(near(f.negative, -1.0 / 9, 1e-12));
}

static void gaussian_vectors_have_spread_near_one(void **state) {
    (void)state;
    float *z = gaussian(2000, 64, 0);
    double scratch[2 * 64];
    assert_true(near(byol__spread(z, 2000, 64, scratch), 1, 0.01));
    for (int i = 0; i < 2000 * 64; i++) z[i] = 1 + 0.001f * z[i]; /* a common mean takes it away */
    assert_true(near(byol__spread(z, 2000, 64, scratch), 0.001, 0.0001));
    free(z);
}

/* Singular values sqrt(n_i) for n_i copies of the i-th axis. */
static void the_rank_of_a_known_spectrum_is_known(void **state) {
    (void)state;
    const int copies[] = {100, 60, 30, 5, 1};
    float z[196 * 7] = {0};
    double sum = 0, entropy = 0;
    for (int axis = 0, n = 0; axis < 5; axis++) {
        sum += sqrt(copies[axis]);
        for (int i = 0; i < copies[axis]; i++) z[7 * n++ + axis] = 0.5f + (float)i;
    }
    for (int axis = 0; axis < 5; axis++)
        entropy -= sqrt(copies[axis]) / sum * log(sqrt(copies[axis]) / sum);
    assert_true(near(measure(z, z, 196, 7).rank, exp(entropy), 1e-9));
}

/* Eigenvalues by cyclic Jacobi rotations: slow, and another method than the monitor's. */
static void jacobi(double *a, int n) {
    for (int sweep = 0; sweep < 30; sweep++)
        for (int p = 0; p < n; p++)
            for (int q = p + 1; q < n; q++) {
                if (fabs(a[p * n + q]) < 1e-18) continue;
                double angle = 0.5 * atan2(2 * a[p * n + q], a[q * n + q] - a[p * n + p]);
                double c = cos(angle), s = sin(angle);
                for (int i = 0; i < n; i++) {
                    double x = a[i * n + p], y = a[i * n + q];
                    a[i * n + p] = c * x - s * y;
                    a[i * n + q] = s * x + c * y;
                }
                for (int i = 0; i < n; i++) {
                    double x = a[p * n + i], y = a[q * n + i];
                    a[p * n + i] = c * x - s * y;
                    a[q * n + i] = s * x + c * y;
                }
            }
}

/* From z z^T always, whichever of batch and dim is larger. */
static double reference_rank(const float *z, int batch, int dim) {
    double *gram = calloc((size_t)batch * (size_t)batch, sizeof *gram), sum = 0, entropy = 0;
    for (int i = 0; i < batch; i++)
        for (int j = 0; j < batch; j++) {
            double dot = 0, ii = 0, jj = 0;
            for (int d = 0; d < dim; d++) {
                dot += (double)z[i * dim + d] * (double)z[j * dim + d];
                ii += (double)z[i * dim + d] * (double)z[i * dim + d];
                jj += (double)z[j * dim + d] * (double)z[j * dim + d];
            }
            gram[i * batch + j] = dot / sqrt(ii * jj);
        }
    jacobi(gram, batch);
    for (int i = 0; i < batch; i++) sum += sqrt(fmax(gram[i * batch + i], 0));
    for (int i = 0; i < batch; i++) {
        double share = sqrt(fmax(gram[i * batch + i], 0)) / sum;
        if (share > 0) entropy -= share * log(share);
    }
    free(gram);
    return exp(entropy);
}

static void the_rank_is_that_of_a_slow_reference_for_any_shape(void **state) {
    (void)state;
    const int shapes[][2] = {{2, 1}, {2, 2}, {3, 5}, {5, 3}, {40, 40}, {31, 90}, {90, 31}, {60, 2}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        int batch = shapes[s][0], dim = shapes[s][1];
        float *z = gaussian(batch, dim, (uint32_t)s);
        assert_true(near(measure(z, z, batch, dim).rank, reference_rank(z, batch, dim), 1e-4));
        for (int i = 0; i < batch * dim; i++) z[i] += 2; /* one direction stands out */
        assert_true(near(measure(z, z, batch, dim).rank, reference_rank(z, batch, dim), 1e-4));
        free(z);
    }
}

static void the_rank_looks_at_the_first_samples_of_a_large_batch(void **state) {
    (void)state;
    int batch = BYOL__RANK_SAMPLES + 100, dim = 20;
    float *z = gaussian(batch, dim, 0);
    for (int i = 0; i < BYOL__RANK_SAMPLES * dim; i++) z[i] = 1;
    assert_true(near(measure(z, z, batch, dim).rank, 1, 1e-5));
    free(z);
}

static void figures_do_not_depend_on_the_length_of_vectors(void **state) {
    (void)state;
    float *z = gaussian(30, 12, 0);
    figures before = measure(z, z, 30, 12);
    for (int i = 0; i < 30 * 12; i++) z[i] *= powf(2, (float)(i / 12 - 15));
    figures after = measure(z, z, 30, 12);
    assert_true(near(before.spread, after.spread, 1e-12));
    assert_true(near(before.rank, after.rank, 1e-9));
    assert_true(near(before.negative, after.negative, 1e-12));
    free(z);
}

static void cosines_of_pairs_are_those_of_the_double_loop(void **state) {
    (void)state;
    enum { BATCH = 25, DIM = 10 };
    float *p = gaussian(BATCH, DIM, 0), *t = gaussian(BATCH, DIM, 1);
    for (int i = 0; i < BATCH * DIM; i++) t[i] += 0.5f * p[i] + 0.3f;
    double positive = 0, negative = 0;
    for (int i = 0; i < BATCH; i++)
        for (int j = 0; j < BATCH; j++) {
            double pp = 0, tt = 0, pt = 0;
            for (int d = 0; d < DIM; d++) {
                pp += (double)p[i * DIM + d] * (double)p[i * DIM + d];
                tt += (double)t[j * DIM + d] * (double)t[j * DIM + d];
                pt += (double)p[i * DIM + d] * (double)t[j * DIM + d];
            }
            *(i == j ? &positive : &negative) += pt / sqrt(pp * tt);
        }
    figures f = measure(p, t, BATCH, DIM);
    assert_true(near(f.positive, positive / BATCH, 1e-12));
    assert_true(near(f.negative, negative / (BATCH * (BATCH - 1)), 1e-12));
    assert_true(isnan(measure(p, t, 1, DIM).negative));
    free(p);
    free(t);
}

static void figures_of_no_numbers_are_no_numbers(void **state) {
    (void)state;
    float *z = gaussian(12, 6, 0);
    memset(z, 0, 6 * sizeof *z); /* one vector of zeros is no harm */
    assert_true(isfinite(measure(z, z, 12, 6).rank) && isfinite(measure(z, z, 12, 6).spread));
    z[30] = NAN;
    assert_true(isnan(measure(z, z, 12, 6).rank) && isnan(measure(z, z, 12, 6).spread));
    z[30] = INFINITY;
    assert_true(isnan(measure(z, z, 12, 6).rank) && isnan(measure(z, z, 12, 6).spread));
    memset(z, 0, 12 * 6 * sizeof *z);
    assert_true(isnan(measure(z, z, 12, 6).rank));
    assert_true(measure(z, z, 12, 6).spread == 0);
    free(z);
}

typedef struct history {
    byol__monitor monitor;
    uint64_t step;
    int warnings;
    char text[1024]; /* the last warning */
} history;

static byol__verdict judge(history *run, double loss, double spread, double rank) {
    char text[1024];
    byol__reading reading = {++run->step, loss, spread, rank};
    byol__verdict verdict = byol__monitor_judge(&run->monitor, &reading, text, sizeof text);
    if (text[0] == '\0') return verdict;
    run->warnings++;
    memcpy(run->text, text, sizeof text);
    return verdict;
}

static history new_run(void) { return (history){.monitor = {.full_rank = 256}}; }

static void a_healthy_run_is_never_warned_about(void **state) {
    (void)state;
    history r = new_run();
    for (int i = 0; i < 500; i++)
        assert_int_equal(judge(&r, 4.0 / (i + 1), 0.9, i % 10 ? (double)NAN : 90), BYOL__HEALTHY);
    assert_int_equal(r.warnings, 0);
}

static void collapse_is_named_once_with_its_step(void **state) {
    (void)state;
    history r = new_run();
    for (int i = 0; i < 100; i++) judge(&r, 1, 0.8, (double)NAN);
    int named = 0;
    for (int i = 0; i < 300; i++) {
        double noise = i % 2 ? 3 : 1; /* even if what is left of the spread jumps about */
        if (judge(&r, 0.003, 0.001 * noise, (double)NAN) == BYOL__COLLAPSED && !named)
            named = (int)r.step;
    }
    assert_int_equal(named, 120);
    assert_int_equal(r.warnings, 1);
    assert_non_null(strstr(r.text, "step 120: the representation has collapsed. Since step 101"));
}

/* Both figures go low, and the one that judges is written down and read back before each reading.
 */
static void what_is_written_down_is_judged_on_as_if_it_were_the_same_run(void **state) {
    (void)state;
    history whole = new_run(), stopped = new_run();
    for (int i = 0; i < 200; i++) {
        char text[160];
        byol__monitor_write(&stopped.monitor, text, sizeof text);
        assert_true(strlen(text) + 1 < sizeof text);
        stopped.monitor = (byol__monitor){.full_rank = 256};
        byol__monitor_read(&stopped.monitor, text);
        double spread = i > 150 ? 0.8 : 0.01 / (i + 3),
               rank = i % 10 ? (double)NAN : 1.0 + 1.0 / (i + 1);
        assert_int_equal(judge(&stopped, 1, spread, rank), judge(&whole, 1, spread, rank));
        assert_string_equal(stopped.text, whole.text);
    }
    assert_int_equal(stopped.warnings, whole.warnings);
    assert_true(whole.warnings > 1);
    byol__monitor before = stopped.monitor;
    byol__monitor_read(&stopped.monitor, "spread 3 1");
    assert_memory_equal(&before, &stopped.monitor, sizeof before);
}

static void a_dip_is_no_collapse(void **state) {
    (void)state;
    history r = new_run();
    for (int i = 0; i < 500; i++) judge(&r, 1, i % 40 < 19 ? 0.01 : 0.3, (double)NAN);
    assert_int_equal(r.warnings, 0);
}

/* At initialisation vectors may lie close together; what counts is whether they move apart. */
static void a_low_start_that_climbs_is_no_collapse(void **state) {
    (void)state;
    history r = new_run();
    for (double spread = 0.002; spread < 0.9; spread *= 1.04) judge(&r, 0.5, spread, (double)NAN);
    assert_int_equal(r.warnings, 0);
    history stuck = new_run();
    for (int i = 0; i < 60; i++) judge(&stuck, 0.001, 0.002, (double)NAN);
    assert_int_equal(stuck.warnings, 1);
}

static void after_recovery_a_second_collapse_is_named_again(void **state) {
    (void)state;
    history r = new_run();
    for (int i = 0; i < 50; i++) judge(&r, 0, 0.01, (double)NAN);
    assert_int_equal(judge(&r, 0, 0.1, (double)NAN), BYOL__COLLAPSED); /* not yet well */
    for (int i = 0; i < 50; i++) judge(&r, 0, 0.01, (double)NAN);
    assert_int_equal(r.warnings, 1);
    assert_int_equal(judge(&r, 0, 0.5, (double)NAN), BYOL__HEALTHY);
    for (int i = 0; i < 50; i++) judge(&r, 0, 0.01, (double)NAN);
    assert_int_equal(r.warnings, 2);
}

static void few_directions_are_named_though_the_spread_is_fine(void **state) {
    (void)state;
    history r = new_run();
    byol__verdict verdict = BYOL__HEALTHY;
    for (int i = 0; i < 100; i++) verdict = judge(&r, 1, 0.8, i % 10 ? (double)NAN : 1.7);
    assert_int_equal(verdict, BYOL__FEW_DIRECTIONS);
    assert_int_equal(r.warnings, 1);
    assert_non_null(strstr(r.text, "step 41: the projections use few directions. Since step 1 "));
    assert_int_equal(judge(&r, 1, 0.8, 60), BYOL__HEALTHY);
}

static void a_loss_that_is_no_number_is_named_at_once(void **state) {
    (void)state;
    history r = new_run();
    assert_int_equal(judge(&r, (double)NAN, 0.8, 90), BYOL__NOT_A_NUMBER);
    assert_non_null(strstr(r.text, "step 1: the loss"));
    assert_int_equal(judge(&r, 1, (double)INFINITY, 90), BYOL__NOT_A_NUMBER);
    assert_non_null(strstr(r.text, "step 2: the spread"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_vectors_have_no_spread_and_rank_one),
        cmocka_unit_test(orthogonal_vectors_have_full_rank_and_no_negative_cosine),
        cmocka_unit_test(opposite_vectors_have_full_spread_and_rank_one),
        cmocka_unit_test(gaussian_vectors_have_spread_near_one),
        cmocka_unit_test(the_rank_of_a_known_spectrum_is_known),
        cmocka_unit_test(the_rank_is_that_of_a_slow_reference_for_any_shape),
        cmocka_unit_test(the_rank_looks_at_the_first_samples_of_a_large_batch),
        cmocka_unit_test(figures_do_not_depend_on_the_length_of_vectors),
        cmocka_unit_test(cosines_of_pairs_are_those_of_the_double_loop),
        cmocka_unit_test(figures_of_no_numbers_are_no_numbers),
        cmocka_unit_test(a_healthy_run_is_never_warned_about),
        cmocka_unit_test(collapse_is_named_once_with_its_step),
        cmocka_unit_test(what_is_written_down_is_judged_on_as_if_it_were_the_same_run),
        cmocka_unit_test(a_dip_is_no_collapse),
        cmocka_unit_test(a_low_start_that_climbs_is_no_collapse),
        cmocka_unit_test(after_recovery_a_second_collapse_is_named_again),
        cmocka_unit_test(few_directions_are_named_though_the_spread_is_fine),
        cmocka_unit_test(a_loss_that_is_no_number_is_named_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
