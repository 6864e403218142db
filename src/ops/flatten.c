/* flatten: (c, h, w) becomes the vector (c h w): a copy into plain order. */
#include "ops/ops.h"
#include "plan/unit.h"

static byol__shape infer(byol__graph *graph, const char *name, const byol__attributes *attributes,
                         byol__shape src) {
    (void)graph, (void)name, (void)attributes;
    return byol__vector_shape((int)byol__shape_count(src));
}

static void in_onnx(const byol__graph *graph, const byol__node *node, char *lines) {
    (void)graph, (void)node;
    byol__onnx_append(lines, "y = Flatten x");
}

static byol_status compile(byol__compiler *c, byol__unit *unit) {
    c->plan->slots[unit->stage.dst].layout = byol__layout_for(c, unit->stage.dst, BYOL__NCHW);
    return BYOL_OK;
}

/* The destination seen as (n, c, h, w): the same memory. */
static byol__layout unflattened(const byol__slot *src) {
    byol__layout layout = src->layout;
    layout.format = BYOL__NCHW;
    return layout;
}

static byol_status forward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    double begin = byol__now();
    const byol__slot *src = &plan->slots[unit->stage.src[0]];
    byol__layout to = unflattened(src);
    byol__layout_convert(&to, byol__value_at(plan, unit->stage.dst), &src->layout,
                         byol__value_at(plan, unit->stage.src[0]));
    byol__profile_add(plan->profile, BYOL__WORK_POOL, begin, 0,
                      2 * byol__value_bytes(plan, unit->stage.src[0]));
    return BYOL_OK;
}

static byol_status backward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    if (unit->dx[0] == BYOL__NO_BUFFER) return BYOL_OK;
    double begin = byol__now();
    const byol__slot *src = &plan->slots[unit->stage.src[0]];
    byol__layout from = unflattened(src);
    byol__layout_convert(&src->layout, byol__at(plan, unit->dx[0]), &from,
                         byol__at(plan, unit->dy[0]));
    byol__profile_add(plan->profile, BYOL__WORK_POOL, begin, 0,
                      2 * byol__value_bytes(plan, unit->stage.src[0]));
    return BYOL_OK;
}

static const byol__runs runs = {
    .reads = BYOL__READS_NOTHING,
    .diffs = 1,
    .forward = forward,
    .backward = backward,
};

extern const byol__op byol__op_flatten;
const byol__op byol__op_flatten = {
    .kind = "flatten",
    .sources = 1,
    .infer = infer,
    .onnx_lines = in_onnx,
    .compile = compile,
    .runs = &runs,
};

byol__value_id byol__graph_flatten(byol__graph *graph, byol__value_id src) {
    return byol__graph_apply(graph, &byol__op_flatten, "flatten", (byol__attributes){0}, 1, &src);
}
