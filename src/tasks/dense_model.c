#include "tasks/dense_model.h"

#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "graph/arena.h"
#include "nets/nets.h"

static const double POWER = 0.9;

/* ---- Creating one ---- */

static byol_status cut(byol__dense_model *m, byol_error *error) {
    m->trained = &m->whole;
    if (m->options.cut == NULL) return BYOL_OK;
    BYOL__TRY(byol__graph_cut(&m->whole, *m->options.cut, &m->front, &m->back, error));
    m->trained = &m->back;
    m->params_before = m->front.params.total;
    m->statistics_before = m->front.statistics.total;
    return BYOL_OK;
}

static size_t floats_of(const byol__dense_model *m, byol__value_id value) {
    return (size_t)m->options.batch * byol__shape_count(m->whole.values[value].shape);
}

static byol_status create_arenas(byol__dense_model *m, byol_error *error) {
    const byol__table *rows = &m->trained->params;
    size_t answer = floats_of(m, m->whole.output[BYOL__LOGITS]);
    BYOL__TRY(byol__arena_alloc(&m->params, m->whole.params.total, "parameters", error));
    BYOL__TRY(byol__arena_alloc(&m->statistics, m->whole.statistics.total, "batch norm statistics",
                                error));
    BYOL__TRY(byol__arena_alloc(&m->grads, rows->total, "gradients", error));
    for (int i = 0; i < byol__optimizer_states(m->optimizer.name); i++)
        BYOL__TRY(byol__arena_alloc(&m->state[i], rows->total, "optimizer state", error));
    BYOL__TRY(byol__alloc_floats(&m->lr_scale, (size_t)rows->count, "learning rates", error));
    BYOL__TRY(byol__alloc_floats(&m->images, floats_of(m, 0), "pictures of a batch", error));
    if (m->options.cut != NULL)
        BYOL__TRY(
            byol__alloc_floats(&m->middle, floats_of(m, *m->options.cut), "maps of stages", error));
    BYOL__TRY(byol__alloc_floats(&m->maps, answer, "answers of a batch", error));
    return byol__alloc_floats(&m->diff, answer, "gradient of the loss", error);
}

static byol_status create_plan(byol__dense_model *m, byol__plan **out, const byol__graph *graph,
                               byol__mode mode, byol__output output, byol__dtype dtype,
                               size_t *workspace_bytes, byol_error *error) {
    byol__plan_options options = {
        .batch = m->options.batch, .dtype = dtype, .mode = mode, .output = output};
    /* A norm that comes first goes along channels. */
    if (graph == &m->back) options.format = BYOL__NHWC;
    byol__plan_info info;
    BYOL__TRY(byol__plan_create(out, graph, &options, error));
    byol__plan_describe(*out, &info);
    if (info.workspace_bytes > *workspace_bytes) *workspace_bytes = info.workspace_bytes;
    return BYOL_OK;
}

static byol_status create_plans(byol__dense_model *m, byol_error *error) {
    size_t bytes = 0;
    byol__dtype dtype = m->options.dtype;
    BYOL__TRY(
        create_plan(m, &m->judge, &m->whole, BYOL__EVAL, BYOL__LOGITS, BYOL__F32, &bytes, error));
    BYOL__TRY(
        create_plan(m, &m->learner, m->trained, BYOL__TRAIN, BYOL__LOGITS, dtype, &bytes, error));
    if (m->options.cut != NULL)
        BYOL__TRY(create_plan(m, &m->before, &m->front, BYOL__EVAL, BYOL__REPRESENTATION, dtype,
                              &bytes, error));
    BYOL__TRY(byol__workspace_alloc(&m->workspace, bytes, error));
    byol__binding all = {
        .params = m->params, .statistics = m->statistics, .workspace = m->workspace};
    byol__binding learning = {.params = m->params + m->params_before,
                              .grads = m->grads,
                              .statistics = m->statistics + m->statistics_before,
                              .workspace = m->workspace};
    BYOL__TRY(byol__plan_bind(m->judge, &all, error));
    BYOL__TRY(byol__plan_bind(m->learner, &learning, error));
    return m->before == NULL ? BYOL_OK : byol__plan_bind(m->before, &all, error);
}

static byol_status initialise(byol__dense_model *m, byol_error *error) {
    const byol__dense_model_options *o = &m->options;
    byol__params_init(&m->whole.params, o->seed, m->params);
    byol__params_init(&m->whole.statistics, o->seed, m->statistics);
    if (o->trunk != NULL)
        BYOL__TRY(byol__trunk_copy(&m->whole, o->trunk, m->params, m->statistics, error));
    for (int r = 0; r < m->trained->params.count; r++)
        m->lr_scale[r] =
            powf(o->lr_decay, (float)(m->whole.stage_count - m->trained->params.rows[r].stage));
    m->optimizer.lr_scale = m->lr_scale;
    if (m->before != NULL) BYOL__TRY(byol__plan_stage(m->before, error));
    return byol__plan_stage(m->learner, error);
}

static byol_status build(byol__dense_model *m, byol_error *error) {
    m->map = byol__graph_shape(&m->whole, m->whole.output[BYOL__LOGITS]);
    BYOL__TRY(cut(m, error));
    BYOL__TRY(create_arenas(m, error));
    BYOL__TRY(create_plans(m, error));
    return initialise(m, error);
}

byol_status byol__dense_model_create(byol__dense_model **out, byol__graph *graph,
                                     const byol__dense_model_options *options, byol_error *error) {
    byol__dense_model *m;
    byol_status status = byol__alloc(&m, 1, sizeof *m, "a network for a task", error);
    if (status != BYOL_OK) {
        byol__graph_release(graph);
        return status;
    }
    m->whole = *graph;
    byol__graph_init(graph);
    byol__graph_init(&m->front);
    byol__graph_init(&m->back);
    m->options = *options;
    m->optimizer = (byol__optimizer_options){.name = BYOL_ADAMW,
                                             .weight_decay = options->weight_decay,
                                             .beta1 = 0.9f,
                                             .beta2 = 0.999f,
                                             .epsilon = 1e-8f};
    status = build(m, error);
    m->options.trunk = NULL; /* borrowed for the time of creation */
    m->options.cut = NULL;
    if (status == BYOL_OK)
        *out = m;
    else
        byol__dense_model_free(m);
    return status;
}

void byol__dense_model_free(byol__dense_model *m) {
    if (m == NULL) return;
    byol__plan_free(m->judge);
    byol__plan_free(m->before);
    byol__plan_free(m->learner);
    byol__graph_release(&m->whole);
    byol__graph_release(&m->front);
    byol__graph_release(&m->back);
    void *arenas[] = {m->params, m->statistics, m->grads, m->state[0], m->state[1], m->workspace};
    for (size_t i = 0; i < sizeof arenas / sizeof *arenas; i++) byol__arena_free(arenas[i]);
    float *owned[] = {m->lr_scale, m->images, m->middle, m->maps, m->diff};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) byol__free(owned[i]);
    byol__free(m);
}

/* ---- Running it ---- */

byol_status byol__dense_model_forward(byol__dense_model *m, byol_error *error) {
    const float *input = m->images;
    if (m->before != NULL) {
        BYOL__TRY(byol__plan_forward(m->before, m->images, error));
        byol__plan_read(m->before, BYOL__REPRESENTATION, m->middle);
        input = m->middle;
    }
    const byol__draw draw = {m->options.seed, (uint32_t)m->step, 0};
    byol__plan_draw(m->learner, &draw);
    BYOL__TRY(byol__plan_forward(m->learner, input, error));
    byol__plan_read(m->learner, BYOL__LOGITS, m->maps);
    return BYOL_OK;
}

static byol_status diverged(const byol__dense_model *m, const char *what, byol_error *error) {
    return byol__fail(error, BYOL_ERROR_NUMERIC,
                      "training diverged at step %llu: %s is not a finite number; a lower learning "
                      "rate may help",
                      (unsigned long long)m->step + 1, what);
}

byol_status byol__dense_model_learn(byol__dense_model *m, double loss, byol_error *error) {
    const byol__table *rows = &m->trained->params;
    if (!isfinite(loss)) return diverged(m, "the loss", error);
    BYOL__TRY(byol__plan_backward(m->learner, m->diff, error));
    if (!isfinite(byol__arena_norm(m->grads, rows->total)))
        return diverged(m, "the gradient", error);
    double left = 1 - (double)m->step / (double)m->options.steps;
    double lr = (double)m->options.lr * pow(left > 0 ? left : 0, POWER);
    m->step++;
    byol__optimizer_update(&m->optimizer, rows, (float)lr, 1, m->step, m->params + m->params_before,
                           m->grads, m->state);
    byol__arena_clear(m->grads, rows->total);
    return byol__plan_stage(m->learner, error);
}

byol_status byol__dense_model_refresh(byol__dense_model *m, byol_error *error) {
    return byol__plan_stage(m->judge, error);
}

byol_status byol__dense_model_judge(byol__dense_model *m, byol_error *error) {
    BYOL__TRY(byol__plan_forward(m->judge, m->images, error));
    byol__plan_read(m->judge, BYOL__LOGITS, m->maps);
    return BYOL_OK;
}
