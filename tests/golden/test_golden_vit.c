/* Vision transformers against PyTorch's, whose network is timm's: ten whole steps of each of VITS
 * in make_golden.py (vit.safetensors). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "golden_file.h"
#include "golden_views.h"
#include "optim/optim.h"

enum { STEPS = 10, WARMUP = 2, SIZE = 16, PIXELS = 32 * GOLDEN_CHANNELS * SIZE * SIZE };
static const double tau0 = 0.9;

typedef struct member {
    const char *name;
    byol_pool pool;
    bool moco; /* sines for places, and patches that stay as they began */
    byol_optimizer_name optimizer;
    double lr;
    int gradients, tensors; /* that the file has: of the first step, at the end */
} member;

static const member class_token = {"class", BYOL_POOL_CLASS, false, BYOL_ADAMW, 0.003, 37, 12};
static const member mean = {"mean", BYOL_POOL_MEAN, false, BYOL_ADAMW, 0.003, 36, 11};
static const member moco = {"moco", BYOL_POOL_CLASS, true, BYOL_SGD, 0.005, 34, 12};

static byol_config config_of(const member *m, int batch, byol_precision precision) {
    byol_config config;
    byol_config_init(&config);
    byol_config_set(&config, "recipe", "byol", NULL);
    byol_config_set(&config, "encoder.name", "vit", NULL);
    config.data.image_size = SIZE;
    config.encoder.width = 24;
    config.encoder.depth = 2;
    config.encoder.heads = 3;
    config.encoder.patch = 4;
    config.encoder.pool = m->pool;
    config.encoder.positions = m->moco ? BYOL_POSITIONS_SINE : BYOL_POSITIONS_LEARNED;
    config.encoder.freeze_patches = m->moco;
    config.projector.hidden = config.predictor.hidden = 32;
    config.projector.out = 16;
    config.optimizer.name = m->optimizer;
    config.optimizer.momentum = 0.9f;
    config.optimizer.nesterov = 0;
    config.optimizer.weight_decay = m->optimizer == BYOL_SGD ? 1e-3f : 0.05f;
    config.optimizer.beta1 = 0.9f;
    config.optimizer.beta2 = 0.99f;
    config.optimizer.epsilon = 1e-2f;
    config.optimizer.clip_norm = 0;
    config.train.batch_size = batch;
    config.train.precision = precision;
    return config;
}

static byol__method *create(const member *m, int batch, byol_precision precision,
                            const byol__safetensors *file) {
    byol__method *method;
    byol_config config = config_of(m, batch, precision);
    check(byol_config_check(&config, &error));
    check(byol__method_create(&method, &config, GOLDEN_CHANNELS, &byol__comm_alone, &error));
    if (m->moco) /* nothing is read yet: these are the sines that a run begins with */
        assert_int_equal(
            assert_tensors(file, m->name, "init", &method->graph.params, method->params), 1);
    golden_begin(method, file, m->name);
    return method;
}

static void read_losses(const byol__safetensors *file, const member *m, const char *what,
                        float losses[STEPS]) {
    char name[64];
    snprintf(name, sizeof name, "%s/%s", m->name, what);
    check(byol__safetensors_read(file, name, (int[]){STEPS}, 1, losses, &error));
}

static double run_batch(byol__method *method, int batch, uint32_t step) {
    static float views[2][PIXELS];
    for (uint32_t v = 0; v < 2; v++) golden_view(batch, SIZE, step, v + 1, views[v]);
    return byol__method_forward_backward(method, (const void *const[2]){views[0], views[1]});
}

/* Returns the norm of the gradient. */
static double update(byol__method *method, const member *m, uint32_t step) {
    byol__step_result result;
    double tau = byol__tau_at(BYOL_TAU_COSINE, tau0, step, STEPS);
    check(
        byol__method_update(method, byol__lr_at(m->lr, step, STEPS, WARMUP), tau, &result, &error));
    return result.gradient_norm;
}

/* Of all gradients in the file, which has none of what is frozen. */
static double norm_of_gradients(const byol__safetensors *file, const member *m) {
    char front[64];
    double sum = 0;
    snprintf(front, sizeof front, "%s/grad/", m->name);
    for (size_t i = 0; i < byol__safetensors_count(file); i++) {
        byol__tensor tensor;
        size_t count = 1;
        check(byol__safetensors_tensor(file, i, &tensor, &error));
        if (strncmp(tensor.name, front, strlen(front)) != 0) continue;
        for (int d = 0; d < tensor.ndims; d++) count *= (size_t)tensor.dims[d];
        for (size_t k = 0; k < count; k++) sum += (double)tensor.data[k] * (double)tensor.data[k];
    }
    return sqrt(sum);
}

static void assert_loss(const member *m, uint32_t step, double loss, double expected,
                        double tolerance) {
    if (!(fabs(loss - expected) <= tolerance))
        fail_msg("%s, step %u: %.7f, should be %.7f", m->name, step + 1, loss, expected);
}

static void steps_are_pytorchs(const member *m) {
    enum { BATCH = 8 };
    float losses[STEPS];
    byol__safetensors *file = golden_open("vit");
    byol__method *method = create(m, BATCH, BYOL_PRECISION_FP32, file);
    const byol__table *table = &method->graph.params;
    read_losses(file, m, "loss", losses);
    for (uint32_t step = 0; step < STEPS; step++) {
        assert_loss(m, step, run_batch(method, BATCH, step), (double)losses[step], loss_tolerance);
        if (step == 0)
            assert_int_equal(assert_tensors(file, m->name, "grad", table, method->grads),
                             m->gradients);
        double norm = update(method, m, step), expected = norm_of_gradients(file, m);
        if (step == 0 && !(fabs(norm - expected) <= tensor_tolerance * expected))
            fail_msg("%s: the gradient's norm is %.7f, should be %.7f", m->name, norm, expected);
    }
    assert_int_equal(assert_tensors(file, m->name, "online", table, method->params), m->tensors);
    assert_int_equal(assert_tensors(file, m->name, "target", &method->target_graph.params,
                                    method->target_params),
                     m->tensors - 1); /* it has no predictor */
    byol__method_free(method);
    byol__safetensors_close(file);
}

static void ten_adamw_steps_with_a_class_token_are_pytorchs(void **state) {
    (void)state;
    steps_are_pytorchs(&class_token);
}

static void ten_adamw_steps_with_the_mean_of_tokens_are_pytorchs(void **state) {
    (void)state;
    steps_are_pytorchs(&mean);
}

static void ten_sgd_steps_with_sines_and_frozen_patches_are_pytorchs(void **state) {
    (void)state;
    steps_are_pytorchs(&moco);
}

static void bf16_losses_are_within_two_percent(void **state) {
    enum { BATCH = 32 };
    const member *const members[] = {&class_token, &mean, &moco};
    byol__safetensors *file = golden_open("vit");
    (void)state;
    for (int i = 0; i < 3; i++) {
        float losses[STEPS];
        byol__method *method = create(members[i], BATCH, BYOL_PRECISION_BF16, file);
        read_losses(file, members[i], "loss_of_batch32", losses);
        for (uint32_t step = 0; step < STEPS; step++) {
            double expected = (double)losses[step];
            assert_loss(members[i], step, run_batch(method, BATCH, step), expected,
                        bf16_loss_tolerance * expected);
            update(method, members[i], step);
        }
        byol__method_free(method);
    }
    byol__safetensors_close(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_adamw_steps_with_a_class_token_are_pytorchs),
        cmocka_unit_test(ten_adamw_steps_with_the_mean_of_tokens_are_pytorchs),
        cmocka_unit_test(ten_sgd_steps_with_sines_and_frozen_patches_are_pytorchs),
        cmocka_unit_test(bf16_losses_are_within_two_percent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
