/* The engine and the method against PyTorch: the files beside this are made by make_golden.py,
 * which says what is in them and why its seeds are what they are.
 *
 * fp32: losses within 1e-5, tensors within 1e-4 of their largest element. bf16: losses within 2 %.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "byol/config.h"
#include "golden_file.h"
#include "golden_views.h"
#include "graph/op.h"
#include "optim/optim.h"
#include "plan/plan.h"

enum {
    STEPS = 10,
    WARMUP = 2,
    CHANNELS = GOLDEN_CHANNELS,
    TAPPED = 2 /* samples of the stored activations */
};
static const double tau0 = 0.9;

/* The figures of NETS and OPTIMIZERS in make_golden.py. */
typedef struct golden_net {
    const char *name;
    int width;
    byol_stem stem;
    int size, batch;
    double lr[3]; /* by golden_optimizer */
} golden_net;

static const golden_net resnet18 = {"resnet18", 4, BYOL_STEM_SMALL, 16, 8, {0.005, 0.05, 0.001}};
static const golden_net resnet50 = {"resnet50", 2,  BYOL_STEM_IMAGENET,
                                    16,         16, {0.002, 0.01, 0.0005}};

typedef struct golden_optimizer {
    const char *name;
    byol_optimizer_name id;
    int states;
} golden_optimizer;

static const golden_optimizer optimizers[3] = {
    {"sgd", BYOL_SGD, 1}, {"lars", BYOL_LARS, 1}, {"adam", BYOL_ADAM, 2}};

static byol_config config_of(const golden_net *net, byol_optimizer_name optimizer,
                             byol_precision precision) {
    byol_config config;
    byol_config_init(&config);
    byol_config_set(&config, "recipe", "byol", NULL);
    config.data.image_size = net->size;
    snprintf(config.encoder.name, sizeof config.encoder.name, "%s", net->name);
    config.encoder.width = net->width;
    config.encoder.stem = net->stem;
    config.projector.hidden = config.predictor.hidden = 32;
    config.projector.out = 16;
    config.optimizer.name = optimizer;
    config.optimizer.momentum = 0.9f;
    config.optimizer.nesterov = 0;
    config.optimizer.weight_decay = 1e-3f;
    config.optimizer.trust_coefficient = 0.02f;
    config.optimizer.beta1 = 0.9f;
    config.optimizer.beta2 = 0.99f;
    config.optimizer.epsilon = 1e-2f;
    config.optimizer.clip_norm = 0;
    config.train.batch_size = net->batch;
    config.train.precision = precision;
    return config;
}

/* ---- A method that stands where make_golden.py's begins ---- */

typedef struct fixture {
    const golden_net *net;
    byol__safetensors *file;
    byol__method *method;
    float *views[2];
    float *buffer; /* any one tensor */
} fixture;

static void set_up(fixture *f, const golden_net *net, byol_optimizer_name optimizer,
                   byol_precision precision) {
    f->net = net;
    f->file = golden_open(net->name);
    byol_config config = config_of(net, optimizer, precision);
    check(byol__method_create(&f->method, &config, CHANNELS, &byol__comm_alone, &error));
    golden_begin(f->method, f->file, net->name);

    size_t pixels = (size_t)net->batch * CHANNELS * (size_t)net->size * (size_t)net->size;
    for (int v = 0; v < 2; v++) f->views[v] = floats(pixels);
    f->buffer = floats((size_t)1 << 20);
}

static void tear_down(fixture *f) {
    for (int v = 0; v < 2; v++) byol__free(f->views[v]);
    byol__free(f->buffer);
    byol__method_free(f->method);
    byol__safetensors_close(f->file);
}

static double run_batch(fixture *f, uint32_t step) {
    for (uint32_t v = 0; v < 2; v++)
        golden_view(f->net->batch, f->net->size, step, v + 1, f->views[v]);
    return byol__method_forward_backward(f->method,
                                         (const void *const[2]){f->views[0], f->views[1]});
}

/* ---- Comparing ---- */

static double largest(const float *values, size_t count) {
    double most = 0;
    for (size_t i = 0; i < count; i++) most = fmax(most, fabs((double)values[i]));
    return most;
}

/* Holds `values` against the tensor called `name`, relative to the tensor's largest element. A
 * tensor that is zero in exact arithmetic (the gradient of a bias before batch norm; about 1e-17 in
 * the file) has no such scale: what rounding leaves there is held against `zero_scale`, the largest
 * of its siblings. */
static void assert_tensor(fixture *f, const char *name, const int *dims, int ndims,
                          const float *values, double zero_scale) {
    size_t count = 1;
    for (int i = 0; i < ndims; i++) count *= (size_t)dims[i];
    check(byol__safetensors_read(f->file, name, dims, ndims, f->buffer, &error));

    double scale = largest(f->buffer, count), worst = 0;
    if (scale < 1e-12) scale = zero_scale;
    for (size_t i = 0; i < count; i++)
        worst = fmax(worst, fabs((double)values[i] - (double)f->buffer[i]));
    if (!(worst <= tensor_tolerance * scale) || !isfinite(largest(values, count)))
        fail_msg("%s %s: off by %.2e of %.2e", f->net->name, name, worst, scale);
}

/* All rows of an arena below `end`, each as the tensor prefix/name. */
static void assert_arena(fixture *f, const char *prefix, const byol__table *table, size_t end,
                         const float *arena) {
    double zero_scale = largest(arena, end);
    for (int i = 0; i < table->count && table->rows[i].offset < end; i++) {
        const byol__param *row = &table->rows[i];
        char name[192];
        snprintf(name, sizeof name, "%s/%s", prefix, row->name);
        assert_tensor(f, name, row->dims, row->ndims, arena + row->offset, zero_scale);
    }
}

static void assert_loss(fixture *f, const char *name, int step, int count, double loss,
                        double tolerance) {
    float losses[STEPS];
    check(byol__safetensors_read(f->file, name, &count, 1, losses, &error));
    if (!(fabs(loss - (double)losses[step]) <= tolerance))
        fail_msg("%s %s, step %d: %.7f, should be %.7f", f->net->name, name, step + 1, loss,
                 (double)losses[step]);
}

/* ---- The first step ---- */

/* A block ends with the ReLU after its addition; its name is that of its first convolution without
 * ".conv1". */
static void assert_block_ends(fixture *f, int view) {
    const byol__graph *graph = &f->method->graph;
    char block[BYOL__NODE_NAME_MAX] = "", name[128];
    int blocks = 0;
    for (uint32_t n = 0; n < graph->node_count; n++) {
        const byol__node *node = &graph->nodes[n];
        const char *conv1 = strstr(node->name, ".conv1");
        if (byol__role_of(node) == BYOL__ROLE_CONTRACTION && conv1 != NULL)
            snprintf(block, sizeof block, "%.*s", (int)(conv1 - node->name), node->name);
        if (byol__role_of(node) != BYOL__ROLE_RELU) continue;
        if (byol__role_of(&graph->nodes[graph->values[node->src[0]].producer]) != BYOL__ROLE_ADD)
            continue;

        byol__shape shape = graph->values[node->dst].shape;
        float *activation = floats((size_t)f->net->batch * (size_t)(shape.c * shape.h * shape.w));
        check(byol__plan_read_value(f->method->online[0], node->dst, activation, &error));
        snprintf(name, sizeof name, "activation/%s/view%d", block, view + 1);
        assert_tensor(f, name, (int[4]){TAPPED, shape.c, shape.h, shape.w}, 4, activation, 0);
        byol__free(activation);
        blocks++;
    }
    assert_int_equal(blocks, f->net == &resnet18 ? 8 : 16);
}

static void assert_vectors(fixture *f, const char *name, int view, const float *values) {
    char full[64];
    snprintf(full, sizeof full, "%s/view%d", name, view + 1);
    assert_tensor(f, full, (int[2]){f->net->batch, f->method->dimension}, 2, values, 0);
}

static void first_step_is_pytorchs(const golden_net *net) {
    fixture f = {0};
    set_up(&f, net, BYOL_SGD, BYOL_PRECISION_FP32);

    double loss = run_batch(&f, 0);
    assert_loss(&f, "loss", 0, 1, loss, loss_tolerance);
    for (int v = 0; v < 2; v++) {
        assert_vectors(&f, "target/projection", v, f.method->target_projection[v]);
        assert_vectors(&f, "projection", v, f.method->projection[v]);
        assert_vectors(&f, "prediction", v, f.method->prediction[v]);
    }
    assert_arena(&f, "grad", &f.method->graph.params, f.method->graph.params.total,
                 f.method->grads);

    for (int v = 0; v < 2; v++) {
        byol__plan_forward(f.method->online[0], f.views[v], NULL);
        assert_block_ends(&f, v);
    }
    tear_down(&f);
}

static void first_step_of_resnet18_is_pytorchs(void **state) {
    (void)state;
    first_step_is_pytorchs(&resnet18);
}

static void first_step_of_resnet50_is_pytorchs(void **state) {
    (void)state;
    first_step_is_pytorchs(&resnet50);
}

/* ---- Ten steps ---- */

/* `losses` is "loss" or "loss_of_batch32"; `relative`: what share of itself each may be off, or 0:
 * the fp32 tolerance.
 */
static void run_ten_steps(fixture *f, const golden_optimizer *optimizer, const char *losses,
                          double relative) {
    double lr = f->net->lr[optimizer - optimizers];
    char name[64];
    snprintf(name, sizeof name, "%s/%s", optimizer->name, losses);
    for (uint32_t step = 0; step < STEPS; step++) {
        byol__step_result result;
        double loss = run_batch(f, step);
        assert_loss(f, name, (int)step, STEPS, loss,
                    relative > 0 ? relative * loss : loss_tolerance);
        check(byol__method_update(f->method, byol__lr_at(lr, step, STEPS, WARMUP),
                                  byol__tau_at(BYOL_TAU_COSINE, tau0, step, STEPS), &result,
                                  &error));
    }
}

static void assert_final_state(fixture *f, const golden_optimizer *optimizer) {
    const byol__method *method = f->method;
    const byol__table *params = &method->graph.params, *statistics = &method->graph.statistics;
    const struct {
        const char *what;
        const byol__table *table;
        size_t end;
        const float *arena;
    } finals[] = {
        {"online", params, params->total, method->params},
        {"target", params, method->target_count, method->target_params},
        {"state0", params, params->total, method->state[0]},
        {"state1", params, params->total, method->state[1]},
        {"online_stat", statistics, statistics->total, method->statistics},
        {"target_stat", statistics, method->target_statistics_count, method->target_statistics},
    };
    assert_int_equal(method->states, optimizer->states);
    for (size_t i = 0; i < sizeof finals / sizeof *finals; i++) {
        if (finals[i].arena == NULL) continue; /* state1: only Adam has one */
        char prefix[64];
        snprintf(prefix, sizeof prefix, "%s/final/%s", optimizer->name, finals[i].what);
        assert_arena(f, prefix, finals[i].table, finals[i].end, finals[i].arena);
    }
}

static void ten_steps_are_pytorchs(const golden_net *net, const golden_optimizer *optimizer) {
    fixture f = {0};
    set_up(&f, net, optimizer->id, BYOL_PRECISION_FP32);
    run_ten_steps(&f, optimizer, "loss", 0);
    assert_final_state(&f, optimizer);
    tear_down(&f);
}

static void ten_sgd_steps_of_resnet18_are_pytorchs(void **state) {
    (void)state;
    ten_steps_are_pytorchs(&resnet18, &optimizers[0]);
}

static void ten_lars_steps_of_resnet18_are_pytorchs(void **state) {
    (void)state;
    ten_steps_are_pytorchs(&resnet18, &optimizers[1]);
}

static void ten_adam_steps_of_resnet18_are_pytorchs(void **state) {
    (void)state;
    ten_steps_are_pytorchs(&resnet18, &optimizers[2]);
}

static void ten_sgd_steps_of_resnet50_are_pytorchs(void **state) {
    (void)state;
    ten_steps_are_pytorchs(&resnet50, &optimizers[0]);
}

static void ten_lars_steps_of_resnet50_are_pytorchs(void **state) {
    (void)state;
    ten_steps_are_pytorchs(&resnet50, &optimizers[1]);
}

static void ten_adam_steps_of_resnet50_are_pytorchs(void **state) {
    (void)state;
    ten_steps_are_pytorchs(&resnet50, &optimizers[2]);
}

static void bf16_losses_are_near_pytorchs(golden_net net) {
    net.batch = 32;
    for (int i = 0; i < 3; i++) {
        fixture f = {0};
        set_up(&f, &net, optimizers[i].id, BYOL_PRECISION_BF16);
        run_ten_steps(&f, &optimizers[i], "loss_of_batch32", bf16_loss_tolerance);
        tear_down(&f);
    }
}

static void bf16_losses_of_resnet18_are_within_two_percent(void **state) {
    (void)state;
    bf16_losses_are_near_pytorchs(resnet18);
}

static void bf16_losses_of_resnet50_are_within_two_percent(void **state) {
    (void)state;
    bf16_losses_are_near_pytorchs(resnet50);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_step_of_resnet18_is_pytorchs),
        cmocka_unit_test(first_step_of_resnet50_is_pytorchs),
        cmocka_unit_test(ten_sgd_steps_of_resnet18_are_pytorchs),
        cmocka_unit_test(ten_lars_steps_of_resnet18_are_pytorchs),
        cmocka_unit_test(ten_adam_steps_of_resnet18_are_pytorchs),
        cmocka_unit_test(ten_sgd_steps_of_resnet50_are_pytorchs),
        cmocka_unit_test(ten_lars_steps_of_resnet50_are_pytorchs),
        cmocka_unit_test(ten_adam_steps_of_resnet50_are_pytorchs),
        cmocka_unit_test(bf16_losses_of_resnet18_are_within_two_percent),
        cmocka_unit_test(bf16_losses_of_resnet50_are_within_two_percent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
