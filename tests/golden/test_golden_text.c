/* Transformers on tokens against PyTorch's: five whole steps of each of TEXTS in make_golden.py
 * (text.safetensors). Attention of low rank beside a target of full attention, noise on the weights
 * of both, data2vec, InfoNCE. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "golden_file.h"
#include "golden_views.h"

enum { STEPS = 5, BATCH = 6, WIDE = 32, LENGTH = 12, VOCABULARY = 50 };
static const double tau = 0.9, lr = 0.001;

typedef struct member {
    const char *name;
    void (*choose)(byol_config *config);
    int gradients, tensors; /* that the file has: of the first step, at the end */
    int averaged;           /* of these, the target's */
} member;

/* ---- Members ---- */

static void choose_lowrank(byol_config *config) {
    config->encoder.attention = BYOL_ATTENTION_LOWRANK;
    config->encoder.rank = 4;
    config->encoder.rank_shared = BYOL_RANK_SHARED_KEY_VALUE;
    config->target.attention = BYOL_TARGET_ATTENTION_FULL;
    config->loss.distance = BYOL_MSE;
}

static void choose_lowrank_none(byol_config *config) {
    choose_lowrank(config);
    config->encoder.rank_shared = BYOL_RANK_SHARED_NONE;
}

static void choose_lowrank_noise(byol_config *config) {
    choose_lowrank(config);
    config->encoder.rank_shared = BYOL_RANK_SHARED_HEADS;
    config->encoder.attention_noise = 0.05f;
    config->target.attention_noise = 0.1f;
}

static void choose_data2vec(byol_config *config) {
    config->encoder.depth = 3;
    config->target.layers = 2;
    config->loss.distance = BYOL_SMOOTH_L1;
    config->loss.beta = 4;
    config->loss.symmetric = false;
    for (int v = 0; v < 2; v++)
        config->views.text[v] = (byol_text_recipe){.crop_min = 1, .mask_span = 1};
    config->views.text[0].mask = 0.3f; /* the views below are not made by it */
}

static void choose_simcse(byol_config *config) {
    config->encoder.pool = BYOL_POOL_CLASS;
    config->target.kind = BYOL_TARGET_ONLINE;
    config->target.stop_gradient = false;
    config->projector.kind = BYOL_HEAD_LINEAR;
    config->predictor.kind = BYOL_HEAD_NONE;
    config->loss.distance = BYOL_INFONCE;
    config->loss.own_negatives = false;
    config->loss.temperature = 0.05f;
}

static void choose_pre(byol_config *config) {
    config->encoder.norm = BYOL_NORM_PRE;
    config->encoder.pool = BYOL_POOL_MAX;
    config->loss.distance = BYOL_MSE;
}

static const member lowrank = {"lowrank", choose_lowrank, 46, 10, 9};
static const member lowrank_none = {"lowrank-none", choose_lowrank_none, 16, 11, 10};
static const member lowrank_noise = {"lowrank-noise", choose_lowrank_noise, 16, 11, 10};
static const member data2vec = {"data2vec", choose_data2vec, 54, 9, 7};
static const member pre = {"pre", choose_pre, 44, 10, 9};
static const member simcse = {"simcse", choose_simcse, 37, 8, 0};

static byol__method *create(const member *m, int batch, byol_precision precision,
                            const byol__safetensors *file) {
    byol__method *method;
    byol_config config;
    byol_config_init(&config);
    byol_config_set(&config, "recipe", "byol", NULL);
    byol_config_set(&config, "encoder.name", "transformer", NULL);
    config.data.length = LENGTH;
    config.data.vocabulary = VOCABULARY;
    config.encoder.width = 24;
    config.encoder.depth = 2;
    config.encoder.heads = 3;
    config.encoder.pool = BYOL_POOL_MEAN;
    config.projector.hidden = config.predictor.hidden = 32;
    config.projector.out = 16;
    config.optimizer.name = BYOL_ADAMW;
    config.optimizer.nesterov = 0;
    config.optimizer.weight_decay = 0.05f;
    config.optimizer.beta1 = 0.9f;
    config.optimizer.beta2 = 0.99f;
    config.optimizer.epsilon = 1e-2f;
    config.optimizer.clip_norm = 0;
    config.train.batch_size = batch;
    config.train.precision = precision;
    config.train.seed = 1;
    m->choose(&config);
    check(byol_config_check(&config, &error));
    check(byol__method_create(&method, &config, 0, &byol__comm_alone, &error));
    golden_begin(method, file, m->name);
    return method;
}

/* ---- Comparing ---- */

static void read_numbers(const byol__safetensors *file, const member *m, const char *what,
                         const int *dims, int ndims, float *values) {
    char name[64];
    snprintf(name, sizeof name, "%s/%s", m->name, what);
    check(byol__safetensors_read(file, name, dims, ndims, values, &error));
}

static double run_batch(byol__method *method, int batch, uint32_t step) {
    static int32_t views[2][WIDE * LENGTH];
    bool hides = method->masked.channels > 0; /* view 1 what view 2 shows */
    golden_words(batch, LENGTH, VOCABULARY, step, 1, views[0]);
    golden_words(batch, LENGTH, VOCABULARY, step, hides ? 0 : 2, views[1]);
    return byol__method_forward_backward(method, (const void *const[2]){views[0], views[1]});
}

static void update(byol__method *method) {
    byol__step_result result;
    check(byol__method_update(method, lr, tau, &result, &error));
}

static void assert_loss(const member *m, uint32_t step, double loss, double expected,
                        double tolerance) {
    if (!(fabs(loss - expected) <= tolerance * expected))
        fail_msg("%s, step %u: %.7f, should be %.7f", m->name, step + 1, loss, expected);
}

static void steps_are_pytorchs(const member *m) {
    float losses[STEPS];
    byol__safetensors *file = golden_open("text");
    byol__method *method = create(m, BATCH, BYOL_PRECISION_FP32, file);
    const byol__table *table = &method->graph.params;
    read_numbers(file, m, "loss", (int[]){STEPS}, 1, losses);
    for (uint32_t step = 0; step < STEPS; step++) {
        assert_loss(m, step, run_batch(method, BATCH, step), (double)losses[step], loss_tolerance);
        if (step == 0)
            assert_int_equal(assert_tensors(file, m->name, "grad", table, method->grads),
                             m->gradients);
        update(method);
    }
    assert_int_equal(assert_tensors(file, m->name, "online", table, method->params), m->tensors);
    assert_int_equal(assert_tensors(file, m->name, "target", &method->target_graph.params,
                                    method->target_params),
                     m->averaged);
    byol__method_free(method);
    byol__safetensors_close(file);
}

static void steps_of_low_rank_beside_a_full_target_are_pytorchs(void **state) {
    (void)state;
    steps_are_pytorchs(&lowrank);
    steps_are_pytorchs(&lowrank_none);
}

/* The file's noise is drawn by these numbers. */
static void assert_nodes(const byol__graph *graph, const float expected[2]) {
    int found = 0;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        if (strcmp(graph->nodes[i].name, "attention") != 0) continue;
        if (found == 2 || i != (uint32_t)expected[found])
            fail_msg("attention is node %u: `nodes` in make_golden.py says otherwise", i);
        found++;
    }
    assert_int_equal(found, 2);
}

static void noise_on_the_weights_of_attention_is_pytorchs(void **state) {
    (void)state;
    float nodes[2][2];
    byol__safetensors *file = golden_open("text");
    byol__method *method = create(&lowrank_noise, BATCH, BYOL_PRECISION_FP32, file);
    read_numbers(file, &lowrank_noise, "nodes", (int[]){2, 2}, 2, nodes[0]);
    assert_nodes(&method->graph, nodes[0]);
    assert_nodes(&method->target_graph, nodes[1]);
    byol__method_free(method);
    byol__safetensors_close(file);
    steps_are_pytorchs(&lowrank_noise);
}

static void steps_of_data2vec_are_pytorchs(void **state) {
    (void)state;
    steps_are_pytorchs(&data2vec);
}

static void steps_of_infonce_are_pytorchs(void **state) {
    (void)state;
    steps_are_pytorchs(&simcse);
}

static void steps_with_norms_before_each_branch_and_maxima_are_pytorchs(void **state) {
    (void)state;
    steps_are_pytorchs(&pre);
}

static void bf16_losses_are_within_two_percent(void **state) {
    const member *const members[] = {&lowrank,  &lowrank_none, &lowrank_noise,
                                     &data2vec, &simcse,       &pre};
    byol__safetensors *file = golden_open("text");
    (void)state;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        float losses[STEPS];
        byol__method *method = create(members[i], WIDE, BYOL_PRECISION_BF16, file);
        read_numbers(file, members[i], "loss_of_batch32", (int[]){STEPS}, 1, losses);
        for (uint32_t step = 0; step < STEPS; step++) {
            assert_loss(members[i], step, run_batch(method, WIDE, step), (double)losses[step],
                        bf16_loss_tolerance);
            update(method);
        }
        byol__method_free(method);
    }
    byol__safetensors_close(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_of_low_rank_beside_a_full_target_are_pytorchs),
        cmocka_unit_test(noise_on_the_weights_of_attention_is_pytorchs),
        cmocka_unit_test(steps_of_data2vec_are_pytorchs),
        cmocka_unit_test(steps_of_infonce_are_pytorchs),
        cmocka_unit_test(steps_with_norms_before_each_branch_and_maxima_are_pytorchs),
        cmocka_unit_test(bf16_losses_are_within_two_percent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
