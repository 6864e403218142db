/* Attention over positions: of three values q, k, v (c, h, w), or of one that holds all three (3c,
 * h, w), q before k before v, as timm packs them. A picture's positions are its pixels, h w of
 * them. */
#include <math.h>
#include <stdbool.h>

#include <omp.h>

#include "base/error.h"
#include "base/philox.h"
#include "ops/attention_kernels.h"
#include "ops/ops.h"
#include "ops/token_lengths.h"
#include "plan/unit.h"

typedef struct attention_state {
    byol__attention kernel;
    const byol__attention_kernels *runs;
    int sources;                   /* 1 or 3, tokens apart */
    float strength;                /* of noise */
    uint32_t node;                 /* whose it is */
    int log_sums, lengths;         /* buffers */
    int scratch, backward_scratch; /* of all threads */
} attention_state;

/* ---- In the graph ---- */

static byol__shape infer_as(byol__graph *graph, const char *name, const byol__attributes *a,
                            byol__shape src, int parts) {
    if (a->heads < 1 || src.c % (parts * a->heads) != 0)
        byol__graph_mistake(graph, BYOL_ERROR_INVALID,
                            "%s: %d channels do not divide into %d heads", name, src.c / parts,
                            a->heads);
    src.c /= parts;
    return src;
}

static byol__shape infer(byol__graph *graph, const char *name, const byol__attributes *a,
                         byol__shape src) {
    return infer_as(graph, name, a, src, 1);
}

static byol__shape infer_packed(byol__graph *graph, const char *name, const byol__attributes *a,
                                byol__shape src) {
    return infer_as(graph, name, a, src, 3);
}

/* Scores and their sum over values: two products of (queries, keys, channels). */
static uint64_t flops(const byol__graph *graph, const byol__node *node) {
    byol__shape out = graph->values[node->dst].shape;
    byol__shape keys = graph->values[node->src[node->op->sources == 3 ? 1 : 0]].shape;
    return 4 * (uint64_t)(out.h * out.w) * (uint64_t)(keys.h * keys.w) * (uint64_t)out.c;
}

/* One of q, k and v as (N, heads, n, width), the last two in the order `ends`. */
static void heads_in_onnx(char *lines, const char *name, const char *from, int heads, int width,
                          const char *ends) {
    byol__onnx_append(lines,
                      "%s_split = Reshape %s [0,-1,%d,%d]\n"
                      "%s_heads = Transpose %s_split perm=[0,2,%s]\n",
                      name, from, heads, width, name, name, ends);
}

/* A padded key (token 0) scores far below all others. */
static void in_onnx(const byol__graph *graph, const byol__node *node, char *lines) {
    static const char *const names[] = {"q", "k", "v"}, *const sources[] = {"x", "x1", "x2"};
    byol__shape out = graph->values[node->dst].shape;
    int heads = node->attributes.heads, width = out.c / heads;
    bool packed = node->op->sources == 1, masked = node->src_count > node->op->sources;
    if (out.rank != 2) return;
    for (int i = 0; i < 3; i++) {
        if (packed)
            byol__onnx_append(lines, "%s = Slice x [%d] [%d] [2]\n", names[i], i * out.c,
                              (i + 1) * out.c);
        heads_in_onnx(lines, names[i], packed ? names[i] : sources[i], heads, width,
                      i == 1 ? "3,1" : "1,3");
    }
    byol__onnx_append(lines, "products = MatMul q_heads k_heads\nscores = Mul products %.9e\n",
                      1 / sqrt((double)width));
    if (masked)
        byol__onnx_append(lines,
                          "real = Cast %s to=9\n"
                          "mask = Cast real to=1\n"
                          "below = Sub mask 1.0\n"
                          "far = Mul below 1e9\n"
                          "wide = Unsqueeze far [1,2]\n"
                          "allowed = Add scores wide\n",
                          packed ? "x1" : "x3");
    byol__onnx_append(lines,
                      "shares = Softmax %s axis=-1\n"
                      "mixed = MatMul shares v_heads\n"
                      "together = Transpose mixed perm=[0,2,1,3]\n"
                      "y = Reshape together [0,-1,%d]",
                      masked ? "allowed" : "scores", out.c);
}

/* ---- In a plan ---- */

static bool has_tokens(const byol__unit *unit) {
    const attention_state *s = unit->state;
    return unit->stage.src[s->sources] != BYOL__NO_VALUE;
}

static byol_status compile(byol__compiler *c, byol__unit *unit) {
    const byol__node *node = &c->graph->nodes[unit->stage.node];
    attention_state *s = unit->state;
    byol__attention *p = &s->kernel;
    byol__head_source *const heads[] = {&p->q, &p->k, &p->v};
    int channels = c->graph->values[unit->stage.dst].shape.c;
    s->sources = unit->op->sources;
    for (int i = 0; i < 3; i++) {
        int src = s->sources == 3 ? i : 0;
        heads[i]->layout = c->plan->slots[unit->stage.src[src]].layout;
        heads[i]->channel = s->sources == 3 ? 0 : i * channels;
    }
    const byol__layout *q = &p->q.layout, *k = &p->k.layout, *v = &p->v.layout;
    if (k->c != q->c || v->c != q->c || k->h * k->w != v->h * v->w)
        return byol__fail(c->error, BYOL_ERROR_MISMATCH,
                          "%s: its queries have %d channels, its keys %d at %d positions, its "
                          "values %d at %d",
                          unit->name, q->c, k->c, k->h * k->w, v->c, v->h * v->w);
    if (has_tokens(unit))
        BYOL__TRY(byol__check_token_length(c, unit, unit->stage.src[s->sources], k->h * k->w));
    s->node = (uint32_t)unit->stage.node;
    s->strength = node->attributes.noise;
    p->heads = node->attributes.heads;
    p->width = channels / p->heads;
    p->scale = 1 / sqrtf((float)p->width);
    p->layout = byol__layout_for(c, unit->stage.dst, p->q.layout.format);
    c->plan->slots[unit->stage.dst].layout = p->layout;
    s->log_sums = s->lengths = s->scratch = s->backward_scratch = BYOL__NO_BUFFER;
    p->threads = omp_get_max_threads();
    unit->forward_flops = byol__node_flops(c->graph, node) * (uint64_t)c->plan->options.batch;
    unit->backward_flops = unit->forward_flops * 5 / 2; /* five products to forward's two */
    p->noise.strength = s->strength;
    s->runs = byol__attention_kernels_for(p);
    p->scratch_floats = s->runs->scratch(p);
    return BYOL_OK;
}

static byol_status place_scratch(byol__compiler *c, const attention_state *s, int slot, int *id) {
    size_t floats = (size_t)s->kernel.threads * s->kernel.scratch_floats;
    return byol__new_buffer(c, floats * sizeof(float), slot, slot, id);
}

static byol_status place_forward(byol__compiler *c, byol__unit *unit, int slot) {
    attention_state *s = unit->state;
    const byol__attention *p = &s->kernel;
    int last = byol__trains(c->plan) ? byol__backward_slot(c->plan, slot) : slot;
    size_t sums = (size_t)p->layout.n * (size_t)(p->layout.h * p->layout.w) * (size_t)p->heads;
    BYOL__TRY(byol__new_buffer(c, sums * sizeof(float), slot, last, &s->log_sums));
    if (has_tokens(unit)) BYOL__TRY(byol__new_floats(c, p->layout.n, slot, last, &s->lengths));
    return place_scratch(c, s, slot, &s->scratch);
}

static byol_status place_backward(byol__compiler *c, byol__unit *unit, int slot) {
    attention_state *s = unit->state;
    return place_scratch(c, s, slot, &s->backward_scratch);
}

static byol_status bind(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    attention_state *s = unit->state;
    byol__attention *p = &s->kernel;
    byol__head_source *const heads[] = {&p->q, &p->k, &p->v};
    for (int i = 0; i < 3; i++) {
        int src = s->sources == 3 ? i : 0;
        heads[i]->values = byol__value_at(plan, unit->stage.src[src]);
        heads[i]->diff = byol__at(plan, unit->dx[src]);
    }
    p->y = byol__value_at(plan, unit->stage.dst);
    p->log_sums = byol__at(plan, s->log_sums);
    p->lengths = byol__at(plan, s->lengths);
    p->dy = unit->dy_count == 0 ? NULL : byol__at(plan, unit->dy[0]);
    return BYOL_OK;
}

/* Where the plan does not draw there is no noise. */
static byol__attention_noise noise_of(const byol__plan *plan, const attention_state *s) {
    const byol__draw *draw = &plan->draw;
    return (byol__attention_noise){
        .strength = plan->draws ? s->strength : 0,
        .key = {(uint32_t)draw->seed, (uint32_t)(draw->seed >> 32)},
        .stream = {draw->step, s->node, draw->view << 8 | BYOL__PURPOSE_ATTENTION}};
}

static byol_status forward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    attention_state *s = unit->state;
    double begin = byol__now();
    s->kernel.noise = noise_of(plan, s);
    if (has_tokens(unit))
        byol__token_lengths(plan, unit->stage.src[s->sources], byol__at(plan, s->lengths));
    s->kernel.scratch = byol__at(plan, s->scratch);
    s->runs->forward(&s->kernel);
    byol__profile_add(plan->profile, BYOL__WORK_LINEAR, begin, unit->forward_flops, 0);
    return BYOL_OK;
}

static byol_status backward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    attention_state *s = unit->state;
    double begin = byol__now();
    s->kernel.scratch = byol__at(plan, s->backward_scratch);
    s->runs->backward(&s->kernel);
    byol__profile_add(plan->profile, BYOL__WORK_LINEAR, begin, unit->backward_flops, 0);
    return BYOL_OK;
}

/* Weights are made again of q and k; y is what the softmax's gradient needs of them all. */
static unsigned reads_of(const byol__unit *unit) {
    unsigned sources = unit->op->sources == 3
                           ? BYOL__READS_SRC | BYOL__READS_SRC << 1 | BYOL__READS_SRC << 2
                           : BYOL__READS_SRC;
    return sources | BYOL__READS_DST;
}

static const byol__runs runs = {
    .state_bytes = sizeof(attention_state),
    .reads_of = reads_of,
    .diffs = 1,
    .place_forward = place_forward,
    .place_backward = place_backward,
    .bind = bind,
    .forward = forward,
    .backward = backward,
};

extern const byol__op byol__op_attention, byol__op_packed_attention;
const byol__op byol__op_attention = {
    .kind = "attention",
    .sources = 3,
    .sources_differ = true,
    .may_have_tokens = true,
    .infer = infer,
    .flops = flops,
    .onnx_lines = in_onnx,
    .compile = compile,
    .runs = &runs,
};

const byol__op byol__op_packed_attention = {
    .kind = "packed attention",
    .sources = 1,
    .may_have_tokens = true,
    .infer = infer_packed,
    .flops = flops,
    .onnx_lines = in_onnx,
    .compile = compile,
    .runs = &runs,
};

byol__value_id byol__graph_attention(byol__graph *graph, const char *name, byol__value_id q,
                                     byol__value_id k, byol__value_id v, int heads, float noise,
                                     const byol__value_id *tokens) {
    byol__attributes attributes = {.heads = heads, .noise = noise};
    byol__value_id src[] = {q, k, v, tokens == NULL ? 0 : *tokens};
    return byol__graph_apply(graph, &byol__op_attention, name, attributes, tokens == NULL ? 3 : 4,
                             src);
}

byol__value_id byol__graph_packed_attention(byol__graph *graph, const char *name,
                                            byol__value_id qkv, int heads,
                                            const byol__value_id *tokens) {
    byol__attributes attributes = {.heads = heads};
    byol__value_id src[] = {qkv, tokens == NULL ? 0 : *tokens};
    return byol__graph_apply(graph, &byol__op_packed_attention, name, attributes,
                             tokens == NULL ? 1 : 2, src);
}
