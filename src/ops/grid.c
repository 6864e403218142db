/* Tokens of a picture's patches as a map: (c, n) -> (c, height, width), n >= height width. The
 * last tokens are taken, so that a class token in front is left out. */
#include <string.h>

#include "ops/ops.h"
#include "ops/unit_rows.h"

static int left_out(const byol__rows *tokens, const byol__rows *map) {
    return tokens->strides.spatial - map->strides.spatial;
}

static byol__shape infer(byol__graph *graph, const char *name, const byol__attributes *a,
                         byol__shape src) {
    if (a->rows * a->columns > src.h * src.w)
        byol__graph_mistake(graph, BYOL_ERROR_MISMATCH, "%s: %d tokens do not fill %d x %d", name,
                            src.h * src.w, a->rows, a->columns);
    byol__check_row_width(graph, name, src.c);
    return byol__image_shape(src.c, a->rows, a->columns);
}

static void in_onnx(const byol__graph *graph, const byol__node *node, char *lines) {
    byol__shape src = graph->values[node->src[0]].shape;
    const byol__attributes *a = &node->attributes;
    if (src.rank != 2) return; /* only rows of tokens are written */
    byol__onnx_append(lines,
                      "kept = Slice x [%d] [%d] [1]\n"
                      "columns = Transpose kept perm=[0,2,1]\n"
                      "y = Reshape columns [0,%d,%d,%d]",
                      src.h * src.w - a->rows * a->columns, src.h * src.w, src.c, a->rows,
                      a->columns);
}

static byol_status compile(byol__compiler *c, byol__unit *unit) {
    c->plan->slots[unit->stage.dst].layout = byol__layout_for(c, unit->stage.dst, BYOL__NHWC);
    return BYOL_OK;
}

static byol_status forward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    double begin = byol__now();
    byol__rows x = byol__value_rows(plan, unit->stage.src[0]),
               y = byol__value_rows(plan, unit->stage.dst);
    int spatial = y.strides.spatial, first = left_out(&x, &y);
#pragma omp parallel for schedule(static)
    for (int i = 0; i < y.strides.n * spatial; i++) {
        float row[BYOL__ROW_MAX];
        byol__row_load(&x, byol__row_number(&x, i / spatial, first + i % spatial), row);
        byol__row_store(&y, (size_t)i, row);
    }
    byol__note_rows(plan, unit, begin);
    return BYOL_OK;
}

/* What is left out has no gradient. */
static byol_status backward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    if (unit->dx[0] == BYOL__NO_BUFFER) return BYOL_OK;
    double begin = byol__now();
    byol__rows dx = byol__rows_at(plan, unit->stage.src[0], unit->dx[0]),
               dy = byol__rows_at(plan, unit->stage.dst, unit->dy[0]);
    int spatial = dx.strides.spatial, first = left_out(&dx, &dy);
#pragma omp parallel for schedule(static)
    for (int i = 0; i < dx.strides.n * spatial; i++) {
        float row[BYOL__ROW_MAX];
        memset(row, 0, (size_t)dx.width * sizeof *row);
        if (i % spatial >= first)
            byol__row_load(&dy, byol__row_number(&dy, i / spatial, i % spatial - first), row);
        byol__row_store(&dx, (size_t)i, row);
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

extern const byol__op byol__op_grid;
const byol__op byol__op_grid = {
    .kind = "grid of tokens",
    .sources = 1,
    .infer = infer,
    .onnx_lines = in_onnx,
    .compile = compile,
    .runs = &runs,
};

byol__value_id byol__graph_grid(byol__graph *graph, byol__value_id tokens, int height, int width) {
    byol__attributes attributes = {.rows = height, .columns = width};
    return byol__graph_apply(graph, &byol__op_grid, "grid", attributes, 1, &tokens);
}
