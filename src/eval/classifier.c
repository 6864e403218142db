#include "eval/classifier.h"

#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "encoder/encoder_internal.h"
#include "eval/softmax.h"
#include "graph/arena.h"
#include "nets/nets.h"

/* ---- Creating one ---- */

static byol_status cut(byol__classifier *c, int train_stages, byol_error *error) {
    int stages = c->whole.stage_count;
    c->trained = &c->whole;
    if (train_stages > stages)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "%d stages are to be trained, but this encoder has %d", train_stages,
                          stages);
    if (train_stages < 0 || train_stages == stages) return BYOL_OK;
    byol__value_id where = train_stages == 0 ? c->whole.output[BYOL__REPRESENTATION]
                                             : c->whole.stage_end[stages - 1 - train_stages];
    BYOL__TRY(byol__graph_cut(&c->whole, where, &c->front, &c->back, error));
    c->trained = &c->back;
    c->params_before = c->front.params.total;
    c->statistics_before = c->front.statistics.total;
    return BYOL_OK;
}

static size_t floats_of(const byol__classifier *c, byol__value_id value) {
    byol__shape shape = c->whole.values[value].shape;
    return (size_t)c->batch * (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
}

static byol_status create_arenas(byol__classifier *c, byol_error *error) {
    const byol__table *rows = &c->trained->params;
    BYOL__TRY(byol__arena_alloc(&c->params, c->whole.params.total, "parameters", error));
    BYOL__TRY(byol__arena_alloc(&c->statistics, c->whole.statistics.total, "batch norm statistics",
                                error));
    BYOL__TRY(byol__arena_alloc(&c->grads, rows->total, "gradients", error));
    for (int i = 0; i < byol__optimizer_states(c->optimizer.name); i++)
        BYOL__TRY(byol__arena_alloc(&c->state[i], rows->total, "optimizer state", error));
    BYOL__TRY(byol__alloc_floats(&c->lr_scale, (size_t)rows->count, "learning rates", error));
    BYOL__TRY(byol__alloc_floats(&c->images, floats_of(c, 0), "images of a batch", error));
    if (c->trained == &c->back)
        BYOL__TRY(byol__alloc_floats(
            &c->middle, floats_of(c, c->front.output[BYOL__REPRESENTATION]), "activations", error));
    size_t logits = (size_t)c->batch * (size_t)c->classes;
    BYOL__TRY(byol__alloc_floats(&c->logits, logits, "logits", error));
    return byol__alloc_floats(&c->diff, logits, "gradient of the loss", error);
}

static byol_status create_plan(byol__classifier *c, byol__plan **out, const byol__graph *graph,
                               byol__mode mode, byol__output output, byol__dtype dtype,
                               size_t *workspace_bytes, byol_error *error) {
    byol__plan_options options = {
        .batch = c->batch, .dtype = dtype, .mode = mode, .output = output};
    byol__plan_info info;
    BYOL__TRY(byol__plan_create(out, graph, &options, error));
    byol__plan_describe(*out, &info);
    if (info.workspace_bytes > *workspace_bytes) *workspace_bytes = info.workspace_bytes;
    return BYOL_OK;
}

static byol_status create_plans(byol__classifier *c, byol__dtype dtype, byol_error *error) {
    size_t bytes = 0;
    BYOL__TRY(
        create_plan(c, &c->judge, &c->whole, BYOL__EVAL, BYOL__LOGITS, BYOL__F32, &bytes, error));
    BYOL__TRY(
        create_plan(c, &c->learner, c->trained, BYOL__TRAIN, BYOL__LOGITS, dtype, &bytes, error));
    if (c->trained == &c->back)
        BYOL__TRY(create_plan(c, &c->before, &c->front, BYOL__EVAL, BYOL__REPRESENTATION, dtype,
                              &bytes, error));
    BYOL__TRY(byol__workspace_alloc(&c->workspace, bytes, error));

    byol__binding all = {
        .params = c->params, .statistics = c->statistics, .workspace = c->workspace};
    byol__binding learning = {.params = c->params + c->params_before,
                              .grads = c->grads,
                              .statistics = c->statistics + c->statistics_before,
                              .workspace = c->workspace};
    BYOL__TRY(byol__plan_bind(c->judge, &all, error));
    BYOL__TRY(byol__plan_bind(c->learner, &learning, error));
    return c->before == NULL ? BYOL_OK : byol__plan_bind(c->before, &all, error);
}

/* The backbone's rows come first, in the same layout in every network that has it. */
static byol_status initialise(byol__classifier *c, const byol_encoder *encoder, uint64_t seed,
                              byol_error *error) {
    byol__params_init(&c->whole.params, seed, c->params);
    byol__params_init(&c->whole.statistics, seed, c->statistics);
    byol__weights weights;
    byol__encoder_weights(encoder, &weights);
    byol__arena_copy(c->params, weights.params, c->whole.params.section_end[BYOL__BACKBONE]);
    byol__arena_copy(c->statistics, weights.statistics,
                     c->whole.statistics.section_end[BYOL__BACKBONE]);
    if (c->before != NULL) BYOL__TRY(byol__plan_stage(c->before, error));
    return byol__plan_stage(c->learner, error);
}

/* The head learns at the full rate, the last stage at `decay` of it, and so on down to the
 * images. */
static void set_rates(byol__classifier *c, float decay) {
    for (int r = 0; r < c->trained->params.count; r++)
        c->lr_scale[r] =
            powf(decay, (float)(c->whole.stage_count - c->trained->params.rows[r].stage));
    c->optimizer.lr_scale = c->lr_scale;
}

static byol_status build(byol__classifier *c, const byol_encoder *encoder,
                         const byol__classifier_options *options, byol_error *error) {
    const byol_config *config = byol_encoder_config(encoder);
    BYOL__TRY(byol__classifier_network(&c->whole, config, byol_encoder_channels(encoder),
                                       config->data.image_size, options->classes, error));
    BYOL__TRY(cut(c, options->train_stages, error));
    BYOL__TRY(create_arenas(c, error));
    BYOL__TRY(create_plans(c, options->dtype, error));
    BYOL__TRY(initialise(c, encoder, options->seed, error));
    set_rates(c, options->lr_decay);
    return BYOL_OK;
}

byol_status byol__classifier_create(byol__classifier **out, const byol_encoder *encoder,
                                    const byol__classifier_options *options, byol_error *error) {
    byol__classifier *c;
    BYOL__TRY(byol__alloc(&c, 1, sizeof *c, "classifier", error));
    byol__graph_init(&c->whole);
    byol__graph_init(&c->front);
    byol__graph_init(&c->back);
    c->batch = options->batch;
    c->classes = options->classes;
    c->optimizer = options->optimizer;
    c->seed = options->seed;
    byol_status status = build(c, encoder, options, error);
    if (status != BYOL_OK) {
        byol__classifier_free(c);
        return status;
    }
    *out = c;
    return BYOL_OK;
}

void byol__classifier_free(byol__classifier *c) {
    if (c == NULL) return;
    byol__plan_free(c->judge);
    byol__plan_free(c->before);
    byol__plan_free(c->learner);
    byol__graph_release(&c->whole);
    byol__graph_release(&c->front);
    byol__graph_release(&c->back);
    float *arenas[] = {c->params, c->statistics, c->grads, c->state[0], c->state[1]};
    for (size_t i = 0; i < sizeof arenas / sizeof *arenas; i++) byol__arena_free(arenas[i]);
    float *owned[] = {c->lr_scale, c->images, c->middle, c->logits, c->diff};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) byol__free(owned[i]);
    byol__arena_free(c->workspace);
    byol__free(c);
}

/* ---- Running it ---- */

static byol_status learner_forward(byol__classifier *c, byol_error *error) {
    const float *input = c->images;
    if (c->before != NULL) {
        BYOL__TRY(byol__plan_forward(c->before, c->images, error));
        byol__plan_read(c->before, BYOL__REPRESENTATION, c->middle);
        input = c->middle;
    }
    const byol__draw draw = {c->seed, (uint32_t)c->step, 0};
    byol__plan_draw(c->learner, &draw);
    BYOL__TRY(byol__plan_forward(c->learner, input, error));
    byol__plan_read(c->learner, BYOL__LOGITS, c->logits);
    return BYOL_OK;
}

static byol_status diverged(const byol__classifier *c, const char *what, byol_error *error) {
    return byol__fail(error, BYOL_ERROR_NUMERIC,
                      "fine-tuning diverged at step %llu: %s is not a finite number; a lower "
                      "learning rate may help",
                      (unsigned long long)c->step + 1, what);
}

byol_status byol__classifier_step(byol__classifier *c, const int32_t *labels, double lr,
                                  double *loss, byol_error *error) {
    const byol__table *rows = &c->trained->params;
    BYOL__TRY(learner_forward(c, error));
    *loss = byol__cross_entropy(c->logits, labels, c->batch, c->classes, c->diff);
    if (!isfinite(*loss)) return diverged(c, "the loss", error);
    BYOL__TRY(byol__plan_backward(c->learner, c->diff, error));
    if (!isfinite(byol__arena_norm(c->grads, rows->total)))
        return diverged(c, "the gradient", error);
    c->step++;
    byol__optimizer_update(&c->optimizer, rows, (float)lr, 1, c->step, c->params + c->params_before,
                           c->grads, c->state);
    byol__arena_clear(c->grads, rows->total);
    return byol__plan_stage(c->learner, error);
}

byol_status byol__classifier_refresh(byol__classifier *c, byol_error *error) {
    return byol__plan_stage(c->judge, error);
}

byol_status byol__classifier_judge(byol__classifier *c, byol_error *error) {
    BYOL__TRY(byol__plan_forward(c->judge, c->images, error));
    byol__plan_read(c->judge, BYOL__LOGITS, c->logits);
    return BYOL_OK;
}
