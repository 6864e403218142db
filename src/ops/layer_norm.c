/* Layer norm over the channels of each position. */
#include <stdbool.h>

#include "base/error.h"
#include "ops/ops.h"
#include "ops/row_kernels.h"
#include "plan/unit.h"

typedef struct layer_norm_state {
    byol__layer_norm kernel;
    byol__range gamma, beta;
    int mean, inv_std, partial; /* buffers */
} layer_norm_state;

static byol__shape infer(byol__graph *graph, const char *name, const byol__attributes *attributes,
                         byol__shape src) {
    (void)attributes;
    if (src.c > BYOL__ROW_MAX)
        byol__graph_mistake(graph, BYOL_ERROR_UNSUPPORTED, "%s: %d channels are more than %d", name,
                            src.c, BYOL__ROW_MAX);
    return src;
}

static void add_parameters(byol__graph *graph, byol__node *node, byol__shape src) {
    if (node->attributes.bare) return;
    node->weight = byol__graph_vector_param(graph, node->name, "weight", src.c, BYOL__INIT_ONE);
    node->bias = byol__graph_vector_param(graph, node->name, "bias", src.c, BYOL__INIT_ZERO);
}

/* The channels come last there, but for those of images. */
static void in_onnx(const byol__graph *graph, const byol__node *node, char *lines) {
    if (graph->values[node->dst].shape.rank > 2 || node->attributes.bare) return;
    byol__onnx_append(lines, "y = LayerNormalization x weight bias axis=-1 epsilon=%.9e",
                      (double)node->attributes.epsilon);
}

static byol_status compile(byol__compiler *c, byol__unit *unit) {
    const byol__node *node = &c->graph->nodes[unit->stage.node];
    layer_norm_state *s = unit->state;
    byol__layout layout = c->plan->slots[unit->stage.src[0]].layout;
    s->kernel = (byol__layer_norm){.layout = layout, .epsilon = node->attributes.epsilon};
    s->gamma = byol__range_of(&c->graph->params, node->weight);
    s->beta = byol__range_of(&c->graph->params, node->bias);
    c->plan->slots[unit->stage.dst].layout = layout;
    return BYOL_OK;
}

static byol_status place_forward(byol__compiler *c, byol__unit *unit, int slot) {
    layer_norm_state *s = unit->state;
    const byol__layout *l = &s->kernel.layout;
    int last = byol__trains(c->plan) ? byol__backward_slot(c->plan, slot) : slot;
    BYOL__TRY(byol__new_floats(c, l->n * l->h * l->w, slot, last, &s->mean));
    return byol__new_floats(c, l->n * l->h * l->w, slot, last, &s->inv_std);
}

static byol_status place_backward(byol__compiler *c, byol__unit *unit, int slot) {
    layer_norm_state *s = unit->state;
    size_t doubles = byol__layer_norm_partials(&s->kernel.layout);
    return byol__new_buffer(c, doubles * sizeof(double), slot, slot, &s->partial);
}

static byol_status bind(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    layer_norm_state *s = unit->state;
    byol__layer_norm *p = &s->kernel;
    p->x = byol__value_at(plan, unit->stage.src[0]);
    p->y = byol__value_at(plan, unit->stage.dst);
    bool bare = s->gamma.count == 0;
    p->gamma = bare ? NULL : plan->bound.params + s->gamma.offset;
    p->beta = bare ? NULL : plan->bound.params + s->beta.offset;
    p->mean = byol__at(plan, s->mean);
    p->inv_std = byol__at(plan, s->inv_std);
    if (!byol__trains(plan) || unit->dy_count == 0) return BYOL_OK;
    p->dy = byol__at(plan, unit->dy[0]);
    p->dx = byol__at(plan, unit->dx[0]);
    p->diff_gamma = bare ? NULL : plan->bound.grads + s->gamma.offset;
    p->diff_beta = bare ? NULL : plan->bound.grads + s->beta.offset;
    p->partial = byol__at(plan, s->partial);
    return BYOL_OK;
}

static byol_status forward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    double begin = byol__now();
    byol__row_kernels_best()->layer_norm_forward(&((layer_norm_state *)unit->state)->kernel);
    byol__profile_add(plan->profile, BYOL__WORK_NORM_FORWARD, begin, 0,
                      2 * byol__value_bytes(plan, unit->stage.dst));
    return BYOL_OK;
}

static byol_status backward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    double begin = byol__now();
    byol__row_kernels_best()->layer_norm_backward(&((layer_norm_state *)unit->state)->kernel);
    byol__profile_add(plan->profile, BYOL__WORK_NORM_BACKWARD, begin, 0,
                      3 * byol__value_bytes(plan, unit->stage.dst));
    return BYOL_OK;
}

static const byol__runs runs = {
    .state_bytes = sizeof(layer_norm_state),
    .reads = BYOL__READS_SRC,
    .diffs = 1,
    .place_forward = place_forward,
    .place_backward = place_backward,
    .bind = bind,
    .forward = forward,
    .backward = backward,
};

extern const byol__op byol__op_layer_norm;
const byol__op byol__op_layer_norm = {
    .kind = "layer norm",
    .sources = 1,
    .infer = infer,
    .add_parameters = add_parameters,
    .onnx_lines = in_onnx,
    .compile = compile,
    .runs = &runs,
};

byol__value_id byol__graph_layer_norm(byol__graph *graph, const char *name, byol__value_id src,
                                      float epsilon) {
    byol__attributes attributes = {.epsilon = epsilon};
    return byol__graph_apply(graph, &byol__op_layer_norm, name, attributes, 1, &src);
}

byol__value_id byol__graph_bare_layer_norm(byol__graph *graph, byol__value_id src, float epsilon) {
    byol__attributes attributes = {.epsilon = epsilon, .bare = true};
    return byol__graph_apply(graph, &byol__op_layer_norm, "layer norm", attributes, 1, &src);
}
