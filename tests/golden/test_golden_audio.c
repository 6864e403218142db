/* BYOL-A's encoder against PyTorch: ten whole steps of AUDIO in make_golden.py (audio.safetensors),
 * on spectrograms that are not square. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "golden_file.h"
#include "golden_views.h"
#include "optim/optim.h"

enum { STEPS = 10, WARMUP = 2, BANDS = 16, FRAMES = 24, FLOATS = 32 * BANDS * FRAMES };
enum { GRADIENTS = 21, TENSORS = 10 }; /* that the file has: of the first step, at the end */
static const double tau0 = 0.9, lr0 = 0.002;

static byol__method *create(int batch, byol_precision precision, const byol__safetensors *file) {
    byol__method *method;
    byol_config config;
    byol_config_init(&config);
    byol_config_set(&config, "recipe", "byol", NULL);
    byol_config_set(&config, "encoder.name", "audio", NULL);
    config.data.mels = BANDS;
    config.data.frames = FRAMES;
    config.encoder.width = 4;
    config.projector.hidden = config.predictor.hidden = 32;
    config.projector.out = 16;
    config.optimizer.name = BYOL_ADAM;
    config.optimizer.weight_decay = 1e-3f;
    config.optimizer.beta1 = 0.9f;
    config.optimizer.beta2 = 0.99f;
    config.optimizer.epsilon = 1e-2f;
    config.optimizer.clip_norm = 0;
    config.train.batch_size = batch;
    config.train.precision = precision;
    check(byol_config_check(&config, &error));
    check(byol__method_create(&method, &config, 1, &byol__comm_alone, &error));
    golden_begin(method, file, "audio");
    return method;
}

static double run_batch(byol__method *method, int batch, uint32_t step) {
    static float views[2][FLOATS];
    for (uint32_t v = 0; v < 2; v++)
        golden_spectrogram(batch, BANDS, FRAMES, step, v + 1, views[v]);
    return byol__method_forward_backward(method, (const void *const[2]){views[0], views[1]});
}

static void update(byol__method *method, uint32_t step) {
    byol__step_result result;
    double tau = byol__tau_at(BYOL_TAU_COSINE, tau0, step, STEPS);
    check(byol__method_update(method, byol__lr_at(lr0, step, STEPS, WARMUP), tau, &result, &error));
}

static void assert_loss(uint32_t step, double loss, double expected, double tolerance) {
    if (!(fabs(loss - expected) <= tolerance))
        fail_msg("step %u: %.7f, should be %.7f", step + 1, loss, expected);
}

static void ten_adam_steps_are_pytorchs(void **state) {
    enum { BATCH = 8 };
    (void)state;
    float losses[STEPS];
    byol__safetensors *file = golden_open("audio");
    byol__method *method = create(BATCH, BYOL_PRECISION_FP32, file);
    const byol__table *table = &method->graph.params;
    check(byol__safetensors_read(file, "audio/loss", (int[]){STEPS}, 1, losses, &error));
    for (uint32_t step = 0; step < STEPS; step++) {
        assert_loss(step, run_batch(method, BATCH, step), (double)losses[step], loss_tolerance);
        if (step == 0)
            assert_int_equal(assert_tensors(file, "audio", "grad", table, method->grads),
                             GRADIENTS);
        update(method, step);
    }
    assert_int_equal(assert_tensors(file, "audio", "online", table, method->params), TENSORS);
    assert_int_equal(assert_tensors(file, "audio", "target", &method->target_graph.params,
                                    method->target_params),
                     TENSORS - 1); /* it has no predictor */
    byol__method_free(method);
    byol__safetensors_close(file);
}

static void bf16_losses_are_within_two_percent(void **state) {
    enum { BATCH = 32 };
    (void)state;
    float losses[STEPS];
    byol__safetensors *file = golden_open("audio");
    byol__method *method = create(BATCH, BYOL_PRECISION_BF16, file);
    check(byol__safetensors_read(file, "audio/loss_of_batch32", (int[]){STEPS}, 1, losses, &error));
    for (uint32_t step = 0; step < STEPS; step++) {
        double expected = (double)losses[step];
        assert_loss(step, run_batch(method, BATCH, step), expected, bf16_loss_tolerance * expected);
        update(method, step);
    }
    byol__method_free(method);
    byol__safetensors_close(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_adam_steps_are_pytorchs),
        cmocka_unit_test(bf16_losses_are_within_two_percent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
