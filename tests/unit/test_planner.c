/* The planner's rules as facts: what fuses, what runs in place, where buffers lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/philox.h"
#include "graph/graph.h"
#include "nets/nets.h"
#include "ops/norm.h"
#include "ops/ops.h"
#include "plan/fuse.h"
#include "plan/liveness.h"
#include "plan/plan.h"
#include "plan/unit.h"

static byol_error error;

static void check(byol_status status) {
    if (status != BYOL_OK) fail_msg("%s", error.text);
}

/* ---- liveness ---- */

static void buffers_that_live_at_the_same_time_never_overlap(void **state) {
    (void)state;
    enum { COUNT = 200 };
    byol__buffer buffers[COUNT];
    int order[COUNT];
    byol__random random = byol__random_stream(1, BYOL__PURPOSE_BENCH, 0, 0, 0);
    for (int i = 0; i < COUNT; i++) {
        int first = (int)byol__random_below(&random, 50);
        buffers[i] = (byol__buffer){.bytes = 1 + byol__random_below(&random, 10000),
                                    .first = first,
                                    .last = first + (int)byol__random_below(&random, 10)};
    }
    size_t total = byol__place_buffers(buffers, COUNT, order), sum = 0;
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(buffers[i].offset % BYOL__ALIGNMENT, 0);
        assert_true(buffers[i].offset + buffers[i].bytes <= total);
        sum += buffers[i].bytes;
        for (int j = 0; j < i; j++) {
            bool together =
                buffers[i].first <= buffers[j].last && buffers[j].first <= buffers[i].last;
            bool apart = buffers[i].offset + buffers[i].bytes <= buffers[j].offset ||
                         buffers[j].offset + buffers[j].bytes <= buffers[i].offset;
            assert_true(!together || apart);
        }
    }
    assert_true(total < sum / 2);
}

static void buffers_that_follow_each_other_share_their_place(void **state) {
    (void)state;
    byol__buffer buffers[] = {{.bytes = 1000, .first = 0, .last = 1},
                              {.bytes = 900, .first = 2, .last = 3}};
    int order[2];
    assert_int_equal(byol__place_buffers(buffers, 2, order), 1024);
    assert_int_equal(buffers[0].offset, 0);
    assert_int_equal(buffers[1].offset, 0);
}

/* ---- fusion ---- */

/* A basic block with a shortcut convolution; returns its output. */
static byol__value_id block(byol__graph *g) {
    byol__value_id x = byol__graph_input(g, 3, 8, 8);
    x = byol__graph_relu(
        g, byol__graph_batch_norm(g, "bn0", byol__graph_conv(g, "conv0", x, 8, 3, 1, 1, 1, 0)));
    byol__value_id y =
        byol__graph_batch_norm(g, "bn1", byol__graph_conv(g, "conv1", x, 16, 3, 2, 1, 1, 0));
    byol__value_id s =
        byol__graph_batch_norm(g, "bn2", byol__graph_conv(g, "conv2", x, 16, 1, 2, 0, 1, 0));
    return byol__graph_relu(g, byol__graph_add(g, y, s));
}

static void open_block(byol__graph *g) {
    byol__graph_init(g);
    byol__graph_mark(g, BYOL__PREDICTION, "prediction", block(g));
    check(byol__graph_finish(g, &error));
}

static byol__role role_of(const byol__graph *g, const byol__stage *stage) {
    return byol__role_of(&g->nodes[stage->node]);
}

static void batch_norm_addition_and_relu_are_one_stage(void **state) {
    (void)state;
    byol__graph g;
    byol__stage stages[32];
    open_block(&g);
    int count = byol__fuse(&g, BYOL__TRAIN, BYOL__PREDICTION, stages);
    /* conv0, bn0+relu, conv1, conv2, bn2, bn1+add+relu */
    assert_int_equal(count, 6);
    assert_int_equal(role_of(&g, &stages[1]), BYOL__ROLE_NORM);
    assert_true(stages[1].relu);
    assert_int_equal(role_of(&g, &stages[4]), BYOL__ROLE_NORM);
    assert_false(stages[4].relu);
    assert_string_equal(g.nodes[stages[5].bn].name, "bn1");
    assert_int_equal(stages[5].src[1], stages[4].dst);
    assert_true(stages[5].relu);
    assert_int_equal(stages[5].dst, g.output[BYOL__PREDICTION]);
    byol__graph_release(&g);
}

static void evaluation_folds_batch_norm_into_convolutions(void **state) {
    (void)state;
    byol__graph g;
    byol__stage stages[32];
    open_block(&g);
    int count = byol__fuse(&g, BYOL__EVAL, BYOL__PREDICTION, stages);
    /* conv0+bn0+relu, conv1+bn1, conv2+bn2, add+relu */
    assert_int_equal(count, 4);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(role_of(&g, &stages[i]), BYOL__ROLE_CONTRACTION);
        assert_true(stages[i].bn != BYOL__NONE);
    }
    assert_true(stages[0].relu);
    assert_int_equal(stages[3].bn, BYOL__NONE);
    byol__graph_release(&g);
}

static void a_value_with_two_readers_is_not_fused_away(void **state) {
    (void)state;
    byol__graph g;
    byol__stage stages[32];
    byol__graph_init(&g);
    byol__value_id x = byol__graph_input(&g, 3, 8, 8);
    byol__value_id y =
        byol__graph_batch_norm(&g, "bn", byol__graph_conv(&g, "conv", x, 8, 3, 1, 1, 1, 0));
    byol__graph_mark(&g, BYOL__PREDICTION, "prediction",
                     byol__graph_add(&g, byol__graph_relu(&g, y), y));
    check(byol__graph_finish(&g, &error));
    assert_int_equal(byol__fuse(&g, BYOL__TRAIN, BYOL__PREDICTION, stages),
                     4); /* conv, bn, relu, add */
    assert_int_equal(stages[1].dst, y);
    assert_false(stages[1].relu);
    byol__graph_release(&g);
}

static void what_lies_behind_the_output_is_not_planned(void **state) {
    (void)state;
    byol_config config;
    byol_config_init(&config);
    byol_config_set(&config, "recipe", "byol", NULL);
    config.encoder.width = 8;
    byol__graph g;
    byol__stage stages[256];
    byol__graph_init(&g);
    check(byol__online_network(&g, &config, 3, 32, &error));
    int backbone = byol__fuse(&g, BYOL__TRAIN, BYOL__REPRESENTATION, stages);
    assert_int_equal(stages[backbone - 1].dst, g.output[BYOL__REPRESENTATION]);
    assert_int_equal(byol__fuse(&g, BYOL__TRAIN, BYOL__PROJECTION, stages), backbone + 3);
    assert_int_equal(byol__fuse(&g, BYOL__TRAIN, BYOL__PREDICTION, stages), backbone + 6);
    byol__graph_release(&g);
}

/* ---- plans ---- */

static byol__plan *plan_of(const byol__graph *g, byol__mode mode, int batch,
                           byol__plan_info *info) {
    byol__plan *plan;
    byol__plan_options options = {
        .batch = batch, .dtype = BYOL__F32, .mode = mode, .output = BYOL__PREDICTION};
    check(byol__plan_create(&plan, g, &options, &error));
    byol__plan_describe(plan, info);
    return plan;
}

static void the_target_works_in_place_and_needs_less_than_half_the_memory(void **state) {
    (void)state;
    byol__graph g;
    byol__plan_info train, target;
    open_block(&g);
    byol__plan *a = plan_of(&g, BYOL__TRAIN, 64, &train),
               *b = plan_of(&g, BYOL__TARGET, 64, &target);
    for (int i = 0; i < b->unit_count; i++) {
        const byol__unit *unit = &b->units[i];
        if (unit->op->runs->in_place)
            assert_int_equal(b->slots[unit->stage.dst].buffer, b->slots[unit->stage.src[0]].buffer);
    }
    for (int i = 0; i < a->unit_count; i++) {
        const byol__unit *unit = &a->units[i];
        if (unit->op->runs->in_place) /* backward needs the batch norm's source */
            assert_int_not_equal(a->slots[unit->stage.dst].buffer,
                                 a->slots[unit->stage.src[0]].buffer);
    }
    assert_true(target.workspace_bytes * 2 < train.workspace_bytes);
    assert_int_equal(target.backward_flops, 0);
    assert_true(train.backward_flops >
                train.forward_flops); /* twice, but for the first layer's source */
    assert_true(train.backward_flops < 2 * train.forward_flops);
    byol__plan_free(a);
    byol__plan_free(b);
    byol__graph_release(&g);
}

/* conv0, conv1, batch norm, ReLU, conv2; the ReLU's value, which somebody else may want to see. */
static byol__plan *plan_of_two_convolutions(byol__graph *g, byol__mode mode, int channels,
                                            int batch, bool seen, byol__plan_info *info,
                                            byol__value_id *between) {
    byol__graph_init(g);
    byol__value_id x =
        byol__graph_conv(g, "conv0", byol__graph_input(g, 3, 16, 16), channels, 3, 1, 1, 1, 0);
    x = byol__graph_conv(g, "conv1", x, channels, 3, 1, 1, 1, 0);
    *between = byol__graph_relu(g, byol__graph_batch_norm(g, "bn1", x));
    if (seen) byol__graph_mark(g, BYOL__REPRESENTATION, "representation", *between);
    byol__graph_mark(g, BYOL__PREDICTION, "prediction",
                     byol__graph_conv(g, "conv2", *between, 16, 3, 2, 1, 1, 0));
    check(byol__graph_finish(g, &error));
    return plan_of(g, mode, batch, info);
}

static void a_norm_that_one_convolution_reads_is_applied_there(void **state) {
    (void)state;
    const byol__mode modes[] = {BYOL__TRAIN, BYOL__TARGET};
    for (int i = 0; i < 2; i++) {
        byol__graph handed, kept;
        byol__plan_info less, more;
        byol__value_id between;
        byol__plan *a = plan_of_two_convolutions(&handed, modes[i], 16, 32, false, &less, &between);
        byol__plan *b = plan_of_two_convolutions(&kept, modes[i], 16, 32, true, &more, &between);
        assert_int_equal(a->units[2].applied_by, 3);
        assert_int_equal(byol__contraction_of(a, 3)->applies_norm_of, 2);
        assert_int_equal(byol__contraction_of(a, 1)->gathers_for, 2);
        assert_int_equal(byol__pointwise_of(a, 2)->gathered_by, 1);
        assert_int_equal(b->units[2].applied_by, BYOL__NONE);
        assert_int_equal(byol__contraction_of(b, 3)->applies_norm_of, BYOL__NONE);
        byol_error why = {0};
        assert_int_equal(byol__plan_read_value(a, between, NULL, &why), BYOL_ERROR_NOT_FOUND);
        if (modes[i] == BYOL__TRAIN) /* the target has it in place in either case */
            assert_true(less.workspace_bytes + byol__layout_bytes(&a->slots[between].layout) <=
                        more.workspace_bytes);
        byol__plan_free(a);
        byol__plan_free(b);
        byol__graph_release(&handed);
        byol__graph_release(&kept);
    }
}

static void neighbours_never_need_a_reorder(void **state) {
    (void)state;
    byol__graph g;
    byol__plan_info info;
    open_block(&g);
    byol__plan *plan = plan_of(&g, BYOL__TRAIN, 8, &info);
    byol__format trunk = plan->slots[plan->units[0].stage.dst].layout.format;
    for (int i = 0; i < plan->unit_count; i++) {
        assert_int_equal(plan->slots[plan->units[i].stage.dst].layout.format, trunk);
        const byol__contraction_state *conv = byol__contraction_of(plan, i);
        if (conv == NULL || conv->backward_data == NULL) continue;
        assert_int_equal(byol__contraction_src(conv->backward_data), trunk);
        assert_int_equal(byol__contraction_dst(conv->backward_data), trunk);
    }
    byol__plan_free(plan);
    byol__graph_release(&g);
}

/* Grey images, and 2x2 pixels in the last stage: both have no jitted weight gradient in oneDNN. */
static void nothing_runs_onednns_reference_code(void **state) {
    (void)state;
#if defined(__x86_64__)
    if (!__builtin_cpu_supports("avx2")) skip();
#else
    skip();
#endif
    byol_config config;
    byol_config_init(&config);
    byol_config_set(&config, "recipe", "byol", NULL);
    config.encoder.width = 8;
    byol__graph g;
    byol__plan_info info;
    byol__graph_init(&g);
    check(byol__online_network(&g, &config, 1, 16, &error));
    byol__plan *plan = plan_of(&g, BYOL__TRAIN, 8, &info);
    for (int i = 0; i < plan->unit_count; i++) {
        const byol__unit *unit = &plan->units[i];
        const byol__contraction_state *conv = byol__contraction_of(plan, i);
        if (conv == NULL) continue;
        const byol__contraction *passes[] = {conv->forward, conv->backward_weights,
                                             conv->backward_data};
        for (int k = 0; k < 3; k++)
            if (passes[k] != NULL &&
                strncmp(byol__contraction_implementation(passes[k]), "ref", 3) == 0)
                fail_msg("%s runs reference code", unit->name);
    }
    byol__plan_free(plan);
    byol__graph_release(&g);
}

enum { IMAGES_MAX = 8 * 3 * 16 * 16, OUT_MAX = 8 * 16 * 8 * 8 };

typedef struct run {
    float *params, *grads, *statistics, *images, *out;
    void *workspace;
} run;

static void fill(float *values, size_t count, uint32_t index, float mean, float deviation) {
    byol__random random = byol__random_stream(2, BYOL__PURPOSE_BENCH, 0, index, 0);
    for (size_t i = 0; i < count; i++) values[i] = mean + deviation * byol__random_normal(&random);
}

static void run_open(run *r, byol__plan *plan, const byol__graph *g, size_t workspace) {
    check(byol__alloc(&r->params, g->params.total, 4, "test", &error));
    check(byol__alloc(&r->grads, g->params.total, 4, "test", &error));
    check(byol__alloc(&r->statistics, g->statistics.total, 4, "test", &error));
    check(byol__alloc(&r->images, IMAGES_MAX, 4, "test", &error));
    check(byol__alloc(&r->out, OUT_MAX, 4, "test", &error));
    check(byol__alloc(&r->workspace, workspace, 1, "test", &error));
    byol__params_init(&g->params, 1, r->params);
    for (int i = 0; i < g->statistics.count; i++) {
        const byol__param *row = &g->statistics.rows[i];
        bool variance = row->init == BYOL__INIT_ONE;
        fill(r->statistics + row->offset, row->count, (uint32_t)(10 + i), variance ? 2.0f : 0.3f,
             0.1f);
    }
    fill(r->images, IMAGES_MAX, 1, 0, 1);
    byol__binding binding = {r->params, r->grads, r->statistics, r->workspace};
    check(byol__plan_bind(plan, &binding, &error));
}

static void run_close(run *r) {
    byol__free(r->params);
    byol__free(r->grads);
    byol__free(r->statistics);
    byol__free(r->images);
    byol__free(r->out);
    byol__free(r->workspace);
}

/* Outputs and gradients of the second step, on memory that others have left full of NaN. */
static void two_steps(run *r, byol__plan *plan, const byol__graph *g, const byol__plan_info *info) {
    float diff[OUT_MAX];
    run_open(r, plan, g, info->workspace_bytes);
    fill(diff, sizeof diff / sizeof *diff, 3, 0, 1);
    byol__plan_stage(plan, NULL);
    for (int step = 0; step < 2; step++) {
        memset(r->workspace, 0xff, info->workspace_bytes);
        memset(r->grads, 0, g->params.total * sizeof *r->grads);
        byol__plan_forward(plan, r->images, NULL);
        byol__plan_read(plan, BYOL__PREDICTION, r->out);
        byol__plan_backward(plan, diff, NULL);
    }
}

static void assert_near(const float *a, const float *b, size_t count, const char *what,
                        int channels) {
    double off = 0, size = 0;
    for (size_t i = 0; i < count; i++) {
        off += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        size += (double)b[i] * (double)b[i];
    }
    if (!(off <= 1e-10 * size))
        fail_msg("%s with %d channels: error %.1e", what, channels, sqrt(off / size));
}

/* Twelve channels fill no block: what pads them must stay zero through all of it. */
/* fc0 and from it fc1, an output, and fc2, the last output. */
static void open_fork(byol__graph *g) {
    byol__graph_init(g);
    byol__value_id x =
        byol__graph_linear(g, "fc0", byol__graph_flatten(g, byol__graph_input(g, 3, 4, 4)), 8, 1);
    byol__graph_mark(g, BYOL__REPRESENTATION, "representation",
                     byol__graph_linear(g, "fc1", x, 5, 1));
    byol__graph_mark(g, BYOL__PREDICTION, "prediction", byol__graph_linear(g, "fc2", x, 6, 1));
    check(byol__graph_finish(g, &error));
}

static bool is_zero(const byol__graph *g, const float *arena, const char *name) {
    const byol__param *row = &g->params.rows[byol__table_find(&g->params, name)];
    for (size_t i = 0; i < row->count; i++)
        if (arena[row->offset + i] != 0) return false;
    return true;
}

/* data2vec's networks have such an output: the sample's vector, beside those of its tokens. */
static void an_output_that_the_last_does_not_need_is_there_in_training_alone(void **state) {
    (void)state;
    enum { BATCH = 4 };
    byol__graph g;
    byol__plan_info info;
    run r;
    float expected[BATCH * 5], found[BATCH * 5], diff[BATCH * 6] = {1, 2, 3};
    open_fork(&g);
    byol__plan *target = plan_of(&g, BYOL__TARGET, BATCH, &info), *alone;
    assert_int_equal(target->unit_count, 3); /* flatten, fc0, fc2 */
    assert_int_equal(target->has_output, 1u << BYOL__PREDICTION);
    byol__plan_free(target);

    const byol__plan_options options = {
        .batch = BATCH, .dtype = BYOL__F32, .mode = BYOL__EVAL, .output = BYOL__REPRESENTATION};
    check(byol__plan_create(&alone, &g, &options, &error));
    byol__plan_describe(alone, &info);
    run_open(&r, alone, &g, info.workspace_bytes);
    check(byol__plan_stage(alone, &error));
    check(byol__plan_forward(alone, r.images, &error));
    byol__plan_read(alone, BYOL__REPRESENTATION, expected);
    run_close(&r);
    byol__plan_free(alone);

    byol__plan *plan = plan_of(&g, BYOL__TRAIN, BATCH, &info);
    run_open(&r, plan, &g, info.workspace_bytes);
    check(byol__plan_stage(plan, &error));
    check(byol__plan_forward(plan, r.images, &error));
    byol__plan_read(plan, BYOL__REPRESENTATION, found);
    for (int i = 0; i < BATCH * 5; i++)
        assert_true(fabs((double)found[i] - (double)expected[i]) < 1e-5);
    check(byol__plan_backward(plan, diff, &error));
    assert_true(is_zero(&g, r.grads, "fc1.weight"));
    assert_false(is_zero(&g, r.grads, "fc0.weight") || is_zero(&g, r.grads, "fc2.weight"));
    run_close(&r);
    byol__plan_free(plan);
    byol__graph_release(&g);
}

static void handing_a_norm_on_changes_nothing(void **state) {
    (void)state;
    for (int channels = 12; channels <= 16; channels += 4) {
        byol__graph handed, kept;
        byol__plan_info less, more;
        byol__value_id between;
        run a, b;
        byol__plan *one =
            plan_of_two_convolutions(&handed, BYOL__TRAIN, channels, 8, false, &less, &between);
        byol__plan *other =
            plan_of_two_convolutions(&kept, BYOL__TRAIN, channels, 8, true, &more, &between);
        two_steps(&a, one, &handed, &less);
        two_steps(&b, other, &kept, &more);
        assert_near(a.out, b.out, OUT_MAX, "output", channels);
        assert_near(a.grads, b.grads, handed.params.total, "gradients", channels);
        assert_near(a.statistics, b.statistics, handed.statistics.total, "running statistics",
                    channels);
        run_close(&a);
        run_close(&b);
        byol__plan_free(one);
        byol__plan_free(other);
        byol__graph_release(&handed);
        byol__graph_release(&kept);
    }
}

/* The block once more, in double precision and plain loops, with running statistics. */
static void reference_conv(const float *w, const double *x, int ic, int size, int oc, int k,
                           int stride, double *y) {
    int out = (size + 2 * (k / 2) - k) / stride + 1;
    for (int o = 0; o < oc; o++)
        for (int py = 0; py < out; py++)
            for (int px = 0; px < out; px++) {
                double sum = 0;
                for (int i = 0; i < ic; i++)
                    for (int ky = 0; ky < k; ky++)
                        for (int kx = 0; kx < k; kx++) {
                            int sy = py * stride + ky - k / 2, sx = px * stride + kx - k / 2;
                            if (sy < 0 || sx < 0 || sy >= size || sx >= size) continue;
                            sum += (double)w[((o * ic + i) * k + ky) * k + kx] *
                                   x[(i * size + sy) * size + sx];
                        }
                y[(o * out + py) * out + px] = sum;
            }
}

static void reference_bn(const byol__graph *g, const run *r, int bn, int channels, int pixels,
                         double *x) {
    const char *suffixes[] = {"weight", "bias"};
    float *p[2], *s[2];
    for (int i = 0; i < 2; i++) {
        char name[32];
        snprintf(name, sizeof name, "bn%d.%s", bn, suffixes[i]);
        p[i] = r->params + g->params.rows[byol__table_find(&g->params, name)].offset;
        snprintf(name, sizeof name, "bn%d.%s", bn, i ? "running_var" : "running_mean");
        s[i] = r->statistics + g->statistics.rows[byol__table_find(&g->statistics, name)].offset;
    }
    for (int c = 0; c < channels; c++)
        for (int i = 0; i < pixels; i++)
            x[c * pixels + i] = (x[c * pixels + i] - (double)s[0][c]) /
                                    sqrt((double)s[1][c] + 1e-5) * (double)p[0][c] +
                                (double)p[1][c];
}

static const float *weights(const byol__graph *g, const run *r, const char *name) {
    return r->params + g->params.rows[byol__table_find(&g->params, name)].offset;
}

static void folding_batch_norm_changes_nothing(void **state) {
    (void)state;
    byol__graph g;
    byol__plan_info info;
    run r;
    open_block(&g);
    byol__plan *plan = plan_of(&g, BYOL__EVAL, 8, &info);
    run_open(&r, plan, &g, info.workspace_bytes);
    byol__plan_stage(plan, NULL);
    byol__plan_forward(plan, r.images, NULL);
    byol__plan_read(plan, BYOL__PREDICTION, r.out);
    static double x[3 * 64], a[8 * 64], b[16 * 16], s[16 * 16];
    for (int n = 0; n < 8; n++) {
        for (int i = 0; i < 3 * 64; i++) x[i] = (double)r.images[n * 3 * 64 + i];
        reference_conv(weights(&g, &r, "conv0.weight"), x, 3, 8, 8, 3, 1, a);
        reference_bn(&g, &r, 0, 8, 64, a);
        for (int i = 0; i < 8 * 64; i++) a[i] = fmax(a[i], 0);
        reference_conv(weights(&g, &r, "conv1.weight"), a, 8, 8, 16, 3, 2, b);
        reference_bn(&g, &r, 1, 16, 16, b);
        reference_conv(weights(&g, &r, "conv2.weight"), a, 8, 8, 16, 1, 2, s);
        reference_bn(&g, &r, 2, 16, 16, s);
        for (int i = 0; i < 16 * 16; i++)
            assert_true(fabs(fmax(b[i] + s[i], 0) - (double)r.out[n * 256 + i]) < 2e-5);
    }
    run_close(&r);
    byol__plan_free(plan);
    byol__graph_release(&g);
}

static void running_statistics_are_pytorchs(void **state) {
    (void)state;
    byol__graph g;
    byol__plan_info info;
    run r;
    byol__graph_init(&g);
    byol__value_id x = byol__graph_input(&g, 3, 8, 8);
    byol__graph_mark(&g, BYOL__PREDICTION, "prediction", byol__graph_batch_norm(&g, "bn", x));
    check(byol__graph_finish(&g, &error));
    byol__plan *plan = plan_of(&g, BYOL__TARGET, 8, &info);
    run_open(&r, plan, &g, info.workspace_bytes);
    float before[2][3];
    float *mean = r.statistics + g.statistics.rows[0].offset,
          *var = r.statistics + g.statistics.rows[1].offset;
    memcpy(before[0], mean, sizeof before[0]);
    memcpy(before[1], var, sizeof before[1]);
    byol__plan_stage(plan, NULL);
    byol__plan_forward(plan, r.images, NULL);
    for (int c = 0; c < 3; c++) {
        double sum = 0, square = 0, count = 8 * 64;
        for (int n = 0; n < 8; n++)
            for (int i = 0; i < 64; i++) sum += (double)r.images[(n * 3 + c) * 64 + i] / count;
        for (int n = 0; n < 8; n++)
            for (int i = 0; i < 64; i++)
                square += pow((double)r.images[(n * 3 + c) * 64 + i] - sum, 2);
        assert_true(fabs(0.9 * (double)before[0][c] + 0.1 * sum - (double)mean[c]) < 1e-6);
        assert_true(fabs(0.9 * (double)before[1][c] + 0.1 * square / (count - 1) - (double)var[c]) <
                    1e-6);
    }
    run_close(&r);
    byol__plan_free(plan);
    byol__graph_release(&g);
}

/* ---- graphs ---- */

static void a_mistake_in_a_network_names_its_layer(void **state) {
    (void)state;
    byol__graph g;
    byol__graph_init(&g);
    byol__value_id x = byol__graph_input(&g, 3, 4, 4);
    x = byol__graph_conv(&g, "layer9.conv7", x, 8, 7, 1, 0, 1, 0);
    byol__graph_relu(&g, x);
    assert_int_equal(byol__graph_finish(&g, &error), BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "layer9.conv7"));
    byol__graph_release(&g);
}

static void resnet18_is_torchvisions(void **state) {
    (void)state;
    byol_config config;
    byol_config_init(&config);
    byol_config_set(&config, "recipe", "byol", NULL);
    config.encoder.width = 64;
    config.encoder.stem = BYOL_STEM_IMAGENET;
    static const struct {
        const char *name;
        size_t parameters; /* of torchvision's model without its fc */
        int dimension;
    } known[] = {
        {"resnet18", 11176512, 512}, {"resnet34", 21284672, 512}, {"resnet50", 23508032, 2048}};
    for (size_t k = 0; k < 3; k++) {
        byol__graph g;
        byol__graph_init(&g);
        strcpy(config.encoder.name, known[k].name);
        check(byol__online_network(&g, &config, 3, 224, &error));
        size_t count = 0;
        for (int i = 0; i < g.params.count; i++)
            if (g.params.rows[i].section == BYOL__BACKBONE) count += g.params.rows[i].count;
        assert_int_equal(count, known[k].parameters);
        assert_int_equal(g.values[g.output[BYOL__REPRESENTATION]].shape.c, known[k].dimension);
        assert_true(byol__table_find(&g.params, "layer4.1.bn2.weight") != BYOL__NONE);
        assert_true(byol__table_find(&g.params, "layer2.0.downsample.0.weight") != BYOL__NONE);
        assert_true(byol__table_find(&g.statistics, "layer2.0.downsample.1.running_var") !=
                    BYOL__NONE);
        byol__graph_release(&g);
    }
}

static void biases_and_batch_norm_have_neither_decay_nor_trust(void **state) {
    (void)state;
    byol_config config;
    byol_config_init(&config);
    byol_config_set(&config, "recipe", "byol", NULL);
    byol__graph g;
    byol__graph_init(&g);
    check(byol__online_network(&g, &config, 3, 32, &error));
    for (int i = 0; i < g.params.count; i++) {
        unsigned both = BYOL__NO_DECAY | BYOL__NO_TRUST;
        assert_int_equal(g.params.rows[i].flags & both, g.params.rows[i].ndims == 1 ? both : 0);
        assert_int_equal(g.params.rows[i].offset % 16, 0);
    }
    byol__graph_release(&g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffers_that_live_at_the_same_time_never_overlap),
        cmocka_unit_test(buffers_that_follow_each_other_share_their_place),
        cmocka_unit_test(batch_norm_addition_and_relu_are_one_stage),
        cmocka_unit_test(evaluation_folds_batch_norm_into_convolutions),
        cmocka_unit_test(a_value_with_two_readers_is_not_fused_away),
        cmocka_unit_test(what_lies_behind_the_output_is_not_planned),
        cmocka_unit_test(the_target_works_in_place_and_needs_less_than_half_the_memory),
        cmocka_unit_test(a_norm_that_one_convolution_reads_is_applied_there),
        cmocka_unit_test(neighbours_never_need_a_reorder),
        cmocka_unit_test(nothing_runs_onednns_reference_code),
        cmocka_unit_test(an_output_that_the_last_does_not_need_is_there_in_training_alone),
        cmocka_unit_test(handing_a_norm_on_changes_nothing),
        cmocka_unit_test(folding_batch_norm_changes_nothing),
        cmocka_unit_test(running_statistics_are_pytorchs),
        cmocka_unit_test(a_mistake_in_a_network_names_its_layer),
        cmocka_unit_test(resnet18_is_torchvisions),
        cmocka_unit_test(biases_and_batch_norm_have_neither_decay_nor_trust),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
