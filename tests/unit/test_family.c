/* One step of each kind of method: what the gradient is a gradient of, what moves and what does
 * not, and where a network begins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/philox.h"
#include "nets/nets.h"
#include "tiny_method.h"
#include "train/method.h"
#include "train/record.h"

static const void *const views[] = {noise[0], noise[1], noise[2], noise[3]};

static byol_config simsiam(void) {
    byol_config config = tiny_config();
    config.target.kind = BYOL_TARGET_ONLINE;
    return config;
}

static byol_config contrastive(void) {
    byol_config config = simsiam();
    config.predictor.kind = BYOL_HEAD_NONE;
    config.target.stop_gradient = 0;
    config.loss.distance = BYOL_INFONCE;
    return config;
}

static byol_config simclr(void) {
    byol_config config = contrastive();
    config.loss.own_negatives = 1;
    return config;
}

/* Two large views and two small ones. */
static byol_config multi_crop(byol_config config) {
    config.views.count[2] = 2;
    config.views.size[2] = TINY_SIDE / 2;
    return config;
}

/* ---- The gradient ---- */

/* The loss at params + along * direction, with target projections held at `fixed` (NULL: they
 * follow). */
static double loss_at(byol__method *method, const float *params, const float *direction,
                      double along, float *const fixed[2]) {
    for (size_t i = 0; i < method->graph.params.total; i++)
        method->params[i] = (float)((double)params[i] + along * (double)direction[i]);
    byol__method_stage(method, NULL);
    double loss = byol__method_forward_backward(method, views);
    if (fixed == NULL) return loss;
    loss = 0;
    for (int i = 0; i < method->pair_count; i++)
        loss += method->pair_weight *
                byol__distance_between(
                    &method->distance, method->prediction[method->pairs[i].prediction],
                    fixed[method->pairs[i].target], 0, method->pair_diff[0], NULL);
    for (int v = 0; v < method->predicting && byol__regularizes(&method->regularizer); v++)
        loss += byol__regularize(&method->regularizer, method->projection[v],
                                 1.0 / method->predicting, method->own_diff[v]);
    return loss;
}

/* The slope of the loss along the gradient is the gradient's length: with a stop-gradient, of the
 * loss whose targets stand still; without it, of the loss as it is. */
static void gradient_matches(byol_config config, double tolerance) {
    byol__method *method = create(&config);
    size_t count = method->graph.params.total,
           outputs = (size_t)method->batch * (size_t)method->dimension;
    byol__method_forward_backward(method, views);
    float *grads = copy(method->grads, count), *params = copy(method->params, count);
    float *fixed[2] = {copy(method->target_projection[0], outputs),
                       copy(method->target_projection[1], outputs)};
    double norm = byol__arena_norm(grads, count), step = 1e-4;
    assert_true(norm > 1e-4);
    float *const *held = method->both_sides ? NULL : fixed;
    double above = loss_at(method, params, grads, step / norm, held);
    double slope = (above - loss_at(method, params, grads, -step / norm, held)) / (2 * step);
    if (!(fabs(slope / norm - 1) < tolerance))
        fail_msg("slope %g, length of the gradient %g", slope, norm);
    free(grads);
    free(params);
    free(fixed[0]);
    free(fixed[1]);
    byol__method_free(method);
}

static void with_a_stop_gradient_the_targets_count_as_constants(void **state) {
    (void)state;
    byol_config config = simsiam();
    gradient_matches(config, 3e-3);
    config.loss.symmetric = 0;
    gradient_matches(config, 3e-3);
}

static void without_it_the_gradient_goes_through_both_views(void **state) {
    (void)state;
    const byol_distance_kind kinds[] = {BYOL_INFONCE, BYOL_NCE, BYOL_MSE, BYOL_SOFTMAX_PAIR};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        byol_config config = contrastive();
        config.loss.distance = kinds[i];
        gradient_matches(config, 3e-3);
        config.loss.symmetric = 0;
        gradient_matches(config, 3e-3);
    }
}

static void other_predictions_of_a_view_push_apart_too(void **state) {
    (void)state;
    gradient_matches(simclr(), 3e-3);
    byol_config config = tiny_config();
    config.loss.distance = BYOL_INFONCE;
    config.loss.own_negatives = 1;
    gradient_matches(config, 3e-3);
}

static void every_view_predicts_every_large_one_but_itself(void **state) {
    (void)state;
    byol_config config = multi_crop(tiny_config());
    byol__method *method = create(&config);
    const byol__pair expected[] = {{0, 1}, {1, 0}, {2, 0}, {2, 1}, {3, 0}, {3, 1}};
    assert_int_equal(method->pair_count, 6);
    assert_memory_equal(method->pairs, expected, sizeof expected);
    assert_true(fabs(method->pair_weight - 2.0 / 6) < 1e-12);
    assert_ptr_equal(method->online[0], method->online[1]);
    assert_ptr_equal(method->online[2], method->online[3]);
    assert_null(method->target[2]);
    byol__method_free(method);
    gradient_matches(config, 3e-3);
    gradient_matches(multi_crop(simsiam()), 3e-3);
    gradient_matches(multi_crop(simclr()), 3e-3);
}

/* Forward passes that are repeated make the same numbers as activations that are kept, in less
 * memory. */
static void recomputing_changes_memory_alone(void **state) {
    (void)state;
    const byol_config configs[] = {simclr(), simsiam(), multi_crop(simclr())};
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        byol_config again = configs[i];
        again.train.recompute = 1;
        byol__method *kept = create(&configs[i]), *repeated = create(&again);
        for (int step = 0; step < 3; step++) {
            byol__step_result result;
            assert_true(byol__method_forward_backward(kept, views) ==
                        byol__method_forward_backward(repeated, views));
            assert_int_equal(byol__method_update(kept, 0.1, 0.99, &result, NULL), BYOL_OK);
            assert_int_equal(byol__method_update(repeated, 0.1, 0.99, &result, NULL), BYOL_OK);
        }
        assert_memory_equal(kept->params, repeated->params,
                            kept->graph.params.total * sizeof(float));
        assert_memory_equal(kept->statistics, repeated->statistics,
                            kept->graph.statistics.total * sizeof(float));
        assert_true(repeated->workspace_bytes < kept->workspace_bytes);
        assert_true(repeated->flops > kept->flops);
        byol__method_free(kept);
        byol__method_free(repeated);
    }
}

/* A student of another model's vectors: the target of an image is its row, whatever the view and
 * the place in the batch. */
static void vectors_of_another_model_are_the_target_of_their_images(void **state) {
    (void)state;
    enum { D = 5, IMAGES = 3 * TINY_BATCH };
    static float teacher[IMAGES * D];
    uint32_t samples[TINY_BATCH];
    byol__random random = byol__random_stream(8, BYOL__PURPOSE_BENCH, 0, 0, 0);
    for (int i = 0; i < IMAGES * D; i++) teacher[i] = byol__random_normal(&random);
    for (uint32_t n = 0; n < TINY_BATCH; n++) samples[n] = (7 * n + 3) % IMAGES;
    byol_config config = multi_crop(tiny_config());
    config.target.kind = BYOL_TARGET_VECTORS;
    strcpy(config.target.vectors, "teacher.npy");
    config.target.dimension = D;
    byol__method *method = create(&config);
    assert_null(method->target_params);
    method->vectors = teacher;
    method->samples = samples;
    byol__step_result result;
    double first = byol__method_forward_backward(method, views), last = first;
    for (int v = 0; v < 2; v++)
        for (int n = 0; n < TINY_BATCH; n++)
            assert_memory_equal(method->target_projection[v] + n * D, teacher + samples[n] * D,
                                D * sizeof(float));
    for (int step = 0; step < 20; step++) {
        assert_int_equal(byol__method_update(method, 0.05, 0.99, &result, NULL), BYOL_OK);
        last = byol__method_forward_backward(method, views);
    }
    if (!(last < 0.6 * first)) fail_msg("the loss went from %g to %g", first, last);
    byol__method_free(method);
}

static void a_network_that_counts_pixels_has_views_of_one_size(void **state) {
    (void)state;
    byol_config config = multi_crop(tiny_config());
    byol__method *method = NULL;
    byol_error error = {0};
    strcpy(config.encoder.name, "conv1");
    assert_int_equal(
        byol__method_create(&method, &config, TINY_CHANNELS, &byol__comm_alone, &error),
        BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "size"));
}

/* The projection is regularized, with a predictor behind it or without. */
static void a_regularizer_has_its_gradient(void **state) {
    (void)state;
    byol_config configs[] = {tiny_config(), multi_crop(simsiam()), simclr()};
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        configs[i].loss.variance = 0.5f;
        configs[i].loss.covariance = 0.1f;
        configs[i].loss.coding_rate = 0.05f;
        gradient_matches(configs[i], 3e-3);
    }
}

static void a_student_of_another_kind_has_its_gradient(void **state) {
    (void)state;
    gradient_matches(tiny_student(), 3e-3);
}

static void one_direction_has_half_of_the_gradient_of_two(void **state) {
    (void)state;
    byol_config config = tiny_config();
    byol__method *both = create(&config);
    config.loss.symmetric = 0;
    byol__method *first = create(&config), *second = create(&config);
    double sum = byol__method_forward_backward(first, views);
    sum += byol__method_forward_backward(second, (const void *const[2]){noise[1], noise[0]});
    assert_true(fabs(byol__method_forward_backward(both, views) - sum) < 1e-6);
    double far = 0;
    for (size_t i = 0; i < both->graph.params.total; i++)
        far = fmax(far, fabs((double)(first->grads[i] + second->grads[i] - both->grads[i])));
    assert_true(far < 1e-5 * byol__arena_norm(both->grads, both->graph.params.total));
    assert_true(2 * first->flops == both->flops);
    byol__method_free(both);
    byol__method_free(first);
    byol__method_free(second);
}

/* ---- What moves ---- */

/* Going forward once more for the backward pass is not seen in the running statistics: they are
 * those of a network that has looked at view 2 and then at view 1. */
static void running_statistics_count_each_view_once(void **state) {
    (void)state;
    byol_config config = simsiam();
    byol__method *method = create(&config), *other = create(&config);
    byol__method_forward_backward(method, views);
    byol__plan_forward(other->online[0], noise[1], NULL);
    byol__plan_forward(other->online[0], noise[0], NULL);
    assert_memory_equal(method->statistics, other->statistics,
                        method->graph.statistics.total * sizeof(float));
    byol__method_free(method);
    byol__method_free(other);
}

static void a_network_that_is_its_own_target_keeps_no_second_one(void **state) {
    (void)state;
    byol_config config = simsiam();
    byol__method *method = create(&config);
    byol__step_result result;
    assert_null(method->target[0]);
    assert_null(method->target[1]);
    assert_null(method->target_params);
    byol__method_forward_backward(method, views);
    assert_int_equal(byol__method_update(method, 0.1, 0.99, &result, NULL), BYOL_OK);
    byol__method_free(method);
}

static void a_frozen_target_never_moves_nor_do_its_statistics(void **state) {
    (void)state;
    byol_config config = tiny_config();
    config.target.kind = BYOL_TARGET_FROZEN;
    strcpy(config.target.init, "random");
    byol__method *method = create(&config);
    assert_true(
        memcmp(method->target_params, method->params, method->target_count * sizeof(float)) != 0);
    float *params = copy(method->target_params, method->target_count);
    float *statistics = copy(method->target_statistics, method->target_statistics_count);
    size_t outputs = (size_t)method->batch * (size_t)method->dimension;
    byol__step_result result;
    byol__method_forward_backward(method, views);
    float *answers = copy(method->target_projection[0], outputs);
    for (int i = 0; i < 3; i++) {
        byol__method_forward_backward(method, views);
        assert_int_equal(byol__method_update(method, 0.1, 0.5, &result, NULL), BYOL_OK);
    }
    assert_memory_equal(method->target_params, params, method->target_count * sizeof(float));
    assert_memory_equal(method->target_statistics, statistics,
                        method->target_statistics_count * sizeof(float));
    byol__method_forward_backward(method, views);
    assert_memory_equal(method->target_projection[0], answers, outputs * sizeof(float));
    free(params);
    free(statistics);
    free(answers);
    byol__method_free(method);
}

/* Evaluation in bf16 is the frozen target's alone: training plans and encoders do not run it. */
static void a_frozen_target_in_bf16_answers_as_in_fp32(void **state) {
    (void)state;
    byol_config config = tiny_config();
    config.target.kind = BYOL_TARGET_FROZEN;
    config.predictor.kind = BYOL_HEAD_NONE;
    byol__method *exact = create(&config);
    config.train.precision = BYOL_PRECISION_BF16;
    byol__method *rounded = create(&config);
    byol__method_forward_backward(exact, views);
    byol__method_forward_backward(rounded, views);
    double aa = 0, bb = 0, ab = 0;
    for (int i = 0; i < exact->batch * exact->dimension; i++) {
        double a = (double)exact->target_projection[1][i],
               b = (double)rounded->target_projection[1][i];
        aa += a * a;
        bb += b * b;
        ab += a * b;
    }
    double cosine = ab / sqrt(aa * bb);
    if (!(cosine > 0.999 && cosine < 0.9999999)) fail_msg("cosine %.9f", cosine);
    byol__method_free(exact);
    byol__method_free(rounded);
}

/* ---- Shapes ---- */

static void a_linear_layer_maps_the_student_to_the_width_of_its_teacher(void **state) {
    (void)state;
    byol_config config = tiny_student();
    byol__method *method = create(&config);
    assert_int_equal(method->projection_dimension, 8 * config.encoder.width);
    assert_int_equal(method->dimension, 8 * config.target.width);
    int row = byol__table_find(&method->graph.params, "predictor.0.weight");
    assert_true(row != BYOL__NONE);
    assert_int_equal(method->graph.params.rows[row].dims[0], 8 * config.target.width);
    byol__method_free(method);

    byol_error error = {0};
    config.predictor.kind = BYOL_HEAD_NONE;
    assert_int_equal(
        byol__method_create(&method, &config, TINY_CHANNELS, &byol__comm_alone, &error),
        BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "predictor.kind"));
}

static void the_target_lies_in_memory_as_the_online_network_does(void **state) {
    (void)state;
    byol_config config = tiny_config();
    byol__method *method = create(&config);
    const byol__table *own = &method->graph.params, *target = &method->target_graph.params;
    assert_int_equal(target->total, own->section_end[BYOL__PROJECTOR]);
    for (int r = 0; r < target->count; r++) {
        assert_string_equal(target->rows[r].name, own->rows[r].name);
        assert_int_equal(target->rows[r].offset, own->rows[r].offset);
    }
    byol__method_free(method);
}

static int dimension(const byol__graph *graph, byol__output output) {
    return graph->values[graph->output[output]].shape.c;
}

/* byol-resnet18-cifar: 1000 outputs, predictor 1000-2048-1000, nothing between. */
static void resnet18_with_1000_outputs_has_the_predictor_of_its_paper(void **state) {
    (void)state;
    byol_config config = tiny_config();
    config.encoder.width = 64;
    config.encoder.out = 1000;
    config.projector.kind = BYOL_HEAD_NONE;
    config.predictor.hidden = 2048;
    byol__graph graph;
    byol__graph_init(&graph);
    assert_int_equal(byol__online_network(&graph, &config, 3, 32, NULL), BYOL_OK);
    for (int output = 0; output <= BYOL__PREDICTION; output++)
        assert_int_equal(dimension(&graph, output), 1000);
    const char *const names[] = {"fc.weight", "predictor.0.weight", "predictor.3.weight"};
    const int dims[][2] = {{1000, 512}, {2048, 1000}, {1000, 2048}};
    for (int i = 0; i < 3; i++) {
        int row = byol__table_find(&graph.params, names[i]);
        assert_true(row != BYOL__NONE);
        assert_int_equal(graph.params.rows[row].dims[0], dims[i][0]);
        assert_int_equal(graph.params.rows[row].dims[1], dims[i][1]);
    }
    byol__graph_release(&graph);
}

static void conv1_conv4_and_conv5_have_the_layers_of_their_names(void **state) {
    (void)state;
    byol_config config = tiny_config();
    config.encoder.width = 64;
    config.projector.kind = config.predictor.kind = BYOL_HEAD_NONE;
    byol__graph graph;
    byol__graph_init(&graph);
    strcpy(config.encoder.name, "conv1");
    assert_int_equal(byol__online_network(&graph, &config, 3, 8, NULL), BYOL_OK);
    assert_int_equal(dimension(&graph, BYOL__PREDICTION), 1024);
    assert_int_equal(graph.params.section_end[BYOL__PREDICTOR],
                     64 * 27 + 64 + 1024 * 64 * 8 * 8 + 1024);
    byol__graph_release(&graph);

    for (int blocks = 4; blocks <= 5; blocks++) {
        snprintf(config.encoder.name, sizeof config.encoder.name, "conv%d", blocks);
        assert_int_equal(byol__online_network(&graph, &config, 3, 32, NULL), BYOL_OK);
        const int channels[] = {3, 64, 128, 256, 512, 512};
        for (int i = 1; i <= blocks; i++) {
            char name[] = "conv1.weight";
            name[4] = (char)('0' + i);
            const byol__param *row = &graph.params.rows[byol__table_find(&graph.params, name)];
            assert_int_equal(row->dims[0], channels[i]);
            assert_int_equal(row->dims[1], channels[i - 1]);
            assert_int_equal(row->dims[2], 3);
        }
        assert_int_equal(byol__table_find(&graph.params, "conv5.weight") == BYOL__NONE,
                         blocks == 4);
        assert_int_equal(dimension(&graph, BYOL__REPRESENTATION), 512);
        byol__graph_release(&graph);
    }
}

/* ---- Where a network begins ---- */

static const char *weights = "family-weights.safetensors";

/* The online network of a method that has made a step, in a file. */
static byol__method *write_weights(const byol_config *config) {
    byol__method *method = create(config);
    byol__step_result result;
    byol__method_forward_backward(method, views);
    assert_int_equal(byol__method_update(method, 0.1, 0.5, &result, NULL), BYOL_OK);
    byol__origin origin = {.channels = TINY_CHANNELS, .config = *config};
    assert_int_equal(byol__record_write_encoder(weights, method, &origin, NULL), BYOL_OK);
    return method;
}

static void a_target_can_begin_with_weights_from_a_file(void **state) {
    (void)state;
    byol_config config = tiny_config();
    byol__method *teacher = write_weights(&config);
    const byol_target_kind kinds[] = {BYOL_TARGET_EMA, BYOL_TARGET_FROZEN};
    for (int k = 0; k < 2; k++) {
        config.target.kind = kinds[k];
        strcpy(config.target.init, weights);
        byol__method *method = create(&config);
        assert_int_equal(byol__method_load(method, &config, NULL, NULL, NULL), BYOL_OK);
        assert_memory_equal(method->target_params, teacher->params,
                            method->target_count * sizeof(float));
        assert_memory_equal(method->target_statistics, teacher->statistics,
                            method->target_statistics_count * sizeof(float));
        assert_true(memcmp(method->params, teacher->params, method->target_count * sizeof(float)) !=
                    0);
        byol__step_result result;
        byol__method_forward_backward(method, views);
        assert_int_equal(byol__method_update(method, 0.1, 0.5, &result, NULL), BYOL_OK);
        int moved = memcmp(method->target_params, teacher->params,
                           method->target_count * sizeof(float)) != 0;
        assert_int_equal(moved, kinds[k] == BYOL_TARGET_EMA);
        byol__method_free(method);
    }
    byol__method_free(teacher);
    unlink(weights);
}

static void a_head_that_the_file_lacks_stays_as_it_was(void **state) {
    (void)state;
    byol_config config = tiny_config(), bare = config;
    bare.projector.kind = bare.predictor.kind = BYOL_HEAD_NONE;
    byol__method *backbone = write_weights(&bare);
    byol__method *fresh = create(&config), *method = create(&config);
    strcpy(config.encoder.init, weights);
    assert_int_equal(byol__method_load(method, &config, NULL, NULL, NULL), BYOL_OK);
    size_t end = method->graph.params.section_end[BYOL__BACKBONE],
           total = method->graph.params.total;
    assert_memory_equal(method->params, backbone->params, end * sizeof(float));
    assert_memory_equal(method->params + end, fresh->params + end, (total - end) * sizeof(float));
    assert_memory_equal(method->target_params, method->params,
                        method->target_count * sizeof(float));

    byol_error error = {0};
    config.encoder.width = 16;
    byol__method *wide = create(&config);
    assert_int_equal(byol__method_load(wide, &config, NULL, NULL, &error), BYOL_ERROR_MISMATCH);
    assert_non_null(strstr(error.text, "conv1.weight"));
    byol__method_free(backbone);
    byol__method_free(fresh);
    byol__method_free(method);
    byol__method_free(wide);
    unlink(weights);
}

/* ---- Choices that exclude each other ---- */

static void assert_refused(const byol_config *config, const char *word) {
    byol_error error = {0};
    assert_int_equal(byol_config_check(config, &error), BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, word));
}

static void choices_that_exclude_each_other_are_refused(void **state) {
    (void)state;
    byol_config config = tiny_config();
    config.target.stop_gradient = 0;
    assert_refused(&config, "target.stop_gradient"); /* an average takes no gradient */
    config = contrastive();
    config.predictor.kind = BYOL_HEAD_MLP;
    assert_refused(&config, "predictor.kind");
    config = simsiam();
    strcpy(config.target.init, "random");
    assert_refused(&config, "target.init");
    config = tiny_student();
    config.target.kind = BYOL_TARGET_EMA;
    assert_refused(&config, "target.encoder");
    config = tiny_config();
    config.target.width = 8;
    assert_refused(&config, "target.width");
    config = tiny_config();
    config.encoder.init[0] = '\0';
    assert_refused(&config, "encoder.init");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_predictions_of_a_view_push_apart_too),
        cmocka_unit_test(every_view_predicts_every_large_one_but_itself),
        cmocka_unit_test(a_regularizer_has_its_gradient),
        cmocka_unit_test(recomputing_changes_memory_alone),
        cmocka_unit_test(vectors_of_another_model_are_the_target_of_their_images),
        cmocka_unit_test(a_network_that_counts_pixels_has_views_of_one_size),
        cmocka_unit_test(with_a_stop_gradient_the_targets_count_as_constants),
        cmocka_unit_test(without_it_the_gradient_goes_through_both_views),
        cmocka_unit_test(a_student_of_another_kind_has_its_gradient),
        cmocka_unit_test(one_direction_has_half_of_the_gradient_of_two),
        cmocka_unit_test(running_statistics_count_each_view_once),
        cmocka_unit_test(a_network_that_is_its_own_target_keeps_no_second_one),
        cmocka_unit_test(a_frozen_target_never_moves_nor_do_its_statistics),
        cmocka_unit_test(a_frozen_target_in_bf16_answers_as_in_fp32),
        cmocka_unit_test(a_linear_layer_maps_the_student_to_the_width_of_its_teacher),
        cmocka_unit_test(the_target_lies_in_memory_as_the_online_network_does),
        cmocka_unit_test(resnet18_with_1000_outputs_has_the_predictor_of_its_paper),
        cmocka_unit_test(conv1_conv4_and_conv5_have_the_layers_of_their_names),
        cmocka_unit_test(a_target_can_begin_with_weights_from_a_file),
        cmocka_unit_test(a_head_that_the_file_lacks_stays_as_it_was),
        cmocka_unit_test(choices_that_exclude_each_other_are_refused),
    };
    return cmocka_run_group_tests(tests, make_noise, NULL);
}
