/* The largest value of each channel over all tokens that are no padding: (c, h, w) -> (c). */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "ops/ops.h"
#include "ops/unit_rows.h"

typedef struct max_state {
    int lengths; /* buffer: tokens of each sample, or BYOL__NO_BUFFER */
} max_state;

static byol__shape infer(byol__graph *graph, const char *name, const byol__attributes *a,
                         byol__shape src) {
    (void)a;
    byol__check_row_width(graph, name, src.c);
    return byol__vector_shape(src.c);
}

/* Padding, token 0, becomes a number that no real token is below. */
static void in_onnx(const byol__graph *graph, const byol__node *node, char *lines) {
    const char *rows = byol__rows_in_onnx(graph->values[node->src[0]].shape, lines);
    if (node->src_count > 1) {
        byol__onnx_append(lines,
                          "real = Cast x1 to=9\n"
                          "mask = Unsqueeze real [2]\n"
                          "kept = Where mask %s -3.4e38\n",
                          rows);
        rows = "kept";
    }
    byol__onnx_append(lines, "y = ReduceMax %s axes=[1] keepdims=0", rows);
}

static byol_status compile(byol__compiler *c, byol__unit *unit) {
    BYOL__TRY(byol__check_padding(c, unit));
    c->plan->slots[unit->stage.dst].layout = byol__layout_for(c, unit->stage.dst, BYOL__NCHW);
    return BYOL_OK;
}

static byol_status place_lengths(byol__compiler *c, byol__unit *unit, int slot) {
    return byol__place_padding(c, unit, slot, &((max_state *)unit->state)->lengths);
}

static byol_status forward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    const max_state *s = unit->state;
    double begin = byol__now();
    byol__rows x = byol__value_rows(plan, unit->stage.src[0]),
               y = byol__value_rows(plan, unit->stage.dst);
    byol__measure_padding(plan, unit, s->lengths);
#pragma omp parallel for schedule(static)
    for (int n = 0; n < x.strides.n; n++) {
        float largest[BYOL__ROW_MAX], row[BYOL__ROW_MAX];
        byol__row_load(&x, byol__row_number(&x, n, 0), largest);
        for (int i = 1; i < byol__rows_that_count(plan, s->lengths, &x, n); i++) {
            byol__row_load(&x, byol__row_number(&x, n, i), row);
            for (int c = 0; c < x.width; c++) /* NaN stays, so that a broken run is seen */
                largest[c] = row[c] > largest[c] || row[c] != row[c] ? row[c] : largest[c];
        }
        byol__row_store(&y, (size_t)n, largest);
    }
    byol__note_rows(plan, unit, begin);
    return BYOL_OK;
}

/* One sample: the gradient goes to the first token that has the largest value. `left` is what is
 * still to be given away. */
static void give_back(const byol__rows *dx, const byol__rows *x, const float *largest, float *left,
                      int n, int count) {
    float row[BYOL__ROW_MAX], diff[BYOL__ROW_MAX];
    for (int i = 0; i < x->strides.spatial; i++) {
        memset(diff, 0, (size_t)x->width * sizeof *diff);
        if (i < count) {
            byol__row_load(x, byol__row_number(x, n, i), row);
            for (int c = 0; c < x->width; c++) {
                bool here = row[c] == largest[c];
                diff[c] = here ? left[c] : 0.0f;
                left[c] = here ? 0.0f : left[c];
            }
        }
        byol__row_store(dx, byol__row_number(dx, n, i), diff);
    }
}

static byol_status backward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    if (unit->dx[0] == BYOL__NO_BUFFER) return BYOL_OK;
    double begin = byol__now();
    const max_state *s = unit->state;
    byol__rows x = byol__value_rows(plan, unit->stage.src[0]),
               y = byol__value_rows(plan, unit->stage.dst),
               dx = byol__rows_at(plan, unit->stage.src[0], unit->dx[0]),
               dy = byol__rows_at(plan, unit->stage.dst, unit->dy[0]);
#pragma omp parallel for schedule(static)
    for (int n = 0; n < x.strides.n; n++) {
        float largest[BYOL__ROW_MAX], left[BYOL__ROW_MAX];
        byol__row_load(&y, (size_t)n, largest);
        byol__row_load(&dy, (size_t)n, left);
        give_back(&dx, &x, largest, left, n, byol__rows_that_count(plan, s->lengths, &x, n));
    }
    byol__note_rows(plan, unit, begin);
    return BYOL_OK;
}

static const byol__runs runs = {
    .state_bytes = sizeof(max_state),
    .reads = BYOL__READS_SRC | BYOL__READS_DST,
    .diffs = 1,
    .place_forward = place_lengths,
    .forward = forward,
    .backward = backward,
};

extern const byol__op byol__op_max_token;
const byol__op byol__op_max_token = {
    .kind = "max token",
    .sources = 1,
    .may_have_tokens = true,
    .infer = infer,
    .onnx_lines = in_onnx,
    .compile = compile,
    .runs = &runs,
};

byol__value_id byol__graph_max_token(byol__graph *graph, byol__value_id src,
                                     const byol__value_id *tokens) {
    byol__value_id both[] = {src, tokens == NULL ? 0 : *tokens};
    return byol__graph_apply(graph, &byol__op_max_token, "max token", (byol__attributes){0},
                             tokens == NULL ? 1 : 2, both);
}
