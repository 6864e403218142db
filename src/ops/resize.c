/* Bilinear resize: (c, h, w) -> (c, height, width), with pixels' centres at halves (PyTorch's
 * interpolate with align_corners false, without antialiasing). A place outside the source takes the
 * nearest one in it. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "ops/ops.h"
#include "ops/unit_rows.h"

/* ---- In the graph ---- */

static byol__shape infer(byol__graph *graph, const char *name, const byol__attributes *a,
                         byol__shape src) {
    byol__check_row_width(graph, name, src.c);
    return byol__image_shape(src.c, a->rows, a->columns);
}

static void in_onnx(const byol__graph *graph, const byol__node *node, char *lines) {
    (void)graph;
    byol__onnx_append(lines,
                      "front = Shape x start=0 end=2\n"
                      "sizes = Concat front [%d,%d] axis=0\n"
                      "y = Resize x none none sizes mode=linear",
                      node->attributes.rows, node->attributes.columns);
}

/* ---- In a plan ---- */

static byol_status compile(byol__compiler *c, byol__unit *unit) {
    const byol__slot *src = &c->plan->slots[unit->stage.src[0]];
    c->plan->slots[unit->stage.dst].layout =
        byol__layout_for(c, unit->stage.dst, src->layout.format);
    return BYOL_OK;
}

/* Where place `out` of `outs` lies among `ins`: between `first` and `second`, `share` of the way.
 */
typedef struct between {
    int first, second;
    float share;
} between;

static between between_of(int out, int outs, int ins) {
    float at = ((float)out + 0.5f) * (float)ins / (float)outs - 0.5f;
    if (at < 0) at = 0;
    int first = (int)at;
    if (first > ins - 1) first = ins - 1;
    return (between){first, first + 1 < ins ? first + 1 : first, at - (float)first};
}

static float weight_of(between b, int in) {
    return (b.first == in ? 1 - b.share : 0) + (b.second == in ? b.share : 0);
}

/* The outputs that may have a part of `in`: first .. last. */
static void readers_of(int in, int ins, int outs, int *first, int *last) {
    float scale = (float)outs / (float)ins;
    *first = in == 0 ? 0 : (int)(((float)in - 0.5f) * scale - 1.5f);
    *last = in == ins - 1 ? outs - 1 : (int)(((float)in + 1.5f) * scale + 1.5f);
    if (*first < 0) *first = 0;
    if (*last > outs - 1) *last = outs - 1;
}

/* sum += factor times row `number`. */
static void add_row(const byol__rows *from, size_t number, float factor, float *sum) {
    size_t at = byol__row_offset(from, number);
    if (factor == 0) return;
    for (int b = 0; b < from->strides.blocks; b++, at += from->strides.stride_block) {
        int live = byol__row_lanes(from, b);
        float *to = sum + b * from->strides.lanes;
        const byol__bf16 *half = (const byol__bf16 *)from->values + at;
        const float *full = (const float *)from->values + at;
        for (int l = 0; l < live; l++)
            to[l] += factor * (from->bf16 ? byol__bf16_to_float(half[l]) : full[l]);
    }
}

typedef struct extents {
    int h, w; /* of one side of the resize */
} extents;

static void forward_line(const byol__rows *x, extents in, const byol__rows *y, extents out, int n,
                         int line) {
    float sum[BYOL__ROW_MAX];
    between v = between_of(line, out.h, in.h);
    for (int column = 0; column < out.w; column++) {
        between u = between_of(column, out.w, in.w);
        memset(sum, 0, (size_t)x->width * sizeof *sum);
        for (int k = 0; k < 4; k++) {
            float wv = k / 2 == 0 ? 1 - v.share : v.share, wu = k % 2 == 0 ? 1 - u.share : u.share;
            int at = (k / 2 == 0 ? v.first : v.second) * in.w + (k % 2 == 0 ? u.first : u.second);
            add_row(x, byol__row_number(x, n, at), wv * wu, sum);
        }
        byol__row_store(y, byol__row_number(y, n, line * out.w + column), sum);
    }
}

static void backward_line(const byol__rows *dx, extents in, const byol__rows *dy, extents out,
                          int n, int line) {
    float sum[BYOL__ROW_MAX];
    int top, bottom, left, right;
    readers_of(line, in.h, out.h, &top, &bottom);
    for (int column = 0; column < in.w; column++) {
        readers_of(column, in.w, out.w, &left, &right);
        memset(sum, 0, (size_t)dx->width * sizeof *sum);
        for (int v = top; v <= bottom; v++) {
            float down = weight_of(between_of(v, out.h, in.h), line);
            for (int u = left; u <= right && down != 0; u++)
                add_row(dy, byol__row_number(dy, n, v * out.w + u),
                        down * weight_of(between_of(u, out.w, in.w), column), sum);
        }
        byol__row_store(dx, byol__row_number(dx, n, line * in.w + column), sum);
    }
}

static byol_status forward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    double begin = byol__now();
    const byol__layout *src = &plan->slots[unit->stage.src[0]].layout,
                       *dst = &plan->slots[unit->stage.dst].layout;
    byol__rows x = byol__value_rows(plan, unit->stage.src[0]),
               y = byol__value_rows(plan, unit->stage.dst);
    extents in = {src->h, src->w}, out = {dst->h, dst->w};
#pragma omp parallel for schedule(static)
    for (int i = 0; i < dst->n * out.h; i++) forward_line(&x, in, &y, out, i / out.h, i % out.h);
    byol__note_rows(plan, unit, begin);
    return BYOL_OK;
}

static byol_status backward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    if (unit->dx[0] == BYOL__NO_BUFFER) return BYOL_OK;
    double begin = byol__now();
    const byol__layout *src = &plan->slots[unit->stage.src[0]].layout,
                       *dst = &plan->slots[unit->stage.dst].layout;
    byol__rows dx = byol__rows_at(plan, unit->stage.src[0], unit->dx[0]),
               dy = byol__rows_at(plan, unit->stage.dst, unit->dy[0]);
    extents in = {src->h, src->w}, out = {dst->h, dst->w};
#pragma omp parallel for schedule(static)
    for (int i = 0; i < src->n * in.h; i++) backward_line(&dx, in, &dy, out, i / in.h, i % in.h);
    byol__note_rows(plan, unit, begin);
    return BYOL_OK;
}

static const byol__runs runs = {
    .reads = BYOL__READS_NOTHING,
    .diffs = 1,
    .forward = forward,
    .backward = backward,
};

extern const byol__op byol__op_resize;
const byol__op byol__op_resize = {
    .kind = "bilinear resize",
    .sources = 1,
    .infer = infer,
    .onnx_lines = in_onnx,
    .compile = compile,
    .runs = &runs,
};

byol__value_id byol__graph_bilinear(byol__graph *graph, byol__value_id src, int height, int width) {
    byol__shape shape = byol__graph_shape(graph, src);
    if (shape.h == height && shape.w == width) return src;
    byol__attributes attributes = {.rows = height, .columns = width};
    return byol__graph_apply(graph, &byol__op_resize, "resize", attributes, 1, &src);
}
