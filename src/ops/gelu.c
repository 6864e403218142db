/* GELU, exact or by tanh. */
#include "ops/ops.h"
#include "ops/row_kernels.h"
#include "plan/unit.h"
#include <stdbool.h>

static byol__shape infer(byol__graph *graph, const char *name, const byol__attributes *attributes,
                         byol__shape src) {
    (void)graph, (void)name, (void)attributes;
    return src;
}

static void in_onnx(const byol__graph *graph, const byol__node *node, char *lines) {
    (void)graph;
    static const char exact[] = "scaled = Mul x 0.70710678\n"
                                "inner = Erf scaled\n";
    static const char by_tanh[] = "square = Mul x x\n"
                                  "part = Mul square 0.044715\n"
                                  "factor = Add part 1.0\n"
                                  "scaled = Mul x 0.79788456\n"
                                  "argument = Mul scaled factor\n"
                                  "inner = Tanh argument\n";
    byol__onnx_append(lines,
                      "%sshare = Add inner 1.0\n"
                      "half = Mul x 0.5\n"
                      "y = Mul half share",
                      node->attributes.tanh ? by_tanh : exact);
}

static byol_status compile(byol__compiler *c, byol__unit *unit) {
    byol__gelu *p = unit->state;
    p->layout = c->plan->slots[unit->stage.src[0]].layout;
    p->tanh = c->graph->nodes[unit->stage.node].attributes.tanh;
    c->plan->slots[unit->stage.dst].layout = p->layout;
    return BYOL_OK;
}

static byol_status bind(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    byol__gelu *p = unit->state;
    p->x = byol__value_at(plan, unit->stage.src[0]);
    p->y = byol__value_at(plan, unit->stage.dst);
    p->dy = unit->dy_count == 0 ? NULL : byol__at(plan, unit->dy[0]);
    p->dx = byol__at(plan, unit->dx[0]);
    return BYOL_OK;
}

static byol_status forward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    double begin = byol__now();
    byol__row_kernels_best()->gelu_forward(unit->state);
    byol__profile_add(plan->profile, BYOL__WORK_NORM_FORWARD, begin, 0,
                      2 * byol__value_bytes(plan, unit->stage.dst));
    return BYOL_OK;
}

static byol_status backward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    if (unit->dx[0] == BYOL__NO_BUFFER) return BYOL_OK;
    double begin = byol__now();
    byol__row_kernels_best()->gelu_backward(unit->state);
    byol__profile_add(plan->profile, BYOL__WORK_NORM_BACKWARD, begin, 0,
                      3 * byol__value_bytes(plan, unit->stage.dst));
    return BYOL_OK;
}

static const byol__runs runs = {
    .state_bytes = sizeof(byol__gelu),
    .reads = BYOL__READS_SRC,
    .diffs = 1,
    .bind = bind,
    .forward = forward,
    .backward = backward,
};

extern const byol__op byol__op_gelu;
const byol__op byol__op_gelu = {
    .kind = "gelu",
    .sources = 1,
    .infer = infer,
    .onnx_lines = in_onnx,
    .compile = compile,
    .runs = &runs,
};

byol__value_id byol__graph_gelu(byol__graph *graph, byol__value_id src, bool tanh) {
    byol__attributes attributes = {.tanh = tanh};
    return byol__graph_apply(graph, &byol__op_gelu, "gelu", attributes, 1, &src);
}
