/* A network cut in two computes what the whole computes, from the same arenas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "floats.h"
#include "graph/op.h"
#include "nets/nets.h"
#include "plan/plan.h"
#include "tiny.h"

enum { BATCH = 8, CLASSES = 5 };

static void classifier(byol__graph *graph) {
    byol_config config = tiny_config();
    byol__graph_init(graph);
    check(byol__classifier_network(graph, &config, TINY_CHANNELS, TINY_SIDE, CLASSES, &error));
}

typedef struct compiled {
    byol__plan *plan;
    void *workspace;
} compiled;

static compiled compile(const byol__graph *graph, byol__mode mode, byol__output output,
                        const float *params, float *grads, float *statistics) {
    compiled c;
    byol__plan_options options = {
        .batch = BATCH, .dtype = BYOL__F32, .mode = mode, .output = output};
    check(byol__plan_create(&c.plan, graph, &options, &error));
    byol__plan_info info;
    byol__plan_describe(c.plan, &info);
    check(byol__alloc(&c.workspace, info.workspace_bytes, 1, "workspace", &error));
    byol__binding binding = {params, grads, statistics, c.workspace};
    check(byol__plan_bind(c.plan, &binding, &error));
    byol__plan_stage(c.plan, NULL);
    return c;
}

static void release(compiled c) {
    byol__plan_free(c.plan);
    byol__free(c.workspace);
}

static double farthest(const float *a, const float *b, size_t count) {
    double far = 0;
    for (size_t i = 0; i < count; i++) {
        double off = fabs((double)a[i] - (double)b[i]);
        assert_true(isfinite(off));
        far = fmax(far, off);
    }
    return far;
}

/* With batch statistics on both sides: logits, and the gradients of what lies behind the cut, whose
 * largest error against the largest number of its tensor it returns. */
static double gradient_error(const byol__graph *whole, byol__value_id value, uint64_t seed) {
    byol__graph front, back;
    check(byol__graph_cut(whole, value, &front, &back, &error));
    size_t params_before = front.params.total, statistics_before = front.statistics.total;
    assert_int_equal(params_before + back.params.total, whole->params.total);
    assert_int_equal(statistics_before + back.statistics.total, whole->statistics.total);
    for (int r = 0; r < back.params.count; r++) {
        const byol__param *row = &back.params.rows[r],
                          *same = &whole->params.rows[front.params.count + r];
        assert_string_equal(row->name, same->name);
        assert_int_equal(row->offset + params_before, same->offset);
    }

    float *params = floats(whole->params.total), *statistics = floats(whole->statistics.total);
    float *grads = floats(whole->params.total), *back_grads = floats(back.params.total);
    byol__params_init(&whole->params, 1, params);
    byol__params_init(&whole->statistics, 1, statistics);
    byol__shape middle = whole->values[value].shape;
    size_t outputs = BATCH * CLASSES, between = (size_t)(BATCH * middle.c * middle.h * middle.w);
    float *images = random_floats(BATCH * TINY_CHANNELS * TINY_SIDE * TINY_SIDE, seed, 1),
          *diff = random_floats(outputs, seed, 2);
    float *logits = floats(outputs), *back_logits = floats(outputs), *values = floats(between);

    compiled all = compile(whole, BYOL__TRAIN, BYOL__PROJECTION, params, grads, statistics);
    compiled first = compile(&front, BYOL__TARGET, BYOL__REPRESENTATION, params, NULL, statistics);
    compiled second = compile(&back, BYOL__TRAIN, BYOL__PROJECTION, params + params_before,
                              back_grads, statistics + statistics_before);
    byol__plan_forward(all.plan, images, NULL);
    byol__plan_read(all.plan, BYOL__PROJECTION, logits);
    byol__plan_backward(all.plan, diff, NULL);
    byol__plan_forward(first.plan, images, NULL);
    byol__plan_read(first.plan, BYOL__REPRESENTATION, values);
    byol__plan_forward(second.plan, values, NULL);
    byol__plan_read(second.plan, BYOL__PROJECTION, back_logits);
    byol__plan_backward(second.plan, diff, NULL);
    assert_true(farthest(logits, back_logits, outputs) < 1e-4);
    double error_share = 0;
    for (int r = 0; r < back.params.count; r++) {
        const byol__param *row = &back.params.rows[r];
        const float *expected = grads + params_before + row->offset;
        double largest = 0;
        for (size_t i = 0; i < row->count; i++) largest = fmax(largest, fabs((double)expected[i]));
        assert_true(largest > 0);
        error_share =
            fmax(error_share, farthest(expected, back_grads + row->offset, row->count) / largest);
    }

    release(all);
    release(first);
    release(second);
    float *owned[] = {params, statistics, grads,       back_grads, images,
                      diff,   logits,     back_logits, values};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) byol__free(owned[i]);
    byol__graph_release(&front);
    byol__graph_release(&back);
    return error_share;
}

/* The two plans round differently. Now and then that puts the input of a ReLU on the other side of
 * zero in one of them, which moves small gradients by percents; but not with each of three draws of
 * images. */
static void check_cut(const byol__graph *whole, byol__value_id value) {
    double least = INFINITY;
    for (uint64_t seed = 3; seed < 6; seed++) {
        double off = gradient_error(whole, value, seed);
        assert_true(off < 0.5);
        least = fmin(least, off);
    }
    assert_true(least < 1e-4);
}

static void both_halves_together_are_the_whole(void **state) {
    (void)state;
    byol__graph whole;
    classifier(&whole);
    assert_int_equal(whole.stage_count, 5); /* the stem and four layers */
    for (int stage = 0; stage < whole.stage_count - 1; stage++)
        check_cut(&whole, whole.stage_end[stage]);
    check_cut(&whole, whole.output[BYOL__REPRESENTATION]);
    byol__graph_release(&whole);
}

static void a_cut_through_a_residual_block_is_refused(void **state) {
    (void)state;
    byol__graph whole, front, back;
    classifier(&whole);
    int refused = 0;
    for (byol__value_id id = 0; id < whole.stage_end[1]; id++) {
        if (byol__role_of(&whole.nodes[id]) != BYOL__ROLE_CONTRACTION ||
            strncmp(whole.nodes[id].name, "layer1", 6) != 0)
            continue;
        assert_int_equal(byol__graph_cut(&whole, id, &front, &back, &error), BYOL_ERROR_INVALID);
        assert_non_null(strstr(error.text, whole.nodes[id].name));
        refused++;
    }
    assert_int_equal(refused, 4);
    assert_int_equal(byol__graph_cut(&whole, whole.node_count - 1, &front, &back, &error),
                     BYOL_ERROR_INVALID);
    byol__graph_release(&whole);
}

static void rows_know_their_stage(void **state) {
    (void)state;
    byol__graph whole;
    classifier(&whole);
    for (int r = 0; r < whole.params.count; r++) {
        const byol__param *row = &whole.params.rows[r];
        int expected = strncmp(row->name, "layer", 5) == 0 ? row->name[5] - '0'
                       : row->name[0] == 'f'               ? 5
                                                           : 0;
        assert_int_equal(row->stage, expected);
    }
    byol__graph_release(&whole);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_halves_together_are_the_whole),
        cmocka_unit_test(a_cut_through_a_residual_block_is_refused),
        cmocka_unit_test(rows_know_their_stage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
