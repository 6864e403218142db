/* Steps of the other members of the family against PyTorch's. Three of four distances, with a
 * target that is averaged, the online network itself, or frozen; and of two with the gradient going
 * through both views (family.safetensors; FAMILY in make_golden.py). Five of the losses that push
 * apart, of regularizers and of small views beside the large ones (losses.safetensors; LOSSES).
 * They begin with the weights of resnet18.safetensors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "golden_file.h"
#include "golden_views.h"

enum {
    STEPS = 3,
    LOSSES_STEPS = 5,
    SIZE = 16,
    BATCH = 8,
    PIXELS = BATCH * GOLDEN_CHANNELS * SIZE * SIZE
};
static const double tau = 0.9;

/* ---- A member ---- */

typedef struct member {
    const char *file, *name; /* of the golden file, of the member in it */
    int steps;
    double lr;
    byol_config config;
} member;

static byol_config config_of(byol_distance_kind distance, byol_target_kind kind, int both) {
    byol_config config;
    byol_config_init(&config);
    byol_config_set(&config, "recipe", "byol", NULL);
    config.data.image_size = SIZE;
    config.encoder.width = 4;
    config.projector.hidden = config.predictor.hidden = 32;
    config.projector.out = 16;
    config.loss.distance = distance;
    config.loss.temperature = 0.5f;
    config.loss.margin = 0.5f;
    config.target.kind = kind;
    if (both) {
        config.target.stop_gradient = 0;
        config.predictor.kind = BYOL_HEAD_NONE;
    }
    if (kind == BYOL_TARGET_FROZEN) {
        config.loss.symmetric = 0;
        config.loss.second_term = 1; /* of mse alone */
    }
    config.optimizer.weight_decay = 1e-3f;
    config.train.batch_size = BATCH;
    config.train.precision = BYOL_PRECISION_FP32;
    return config;
}

static byol__method *create(const byol_config *config) {
    byol__method *method;
    check(byol_config_check(config, &error));
    check(byol__method_create(&method, config, GOLDEN_CHANNELS, &byol__comm_alone, &error));
    byol__safetensors *file = golden_open("resnet18");
    golden_begin(method, file, "resnet18");
    byol__safetensors_close(file);
    return method;
}

/* ---- Comparing ---- */

static void assert_end(const byol__safetensors *file, const char *prefix,
                       const byol__method *method) {
    const byol__graph *own = &method->graph, *target = &method->target_graph;
    int tensors = method->kind == BYOL_TARGET_ONLINE && method->both_sides ? 4 : 5;
    assert_int_equal(assert_tensors(file, prefix, "online", &own->params, method->params), tensors);
    assert_int_equal(
        assert_tensors(file, prefix, "online_stat", &own->statistics, method->statistics), 2);
    if (method->kind != BYOL_TARGET_EMA) return;
    assert_int_equal(assert_tensors(file, prefix, "target", &target->params, method->target_params),
                     1);
    assert_int_equal(
        assert_tensors(file, prefix, "target_stat", &target->statistics, method->target_statistics),
        1);
}

/* Losses of up to 4 are held to 1e-5, larger ones in proportion: of Barlow Twins' loss, 16.4 in one
 * step, PyTorch's own float32 strays from its float64 by up to 1.2e-5 (make_golden.py's way to
 * measure it), and oneDNN 3.7's sums by 2.0e-5. */
static double allowed(double expected) { return loss_tolerance * fmax(1, fabs(expected) / 4); }

static void steps_are_pytorchs(const member *m) {
    static float views[4][PIXELS];
    const void *const view[] = {views[0], views[1], views[2], views[3]};
    byol__safetensors *file = golden_open(m->file);
    byol__method *method = create(&m->config);
    char name[64];
    float losses[LOSSES_STEPS];
    snprintf(name, sizeof name, "%s/loss", m->name);
    check(byol__safetensors_read(file, name, &m->steps, 1, losses, &error));
    for (int step = 0; step < m->steps; step++) {
        byol__step_result result;
        double expected = (double)losses[step];
        for (int v = 0; v < method->views.count; v++)
            golden_view(BATCH, method->views.size[v], (uint32_t)step, (uint32_t)v + 1, views[v]);
        double loss = byol__method_forward_backward(method, view);
        if (!(fabs(loss - expected) <= allowed(expected)))
            fail_msg("%s, step %d: %.7f, should be %.7f", m->name, step + 1, loss, expected);
        if (step == 0)
            assert_true(
                assert_tensors(file, m->name, "grad", &method->graph.params, method->grads) >= 4);
        check(byol__method_update(method, m->lr, tau, &result, &error));
    }
    assert_end(file, m->name, method);
    byol__method_free(method);
    byol__safetensors_close(file);
}

static void family_steps_are_pytorchs(const char *distance_name, byol_distance_kind distance,
                                      const char *target_name, byol_target_kind kind, int both) {
    char name[48];
    snprintf(name, sizeof name, "%s-%s", distance_name, target_name);
    steps_are_pytorchs(&(member){"family", name, STEPS, 0.005, config_of(distance, kind, both)});
}

static void with_every_target(const char *name, byol_distance_kind distance) {
    family_steps_are_pytorchs(name, distance, "ema", BYOL_TARGET_EMA, 0);
    family_steps_are_pytorchs(name, distance, "online", BYOL_TARGET_ONLINE, 0);
    family_steps_are_pytorchs(name, distance, "frozen", BYOL_TARGET_FROZEN, 0);
}

static void cosine_steps_are_pytorchs_with_every_target(void **state) {
    (void)state;
    with_every_target("cosine", BYOL_COSINE);
}

static void mse_steps_are_pytorchs_with_every_target(void **state) {
    (void)state;
    with_every_target("mse", BYOL_MSE);
}

static void infonce_steps_are_pytorchs_with_every_target(void **state) {
    (void)state;
    with_every_target("infonce", BYOL_INFONCE);
}

static void triplet_steps_are_pytorchs_with_every_target(void **state) {
    (void)state;
    with_every_target("triplet", BYOL_TRIPLET);
}

static void steps_with_a_gradient_through_both_views_are_pytorchs(void **state) {
    (void)state;
    family_steps_are_pytorchs("infonce", BYOL_INFONCE, "both", BYOL_TARGET_ONLINE, 1);
    family_steps_are_pytorchs("triplet", BYOL_TRIPLET, "both", BYOL_TARGET_ONLINE, 1);
}

static member of_losses(const char *name, byol_distance_kind distance, byol_target_kind kind) {
    return (member){"losses", name, LOSSES_STEPS, 0.005,
                    config_of(distance, kind, kind == BYOL_TARGET_ONLINE)};
}

static void simclr_steps_are_pytorchs(void **state) {
    (void)state;
    member m = of_losses("simclr", BYOL_INFONCE, BYOL_TARGET_ONLINE);
    m.config.loss.own_negatives = 1;
    steps_are_pytorchs(&m);
}

static void barlow_twins_steps_are_pytorchs(void **state) {
    (void)state;
    member m = of_losses("barlow", BYOL_CROSS_CORRELATION, BYOL_TARGET_ONLINE);
    m.lr = 0.0002; /* its gradients are larger than the others' */
    steps_are_pytorchs(&m);
}

static void vicreg_steps_are_pytorchs(void **state) {
    (void)state;
    member m = of_losses("vicreg", BYOL_MSE, BYOL_TARGET_ONLINE);
    m.config.loss.variance = 2;
    m.config.loss.covariance = 0.16f;
    steps_are_pytorchs(&m);
}

static void coding_rate_steps_are_pytorchs(void **state) {
    (void)state;
    member alone = of_losses("tcr", BYOL_COSINE, BYOL_TARGET_ONLINE);
    member beside_byol = of_losses("byol-tcr", BYOL_COSINE, BYOL_TARGET_EMA);
    alone.config.loss.coding_rate = beside_byol.config.loss.coding_rate = 0.1f;
    steps_are_pytorchs(&alone);
    steps_are_pytorchs(&beside_byol);
}

static void multi_crop_steps_are_pytorchs(void **state) {
    (void)state;
    member byol = of_losses("crops", BYOL_COSINE, BYOL_TARGET_EMA);
    member simclr = of_losses("crops-simclr", BYOL_INFONCE, BYOL_TARGET_ONLINE);
    byol.config.views.count[2] = simclr.config.views.count[2] = 2;
    byol.config.views.size[2] = simclr.config.views.size[2] = SIZE / 2;
    simclr.config.loss.own_negatives = 1;
    steps_are_pytorchs(&byol);
    steps_are_pytorchs(&simclr);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cosine_steps_are_pytorchs_with_every_target),
        cmocka_unit_test(mse_steps_are_pytorchs_with_every_target),
        cmocka_unit_test(infonce_steps_are_pytorchs_with_every_target),
        cmocka_unit_test(triplet_steps_are_pytorchs_with_every_target),
        cmocka_unit_test(steps_with_a_gradient_through_both_views_are_pytorchs),
        cmocka_unit_test(simclr_steps_are_pytorchs),
        cmocka_unit_test(barlow_twins_steps_are_pytorchs),
        cmocka_unit_test(vicreg_steps_are_pytorchs),
        cmocka_unit_test(coding_rate_steps_are_pytorchs),
        cmocka_unit_test(multi_crop_steps_are_pytorchs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
