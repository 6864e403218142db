/* One BYOL step: where others went wrong is a fact here (and the golden tests hold every number
 * against PyTorch). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nets/nets.h"
#include "tiny_method.h"
#include "train/method.h"
#include "train/steps.h"

static double run_batch(byol__method *method, const float *first, const float *second) {
    const void *const view[2] = {first, second};
    return byol__method_forward_backward(method, view);
}

static double largest_difference(const float *a, const float *b, size_t count) {
    double largest = 0;
    for (size_t i = 0; i < count; i++) largest = fmax(largest, fabs((double)a[i] - (double)b[i]));
    return largest;
}

/* Mean of 2 - 2 cos over the rows of two (N, D). */
static double distance(const byol__method *method, const float *p, const float *z) {
    double sum = 0;
    for (int n = 0; n < method->batch; n++, p += method->dimension, z += method->dimension) {
        double pp = 0, zz = 0, pz = 0;
        for (int i = 0; i < method->dimension; i++) {
            pp += (double)p[i] * (double)p[i];
            zz += (double)z[i] * (double)z[i];
            pz += (double)p[i] * (double)z[i];
        }
        sum += 2 - 2 * pz / sqrt(pp * zz);
    }
    return sum / method->batch;
}

/* ---- The loss ---- */

static void the_loss_is_the_sum_of_both_directions(void **state) {
    (void)state;
    byol_config config = tiny_config();
    byol__method *method = create(&config);
    double loss = run_batch(method, noise[0], noise[1]);
    double first = distance(method, method->prediction[0], method->target_projection[1]);
    double second = distance(method, method->prediction[1], method->target_projection[0]);
    assert_true(fabs(loss - (first + second)) < 1e-5);
    assert_true(loss >
                2); /* an average of the two would hardly be here: both are near 2 at the start */
    byol__method_free(method);
}

static void a_prediction_is_held_against_the_target_of_the_other_view(void **state) {
    (void)state;
    byol_config config = tiny_config();
    byol__method *a = create(&config), *b = create(&config);
    size_t count = (size_t)a->batch * (size_t)a->dimension;
    double loss_a = run_batch(a, noise[0], noise[1]);
    double loss_b = run_batch(b, noise[1], noise[0]);
    /* Buffers [v] are functions of view v: swapped views swap them ... */
    for (int v = 0; v < 2; v++) {
        assert_memory_equal(a->prediction[v], b->prediction[1 - v], count * sizeof(float));
        assert_memory_equal(a->projection[v], b->projection[1 - v], count * sizeof(float));
        assert_memory_equal(a->target_projection[v], b->target_projection[1 - v],
                            count * sizeof(float));
    }
    assert_true(largest_difference(a->prediction[0], a->prediction[1], count) > 1e-3);
    assert_true(fabs(loss_a - loss_b) < 1e-9);
    /* ... and the loss is not what the wrong pairing gives. */
    double wrong = distance(a, a->prediction[0], a->target_projection[0]) +
                   distance(a, a->prediction[1], a->target_projection[1]);
    assert_true(fabs(loss_a - wrong) > 1e-3);
    byol__method_free(a);
    byol__method_free(b);
}

static void only_a_mispaired_view_is_held_against_itself(void **state) {
    (void)state;
    byol_config config = tiny_config();
    config.loss.mispaired = 1;
    byol__method *method = create(&config);
    double loss = run_batch(method, noise[0], noise[1]);
    double same = distance(method, method->prediction[0], method->target_projection[0]) +
                  distance(method, method->prediction[1], method->target_projection[1]);
    assert_true(fabs(loss - same) < 1e-5);
    byol__method_free(method);
    byol_error error = {0};
    config.target.kind = BYOL_TARGET_ONLINE;
    assert_int_equal(byol_config_check(&config, &error), BYOL_ERROR_INVALID);
}

/* The slope of the loss along the gradient is the gradient's length: so it is the gradient of the
 * summed loss, through both online passes and through nothing else (the target stays where it is).
 */
static void the_gradient_is_that_of_the_summed_loss(void **state) {
    (void)state;
    byol_config config = tiny_config();
    byol__method *method = create(&config);
    size_t count = method->graph.params.total;
    run_batch(method, noise[0], noise[1]);
    float *grads = copy(method->grads, count), *params = copy(method->params, count);
    double norm = byol__arena_norm(grads, count), step = 1e-4, loss[2];
    assert_true(norm > 1e-3);
    for (int side = 0; side < 2; side++) {
        double along = (side == 0 ? step : -step) / norm;
        for (size_t i = 0; i < count; i++)
            method->params[i] = (float)((double)params[i] + along * (double)grads[i]);
        byol__method_stage(method, NULL);
        loss[side] = run_batch(method, noise[0], noise[1]);
    }
    double slope = (loss[0] - loss[1]) / (2 * step);
    assert_true(fabs(slope / norm - 1) < 2e-3);
    free(grads);
    free(params);
    byol__method_free(method);
}

/* ---- The target ---- */

static void the_target_starts_as_a_copy_without_predictor(void **state) {
    (void)state;
    byol_config config = tiny_config();
    byol__method *method = create(&config);
    const byol__table *params = &method->graph.params;
    assert_int_equal(method->target_count, params->section_end[BYOL__PROJECTOR]);
    assert_true(method->target_count < params->total);
    assert_memory_equal(method->target_params, method->params,
                        method->target_count * sizeof(float));
    byol__method_free(method);
}

static void the_optimizer_never_touches_the_target(void **state) {
    (void)state;
    byol_config config = tiny_config();
    config.optimizer.weight_decay = 0.1f;
    byol__method *method = create(&config);
    byol__step_result result;
    float *target = copy(method->target_params, method->target_count);
    for (int i = 0; i < 3; i++) {
        run_batch(method, noise[0], noise[1]);
        assert_int_equal(byol__method_update(method, 0.1, 1.0, &result, NULL), BYOL_OK);
    }
    assert_memory_equal(method->target_params, target, method->target_count * sizeof(float));
    assert_true(largest_difference(method->params, target, method->target_count) > 1e-3);
    free(target);
    byol__method_free(method);
}

static void the_target_averages_every_parameter_after_the_optimizer_step(void **state) {
    (void)state;
    byol_config config = tiny_config();
    byol__method *method = create(&config);
    byol__step_result result;
    float *before = copy(method->target_params, method->target_count);
    run_batch(method, noise[0], noise[1]);
    assert_int_equal(byol__method_update(method, 0.5, 0.75, &result, NULL), BYOL_OK);
    int moved_biases = 0, moved_norms = 0;
    for (int r = 0; r < method->graph.params.count; r++) {
        const byol__param *row = &method->graph.params.rows[r];
        if (row->section == BYOL__PREDICTOR) continue;
        for (size_t i = row->offset; i < row->offset + row->count; i++) {
            double expected = 0.75 * (double)before[i] + 0.25 * (double)method->params[i];
            assert_true(fabs((double)method->target_params[i] - expected) < 1e-6);
        }
        int moved = memcmp(method->target_params + row->offset, before + row->offset,
                           row->count * sizeof(float)) != 0;
        moved_biases += moved && strstr(row->name, "bias") != NULL;
        moved_norms += moved && strstr(row->name, "bn1.weight") != NULL;
    }
    assert_true(moved_biases > 10);
    assert_true(moved_norms > 5);
    free(before);
    byol__method_free(method);
}

static void the_targets_statistics_come_from_its_own_forwards(void **state) {
    (void)state;
    byol_config config = tiny_config();
    byol__method *method = create(&config);
    byol__step_result result;
    size_t count = method->target_statistics_count;
    float *fresh = copy(method->target_statistics, count);
    run_batch(method, noise[0], noise[1]);
    /* The same weights have seen the same views in the same order. */
    assert_true(largest_difference(fresh, method->target_statistics, count) > 1e-2);
    assert_true(largest_difference(method->statistics, method->target_statistics, count) < 1e-4);
    /* The target stands still while the online network moves on: their statistics part, and no
     * average moves them. */
    byol__method_update(method, 0.5, 1.0, &result, NULL);
    float *after_update = copy(method->target_statistics, count);
    byol__method *still = create(&config);
    run_batch(still, noise[0], noise[1]);
    assert_memory_equal(still->target_statistics, after_update, count * sizeof(float));
    run_batch(method, noise[0], noise[1]);
    run_batch(still, noise[0], noise[1]);
    assert_memory_equal(still->target_statistics, method->target_statistics, count * sizeof(float));
    assert_true(largest_difference(method->statistics, method->target_statistics, count) > 1e-3);
    free(fresh);
    free(after_update);
    byol__method_free(method);
    byol__method_free(still);
}

/* ---- Accumulation, clipping, bad numbers ---- */

static void accumulation_steps_with_the_mean_gradient(void **state) {
    (void)state;
    byol_config config = tiny_config();
    byol__method *together = create(&config), *first = create(&config), *second = create(&config);
    size_t count = together->graph.params.total;
    double losses =
        run_batch(together, noise[0], noise[1]) + run_batch(together, noise[1], noise[2]);
    run_batch(first, noise[0], noise[1]);
    run_batch(second, noise[1], noise[2]);
    float *mean = malloc(count * sizeof *mean);
    assert_non_null(mean);
    for (size_t i = 0; i < count; i++) mean[i] = (first->grads[i] + second->grads[i]) / 2;
    double norm = byol__arena_norm(mean, count);

    byol__step_result result;
    float *before = copy(together->params, count);
    assert_int_equal(byol__method_update(together, 0.25, 0.99, &result, NULL), BYOL_OK);
    assert_true(fabs(result.loss - losses / 2) < 1e-6);
    assert_true(fabs(result.gradient_norm / norm - 1) < 1e-4);
    for (int r = 0; r < together->graph.params.count; r++) {
        const byol__param *row = &together->graph.params.rows[r];
        if (!(row->flags & BYOL__NO_DECAY))
            continue; /* where the step is the gradient and nothing else */
        for (size_t i = row->offset; i < row->offset + row->count; i++)
            assert_true(fabs((double)together->params[i] -
                             ((double)before[i] - 0.25 * (double)mean[i])) < 1e-5 * (1 + norm));
    }
    free(mean);
    free(before);
    byol__method_free(together);
    byol__method_free(first);
    byol__method_free(second);
}

static void an_update_leaves_no_gradient_behind(void **state) {
    (void)state;
    byol_config config = tiny_config();
    byol__method *method = create(&config);
    byol__step_result result;
    run_batch(method, noise[0], noise[1]);
    assert_true(byol__arena_norm(method->grads, method->graph.params.total) > 0);
    byol__method_update(method, 0.1, 0.99, &result, NULL);
    assert_true(byol__arena_norm(method->grads, method->graph.params.total) == 0);
    assert_int_equal(method->step, 1);
    assert_int_equal(method->pending, 0);
    byol__method_free(method);
}

static void clipping_shortens_the_whole_gradient_and_keeps_its_direction(void **state) {
    (void)state;
    byol_config config = tiny_config();
    config.optimizer.weight_decay = 0;
    byol__method *free_step = create(&config);
    config.optimizer.clip_norm = 0.01f;
    byol__method *clipped = create(&config);
    size_t count = clipped->graph.params.total;
    float *before = copy(clipped->params, count);
    byol__step_result result, clipped_result;
    run_batch(free_step, noise[0], noise[1]);
    run_batch(clipped, noise[0], noise[1]);
    byol__method_update(free_step, 1, 0.99, &result, NULL);
    byol__method_update(clipped, 1, 0.99, &clipped_result, NULL);
    assert_true(result.gradient_norm > 0.02);
    assert_true(clipped_result.gradient_norm == result.gradient_norm); /* before clipping */
    double length = 0, along = 0, full = 0;
    for (size_t i = 0; i < count; i++) {
        double a = (double)clipped->params[i] - (double)before[i],
               b = (double)free_step->params[i] - (double)before[i];
        length += a * a;
        along += a * b;
        full += b * b;
    }
    assert_true(fabs(sqrt(length) / 0.01 - 1) < 1e-3);
    assert_true(along / sqrt(length * full) > 0.9999);
    free(before);
    byol__method_free(free_step);
    byol__method_free(clipped);
}

static void a_step_that_is_not_finite_changes_no_parameter(void **state) {
    (void)state;
    byol_config config = tiny_config();
    byol__method *method = create(&config);
    float *params = copy(method->params, method->graph.params.total), *view = copy(noise[0], VIEW);
    byol__step_result result;
    byol_error error = {0};
    view[5] = NAN;
    run_batch(method, view, noise[1]);
    assert_int_equal(byol__method_update(method, 0.1, 0.99, &result, &error), BYOL_ERROR_NUMERIC);
    assert_non_null(strstr(error.text, "step 1"));
    assert_memory_equal(method->params, params, method->graph.params.total * sizeof(float));
    free(params);
    free(view);
    byol__method_free(method);
}

/* ---- Schedules ---- */

static void schedules_count_optimizer_steps_not_batches(void **state) {
    (void)state;
    byol_config config = tiny_config();
    byol__steps steps;
    config.train.batch_size = 10;
    config.train.accumulate = 4;
    config.train.epochs = 3;
    config.optimizer.lr = 0.8f;
    config.optimizer.warmup_epochs = 1;
    config.target.tau = 0.9f;
    config.target.schedule = BYOL_TAU_COSINE;
    assert_int_equal(byol__steps_init(&steps, &config, 1009, NULL), BYOL_OK);
    assert_int_equal(steps.batches_per_epoch, 100); /* 9 images fill no batch */
    assert_int_equal(steps.total, 75);
    assert_int_equal(steps.warmup, 25);
    double peak = 0.8 * 10 * 4 / 256;
    assert_true(byol__steps_lr(&steps, &config, 0) == 0);
    assert_true(fabs(byol__steps_lr(&steps, &config, 25) - peak) < 1e-7);
    assert_true(fabs(byol__steps_lr(&steps, &config, 50) - peak / 2) < 1e-7);
    assert_true(fabs(byol__steps_tau(&steps, &config, 0) - 0.9) < 1e-7);
    assert_true(fabs(byol__steps_tau(&steps, &config, 37) -
                     (1 - 0.1 * (1 + cos(M_PI * 37 / 75)) / 2)) < 1e-7);
    assert_true(byol__steps_tau(&steps, &config, 74) < 1); /* it is 1 only when the run is over */
}

static void warm_up_may_be_a_fraction_of_an_epoch(void **state) {
    (void)state;
    const struct {
        float epochs;
        int accumulate;
        uint64_t steps;
    } cases[] = {{0, 1, 0}, {2, 1, 390}, {0.5f, 1, 98}, {0.001f, 1, 0}, {0.5f, 3, 33}};
    byol_config config = tiny_config();
    config.train.batch_size = 10;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        byol__steps steps;
        config.train.accumulate = cases[i].accumulate;
        config.optimizer.warmup_epochs = cases[i].epochs;
        assert_int_equal(byol__steps_init(&steps, &config, 1950, NULL), BYOL_OK);
        assert_int_equal(steps.warmup, cases[i].steps); /* of 195 batches an epoch, the nearest */
    }
}

static void a_step_may_span_the_end_of_an_epoch_and_no_batch_is_lost_there(void **state) {
    (void)state;
    byol_config config = tiny_config();
    byol__steps steps;
    config.train.batch_size = 10;
    config.train.accumulate = 7;
    config.train.epochs = 3;
    assert_int_equal(byol__steps_init(&steps, &config, 1000, NULL), BYOL_OK);
    assert_int_equal(steps.total,
                     42); /* 300 batches / 7; only the last 6 of the run make no step */
    assert_int_equal(byol__steps_epochs_done(&steps, 14), 0);
    assert_int_equal(byol__steps_epochs_done(&steps, 15), 1);
    assert_int_equal(byol__steps_epochs_done(&steps, 41), 2);
    assert_int_equal(byol__steps_epochs_done(&steps, 42), 3);
    assert_true(fabs(byol__steps_epoch(&steps, 15) - 1.05) < 1e-9);
}

static void a_run_without_one_step_is_refused(void **state) {
    (void)state;
    byol_config config = tiny_config();
    byol__steps steps;
    byol_error error = {0};
    assert_int_equal(byol__steps_init(&steps, &config, TINY_BATCH - 1, &error), BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "train.batch_size"));
    config.train.accumulate = 9;
    assert_int_equal(byol__steps_init(&steps, &config, TINY_IMAGES, &error), BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "train.accumulate"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loss_is_the_sum_of_both_directions),
        cmocka_unit_test(a_prediction_is_held_against_the_target_of_the_other_view),
        cmocka_unit_test(only_a_mispaired_view_is_held_against_itself),
        cmocka_unit_test(the_gradient_is_that_of_the_summed_loss),
        cmocka_unit_test(the_target_starts_as_a_copy_without_predictor),
        cmocka_unit_test(the_optimizer_never_touches_the_target),
        cmocka_unit_test(the_target_averages_every_parameter_after_the_optimizer_step),
        cmocka_unit_test(the_targets_statistics_come_from_its_own_forwards),
        cmocka_unit_test(accumulation_steps_with_the_mean_gradient),
        cmocka_unit_test(an_update_leaves_no_gradient_behind),
        cmocka_unit_test(clipping_shortens_the_whole_gradient_and_keeps_its_direction),
        cmocka_unit_test(a_step_that_is_not_finite_changes_no_parameter),
        cmocka_unit_test(schedules_count_optimizer_steps_not_batches),
        cmocka_unit_test(warm_up_may_be_a_fraction_of_an_epoch),
        cmocka_unit_test(a_step_may_span_the_end_of_an_epoch_and_no_batch_is_lost_there),
        cmocka_unit_test(a_run_without_one_step_is_refused),
    };
    return cmocka_run_group_tests(tests, make_noise, NULL);
}
