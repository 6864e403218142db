/* Positions made fewer: (c, n) -> (c, rank), y = E x along them, with E learned. Attention to
 * `rank` mixtures of keys and of values costs n rank, not n^2 (Wang et al. 2020, "Linformer", arXiv
 * 2006.04768, equation 7). Padding counts as 0, and a text shorter than E meets its first columns
 * only. Several operations may have one matrix: those of one name. */
#include "base/error.h"
#include "ops/low_rank_kernels.h"
#include "ops/ops.h"
#include "ops/token_lengths.h"
#include "plan/unit.h"

#include <omp.h>

typedef struct low_rank_state {
    byol__low_rank kernel;
    byol__range weight;
    int lengths, scratch, backward_scratch; /* buffers */
} low_rank_state;

static byol__shape infer(byol__graph *graph, const char *name, const byol__attributes *a,
                         byol__shape src) {
    if (a->heads < 1 || src.c % a->heads != 0 || a->out < 1)
        byol__graph_mistake(graph, BYOL_ERROR_INVALID,
                            "%s: %d channels do not divide into %d heads, or a rank of %d", name,
                            src.c, a->heads, a->out);
    return byol__shape_of(2, src.c, a->out, 1);
}

int byol__graph_low_rank_matrix(byol__graph *graph, const char *name, int positions, int rank,
                                int heads) {
    byol__param row = {.dims = {rank, positions},
                       .ndims = 2,
                       .flags = BYOL__OPTIONAL,
                       .init = BYOL__INIT_TRUNCATED_FAN_IN,
                       .fan_in = positions,
                       .fan_out = rank};
    if (heads > 1) {
        row.flags |= BYOL__NO_MUON;
        row.ndims = 3;
        row.dims[0] = heads;
        row.dims[1] = rank;
        row.dims[2] = positions;
    }
    return byol__graph_shared_param(graph, name, "weight", row);
}

static void add_parameters(byol__graph *graph, byol__node *node, byol__shape src) {
    const byol__attributes *a = &node->attributes;
    node->weight = byol__graph_low_rank_matrix(graph, node->name, src.h * src.w, a->out, a->heads);
}

static uint64_t flops(const byol__graph *graph, const byol__node *node) {
    byol__shape src = graph->values[node->src[0]].shape;
    return 2 * (uint64_t)node->attributes.out * (uint64_t)(src.h * src.w) * (uint64_t)src.c;
}

static void in_onnx(const byol__graph *graph, const byol__node *node, char *lines) {
    byol__shape src = graph->values[node->src[0]].shape;
    int heads = node->attributes.heads;
    const char *x = "x";
    if (src.rank != 2) return;
    if (node->src_count > 1) {
        byol__onnx_append(lines, "real = Cast x1 to=9\n"
                                 "mask = Cast real to=1\n"
                                 "column = Unsqueeze mask [2]\n"
                                 "kept = Mul x column\n");
        x = "kept";
    }
    byol__onnx_append(lines,
                      "length = Shape x start=1 end=2\n"
                      "used = Slice weight [0] length [%d]\n",
                      heads > 1 ? 2 : 1);
    if (heads == 1)
        byol__onnx_append(lines, "y = MatMul used %s", x);
    else
        byol__onnx_append(lines,
                          "split = Reshape %s [0,-1,%d,%d]\n"
                          "heads = Transpose split perm=[0,2,1,3]\n"
                          "fewer = MatMul used heads\n"
                          "together = Transpose fewer perm=[0,2,1,3]\n"
                          "y = Reshape together [0,-1,%d]",
                          x, heads, src.c / heads, src.c);
}

/* ---- In a plan ---- */

static int columns_of(const byol__graph *graph, const byol__node *node) {
    const byol__param *row = &graph->params.rows[node->weight];
    return row->dims[row->ndims - 1];
}

static byol_status compile(byol__compiler *c, byol__unit *unit) {
    const byol__node *node = &c->graph->nodes[unit->stage.node];
    low_rank_state *s = unit->state;
    byol__layout src = c->plan->slots[unit->stage.src[0]].layout;
    if (unit->stage.src[1] != BYOL__NO_VALUE)
        BYOL__TRY(byol__check_token_length(c, unit, unit->stage.src[1], src.h * src.w));
    byol__layout dst = byol__layout_for(c, unit->stage.dst, src.format);
    c->plan->slots[unit->stage.dst].layout = dst;
    s->kernel = (byol__low_rank){.src = src,
                                 .dst = dst,
                                 .matrices = node->attributes.heads,
                                 .columns = columns_of(c->graph, node),
                                 .threads = omp_get_max_threads()};
    s->kernel.scratch_floats = byol__low_rank_kernels_best()->scratch(&s->kernel);
    s->weight = byol__range_of(&c->graph->params, node->weight);
    s->lengths = s->scratch = s->backward_scratch = BYOL__NO_BUFFER;
    unit->forward_flops = byol__node_flops(c->graph, node) * (uint64_t)c->plan->options.batch;
    unit->backward_flops = 2 * unit->forward_flops;
    return BYOL_OK;
}

static byol_status place_scratch(byol__compiler *c, const low_rank_state *s, int slot, int *id) {
    size_t floats = (size_t)s->kernel.threads * s->kernel.scratch_floats;
    return byol__new_buffer(c, floats * sizeof(float), slot, slot, id);
}

static byol_status place_forward(byol__compiler *c, byol__unit *unit, int slot) {
    low_rank_state *s = unit->state;
    int last = byol__trains(c->plan) ? byol__backward_slot(c->plan, slot) : slot;
    if (unit->stage.src[1] != BYOL__NO_VALUE)
        BYOL__TRY(byol__new_floats(c, s->kernel.src.n, slot, last, &s->lengths));
    return place_scratch(c, s, slot, &s->scratch);
}

static byol_status place_backward(byol__compiler *c, byol__unit *unit, int slot) {
    low_rank_state *s = unit->state;
    return place_scratch(c, s, slot, &s->backward_scratch);
}

static byol_status bind(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    low_rank_state *s = unit->state;
    byol__low_rank *p = &s->kernel;
    p->weight = plan->bound.params + s->weight.offset;
    p->lengths = byol__at(plan, s->lengths);
    p->x = byol__value_at(plan, unit->stage.src[0]);
    p->y = byol__value_at(plan, unit->stage.dst);
    if (!byol__trains(plan) || unit->dy_count == 0) return BYOL_OK;
    p->dy = byol__at(plan, unit->dy[0]);
    p->dx = byol__at(plan, unit->dx[0]);
    p->diff_weight = plan->bound.grads + s->weight.offset;
    return BYOL_OK;
}

static byol_status forward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    low_rank_state *s = unit->state;
    double begin = byol__now();
    if (s->lengths != BYOL__NO_BUFFER)
        byol__token_lengths(plan, unit->stage.src[1], byol__at(plan, s->lengths));
    s->kernel.scratch = byol__at(plan, s->scratch);
    byol__low_rank_kernels_best()->forward(&s->kernel);
    byol__profile_add(plan->profile, BYOL__WORK_LINEAR, begin, unit->forward_flops, 0);
    return BYOL_OK;
}

static byol_status backward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    low_rank_state *s = unit->state;
    double begin = byol__now();
    s->kernel.scratch = byol__at(plan, s->backward_scratch);
    byol__low_rank_kernels_best()->backward(&s->kernel);
    byol__profile_add(plan->profile, BYOL__WORK_LINEAR, begin, unit->backward_flops, 0);
    return BYOL_OK;
}

static const byol__runs runs = {
    .state_bytes = sizeof(low_rank_state),
    .reads = BYOL__READS_SRC,
    .diffs = 1,
    .place_forward = place_forward,
    .place_backward = place_backward,
    .bind = bind,
    .forward = forward,
    .backward = backward,
};

extern const byol__op byol__op_low_rank;
const byol__op byol__op_low_rank = {
    .kind = "low rank",
    .sources = 1,
    .may_have_tokens = true,
    .infer = infer,
    .add_parameters = add_parameters,
    .flops = flops,
    .onnx_lines = in_onnx,
    .compile = compile,
    .runs = &runs,
};

byol__value_id byol__graph_low_rank(byol__graph *graph, const char *name, byol__value_id src,
                                    int rank, int heads, const byol__value_id *tokens) {
    byol__attributes attributes = {.out = rank, .heads = heads};
    byol__value_id sources[] = {src, tokens == NULL ? 0 : *tokens};
    return byol__graph_apply(graph, &byol__op_low_rank, name, attributes, tokens == NULL ? 1 : 2,
                             sources);
}
