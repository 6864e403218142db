/* Channels of two maps of one size, one behind the other: (c, h, w) and (out, h, w) -> (c + out, h,
 * w). */
#include <string.h>

#include "base/error.h"
#include "ops/ops.h"
#include "ops/unit_rows.h"

/* What an operation is told of is its first source: the second's channels are an attribute. */
static byol__shape infer(byol__graph *graph, const char *name, const byol__attributes *a,
                         byol__shape src) {
    byol__check_row_width(graph, name, src.c + a->out);
    return byol__image_shape(src.c + a->out, src.h, src.w);
}

static void in_onnx(const byol__graph *graph, const byol__node *node, char *lines) {
    (void)graph, (void)node;
    byol__onnx_append(lines, "y = Concat x x1 axis=1");
}

static byol_status compile(byol__compiler *c, byol__unit *unit) {
    const byol__slot *src = &c->plan->slots[unit->stage.src[0]],
                     *other = &c->plan->slots[unit->stage.src[1]];
    byol__layout dst = byol__layout_for(c, unit->stage.dst, src->layout.format);
    if (other->layout.h != dst.h || other->layout.w != dst.w ||
        other->layout.c != dst.c - src->layout.c)
        return byol__fail(c->error, BYOL_ERROR_MISMATCH, "%s: its two sides differ in size",
                          unit->name);
    c->plan->slots[unit->stage.dst].layout = dst;
    return BYOL_OK;
}

static byol_status forward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    double begin = byol__now();
    const int *src = unit->stage.src, dst = unit->stage.dst;
    byol__rows a = byol__value_rows(plan, src[0]), b = byol__value_rows(plan, src[1]),
               y = byol__value_rows(plan, dst);
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < byol__row_count(&y); i++) {
        float row[BYOL__ROW_MAX];
        byol__row_load(&a, i, row);
        byol__row_load(&b, i, row + a.width);
        byol__row_store(&y, i, row);
    }
    byol__note_rows(plan, unit, begin);
    return BYOL_OK;
}

static byol_status backward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    double begin = byol__now();
    byol__rows dy = byol__rows_at(plan, unit->stage.dst, unit->dy[0]);
    int before = 0;
    for (int k = 0; k < 2; k++) {
        int src = unit->stage.src[k], first = before;
        before += plan->slots[src].layout.c;
        if (unit->dx[k] == BYOL__NO_BUFFER) continue;
        byol__rows dx = byol__rows_at(plan, src, unit->dx[k]);
#pragma omp parallel for schedule(static)
        for (size_t i = 0; i < byol__row_count(&dy); i++) {
            float row[BYOL__ROW_MAX];
            byol__row_load(&dy, i, row);
            byol__row_store(&dx, i, row + first);
        }
    }
    byol__note_rows(plan, unit, begin);
    return BYOL_OK;
}

static const byol__runs runs = {
    .reads = BYOL__READS_NOTHING,
    .diffs = 1,
    .forward = forward,
    .backward = backward,
};

extern const byol__op byol__op_concat;
const byol__op byol__op_concat = {
    .kind = "concatenation",
    .sources = 2,
    .sources_differ = true,
    .infer = infer,
    .onnx_lines = in_onnx,
    .compile = compile,
    .runs = &runs,
};

byol__value_id byol__graph_concat(byol__graph *graph, byol__value_id a, byol__value_id b) {
    byol__attributes attributes = {.out = byol__graph_shape(graph, b).c};
    byol__value_id both[] = {a, b};
    return byol__graph_apply(graph, &byol__op_concat, "concat", attributes, 2, both);
}
