#include "train/method.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "nets/nets.h"
#include "train/start.h"

/* ---- Making one ---- */

static byol_status alloc_floats(float **out, size_t count, const char *what, byol_error *error) {
    return byol__alloc(out, count, sizeof(float), what, error);
}

static byol_status create_arenas(byol__method *method, byol_error *error) {
    size_t params = method->graph.params.total, statistics = method->graph.statistics.total;
    BYOL__TRY(alloc_floats(&method->params, params, "parameters", error));
    BYOL__TRY(alloc_floats(&method->grads, params, "gradients", error));
    for (int i = 0; i < method->states; i++)
        BYOL__TRY(alloc_floats(&method->state[i], params, "optimizer state", error));
    BYOL__TRY(alloc_floats(&method->statistics, statistics, "batch norm statistics", error));
    if (method->kind == BYOL_TARGET_ONLINE)
        return alloc_floats(&method->kept_statistics, statistics, "batch norm statistics", error);
    method->target_count = method->target_graph.params.total;
    method->target_statistics_count = method->target_graph.statistics.total;
    BYOL__TRY(alloc_floats(&method->target_params, method->target_count, "target parameters", error));
    return alloc_floats(&method->target_statistics, method->target_statistics_count, "target batch norm statistics",
                        error);
}

static int dimension_of(const byol__graph *graph, byol__output output) {
    return graph->values[graph->output[output]].shape.c;
}

static byol_status create_outputs(byol__method *method, byol_error *error) {
    method->dimension = dimension_of(&method->graph, BYOL__PREDICTION);
    method->projection_dimension = dimension_of(&method->graph, BYOL__PROJECTION);
    size_t batch = (size_t)method->batch, count = batch * (size_t)method->dimension; // (N, D)
    for (int v = 0; v < 2; v++) {
        size_t own = batch * (size_t)method->projection_dimension;
        BYOL__TRY(alloc_floats(&method->projection[v], own, "projections", error));
        BYOL__TRY(alloc_floats(&method->prediction[v], count, "predictions", error));
        BYOL__TRY(alloc_floats(&method->target_projection[v], count, "target projections", error));
        BYOL__TRY(alloc_floats(&method->diff[v], count, "gradient of the loss", error));
        if (method->both_sides) BYOL__TRY(alloc_floats(&method->diff_target[v], count, "gradient of the loss", error));
    }
    return BYOL_OK;
}

static byol_status create_plan(byol__method *method, byol__plan **plan, const byol__graph *graph,
                               const byol__plan_options *options, byol__plan_info *info, byol_error *error) {
    BYOL__TRY(byol__plan_create(plan, graph, options, error));
    byol__plan_describe(*plan, info);
    if (info->workspace_bytes > method->workspace_bytes) method->workspace_bytes = info->workspace_bytes;
    method->staging_bytes += info->staging_bytes;
    return BYOL_OK;
}

static uint64_t count_flops(const byol__method *method, const byol__plan_info *online, const byol__plan_info *target) {
    uint64_t directions = (uint64_t)method->directions;
    if (method->target != NULL)
        return directions * (online->forward_flops + online->backward_flops + target->forward_flops);
    uint64_t backwards = method->both_sides ? 2 : directions; /* the second has a forward of its own before it */
    return (1 + backwards) * online->forward_flops + backwards * online->backward_flops;
}

static byol_status create_plans(byol__method *method, byol__dtype dtype, byol_error *error) {
    byol__plan_options online = {
        .batch = method->batch, .dtype = dtype, .mode = BYOL__TRAIN, .output = BYOL__PREDICTION};
    byol__plan_options target = {
        .batch = method->batch, .dtype = dtype, .mode = BYOL__TARGET, .output = BYOL__PROJECTION};
    if (method->kind == BYOL_TARGET_FROZEN) target.mode = BYOL__EVAL; /* its statistics do not move either */
    byol__plan_info online_info, target_info = {0};
    BYOL__TRY(create_plan(method, &method->online, &method->graph, &online, &online_info, error));
    if (method->kind != BYOL_TARGET_ONLINE)
        BYOL__TRY(create_plan(method, &method->target, &method->target_graph, &target, &target_info, error));
    method->flops = count_flops(method, &online_info, &target_info);
    BYOL__TRY(byol__alloc(&method->workspace, method->workspace_bytes, 1, "activations of a step", error));

    byol__binding online_binding = {.params = method->params,
                                    .grads = method->grads,
                                    .statistics = method->statistics,
                                    .workspace = method->workspace};
    byol__binding target_binding = {
        .params = method->target_params, .statistics = method->target_statistics, .workspace = method->workspace};
    BYOL__TRY(byol__plan_bind(method->online, &online_binding, error));
    return method->target == NULL ? BYOL_OK : byol__plan_bind(method->target, &target_binding, error);
}

static void copy_to_target(byol__method *method) {
    if (method->target == NULL) return;
    memcpy(method->target_params, method->params, method->target_count * sizeof(float));
    memcpy(method->target_statistics, method->statistics, method->target_statistics_count * sizeof(float));
}

/* A network of another kind has nothing to copy: it begins at random, from numbers of its own. */
static int begins_as_copy(const byol_config *config) {
    return strcmp(config->target.encoder, "same") == 0 && strcmp(config->target.init, "random") != 0;
}

static void initialise(byol__method *method, const byol_config *config) {
    uint64_t seed = config->train.seed;
    byol__params_init(&method->graph.params, seed, method->params);
    byol__params_init(&method->graph.statistics, seed, method->statistics);
    if (begins_as_copy(config)) {
        copy_to_target(method);
    } else {
        byol__params_init(&method->target_graph.params, ~seed, method->target_params);
        byol__params_init(&method->target_graph.statistics, ~seed, method->target_statistics);
    }
    byol__method_stage(method);
}

static byol_status build(byol__method *method, const byol_config *config, int channels, byol_error *error) {
    int size = config->data.image_size;
    BYOL__TRY(byol__online_network(&method->graph, config, channels, size, error));
    if (method->kind != BYOL_TARGET_ONLINE)
        BYOL__TRY(byol__target_network(&method->target_graph, config, channels, size, error));
    BYOL__TRY(create_arenas(method, error));
    BYOL__TRY(create_outputs(method, error));
    BYOL__TRY(byol__distance_init(&method->distance, config, method->batch, method->dimension, error));
    byol__dtype dtype = config->train.precision == BYOL_PRECISION_BF16 ? BYOL__BF16 : BYOL__F32;
    BYOL__TRY(create_plans(method, dtype, error));
    initialise(method, config);
    return BYOL_OK;
}

byol_status byol__method_create(byol__method **out, const byol_config *config, int channels, byol_error *error) {
    byol__method *method;
    BYOL__TRY(byol__alloc(&method, 1, sizeof *method, "method", error));
    byol__graph_init(&method->graph);
    byol__graph_init(&method->target_graph);
    method->batch = config->train.batch_size;
    method->kind = config->target.kind;
    method->both_sides = !config->target.stop_gradient;
    method->directions = config->loss.symmetric ? 2 : 1;
    method->mispaired = config->loss.mispaired;
    method->optimizer = (byol__optimizer_options){.name = config->optimizer.name,
                                                  .momentum = config->optimizer.momentum,
                                                  .nesterov = config->optimizer.nesterov,
                                                  .weight_decay = config->optimizer.weight_decay,
                                                  .trust_coefficient = config->optimizer.trust_coefficient,
                                                  .beta1 = config->optimizer.beta1,
                                                  .beta2 = config->optimizer.beta2,
                                                  .epsilon = config->optimizer.epsilon};
    method->states = byol__optimizer_states(config->optimizer.name);
    method->clip_norm = (double)config->optimizer.clip_norm;
    byol_status status = build(method, config, channels, error);
    if (status != BYOL_OK) {
        byol__method_free(method);
        return status;
    }
    *out = method;
    return BYOL_OK;
}

void byol__method_free(byol__method *method) {
    if (method == NULL) return;
    byol__plan_free(method->online);
    byol__plan_free(method->target);
    byol__graph_release(&method->graph);
    byol__graph_release(&method->target_graph);
    byol__distance_release(&method->distance);
    float *owned[] = {method->params,        method->grads,      method->state[0],          method->state[1],
                      method->target_params, method->statistics, method->target_statistics, method->kept_statistics};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) byol__free(owned[i]);
    for (int v = 0; v < 2; v++) {
        byol__free(method->projection[v]);
        byol__free(method->prediction[v]);
        byol__free(method->target_projection[v]);
        byol__free(method->diff[v]);
        byol__free(method->diff_target[v]);
    }
    byol__free(method->workspace);
    byol__free(method);
}

static int is_path(const char *init) { return strcmp(init, "copy") != 0 && strcmp(init, "random") != 0; }

byol_status byol__method_load(byol__method *method, const byol_config *config, byol__hear hear, void *context,
                              byol_error *error) {
    if (is_path(config->encoder.init)) {
        BYOL__TRY(byol__start_from(config->encoder.init, &method->graph, method->params, method->statistics, hear,
                                   context, error));
        if (begins_as_copy(config)) copy_to_target(method);
    }
    if (is_path(config->target.init))
        BYOL__TRY(byol__start_from(config->target.init, &method->target_graph, method->target_params,
                                   method->target_statistics, hear, context, error));
    byol__method_stage(method);
    return BYOL_OK;
}

void byol__method_profile(byol__method *method, byol__profile *profile) {
    method->profile = profile;
    byol__plan_profile(method->online, profile);
    if (method->target != NULL) byol__plan_profile(method->target, profile);
}

/* ---- One step ---- */

void byol__method_stage(byol__method *method) {
    byol__plan_stage(method->online);
    if (method->target != NULL) byol__plan_stage(method->target);
}

/* z' of one view. */
static void target_forward(byol__method *method, const float *const view[2], int v) {
    byol__plan_forward(method->target, view[v]);
    byol__plan_read(method->target, BYOL__PROJECTION, method->target_projection[v]);
}

/* z and p of one view. */
static void online_forward(byol__method *method, const float *const view[2], int v) {
    byol__plan_forward(method->online, view[v]);
    byol__plan_read(method->online, BYOL__PROJECTION, method->projection[v]);
    byol__plan_read(method->online, BYOL__PREDICTION, method->prediction[v]);
}

/* p of one view against z' of the other: this pairing is the whole point. */
static double measure(byol__method *method, int v) {
    uint64_t number = method->step << 17 | (uint64_t)method->pending << 1 | (uint64_t)v;
    int other = method->mispaired ? v : 1 - v;
    return byol__distance_between(&method->distance, method->prediction[v], method->target_projection[other], number,
                                  method->diff[v], method->diff_target[other]);
}

static double online_forward_backward(byol__method *method, const float *const view[2], int v) {
    online_forward(method, view, v);
    double loss = measure(method, v);
    byol__plan_backward(method->online, method->diff[v]);
    return loss;
}

/* BYOL: a target of its own. */
static double with_target(byol__method *method, const float *const view[2]) {
    if (method->directions == 2) target_forward(method, view, 0);
    target_forward(method, view, 1);
    double loss = online_forward_backward(method, view, 0);
    if (method->directions == 2) loss += online_forward_backward(method, view, 1);
    return loss;
}

/* The forward pass that the other view's has overwritten, once more: same numbers, and running statistics that count
 * the view once. */
static void online_backward_again(byol__method *method, const float *const view[2], int v) {
    size_t bytes = method->graph.statistics.total * sizeof(float);
    memcpy(method->kept_statistics, method->statistics, bytes);
    byol__plan_forward(method->online, view[v]);
    memcpy(method->statistics, method->kept_statistics, bytes);
    byol__plan_backward(method->online, method->diff[v]);
}

/* Without a predictor the prediction is the projection: what comes from either role adds up. */
static void add_target_gradient(byol__method *method, int v, int has_own) {
    size_t count = (size_t)method->batch * (size_t)method->dimension;
    for (size_t i = 0; i < count; i++)
        method->diff[v][i] = (has_own ? method->diff[v][i] : 0) + method->diff_target[v][i];
}

/* The online network is its own target: SimSiam, and what is contrastive. */
static double without_target(byol__method *method, const float *const view[2]) {
    for (int v = 1; v >= 0; v--) {
        online_forward(method, view, v);
        byol__plan_read(method->online, BYOL__PROJECTION, method->target_projection[v]);
    }
    int both_directions = method->directions == 2;
    double loss = measure(method, 0);
    if (both_directions) loss += measure(method, 1);
    if (method->both_sides) {
        if (both_directions) add_target_gradient(method, 0, 1);
        add_target_gradient(method, 1, both_directions);
    }
    byol__plan_backward(method->online, method->diff[0]);
    if (both_directions || method->both_sides) online_backward_again(method, view, 1);
    return loss;
}

double byol__method_forward_backward(byol__method *method, const float *const view[2]) {
    double loss = method->target != NULL ? with_target(method, view) : without_target(method, view);
    method->pending++;
    method->pending_loss += loss;
    return loss;
}

byol_status byol__method_update(byol__method *method, double lr, double tau, byol__step_result *result,
                                byol_error *error) {
    size_t count = method->graph.params.total;
    double begin = byol__now();
    double mean = 1.0 / method->pending;
    double norm = byol__arena_norm(method->grads, count) * mean;
    result->loss = method->pending_loss * mean;
    result->gradient_norm = norm;
    if (!isfinite(result->loss) || !isfinite(norm))
        return byol__fail(error, BYOL_NUMERIC, "the %s of step %llu is not a finite number",
                          isfinite(result->loss) ? "gradient" : "loss", (unsigned long long)method->step + 1);

    double clip = method->clip_norm > 0 && norm > method->clip_norm ? method->clip_norm / norm : 1.0;
    method->step++;
    byol__optimizer_update(&method->optimizer, &method->graph.params, (float)lr, (float)(mean * clip), method->step,
                           method->params, method->grads, method->state);
    size_t averaged = method->kind == BYOL_TARGET_EMA ? method->target_count : 0;
    byol__ema_update(method->target_params, method->params, averaged, tau);
    memset(method->grads, 0, count * sizeof(float));
    byol__profile_add(method->profile, BYOL__WORK_UPDATE, begin, 0,
                      ((5 + 2 * (size_t)method->states) * count + 3 * averaged) * sizeof(float));
    byol__plan_stage(method->online);
    if (averaged > 0) byol__plan_stage(method->target);
    method->pending = 0;
    method->pending_loss = 0;
    return BYOL_OK;
}
