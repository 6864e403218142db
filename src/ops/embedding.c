/* Tokens to vectors: a row of a table for each. */
#include <stdint.h>
#include <string.h>

#include "base/bf16.h"
#include "base/error.h"
#include "ops/ops.h"
#include "ops/token_lengths.h"
#include "plan/unit.h"

void byol__token_lengths(const byol__plan *plan, int value, int *lengths) {
    const byol__layout *l = &plan->slots[value].layout;
    const int32_t *tokens = byol__value_at(plan, value);
    for (int n = 0; n < l->n; n++) {
        lengths[n] = l->c;
        while (lengths[n] > 0 && tokens[n * l->c + lengths[n] - 1] == 0) lengths[n]--;
    }
}

byol_status byol__check_token_length(const byol__compiler *c, const byol__unit *unit, int tokens,
                                     int positions) {
    int length = c->plan->slots[tokens].layout.c;
    if (length == positions) return BYOL_OK;
    return byol__fail(c->error, BYOL_ERROR_MISMATCH, "%s: %d tokens, but %d positions", unit->name,
                      length, positions);
}

/* (length) i32 -> (width, length): channels last, a row for each token. */
static byol__shape infer(byol__graph *graph, const char *name, const byol__attributes *a,
                         byol__shape src) {
    if (a->vocabulary < 1)
        byol__graph_mistake(graph, BYOL_ERROR_INVALID, "%s: a vocabulary of %d", name,
                            a->vocabulary);
    return byol__shape_of(2, a->out, src.c, 1);
}

static void add_parameters(byol__graph *graph, byol__node *node, byol__shape src) {
    (void)src;
    const byol__attributes *a = &node->attributes;
    byol__param weight = {.dims = {a->vocabulary, a->out},
                          .ndims = 2,
                          .flags = BYOL__NO_MUON,
                          .init = BYOL__INIT_NORMAL};
    node->weight = byol__graph_param(graph, node->name, "weight", weight);
}

typedef struct embedding_state {
    byol__range weight;
    int vocabulary;
} embedding_state;

static void in_onnx(const byol__graph *graph, const byol__node *node, char *lines) {
    (void)graph, (void)node;
    byol__onnx_append(lines, "y = Gather weight x axis=0");
}

static byol_status compile(byol__compiler *c, byol__unit *unit) {
    const byol__node *node = &c->graph->nodes[unit->stage.node];
    embedding_state *s = unit->state;
    s->weight = byol__range_of(&c->graph->params, node->weight);
    s->vocabulary = node->attributes.vocabulary;
    c->plan->slots[unit->stage.dst].layout = byol__layout_for(c, unit->stage.dst, BYOL__NHWC);
    return BYOL_OK;
}

/* A token beyond the table is the caller's mistake: said, not read. */
static byol_status check_tokens(const byol__plan *plan, const byol__unit *unit, byol_error *error) {
    const embedding_state *s = unit->state;
    const byol__layout *src = &plan->slots[unit->stage.src[0]].layout;
    const int32_t *tokens = byol__value_at(plan, unit->stage.src[0]);
    for (int i = 0; i < src->n * src->c; i++)
        if (tokens[i] < 0 || tokens[i] >= s->vocabulary)
            return byol__fail(error, BYOL_ERROR_INVALID,
                              "%s: token %d of sample %d is %d; the vocabulary has %d", unit->name,
                              i % src->c, i / src->c, (int)tokens[i], s->vocabulary);
    return BYOL_OK;
}

static byol_status forward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    const embedding_state *s = unit->state;
    BYOL__TRY(check_tokens(plan, unit, error));
    double begin = byol__now();
    const byol__layout *dst = &plan->slots[unit->stage.dst].layout;
    const int32_t *tokens = byol__value_at(plan, unit->stage.src[0]);
    const float *table = plan->bound.params + s->weight.offset;
    void *y = byol__value_at(plan, unit->stage.dst);
    size_t width = (size_t)dst->c;
#pragma omp parallel for schedule(static)
    for (int i = 0; i < dst->n * dst->h; i++) {
        const float *row = table + (size_t)tokens[i] * width;
        size_t at = (size_t)i * width;
        if (dst->dtype == BYOL__F32)
            memcpy((float *)y + at, row, width * sizeof *row);
        else
            for (size_t c = 0; c < width; c++)
                ((byol__bf16 *)y)[at + c] = byol__bf16_from_float(row[c]);
    }
    byol__profile_add(plan->profile, BYOL__WORK_LAYOUT, begin, 0,
                      2 * byol__value_bytes(plan, unit->stage.dst));
    return BYOL_OK;
}

/* Each thread adds to columns of its own, tokens in their order: the same bits for any number. */
static byol_status backward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    enum { COLUMNS = 16 };
    const embedding_state *s = unit->state;
    double begin = byol__now();
    const byol__layout *dst = &plan->slots[unit->stage.dst].layout;
    const int32_t *tokens = byol__value_at(plan, unit->stage.src[0]);
    const void *dy = byol__at(plan, unit->dy[0]);
    float *table = plan->bound.grads + s->weight.offset;
    int width = dst->c;
#pragma omp parallel for schedule(static)
    for (int first = 0; first < width; first += COLUMNS) {
        int last = first + COLUMNS < width ? first + COLUMNS : width;
        for (int i = 0; i < dst->n * dst->h; i++) {
            if (tokens[i] < 0 || tokens[i] >= s->vocabulary) continue; /* forward has failed */
            for (int c = first; c < last; c++) {
                size_t at = (size_t)i * (size_t)width + (size_t)c;
                table[(size_t)tokens[i] * (size_t)width + (size_t)c] +=
                    dst->dtype == BYOL__F32 ? ((const float *)dy)[at]
                                            : byol__bf16_to_float(((const byol__bf16 *)dy)[at]);
            }
        }
    }
    byol__profile_add(plan->profile, BYOL__WORK_LAYOUT, begin, 0,
                      2 * byol__value_bytes(plan, unit->stage.dst));
    return BYOL_OK;
}

static const byol__runs runs = {
    .state_bytes = sizeof(embedding_state),
    .reads = BYOL__READS_SRC,
    .diffs = 1,
    .forward = forward,
    .backward = backward,
};

extern const byol__op byol__op_embedding;
const byol__op byol__op_embedding = {
    .kind = "embedding",
    .sources = 1,
    .takes_integers = true,
    .infer = infer,
    .add_parameters = add_parameters,
    .onnx_lines = in_onnx,
    .compile = compile,
    .runs = &runs,
};

byol__value_id byol__graph_embedding(byol__graph *graph, const char *name, byol__value_id tokens,
                                     int vocabulary, int width) {
    byol__attributes attributes = {.out = width, .vocabulary = vocabulary};
    return byol__graph_apply(graph, &byol__op_embedding, name, attributes, 1, &tokens);
}
