/* Dropout (Srivastava et al. 2014): while a network is trained, each number becomes 0 with
 * probability `rate`, else it is divided by 1 - rate. What is dropped is a function of the plan's
 * draw, the node and the number's place, so that backward draws it again, and so does a resumed
 * run. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/bf16.h"
#include "base/philox.h"
#include "ops/dropout_kernels.h"
#include "ops/ops.h"
#include "plan/unit.h"

typedef struct dropout_state {
    float rate;
    uint32_t node;
    bool whole; /* all of a sample, or nothing of it */
} dropout_state;

static uint32_t threshold_of(const dropout_state *s) {
    return (uint32_t)lrintf(s->rate * 65536.0f);
}

static byol__shape infer(byol__graph *graph, const char *name, const byol__attributes *a,
                         byol__shape src) {
    if (!(a->rate >= 0 && a->rate < 1))
        byol__graph_mistake(graph, BYOL_ERROR_INVALID, "%s: a rate of %g is not in [0, 1)", name,
                            (double)a->rate);
    return src;
}

static void in_onnx(const byol__graph *graph, const byol__node *node, char *lines) {
    (void)graph, (void)node;
    byol__onnx_append(lines, "y = Identity x");
}

static byol_status compile(byol__compiler *c, byol__unit *unit) {
    dropout_state *s = unit->state;
    s->rate = c->graph->nodes[unit->stage.node].attributes.rate;
    s->node = (uint32_t)unit->stage.node;
    s->whole = c->graph->nodes[unit->stage.node].attributes.whole;
    c->plan->slots[unit->stage.dst].layout = c->plan->slots[unit->stage.src[0]].layout;
    return BYOL_OK;
}

/* Of every element: byol__dropout says how. */
static void apply(const byol__plan *plan, const dropout_state *s, size_t count, const void *from,
                  void *to) {
    const byol__draw *draw = &plan->draw;
    const byol__dropout p = {
        .threshold = threshold_of(s),
        .scale = 1 / (1 - s->rate),
        .key = {(uint32_t)draw->seed, (uint32_t)(draw->seed >> 32)},
        .stream = {draw->step, s->node, draw->view << 8 | BYOL__PURPOSE_DROPOUT},
        .count = count,
        .bf16 = plan->options.dtype == BYOL__BF16,
        .from = from,
        .to = to};
    byol__dropout_kernels_best()->apply(&p);
}

/* What sample `n` is multiplied by as a whole. */
static float sample_factor(const byol__draw *draw, const dropout_state *s, uint32_t n) {
    const uint32_t key[2] = {(uint32_t)draw->seed, (uint32_t)(draw->seed >> 32)},
                   counter[4] = {n, draw->step, s->node, draw->view << 8 | BYOL__PURPOSE_DROPOUT};
    uint32_t bits[4];
    byol__philox(counter, key, bits);
    return (bits[0] & 0xffffu) >= threshold_of(s) ? 1 / (1 - s->rate) : 0;
}

static void apply_whole(const byol__plan *plan, const dropout_state *s, size_t count,
                        const void *from, void *to) {
    bool is_bf16 = plan->options.dtype == BYOL__BF16;
    size_t samples = (size_t)plan->options.batch, own = count / samples;
#pragma omp parallel for schedule(static)
    for (size_t n = 0; n < samples; n++) {
        float scale = sample_factor(&plan->draw, s, (uint32_t)n);
        for (size_t i = n * own; i < (n + 1) * own; i++)
            if (is_bf16)
                ((byol__bf16 *)to)[i] = byol__bf16_from_float(
                    scale * byol__bf16_to_float(((const byol__bf16 *)from)[i]));
            else
                ((float *)to)[i] = scale * ((const float *)from)[i];
    }
}

static void run(byol__plan *plan, const byol__unit *unit, const void *from, void *to) {
    const dropout_state *s = unit->state;
    const byol__layout *layout = &plan->slots[unit->stage.dst].layout;
    size_t bytes = byol__layout_bytes(layout);
    double begin = byol__now();
    if (byol__trains(plan) && s->rate > 0)
        (s->whole ? apply_whole : apply)(plan, s, bytes / byol__dtype_bytes(layout->dtype), from,
                                         to);
    else if (from != to)
        memcpy(to, from, bytes);
    byol__profile_add(plan->profile, BYOL__WORK_POOL, begin, 0, 2 * bytes);
}

static byol_status forward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    run(plan, unit, byol__value_at(plan, unit->stage.src[0]),
        byol__value_at(plan, unit->stage.dst));
    return BYOL_OK;
}

static byol_status backward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    if (unit->dx[0] != BYOL__NO_BUFFER)
        run(plan, unit, byol__at(plan, unit->dy[0]), byol__at(plan, unit->dx[0]));
    return BYOL_OK;
}

static const byol__runs runs = {
    .state_bytes = sizeof(dropout_state),
    .reads = BYOL__READS_NOTHING,
    .in_place = true,
    .diffs = 1,
    .forward = forward,
    .backward = backward,
};

extern const byol__op byol__op_dropout;
const byol__op byol__op_dropout = {
    .kind = "dropout",
    .sources = 1,
    .infer = infer,
    .onnx_lines = in_onnx,
    .compile = compile,
    .runs = &runs,
};

byol__value_id byol__graph_dropout(byol__graph *graph, byol__value_id src, float rate) {
    byol__attributes attributes = {.rate = rate};
    if (rate == 0) return src;
    return byol__graph_apply(graph, &byol__op_dropout, "dropout", attributes, 1, &src);
}

byol__value_id byol__graph_drop_path(byol__graph *graph, byol__value_id src, float rate) {
    byol__attributes attributes = {.rate = rate, .whole = true};
    if (rate == 0) return src;
    return byol__graph_apply(graph, &byol__op_dropout, "drop path", attributes, 1, &src);
}
