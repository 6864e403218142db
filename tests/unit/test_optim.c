/* Optimizers, schedules and the EMA against plain loops in double. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/philox.h"
#include "optim/optim.h"

enum { ROWS = 4, STEPS = 5, GAP = 16 };

/* A large kernel (above what is worth threads), a matrix, a batch norm scale and a bias; gaps
 * behind three of them. */
static byol__param rows[ROWS] = {
    {.name = "conv1.weight", .count = 40005},
    {.name = "fc.weight", .count = 77},
    {.name = "bn1.weight", .count = 9, .flags = BYOL__NO_DECAY | BYOL__NO_TRUST},
    {.name = "fc.bias", .count = 16, .flags = BYOL__NO_DECAY | BYOL__NO_TRUST},
};

static byol__table table = {.rows = rows, .count = ROWS};

static void lay_out(void) {
    table.total = 0;
    for (int r = 0; r < ROWS; r++) {
        rows[r].offset = table.total;
        table.total += (rows[r].count + GAP - 1) / GAP * GAP;
    }
}

static float *new_arena(void) {
    float *arena;
    assert_int_equal(byol__alloc(&arena, table.total, sizeof *arena, "arena", NULL), BYOL_OK);
    return arena;
}

static void fill(float *arena, uint32_t lane, float scale) {
    byol__random random = byol__random_stream(3, BYOL__PURPOSE_BENCH, 0, 0, lane);
    for (int r = 0; r < ROWS; r++)
        for (size_t i = 0; i < rows[r].count; i++)
            arena[rows[r].offset + i] = scale * byol__random_normal(&random);
}

static double norm(const double *x, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += x[i] * x[i];
    return sqrt(sum);
}

typedef struct reference {
    double *w, *m, *v, *g;
} reference;

/* The formulas as PyTorch's documentation and deepmind-research/byol write them, a row at a time.
 */
static void reference_row(const byol__optimizer_options *o, const byol__param *row, double lr,
                          double scale, int step, reference *x, const float *grads) {
    double decay = row->flags & BYOL__NO_DECAY ? 0 : (double)o->weight_decay,
           mu = (double)o->momentum;
    double *w = x->w + row->offset, *m = x->m + row->offset, *v = x->v + row->offset, *g = x->g;
    for (size_t i = 0; i < row->count; i++) {
        g[i] = scale * (double)grads[row->offset + i];
        if (o->name == BYOL_ADAMW)
            w[i] -= lr * decay * w[i];
        else
            g[i] += decay * w[i];
    }
    double norm_w = norm(w, row->count), norm_g = norm(g, row->count), ratio = 1;
    if (o->name == BYOL_LARS && !(row->flags & BYOL__NO_TRUST) && norm_w > 0 && norm_g > 0)
        ratio = (double)o->trust_coefficient * norm_w / norm_g;
    double b1 = (double)o->beta1, b2 = (double)o->beta2;
    for (size_t i = 0; i < row->count; i++) {
        switch (o->name) {
        case BYOL_SGD:
            m[i] = mu * m[i] + g[i];
            w[i] -= lr * (o->nesterov ? g[i] + mu * m[i] : m[i]);
            break;
        case BYOL_LARS:
            m[i] = mu * m[i] + ratio * g[i];
            w[i] -= lr * m[i];
            break;
        case BYOL_MUON: break; /* test_muon.c */
        case BYOL_ADAM:
        case BYOL_ADAMW:
            m[i] = b1 * m[i] + (1 - b1) * g[i];
            v[i] = b2 * v[i] + (1 - b2) * g[i] * g[i];
            w[i] -= lr * (m[i] / (1 - pow(b1, step))) /
                    (sqrt(v[i] / (1 - pow(b2, step))) + (double)o->epsilon);
        }
    }
}

static double *doubled(const float *arena) {
    double *copy = calloc(table.total, sizeof *copy);
    for (size_t i = 0; arena != NULL && i < table.total; i++) copy[i] = (double)arena[i];
    return copy;
}

static double farthest(const float *arena, const double *expected) {
    double far = 0;
    for (size_t i = 0; i < table.total; i++) far = fmax(far, fabs((double)arena[i] - expected[i]));
    return far;
}

static void check_gaps_are_zero(const float *arena) {
    for (int r = 0; r < ROWS; r++) {
        size_t next = r + 1 < ROWS ? rows[r + 1].offset : table.total;
        for (size_t i = rows[r].offset + rows[r].count; i < next; i++) assert_true(arena[i] == 0);
    }
}

/* Five steps with changing rates, scales and gradients; weights and all state against the
 * reference. */
static void check_optimizer(const byol__optimizer_options *options) {
    float *w = new_arena(), *g = new_arena(), *states[2] = {new_arena(), new_arena()},
          *unchanged = new_arena();
    fill(w, 0, 1);
    reference x = {doubled(w), doubled(NULL), doubled(NULL), doubled(NULL)};
    for (int step = 1; step <= STEPS; step++) {
        float lr = 0.01f * (float)step, scale = step == 2 ? 0.25f : 1;
        fill(g, (uint32_t)step, 0.5f);
        memcpy(unchanged, g, table.total * sizeof *g);
        byol__optimizer_update(options, &table, lr, scale, (uint64_t)step, w, g, states);
        assert_memory_equal(g, unchanged, table.total * sizeof *g);
        for (int r = 0; r < ROWS; r++)
            reference_row(options, &rows[r], (double)lr, (double)scale, step, &x, g);
    }
    assert_true(farthest(w, x.w) < 2e-6);
    assert_true(farthest(states[0], x.m) < 2e-6);
    if (byol__optimizer_states(options->name) == 2) assert_true(farthest(states[1], x.v) < 2e-6);
    check_gaps_are_zero(w);
    check_gaps_are_zero(states[0]);
    check_gaps_are_zero(states[1]);
    float *arenas[] = {w, g, states[0], states[1], unchanged};
    for (size_t i = 0; i < sizeof arenas / sizeof *arenas; i++) byol__free(arenas[i]);
    double *copies[] = {x.w, x.m, x.v, x.g};
    for (size_t i = 0; i < sizeof copies / sizeof *copies; i++) free(copies[i]);
}

static const byol__optimizer_options sgd = {
    .name = BYOL_SGD, .momentum = 0.9f, .weight_decay = 0.01f};
static const byol__optimizer_options nesterov = {
    .name = BYOL_SGD, .momentum = 0.9f, .nesterov = 1, .weight_decay = 0.01f};
static const byol__optimizer_options lars = {
    .name = BYOL_LARS, .momentum = 0.9f, .weight_decay = 0.1f, .trust_coefficient = 0.02f};
static const byol__optimizer_options adam = {
    .name = BYOL_ADAM, .weight_decay = 0.1f, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f};
static const byol__optimizer_options adamw = {
    .name = BYOL_ADAMW, .weight_decay = 0.1f, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f};

static void sgd_is_pytorchs(void **state) {
    (void)state;
    check_optimizer(&sgd);
}

static void nesterov_is_pytorchs(void **state) {
    (void)state;
    check_optimizer(&nesterov);
}

static void lars_is_the_authors(void **state) {
    (void)state;
    check_optimizer(&lars);
}

static void adam_is_pytorchs_with_decay_in_the_gradient(void **state) {
    (void)state;
    check_optimizer(&adam);
}

static void adamw_is_pytorchs_with_decay_apart_from_the_gradient(void **state) {
    (void)state;
    check_optimizer(&adamw);
}

/* With a gradient of zero, only the decay can move a weight. */
static void decay_leaves_biases_and_batch_norm_alone(void **state) {
    (void)state;
    const byol__optimizer_options *all[] = {&sgd, &nesterov, &lars, &adam, &adamw};
    for (size_t o = 0; o < sizeof all / sizeof *all; o++) {
        float *w = new_arena(), *before = new_arena(), *g = new_arena(),
              *states[2] = {new_arena(), new_arena()};
        fill(w, 0, 1);
        memcpy(before, w, table.total * sizeof *w);
        byol__optimizer_update(all[o], &table, 0.1f, 1, 1, w, g, states);
        for (int r = 0; r < ROWS; r++)
            for (size_t i = rows[r].offset; i < rows[r].offset + rows[r].count; i++)
                assert_true((w[i] == before[i]) == ((rows[r].flags & BYOL__NO_DECAY) != 0));
        float *arenas[] = {w, before, g, states[0], states[1]};
        for (size_t i = 0; i < sizeof arenas / sizeof *arenas; i++) byol__free(arenas[i]);
    }
}

/* A hundredfold gradient moves what LARS scales as before, and what it does not scale a
 * hundredfold. */
static void lars_scaling_leaves_biases_and_batch_norm_alone(void **state) {
    (void)state;
    byol__optimizer_options options = lars;
    options.weight_decay = 0;
    float *w[2], *g = new_arena(), *start = new_arena();
    fill(start, 0, 1);
    fill(g, 1, 0.1f);
    for (int run = 0; run < 2; run++) {
        float *states[2] = {new_arena(), NULL};
        w[run] = new_arena();
        memcpy(w[run], start, table.total * sizeof *start);
        byol__optimizer_update(&options, &table, 0.01f, run == 0 ? 1 : 100, 1, w[run], g, states);
        byol__free(states[0]);
    }
    for (int r = 0; r < ROWS; r++) {
        double times = rows[r].flags & BYOL__NO_TRUST ? 100 : 1;
        for (size_t i = rows[r].offset; i < rows[r].offset + rows[r].count; i++) {
            double once = (double)w[0][i] - (double)start[i],
                   again = (double)w[1][i] - (double)start[i];
            assert_true(fabs(again - times * once) < 1e-6 * times);
        }
    }
    byol__free(w[0]);
    byol__free(w[1]);
    byol__free(g);
    byol__free(start);
}

/* A scaled row moves as if the whole call had that learning rate, a row of scale 0 not at all: not
 * by decay either. */
static void a_row_has_its_own_learning_rate(void **state) {
    (void)state;
    static const float factors[ROWS] = {0.5f, 0, 1, 0.25f};
    const byol__optimizer_options *all[] = {&sgd, &nesterov, &lars, &adam, &adamw};
    for (size_t o = 0; o < sizeof all / sizeof *all; o++) {
        float *before = new_arena(), *g = new_arena(), *w = new_arena(),
              *states[2] = {new_arena(), new_arena()};
        fill(before, 0, 1);
        fill(g, 1, 0.1f);
        memcpy(w, before, table.total * sizeof *w);
        byol__optimizer_options scaled = *all[o];
        scaled.lr_scale = factors;
        byol__optimizer_update(&scaled, &table, 0.1f, 1, 1, w, g, states);
        for (int r = 0; r < ROWS; r++) {
            float *alone = new_arena(), *other[2] = {new_arena(), new_arena()};
            memcpy(alone, before, table.total * sizeof *alone);
            byol__optimizer_update(all[o], &table, factors[r] * 0.1f, 1, 1, alone, g, other);
            size_t at = rows[r].offset, bytes = rows[r].count * sizeof *w;
            assert_memory_equal(w + at, alone + at, bytes);
            assert_int_equal(memcmp(w + at, before + at, bytes) == 0, factors[r] == 0);
            byol__free(alone);
            byol__free(other[0]);
            byol__free(other[1]);
        }
        float *arenas[] = {before, g, w, states[0], states[1]};
        for (size_t i = 0; i < sizeof arenas / sizeof *arenas; i++) byol__free(arenas[i]);
    }
}

static void lars_takes_the_plain_step_where_a_norm_is_zero(void **state) {
    (void)state;
    byol__optimizer_options options = lars;
    options.weight_decay = 0;
    float *w = new_arena(), *g = new_arena(), *states[2] = {new_arena(), NULL};
    fill(g, 1, 1); /* weights are all zero */
    byol__optimizer_update(&options, &table, 0.5f, 1, 1, w, g, states);
    for (size_t i = 0; i < table.total; i++) assert_true(w[i] == -0.5f * g[i]);
    memset(g, 0, table.total * sizeof *g); /* now the gradients are: only momentum moves */
    float *moved = new_arena();
    for (size_t i = 0; i < table.total; i++) moved[i] = w[i] - 0.5f * (0.9f * states[0][i]);
    byol__optimizer_update(&options, &table, 0.5f, 1, 2, w, g, states);
    for (size_t i = 0; i < table.total; i++) assert_true(fabsf(w[i] - moved[i]) < 1e-6f);
    byol__free(w);
    byol__free(g);
    byol__free(states[0]);
    byol__free(moved);
}

static void updates_and_norms_do_not_depend_on_the_number_of_threads(void **state) {
    (void)state;
    const byol__optimizer_options *all[] = {&sgd, &lars, &adam};
    int threads = omp_get_max_threads();
    for (size_t o = 0; o < sizeof all / sizeof *all; o++) {
        float *first = NULL, *g = new_arena();
        double first_norm = 0;
        fill(g, 1, 1);
        for (int t = 1; t <= 3; t++) {
            float *w = new_arena(), *states[2] = {new_arena(), new_arena()};
            fill(w, 0, 1);
            omp_set_num_threads(t);
            byol__optimizer_update(all[o], &table, 0.1f, 1, 1, w, g, states);
            byol__ema_update(w, g, table.total, 0.99);
            double arena_norm = byol__arena_norm(w, table.total);
            if (t == 1) {
                first = w;
                first_norm = arena_norm;
            } else {
                assert_memory_equal(first, w, table.total * sizeof *w);
                assert_true(arena_norm == first_norm);
                byol__free(w);
            }
            byol__free(states[0]);
            byol__free(states[1]);
        }
        byol__free(first);
        byol__free(g);
    }
    omp_set_num_threads(threads);
}

static void the_norm_is_that_of_a_plain_loop(void **state) {
    (void)state;
    size_t counts[] = {0, 1, 2, 255, 256, 257, 10007, 40080};
    float *arena = new_arena();
    fill(arena, 0, 3);
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        double *copy = doubled(arena);
        double expected = norm(copy, counts[c]);
        assert_true(fabs(byol__arena_norm(arena, counts[c]) - expected) <= 1e-12 * expected);
        free(copy);
    }
    arena[40000] = NAN;
    assert_true(isnan(byol__arena_norm(arena, table.total)));
    byol__free(arena);
}

/* Others left biases out of the EMA; here every float moves, batch norm and biases too. */
static void the_ema_touches_every_float(void **state) {
    (void)state;
    float *target = new_arena(), *online = new_arena(), *before = new_arena();
    fill(target, 0, 1);
    fill(online, 1, 1);
    memcpy(before, target, table.total * sizeof *target);
    byol__ema_update(target, online, table.total, 0.9);
    for (int r = 0; r < ROWS; r++)
        for (size_t i = rows[r].offset; i < rows[r].offset + rows[r].count; i++) {
            assert_true(target[i] != before[i]);
            assert_true(fabs((double)target[i] -
                             (0.9 * (double)before[i] + 0.1 * (double)online[i])) < 1e-6);
        }
    check_gaps_are_zero(target);
    memcpy(before, target, table.total * sizeof *target);
    byol__ema_update(target, online, table.total, 1);
    assert_memory_equal(target, before, table.total * sizeof *target);
    byol__ema_update(target, online, table.total, 0);
    assert_memory_equal(target, online, table.total * sizeof *target);
    byol__free(target);
    byol__free(online);
    byol__free(before);
}

/* Rounded coefficients that do not add up to 1 would shrink or blow up all weights alike over a
 * long run. */
static void the_ema_of_equal_networks_stays_where_it_is(void **state) {
    (void)state;
    const double taus[] = {0.97, 0.99, 0.996, 0.9990001};
    float *target = new_arena(), *online = new_arena();
    fill(online, 1, 1);
    double size = byol__arena_norm(online, table.total);
    for (size_t i = 0; i < sizeof taus / sizeof *taus; i++) {
        memcpy(target, online, table.total * sizeof *target);
        for (int step = 0; step < 5000; step++)
            byol__ema_update(target, online, table.total, taus[i]);
        assert_true(fabs(byol__arena_norm(target, table.total) - size) < 5e-7 * size);
    }
    byol__free(target);
    byol__free(online);
}

static void warm_up_is_linear_and_exact_at_its_ends(void **state) {
    (void)state;
    assert_true(byol__lr_at(0.3, 0, 1000, 100) == 0);
    assert_true(byol__lr_at(0.3, 25, 1000, 100) == 0.3 * 25 / 100);
    assert_true(byol__lr_at(0.3, 100, 1000, 100) == 0.3);
    assert_true(byol__lr_at(0.3, 0, 1000, 0) == 0.3); /* none */
    for (uint64_t step = 1; step <= 100; step++)
        assert_true(byol__lr_at(0.3, step, 1000, 100) > byol__lr_at(0.3, step - 1, 1000, 100));
}

static void after_warm_up_the_rate_falls_by_half_a_cosine_to_zero(void **state) {
    (void)state;
    assert_true(fabs(byol__lr_at(0.3, 550, 1000, 100) - 0.15) < 1e-15);
    for (uint64_t step = 101; step <= 1000; step++)
        assert_true(byol__lr_at(0.3, step, 1000, 100) < byol__lr_at(0.3, step - 1, 1000, 100));
    double last = byol__lr_at(0.3, 999, 1000, 100); /* of the last step: small, not zero */
    assert_true(last > 0 && fabs(last - 0.3 * (1 + cos(M_PI * 899 / 900)) / 2) < 1e-18);
    assert_true(byol__lr_at(0.3, 1000, 1000, 100) == 0);
    assert_true(byol__lr_at(0.3, 5000, 1000, 100) == 0);
}

static void a_run_that_is_all_warm_up_has_finite_rates(void **state) {
    (void)state;
    for (uint64_t step = 0; step < 10; step++) {
        assert_true(fabs(byol__lr_at(1, step, 10, 10) - 0.1 * (double)step) < 1e-15);
        assert_true(fabs(byol__lr_at(1, step, 10, 20) - 0.05 * (double)step) < 1e-15);
    }
    assert_true(byol__lr_at(1, 10, 10, 10) == 0);
    assert_true(byol__lr_at(1, 0, 0, 0) == 0);
}

static void tau_begins_at_tau0_and_ends_at_one(void **state) {
    (void)state;
    const double tau0s[] = {0.5, 0.97, 0.99, 0.996, 1};
    for (size_t i = 0; i < sizeof tau0s / sizeof *tau0s; i++) {
        double tau0 = tau0s[i], last = tau0;
        assert_true(byol__tau_at(BYOL_TAU_COSINE, tau0, 0, 777) == tau0);
        assert_true(byol__tau_at(BYOL_TAU_COSINE, tau0, 777, 777) == 1);
        for (uint64_t step = 1; step < 777; step++) {
            double tau = byol__tau_at(BYOL_TAU_COSINE, tau0, step, 777);
            assert_true(tau0 == 1 ? tau == 1 : tau > last && tau < 1);
            assert_true(fabs(tau - (1 - (1 - tau0) * (cos(M_PI * (double)step / 777) + 1) / 2)) <
                        1e-15);
            last = tau;
        }
        assert_true(byol__tau_at(BYOL_TAU_COSINE, tau0, 778, 777) == 1); /* never above */
        assert_true(byol__tau_at(BYOL_TAU_CONSTANT, tau0, 500, 777) == tau0);
    }
}

int main(void) {
    lay_out();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sgd_is_pytorchs),
        cmocka_unit_test(nesterov_is_pytorchs),
        cmocka_unit_test(lars_is_the_authors),
        cmocka_unit_test(adam_is_pytorchs_with_decay_in_the_gradient),
        cmocka_unit_test(adamw_is_pytorchs_with_decay_apart_from_the_gradient),
        cmocka_unit_test(decay_leaves_biases_and_batch_norm_alone),
        cmocka_unit_test(lars_scaling_leaves_biases_and_batch_norm_alone),
        cmocka_unit_test(a_row_has_its_own_learning_rate),
        cmocka_unit_test(lars_takes_the_plain_step_where_a_norm_is_zero),
        cmocka_unit_test(updates_and_norms_do_not_depend_on_the_number_of_threads),
        cmocka_unit_test(the_norm_is_that_of_a_plain_loop),
        cmocka_unit_test(the_ema_touches_every_float),
        cmocka_unit_test(the_ema_of_equal_networks_stays_where_it_is),
        cmocka_unit_test(warm_up_is_linear_and_exact_at_its_ends),
        cmocka_unit_test(after_warm_up_the_rate_falls_by_half_a_cosine_to_zero),
        cmocka_unit_test(a_run_that_is_all_warm_up_has_finite_rates),
        cmocka_unit_test(tau_begins_at_tau0_and_ends_at_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
