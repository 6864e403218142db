/* Pools: the largest or the mean value of a window, by channel. The kernels are plan/kernels.c's.
 */
#include "ops/ops.h"

#include "ops/window.h"
#include "plan/unit.h"
#include <stdbool.h>

extern const byol__op byol__op_max_pool, byol__op_avg_pool, byol__op_global_avg_pool;

typedef void pool_kernel(const byol__pool *pool);

/* ---- In the graph ---- */

static byol__shape infer(byol__graph *graph, const char *name, const byol__attributes *a,
                         byol__shape src) {
    if (a->padding * 2 > a->kernel)
        byol__graph_mistake(graph, BYOL_ERROR_INVALID,
                            "%s: padding %d is more than half of kernel %d", name, a->padding,
                            a->kernel);
    return byol__image_shape(src.c, byol__window_out(src.h, a), byol__window_out(src.w, a));
}

static byol__shape infer_global(byol__graph *graph, const char *name,
                                const byol__attributes *attributes, byol__shape src) {
    (void)graph, (void)name, (void)attributes;
    return byol__vector_shape(src.c);
}

static void max_in_onnx(const byol__graph *graph, const byol__node *node, char *lines) {
    (void)graph;
    char window[BYOL__WINDOW_TEXT_MAX];
    byol__onnx_append(lines, "y = MaxPool x %s", byol__window_in_onnx(&node->attributes, window));
}

static void average_in_onnx(const byol__graph *graph, const byol__node *node, char *lines) {
    (void)graph;
    char window[BYOL__WINDOW_TEXT_MAX];
    byol__onnx_append(lines, "y = AveragePool x %s count_include_pad=1",
                      byol__window_in_onnx(&node->attributes, window));
}

/* Its result there is (N, C, 1, 1). */
static void global_in_onnx(const byol__graph *graph, const byol__node *node, char *lines) {
    (void)graph, (void)node;
    byol__onnx_append(lines, "pooled = GlobalAveragePool x\ny = Flatten pooled");
}

/* ---- In a plan ---- */

static byol_status compile_as(byol__compiler *c, byol__unit *unit, const byol__attributes *a,
                              bool global) {
    const byol__slot *src = &c->plan->slots[unit->stage.src[0]];
    byol__layout dst =
        byol__layout_for(c, unit->stage.dst, global ? BYOL__NCHW : src->layout.format);
    c->plan->slots[unit->stage.dst].layout = dst;
    *(byol__pool *)unit->state = (byol__pool){
        src->layout, dst, global ? 0 : a->kernel, a->stride, a->padding, NULL, NULL, NULL, NULL};
    return BYOL_OK;
}

static byol_status compile(byol__compiler *c, byol__unit *unit) {
    return compile_as(c, unit, &c->graph->nodes[unit->stage.node].attributes, false);
}

/* Its destination is a matrix. */
static byol_status compile_global(byol__compiler *c, byol__unit *unit) {
    return compile_as(c, unit, &(const byol__attributes){0}, true);
}

static byol_status bind(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    byol__pool *pool = unit->state;
    pool->x = byol__value_at(plan, unit->stage.src[0]);
    pool->y = byol__value_at(plan, unit->stage.dst);
    pool->dy = unit->dy_count > 0 ? byol__at(plan, unit->dy[0]) : NULL;
    pool->dx = byol__at(plan, unit->dx[0]);
    return BYOL_OK;
}

static byol_status run(byol__plan *plan, const byol__unit *unit, pool_kernel *kernel) {
    double begin = byol__now();
    kernel(unit->state);
    byol__profile_add(plan->profile, BYOL__WORK_POOL, begin, 0,
                      byol__value_bytes(plan, unit->stage.src[0]) +
                          byol__value_bytes(plan, unit->stage.dst));
    return BYOL_OK;
}

static byol_status max_forward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    return run(plan, unit, plan->kernels->max_pool_forward);
}

static byol_status max_backward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    return unit->dx[0] == BYOL__NO_BUFFER ? BYOL_OK
                                          : run(plan, unit, plan->kernels->max_pool_backward);
}

static byol_status mean_forward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    return run(plan, unit, plan->kernels->avg_pool_forward);
}

static byol_status mean_backward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    return unit->dx[0] == BYOL__NO_BUFFER ? BYOL_OK
                                          : run(plan, unit, plan->kernels->avg_pool_backward);
}

/* ---- The kinds ---- */

static const byol__runs max_runs = {
    .state_bytes = sizeof(byol__pool),
    .reads = BYOL__READS_SRC | BYOL__READS_DST, /* the gradient goes where they are equal */
    .diffs = 1,
    .bind = bind,
    .forward = max_forward,
    .backward = max_backward,
};

static const byol__runs mean_runs = {
    .state_bytes = sizeof(byol__pool),
    .reads = BYOL__READS_NOTHING,
    .diffs = 1,
    .bind = bind,
    .forward = mean_forward,
    .backward = mean_backward,
};

const byol__op byol__op_max_pool = {
    .kind = "max pool",
    .sources = 1,
    .infer = infer,
    .onnx_lines = max_in_onnx,
    .compile = compile,
    .runs = &max_runs,
};

const byol__op byol__op_avg_pool = {
    .kind = "average pool",
    .sources = 1,
    .infer = infer,
    .onnx_lines = average_in_onnx,
    .compile = compile,
    .runs = &mean_runs,
};

const byol__op byol__op_global_avg_pool = {
    .kind = "global average pool",
    .sources = 1,
    .infer = infer_global,
    .onnx_lines = global_in_onnx,
    .compile = compile_global,
    .runs = &mean_runs,
};

static byol__value_id pool(byol__graph *graph, const byol__op *op, const char *name,
                           byol__value_id src, int kernel, int stride, int padding) {
    byol__attributes attributes = {.kernel = kernel, .stride = stride, .padding = padding};
    return byol__graph_apply(graph, op, name, attributes, 1, &src);
}

byol__value_id byol__graph_max_pool(byol__graph *graph, byol__value_id src, int kernel, int stride,
                                    int padding) {
    return pool(graph, &byol__op_max_pool, "maxpool", src, kernel, stride, padding);
}

byol__value_id byol__graph_avg_pool(byol__graph *graph, byol__value_id src, int kernel, int stride,
                                    int padding) {
    return pool(graph, &byol__op_avg_pool, "avgpool", src, kernel, stride, padding);
}

byol__value_id byol__graph_global_avg_pool(byol__graph *graph, byol__value_id src) {
    return pool(graph, &byol__op_global_avg_pool, "avgpool", src, 0, 0, 0);
}
