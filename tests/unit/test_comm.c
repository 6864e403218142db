/* Ranks, without any: what one rank does alone, and that of two whose other has the same images all
 * sums are the double, so that every mean stays what it was, bit for bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "comm/comm.h"
#include "tiny_method.h"

/* ---- A rank whose other does the same ---- */

static int calls, others_failure;

static byol_status double_floats(const byol__comm *comm, float *values, size_t count,
                                 byol_error *error) {
    (void)comm, (void)error;
    for (size_t i = 0; i < count; i++) values[i] *= 2;
    calls++;
    return BYOL_OK;
}

static byol_status double_doubles(const byol__comm *comm, double *values, size_t count,
                                  byol_error *error) {
    (void)comm, (void)error;
    for (size_t i = 0; i < count; i++) values[i] *= 2;
    calls++;
    return BYOL_OK;
}

static byol_status larger(const byol__comm *comm, int *value, byol_error *error) {
    (void)comm, (void)error;
    if (others_failure > *value) *value = others_failure;
    return BYOL_OK;
}

static byol_status share(const byol__comm *comm, void *bytes, size_t count, byol_error *error) {
    (void)comm, (void)bytes, (void)count, (void)error;
    calls++;
    return BYOL_OK;
}

static byol_status meet(const byol__comm *comm, byol_error *error) {
    (void)comm, (void)error;
    return BYOL_OK;
}

static const byol__comm_kind twin_kind = {"twins", double_floats, double_doubles,
                                          larger,  share,         meet};
static const byol__comm twins = {&twin_kind, 0, 2};

static byol__method *create_for(const byol__comm *comm, const byol_config *config) {
    byol__method *method = NULL;
    byol_error error = {0};
    if (byol__method_create(&method, config, TINY_CHANNELS, comm, &error) != BYOL_OK)
        fail_msg("%s", error.text);
    return method;
}

static void take_steps(byol__method *method, int steps) {
    const void *views[] = {noise[0], noise[1]};
    byol__step_result result;
    for (int step = 0; step < steps; step++) {
        byol__method_forward_backward(method, views);
        assert_int_equal(byol__method_update(method, 0.05, 0.9, &result, NULL), BYOL_OK);
    }
}

/* ---- Two ranks as two threads ---- */

typedef struct meeting {
    pthread_barrier_t barrier;
    const void *given[2];
} meeting;

static meeting place;

static byol_status sum_of_both(const byol__comm *comm, void *values, size_t count, bool doubles) {
    size_t bytes = count * (doubles ? sizeof(double) : sizeof(float));
    void *own = malloc(bytes);
    memcpy(own, values, bytes);
    place.given[comm->rank] = own;
    pthread_barrier_wait(&place.barrier);
    for (size_t i = 0; i < count; i++) /* in the order of ranks */
        if (doubles)
            ((double *)values)[i] =
                ((const double *)place.given[0])[i] + ((const double *)place.given[1])[i];
        else
            ((float *)values)[i] =
                ((const float *)place.given[0])[i] + ((const float *)place.given[1])[i];
    pthread_barrier_wait(&place.barrier);
    free(own);
    return BYOL_OK;
}

static byol_status sum_floats(const byol__comm *comm, float *values, size_t count,
                              byol_error *why) {
    (void)why;
    return sum_of_both(comm, values, count, false);
}

static byol_status sum_doubles(const byol__comm *comm, double *values, size_t count,
                               byol_error *why) {
    (void)why;
    return sum_of_both(comm, values, count, true);
}

static const byol__comm_kind thread_kind = {"threads", sum_floats, sum_doubles,
                                            larger,    share,      meet};

/* A rank: its half of each batch. */
typedef struct rank {
    byol__comm comm;
    byol__method *method;
} rank;

enum { IMAGE = TINY_CHANNELS * TINY_SIDE * TINY_SIDE, HALF = TINY_BATCH / 2, RANK_STEPS = 1 };

static void *train_half(void *argument) {
    rank *r = argument;
    const void *views[2];
    byol__step_result result;
    for (int v = 0; v < 2; v++) views[v] = noise[v] + r->comm.rank * HALF * IMAGE;
    for (int step = 0; step < RANK_STEPS; step++) {
        byol__method_forward_backward(r->method, views);
        byol__method_update(r->method, 0.05, 0.9, &result, NULL);
    }
    return NULL;
}

/* The largest difference, as a share of the largest number. */
static double difference(const float *a, const float *b, size_t count) {
    double most = 0, size = 0;
    for (size_t i = 0; i < count; i++) {
        most = fmax(most, fabs((double)a[i] - (double)b[i]));
        size = fmax(size, fabs((double)a[i]));
    }
    return most / size;
}

/* ---- Tests ---- */

/* Batch norm over both halves, the mean of both gradients: what one rank makes of the whole. After
 * one step: the rounding of a sum grows by a factor of a hundred with each. */
static void two_ranks_with_half_a_batch_learn_what_one_does_with_the_whole(void **state) {
    (void)state;
    byol_config config = tiny_config();
    byol__method *whole = create_for(&byol__comm_alone, &config);
    config.train.batch_size = HALF;
    rank ranks[2];
    pthread_t threads[2];
    assert_int_equal(pthread_barrier_init(&place.barrier, NULL, 2), 0);
    for (int r = 0; r < 2; r++) {
        ranks[r].comm = (byol__comm){&thread_kind, r, 2};
        ranks[r].method = create_for(&ranks[r].comm, &config);
    }
    for (int r = 0; r < 2; r++)
        assert_int_equal(pthread_create(&threads[r], NULL, train_half, &ranks[r]), 0);
    for (int r = 0; r < 2; r++) pthread_join(threads[r], NULL);
    take_steps(whole, RANK_STEPS);
    size_t params = whole->graph.params.total, statistics = whole->graph.statistics.total;
    assert_memory_equal(ranks[0].method->params, ranks[1].method->params, params * sizeof(float));
    assert_true(difference(whole->params, ranks[0].method->params, params) < 1e-5);
    assert_true(difference(whole->statistics, ranks[0].method->statistics, statistics) < 1e-5);
    for (int r = 0; r < 2; r++) byol__method_free(ranks[r].method);
    byol__method_free(whole);
    pthread_barrier_destroy(&place.barrier);
}

static void alone_there_is_nothing_to_sum(void **state) {
    (void)state;
    float floats[2] = {1, 2};
    double doubles[2] = {3, 4};
    int verdict = 5;
    const byol__comm *alone = &byol__comm_alone;
    assert_int_equal(alone->rank, 0);
    assert_int_equal(alone->size, 1);
    assert_int_equal(byol__comm_sum_floats(alone, floats, 2, NULL), BYOL_OK);
    assert_int_equal(byol__comm_sum_doubles(alone, doubles, 2, NULL), BYOL_OK);
    assert_int_equal(byol__comm_agree(alone, &verdict, NULL), BYOL_OK);
    assert_int_equal(byol__comm_broadcast(alone, floats, sizeof floats, NULL), BYOL_OK);
    assert_int_equal(byol__comm_barrier(alone, NULL), BYOL_OK);
    assert_true(floats[0] == 1 && floats[1] == 2 && doubles[0] == 3 && doubles[1] == 4);
    assert_int_equal(verdict, 5);
}

static void two_ranks_with_the_same_images_learn_what_one_does(void **state) {
    (void)state;
    for (int precision = 0; precision < 2; precision++) {
        byol_config config = tiny_config();
        config.train.precision = precision == 0 ? BYOL_PRECISION_FP32 : BYOL_PRECISION_BF16;
        byol__method *one = create_for(&byol__comm_alone, &config),
                     *two = create_for(&twins, &config);
        calls = 0;
        take_steps(one, 3);
        assert_int_equal(calls, 0);
        take_steps(two, 3);
        assert_true(calls > 3 * 2 * 20); /* each batch norm, forward and backward; the update */
        assert_memory_equal(two->params, one->params, one->graph.params.total * sizeof(float));
        assert_memory_equal(two->target_params, one->target_params,
                            one->target_count * sizeof(float));
        byol__method_free(one);
        byol__method_free(two);
    }
}

/* PyTorch's running variance is that of a sample: n / (n - 1) of twice as many is less. */
static void the_running_variance_knows_how_many_there_are(void **state) {
    (void)state;
    byol_config config = tiny_config();
    byol__method *one = create_for(&byol__comm_alone, &config), *two = create_for(&twins, &config);
    const void *views[] = {noise[0], noise[1]};
    byol__method_forward_backward(one, views);
    byol__method_forward_backward(two, views);
    const byol__table *table = &one->graph.statistics;
    const byol__param *row = NULL; /* of the projector: n = TINY_BATCH values in a channel */
    for (int r = 0; r < table->count; r++)
        if (strstr(table->rows[r].name, "running_var") != NULL) row = &table->rows[r];
    assert_non_null(row);
    double n = TINY_BATCH, less = (2 * n / (2 * n - 1)) / (n / (n - 1));
    for (size_t i = row->offset; i < row->offset + row->count; i++) {
        double kept = 0.9 * 0.9 * 1; /* of the 1 that it began with, after two views */
        double own = (double)one->statistics[i] - kept, both = (double)two->statistics[i] - kept;
        assert_true(fabs(both - less * own) < 1e-5);
    }
    byol__method_free(one);
    byol__method_free(two);
}

static void the_failure_of_another_rank_ends_the_step(void **state) {
    (void)state;
    byol_config config = tiny_config();
    byol__method *method = create_for(&twins, &config);
    const void *views[] = {noise[0], noise[1]};
    float *before = copy(method->params, method->graph.params.total);
    byol__step_result result;
    byol_error error = {0};
    byol__method_forward_backward(method, views);
    others_failure = -(int)BYOL_ERROR_MEMORY;
    assert_int_equal(byol__method_update(method, 0.05, 0.9, &result, &error), BYOL_ERROR_MEMORY);
    others_failure = 0;
    assert_non_null(strstr(error.text, "another rank"));
    assert_memory_equal(method->params, before, method->graph.params.total * sizeof(float));
    free(before);
    byol__method_free(method);
}

static void the_first_rank_gives_all_that_it_has(void **state) {
    (void)state;
    byol_config config = tiny_config();
    byol__method *method = create_for(&twins, &config);
    calls = 0;
    assert_int_equal(byol__method_share(method, NULL), BYOL_OK);
    /* parameters, momentum, target, both networks' statistics, the count of steps */
    assert_int_equal(calls, 6);
    byol__method_free(method);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alone_there_is_nothing_to_sum),
        cmocka_unit_test_setup(two_ranks_with_the_same_images_learn_what_one_does, make_noise),
        cmocka_unit_test_setup(two_ranks_with_half_a_batch_learn_what_one_does_with_the_whole,
                               make_noise),
        cmocka_unit_test_setup(the_running_variance_knows_how_many_there_are, make_noise),
        cmocka_unit_test_setup(the_failure_of_another_rank_ends_the_step, make_noise),
        cmocka_unit_test(the_first_rank_gives_all_that_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
