/* What an encoder of spectrograms does behind its convolutions (BYOL-A, arXiv 2103.06695, table I):
 * the columns of a picture become a row of frames, and these become one vector, mean + maximum over
 * time. */
#include "ops/ops.h"
#include "ops/unit_rows.h"

static byol_status compile(byol__compiler *c, byol__unit *unit) {
    byol__shape shape = c->graph->values[unit->stage.dst].shape;
    byol__format format = shape.rank == 1 ? BYOL__NCHW : BYOL__NHWC;
    c->plan->slots[unit->stage.dst].layout = byol__layout_for(c, unit->stage.dst, format);
    return BYOL_OK;
}

/* ---- Frames: (c, h, w) -> (h c, w); number y c + i of a frame is channel i of row y ---- */

static byol__shape infer_frames(byol__graph *graph, const char *name, const byol__attributes *a,
                                byol__shape src) {
    (void)a;
    if (src.rank != 3)
        byol__graph_mistake(graph, BYOL_ERROR_INVALID, "%s: frames are of pictures", name);
    if (src.c * src.h > BYOL__ROW_MAX)
        byol__graph_mistake(graph, BYOL_ERROR_UNSUPPORTED,
                            "%s: %d channels in %d rows are more than %d numbers a frame", name,
                            src.c, src.h, BYOL__ROW_MAX);
    return byol__shape_of(2, src.c * src.h, src.w, 1);
}

static void frames_in_onnx(const byol__graph *graph, const byol__node *node, char *lines) {
    byol__shape src = graph->values[node->src[0]].shape;
    byol__onnx_append(lines, "columns = Transpose x perm=[0,3,2,1]\ny = Reshape columns [0,%d,%d]",
                      src.w, src.h * src.c);
}

static byol_status forward_frames(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    double begin = byol__now();
    byol__rows x = byol__value_rows(plan, unit->stage.src[0]),
               y = byol__value_rows(plan, unit->stage.dst);
    int frames = y.strides.spatial, height = x.strides.spatial / frames;
#pragma omp parallel for schedule(static)
    for (int i = 0; i < y.strides.n * frames; i++) {
        float row[BYOL__ROW_MAX];
        int n = i / frames, t = i % frames;
        for (int h = 0; h < height; h++)
            byol__row_load(&x, byol__row_number(&x, n, h * frames + t), row + h * x.width);
        byol__row_store(&y, (size_t)i, row);
    }
    byol__note_rows(plan, unit, begin);
    return BYOL_OK;
}

static byol_status backward_frames(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    if (unit->dx[0] == BYOL__NO_BUFFER) return BYOL_OK;
    double begin = byol__now();
    byol__rows dx = byol__rows_at(plan, unit->stage.src[0], unit->dx[0]),
               dy = byol__rows_at(plan, unit->stage.dst, unit->dy[0]);
    int frames = dy.strides.spatial, height = dx.strides.spatial / frames;
#pragma omp parallel for schedule(static)
    for (int i = 0; i < dy.strides.n * frames; i++) {
        float row[BYOL__ROW_MAX];
        int n = i / frames, t = i % frames;
        byol__row_load(&dy, (size_t)i, row);
        for (int h = 0; h < height; h++)
            byol__row_store(&dx, byol__row_number(&dx, n, h * frames + t), row + h * dx.width);
    }
    byol__note_rows(plan, unit, begin);
    return BYOL_OK;
}

static const byol__runs frame_runs = {
    .reads = BYOL__READS_NOTHING,
    .diffs = 1,
    .forward = forward_frames,
    .backward = backward_frames,
};

extern const byol__op byol__op_frames, byol__op_mean_max;

const byol__op byol__op_frames = {
    .kind = "frames",
    .sources = 1,
    .infer = infer_frames,
    .onnx_lines = frames_in_onnx,
    .compile = compile,
    .runs = &frame_runs,
};

/* ---- Mean + maximum over positions: (c, h, w) -> (c) ---- */

static byol__shape infer_mean_max(byol__graph *graph, const char *name, const byol__attributes *a,
                                  byol__shape src) {
    (void)a;
    byol__check_row_width(graph, name, src.c);
    return byol__vector_shape(src.c);
}

static void mean_max_in_onnx(const byol__graph *graph, const byol__node *node, char *lines) {
    bool is_picture = graph->values[node->src[0]].shape.rank == 3;
    const char *axes = is_picture ? "[2,3]" : "[1]";
    byol__onnx_append(lines,
                      "mean = ReduceMean x axes=%s keepdims=0\n"
                      "most = ReduceMax x axes=%s keepdims=0\n"
                      "y = Add mean most",
                      axes, axes);
}

static byol_status forward_mean_max(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    double begin = byol__now();
    byol__rows x = byol__value_rows(plan, unit->stage.src[0]),
               y = byol__value_rows(plan, unit->stage.dst);
#pragma omp parallel for schedule(static)
    for (int n = 0; n < x.strides.n; n++) {
        float row[BYOL__ROW_MAX], sum[BYOL__ROW_MAX], most[BYOL__ROW_MAX];
        byol__row_load(&x, byol__row_number(&x, n, 0), sum);
        memcpy(most, sum, (size_t)x.width * sizeof *most);
        for (int i = 1; i < x.strides.spatial; i++) {
            byol__row_load(&x, byol__row_number(&x, n, i), row);
            for (int c = 0; c < x.width; c++) {
                sum[c] += row[c];
                most[c] = row[c] > most[c] ? row[c] : most[c];
            }
        }
        for (int c = 0; c < x.width; c++) sum[c] = sum[c] / (float)x.strides.spatial + most[c];
        byol__row_store(&y, (size_t)n, sum);
    }
    byol__note_rows(plan, unit, begin);
    return BYOL_OK;
}

/* Where the first maximum of each channel of sample `n` is, as in PyTorch. */
static void find_maxima(const byol__rows *x, int n, int *where) {
    float row[BYOL__ROW_MAX], most[BYOL__ROW_MAX];
    for (int i = 0; i < x->strides.spatial; i++) {
        byol__row_load(x, byol__row_number(x, n, i), row);
        for (int c = 0; c < x->width; c++) {
            if (i > 0 && !(row[c] > most[c])) continue;
            most[c] = row[c];
            where[c] = i;
        }
    }
}

static byol_status backward_mean_max(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    if (unit->dx[0] == BYOL__NO_BUFFER) return BYOL_OK;
    double begin = byol__now();
    byol__rows x = byol__value_rows(plan, unit->stage.src[0]),
               dx = byol__rows_at(plan, unit->stage.src[0], unit->dx[0]),
               dy = byol__rows_at(plan, unit->stage.dst, unit->dy[0]);
#pragma omp parallel for schedule(static)
    for (int n = 0; n < dx.strides.n; n++) {
        float diff[BYOL__ROW_MAX], row[BYOL__ROW_MAX];
        int where[BYOL__ROW_MAX];
        find_maxima(&x, n, where);
        byol__row_load(&dy, (size_t)n, diff);
        for (int i = 0; i < dx.strides.spatial; i++) {
            for (int c = 0; c < dx.width; c++)
                row[c] = diff[c] / (float)dx.strides.spatial + (where[c] == i ? diff[c] : 0);
            byol__row_store(&dx, byol__row_number(&dx, n, i), row);
        }
    }
    byol__note_rows(plan, unit, begin);
    return BYOL_OK;
}

static const byol__runs mean_max_runs = {
    .reads = BYOL__READS_SRC,
    .diffs = 1,
    .forward = forward_mean_max,
    .backward = backward_mean_max,
};

const byol__op byol__op_mean_max = {
    .kind = "mean and maximum",
    .sources = 1,
    .infer = infer_mean_max,
    .onnx_lines = mean_max_in_onnx,
    .compile = compile,
    .runs = &mean_max_runs,
};

/* ---- Builders ---- */

byol__value_id byol__graph_frames(byol__graph *graph, byol__value_id src) {
    return byol__graph_apply(graph, &byol__op_frames, "frames", (byol__attributes){0}, 1, &src);
}

byol__value_id byol__graph_mean_max(byol__graph *graph, byol__value_id src) {
    return byol__graph_apply(graph, &byol__op_mean_max, "mean and max", (byol__attributes){0}, 1,
                             &src);
}
