/* What a transformer does to a row of tokens beside attention: adds a vector for each place, puts a
 * class token in front, takes the first token or the mean of all. A picture's positions are tokens,
 * too. */
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "ops/ops.h"
#include "ops/unit_rows.h"

/* ---- What the three share ---- */

static void copy_row(const byol__rows *to, size_t to_row, const byol__rows *from, size_t from_row) {
    float row[BYOL__ROW_MAX];
    byol__row_load(from, from_row, row);
    byol__row_store(to, to_row, row);
}

/* sum[c] += column c of the same position of every sample. */
static void add_over_samples(const byol__rows *r, int position, float *sum) {
    float row[BYOL__ROW_MAX];
    for (int n = 0; n < r->strides.n; n++) {
        byol__row_load(r, byol__row_number(r, n, position), row);
        for (int c = 0; c < r->width; c++) sum[c] += row[c];
    }
}

typedef struct token_state {
    byol__range weight;
    bool shared; /* places: one row for all positions */
    int lengths; /* buffer: tokens of each sample, or BYOL__NO_BUFFER */
} token_state;

static byol_status compile(byol__compiler *c, byol__unit *unit) {
    const byol__node *node = &c->graph->nodes[unit->stage.node];
    token_state *s = unit->state;
    byol__shape shape = c->graph->values[unit->stage.dst].shape;
    BYOL__TRY(byol__check_padding(c, unit));
    s->weight = byol__range_of(&c->graph->params, node->weight);
    s->shared = node->attributes.shared;
    s->lengths = BYOL__NO_BUFFER;
    byol__format format = shape.rank == 1 ? BYOL__NCHW : BYOL__NHWC;
    c->plan->slots[unit->stage.dst].layout = byol__layout_for(c, unit->stage.dst, format);
    return BYOL_OK;
}

/* ---- Places: (c, h, w) -> (c, h w), y = x + p, p (places, c) learned, of which the first are
 * used ---- */

static byol__shape infer_places(byol__graph *graph, const char *name, const byol__attributes *a,
                                byol__shape src) {
    if (src.h * src.w > a->vocabulary && !a->shared)
        byol__graph_mistake(graph, BYOL_ERROR_INVALID, "%s: %d tokens, but there are %d places",
                            name, src.h * src.w, a->vocabulary);
    if (a->sine && src.c % 4 != 0)
        byol__graph_mistake(graph, BYOL_ERROR_INVALID,
                            "%s: sines need channels in fours, there are %d", name, src.c);
    byol__check_row_width(graph, name, src.c);
    return byol__shape_of(2, src.c, src.h * src.w, 1);
}

static void add_places(byol__graph *graph, byol__node *node, byol__shape src) {
    const byol__attributes *a = &node->attributes;
    byol__param row = {.dims = {a->vocabulary, src.c},
                       .ndims = 2,
                       .flags = BYOL__NO_DECAY | BYOL__NO_TRUST | BYOL__NO_MUON,
                       .init = a->sine ? BYOL__INIT_SINES : BYOL__INIT_NORMAL,
                       .rows = a->rows,
                       .columns = a->columns};
    if (a->bare) {
        row.ndims = 3;
        row.dims[0] = 1;
        row.dims[1] = a->vocabulary;
        row.dims[2] = src.c;
    }
    node->weight = byol__graph_param(graph, node->name, a->bare ? NULL : "weight", row);
}

static void places_in_onnx(const byol__graph *graph, const byol__node *node, char *lines) {
    byol__shape src = graph->values[node->src[0]].shape;
    int used = node->attributes.shared ? 1 : src.h * src.w;
    const char *rows = byol__rows_in_onnx(src, lines), *places = "weight";
    if (src.rank == 2 && !node->attributes.bare && !node->attributes.shared) {
        byol__onnx_append(lines, "length = Shape x start=1 end=2\n"
                                 "used = Slice weight [0] length [0]\n");
        places = "used";
    } else if (used < node->attributes.vocabulary) {
        byol__onnx_append(lines, "used = Slice weight [0] [%d] [%d]\n", used,
                          node->attributes.bare);
        places = "used";
    }
    byol__onnx_append(lines, "y = Add %s %s", rows, places);
}

static byol_status forward_places(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    const token_state *s = unit->state;
    double begin = byol__now();
    byol__rows x = byol__value_rows(plan, unit->stage.src[0]),
               y = byol__value_rows(plan, unit->stage.dst);
    const float *places = plan->bound.params + s->weight.offset;
#pragma omp parallel for schedule(static)
    for (int i = 0; i < x.strides.n * x.strides.spatial; i++) {
        float row[BYOL__ROW_MAX];
        int place_index = s->shared ? 0 : i % x.strides.spatial;
        const float *place = places + (size_t)place_index * (size_t)x.width;
        byol__row_load(&x, (size_t)i, row);
        for (int c = 0; c < x.width; c++) row[c] += place[c];
        byol__row_store(&y, (size_t)i, row);
    }
    byol__note_rows(plan, unit, begin);
    return BYOL_OK;
}

static byol_status backward_places(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    const token_state *s = unit->state;
    double begin = byol__now();
    byol__rows dy = byol__rows_at(plan, unit->stage.dst, unit->dy[0]);
    float *diff = plan->bound.grads + s->weight.offset;
#pragma omp parallel for schedule(static) if (!s->shared)
    for (int position = 0; position < dy.strides.spatial; position++) {
        int place = s->shared ? 0 : position;
        add_over_samples(&dy, position, diff + (size_t)place * (size_t)dy.width);
    }
    if (unit->dx[0] != BYOL__NO_BUFFER) {
        byol__rows dx = byol__rows_at(plan, unit->stage.src[0], unit->dx[0]);
#pragma omp parallel for schedule(static)
        for (int i = 0; i < dx.strides.n * dx.strides.spatial; i++)
            copy_row(&dx, (size_t)i, &dy, (size_t)i);
    }
    byol__note_rows(plan, unit, begin);
    return BYOL_OK;
}

static const byol__runs place_runs = {
    .state_bytes = sizeof(token_state),
    .reads = BYOL__READS_NOTHING,
    .diffs = 1,
    .forward = forward_places,
    .backward = backward_places,
};

extern const byol__op byol__op_places, byol__op_class_token, byol__op_first_token,
    byol__op_mean_token;

const byol__op byol__op_places = {
    .kind = "places",
    .sources = 1,
    .infer = infer_places,
    .add_parameters = add_places,
    .onnx_lines = places_in_onnx,
    .compile = compile,
    .runs = &place_runs,
};

/* ---- Class token: (c, h, w) -> (c, h w + 1), a learned one in front ---- */

static byol__shape infer_class(byol__graph *graph, const char *name, const byol__attributes *a,
                               byol__shape src) {
    (void)a;
    byol__check_row_width(graph, name, src.c);
    return byol__shape_of(2, src.c, src.h * src.w + 1, 1);
}

static void add_class(byol__graph *graph, byol__node *node, byol__shape src) {
    byol__param row = {.dims = {1, 1, src.c},
                       .ndims = 3,
                       .flags = BYOL__NO_DECAY | BYOL__NO_TRUST | BYOL__NO_MUON,
                       .init = BYOL__INIT_NORMAL};
    node->weight = byol__graph_param(graph, node->name, NULL, row);
}

static void class_in_onnx(const byol__graph *graph, const byol__node *node, char *lines) {
    byol__shape src = graph->values[node->src[0]].shape;
    const char *rows = byol__rows_in_onnx(src, lines);
    byol__onnx_append(lines,
                      "batch = Shape x start=0 end=1\n"
                      "extents = Concat batch [1,%d] axis=0\n"
                      "tokens = Expand weight extents\n"
                      "y = Concat tokens %s axis=1",
                      src.c, rows);
}

static byol_status forward_class(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    const token_state *s = unit->state;
    double begin = byol__now();
    byol__rows x = byol__value_rows(plan, unit->stage.src[0]),
               y = byol__value_rows(plan, unit->stage.dst);
#pragma omp parallel for schedule(static)
    for (int n = 0; n < x.strides.n; n++) {
        byol__row_store(&y, byol__row_number(&y, n, 0), plan->bound.params + s->weight.offset);
        for (int i = 0; i < x.strides.spatial; i++)
            copy_row(&y, byol__row_number(&y, n, i + 1), &x, byol__row_number(&x, n, i));
    }
    byol__note_rows(plan, unit, begin);
    return BYOL_OK;
}

static byol_status backward_class(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    const token_state *s = unit->state;
    double begin = byol__now();
    byol__rows dy = byol__rows_at(plan, unit->stage.dst, unit->dy[0]);
    add_over_samples(&dy, 0, plan->bound.grads + s->weight.offset);
    if (unit->dx[0] != BYOL__NO_BUFFER) {
        byol__rows dx = byol__rows_at(plan, unit->stage.src[0], unit->dx[0]);
#pragma omp parallel for schedule(static)
        for (int n = 0; n < dx.strides.n; n++)
            for (int i = 0; i < dx.strides.spatial; i++)
                copy_row(&dx, byol__row_number(&dx, n, i), &dy, byol__row_number(&dy, n, i + 1));
    }
    byol__note_rows(plan, unit, begin);
    return BYOL_OK;
}

static const byol__runs class_runs = {
    .state_bytes = sizeof(token_state),
    .reads = BYOL__READS_NOTHING,
    .diffs = 1,
    .forward = forward_class,
    .backward = backward_class,
};

const byol__op byol__op_class_token = {
    .kind = "class token",
    .sources = 1,
    .infer = infer_class,
    .add_parameters = add_class,
    .onnx_lines = class_in_onnx,
    .compile = compile,
    .runs = &class_runs,
};

/* ---- One vector of all: the first token, or the mean of those that are no padding ---- */

static byol__shape infer_vector(byol__graph *graph, const char *name, const byol__attributes *a,
                                byol__shape src) {
    (void)a;
    byol__check_row_width(graph, name, src.c);
    return byol__vector_shape(src.c);
}

static void first_in_onnx(const byol__graph *graph, const byol__node *node, char *lines) {
    const char *rows = byol__rows_in_onnx(graph->values[node->src[0]].shape, lines);
    byol__onnx_append(lines, "first = Slice %s [0] [1] [1]\ny = Squeeze first [1]", rows);
}

/* Token 0 is padding, which comes last. */
static void mean_in_onnx(const byol__graph *graph, const byol__node *node, char *lines) {
    const char *rows = byol__rows_in_onnx(graph->values[node->src[0]].shape, lines);
    if (node->src_count == 1) {
        byol__onnx_append(lines, "y = ReduceMean %s axes=[1] keepdims=0", rows);
        return;
    }
    byol__onnx_append(lines,
                      "real = Cast x1 to=9\n"
                      "mask = Cast real to=1\n"
                      "column = Unsqueeze mask [2]\n"
                      "kept = Mul %s column\n"
                      "sum = ReduceSum kept [1] keepdims=0\n"
                      "count = ReduceSum mask [1] keepdims=1\n"
                      "divisor = Max count 1.0\n"
                      "y = Div sum divisor",
                      rows);
}

static bool is_mean(const byol__unit *unit) { return unit->op == &byol__op_mean_token; }

static byol_status place_lengths(byol__compiler *c, byol__unit *unit, int slot) {
    return byol__place_padding(c, unit, slot, &((token_state *)unit->state)->lengths);
}

/* How many tokens of sample `n` are summed. */
static int count_of(const byol__plan *plan, const byol__unit *unit, const byol__rows *x, int n) {
    const token_state *s = unit->state;
    return is_mean(unit) ? byol__rows_that_count(plan, s->lengths, x, n) : 1;
}

static byol_status forward_vector(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    const token_state *s = unit->state;
    double begin = byol__now();
    byol__rows x = byol__value_rows(plan, unit->stage.src[0]),
               y = byol__value_rows(plan, unit->stage.dst);
    byol__measure_padding(plan, unit, s->lengths);
#pragma omp parallel for schedule(static)
    for (int n = 0; n < x.strides.n; n++) {
        float sum[BYOL__ROW_MAX], row[BYOL__ROW_MAX];
        int count = count_of(plan, unit, &x, n);
        memset(sum, 0, (size_t)x.width * sizeof *sum);
        for (int i = 0; i < count; i++) {
            byol__row_load(&x, byol__row_number(&x, n, i), row);
            for (int c = 0; c < x.width; c++) sum[c] += row[c];
        }
        for (int c = 0; c < x.width; c++) sum[c] /= (float)count;
        byol__row_store(&y, (size_t)n, sum);
    }
    byol__note_rows(plan, unit, begin);
    return BYOL_OK;
}

static byol_status backward_vector(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    if (unit->dx[0] == BYOL__NO_BUFFER) return BYOL_OK;
    double begin = byol__now();
    byol__rows dx = byol__rows_at(plan, unit->stage.src[0], unit->dx[0]),
               dy = byol__rows_at(plan, unit->stage.dst, unit->dy[0]);
#pragma omp parallel for schedule(static)
    for (int n = 0; n < dx.strides.n; n++) {
        float share[BYOL__ROW_MAX], none[BYOL__ROW_MAX];
        int count = count_of(plan, unit, &dx, n);
        byol__row_load(&dy, (size_t)n, share);
        memset(none, 0, (size_t)dx.width * sizeof *none);
        for (int c = 0; c < dx.width; c++) share[c] /= (float)count;
        for (int i = 0; i < dx.strides.spatial; i++)
            byol__row_store(&dx, byol__row_number(&dx, n, i), i < count ? share : none);
    }
    byol__note_rows(plan, unit, begin);
    return BYOL_OK;
}

static const byol__runs vector_runs = {
    .state_bytes = sizeof(token_state),
    .reads = BYOL__READS_NOTHING,
    .diffs = 1,
    .place_forward = place_lengths,
    .forward = forward_vector,
    .backward = backward_vector,
};

const byol__op byol__op_first_token = {
    .kind = "first token",
    .sources = 1,
    .infer = infer_vector,
    .onnx_lines = first_in_onnx,
    .compile = compile,
    .runs = &vector_runs,
};

const byol__op byol__op_mean_token = {
    .kind = "mean token",
    .sources = 1,
    .may_have_tokens = true,
    .infer = infer_vector,
    .onnx_lines = mean_in_onnx,
    .compile = compile,
    .runs = &vector_runs,
};

/* ---- Builders ---- */

byol__value_id byol__graph_places(byol__graph *graph, const char *name, byol__value_id src,
                                  int places) {
    byol__attributes attributes = {.vocabulary = places};
    return byol__graph_apply(graph, &byol__op_places, name, attributes, 1, &src);
}

byol__value_id byol__graph_token_kind(byol__graph *graph, const char *name, byol__value_id src,
                                      int kinds) {
    byol__attributes attributes = {.vocabulary = kinds, .shared = true};
    return byol__graph_apply(graph, &byol__op_places, name, attributes, 1, &src);
}

byol__value_id byol__graph_positions(byol__graph *graph, const char *name, byol__value_id src,
                                     int rows, int columns, bool sine) {
    byol__shape shape = byol__graph_shape(graph, src);
    byol__attributes attributes = {.vocabulary = shape.h * shape.w,
                                   .rows = rows,
                                   .columns = columns,
                                   .bare = true,
                                   .sine = sine};
    return byol__graph_apply(graph, &byol__op_places, name, attributes, 1, &src);
}

byol__value_id byol__graph_class_token(byol__graph *graph, const char *name, byol__value_id src) {
    return byol__graph_apply(graph, &byol__op_class_token, name, (byol__attributes){0}, 1, &src);
}

byol__value_id byol__graph_first_token(byol__graph *graph, byol__value_id src) {
    return byol__graph_apply(graph, &byol__op_first_token, "first token", (byol__attributes){0}, 1,
                             &src);
}

byol__value_id byol__graph_mean_token(byol__graph *graph, byol__value_id src,
                                      const byol__value_id *tokens) {
    byol__value_id both[] = {src, tokens == NULL ? 0 : *tokens};
    return byol__graph_apply(graph, &byol__op_mean_token, "mean token", (byol__attributes){0},
                             tokens == NULL ? 1 : 2, both);
}
