#include "train/method.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "nets/nets.h"
#include "train/loss.h"

/* ---- Making one ---- */

static byol_status alloc_floats(float **out, size_t count, const char *what, byol_error *error) {
    return byol__alloc(out, count, sizeof(float), what, error);
}

static byol_status create_arenas(byol__method *method, byol_error *error) {
    size_t params = method->graph.params.total, statistics = method->graph.statistics.total;
    method->target_count = method->graph.params.section_end[BYOL__PROJECTOR];
    method->target_statistics_count = method->graph.statistics.section_end[BYOL__PROJECTOR];
    BYOL__TRY(alloc_floats(&method->params, params, "parameters", error));
    BYOL__TRY(alloc_floats(&method->grads, params, "gradients", error));
    for (int i = 0; i < method->states; i++)
        BYOL__TRY(alloc_floats(&method->state[i], params, "optimizer state", error));
    BYOL__TRY(alloc_floats(&method->target_params, method->target_count, "target parameters", error));
    BYOL__TRY(alloc_floats(&method->statistics, statistics, "batch norm statistics", error));
    return alloc_floats(&method->target_statistics, method->target_statistics_count, "target batch norm statistics",
                        error);
}

static byol_status create_outputs(byol__method *method, byol_error *error) {
    byol__shape projection = method->graph.values[method->graph.output[BYOL__PROJECTION]].shape;
    method->dimension = projection.c;
    size_t count = (size_t)method->batch * (size_t)method->dimension; // (N, D)
    for (int v = 0; v < 2; v++) {
        BYOL__TRY(alloc_floats(&method->projection[v], count, "projections", error));
        BYOL__TRY(alloc_floats(&method->prediction[v], count, "predictions", error));
        BYOL__TRY(alloc_floats(&method->target_projection[v], count, "target projections", error));
    }
    return alloc_floats(&method->diff, count, "gradient of the loss", error);
}

static byol_status create_plans(byol__method *method, byol__dtype dtype, byol_error *error) {
    byol__plan_options online = {
        .batch = method->batch, .dtype = dtype, .mode = BYOL__TRAIN, .output = BYOL__PREDICTION};
    byol__plan_options target = {
        .batch = method->batch, .dtype = dtype, .mode = BYOL__TARGET, .output = BYOL__PROJECTION};
    BYOL__TRY(byol__plan_create(&method->online, &method->graph, &online, error));
    BYOL__TRY(byol__plan_create(&method->target, &method->graph, &target, error));

    byol__plan_info online_info, target_info;
    byol__plan_describe(method->online, &online_info);
    byol__plan_describe(method->target, &target_info);
    method->workspace_bytes = online_info.workspace_bytes > target_info.workspace_bytes ? online_info.workspace_bytes
                                                                                        : target_info.workspace_bytes;
    BYOL__TRY(byol__alloc(&method->workspace, method->workspace_bytes, 1, "activations of a step", error));

    byol__binding online_binding = {.params = method->params,
                                    .grads = method->grads,
                                    .statistics = method->statistics,
                                    .workspace = method->workspace};
    byol__binding target_binding = {
        .params = method->target_params, .statistics = method->target_statistics, .workspace = method->workspace};
    BYOL__TRY(byol__plan_bind(method->online, &online_binding, error));
    return byol__plan_bind(method->target, &target_binding, error);
}

/* The target starts as a copy of the online network. */
static void initialise(byol__method *method, uint64_t seed) {
    byol__params_init(&method->graph.params, seed, method->params);
    byol__params_init(&method->graph.statistics, seed, method->statistics);
    memcpy(method->target_params, method->params, method->target_count * sizeof(float));
    memcpy(method->target_statistics, method->statistics, method->target_statistics_count * sizeof(float));
    byol__method_stage(method);
}

static byol_status build(byol__method *method, const byol_config *config, int channels, byol_error *error) {
    BYOL__TRY(byol__online_network(&method->graph, config, channels, config->data.image_size, error));
    BYOL__TRY(create_arenas(method, error));
    BYOL__TRY(create_outputs(method, error));
    byol__dtype dtype = config->train.precision == BYOL_PRECISION_BF16 ? BYOL__BF16 : BYOL__F32;
    BYOL__TRY(create_plans(method, dtype, error));
    initialise(method, config->train.seed);
    return BYOL_OK;
}

byol_status byol__method_create(byol__method **out, const byol_config *config, int channels, byol_error *error) {
    byol__method *method;
    BYOL__TRY(byol__alloc(&method, 1, sizeof *method, "method", error));
    byol__graph_init(&method->graph);
    method->batch = config->train.batch_size;
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
    float *owned[] = {method->params,        method->grads,      method->state[0],          method->state[1],
                      method->target_params, method->statistics, method->target_statistics, method->diff};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) byol__free(owned[i]);
    for (int v = 0; v < 2; v++) {
        byol__free(method->projection[v]);
        byol__free(method->prediction[v]);
        byol__free(method->target_projection[v]);
    }
    byol__free(method->workspace);
    byol__free(method);
}

void byol__method_profile(byol__method *method, byol__profile *profile) {
    method->profile = profile;
    byol__plan_profile(method->online, profile);
    byol__plan_profile(method->target, profile);
}

/* ---- One step ---- */

void byol__method_stage(byol__method *method) {
    byol__plan_stage(method->online);
    byol__plan_stage(method->target);
}

/* z' of one view. */
static void target_forward(byol__method *method, const float *const view[2], int v) {
    byol__plan_forward(method->target, view[v]);
    byol__plan_read(method->target, BYOL__PROJECTION, method->target_projection[v]);
}

/* p of one view against z' of the other: this pairing is the whole point. */
static double online_forward_backward(byol__method *method, const float *const view[2], int v) {
    byol__plan_forward(method->online, view[v]);
    byol__plan_read(method->online, BYOL__PROJECTION, method->projection[v]);
    byol__plan_read(method->online, BYOL__PREDICTION, method->prediction[v]);
    double loss = byol__byol_loss(method->prediction[v], method->target_projection[1 - v], method->batch,
                                  method->dimension, method->diff);
    byol__plan_backward(method->online, method->diff);
    return loss;
}

double byol__method_forward_backward(byol__method *method, const float *const view[2]) {
    target_forward(method, view, 0);
    target_forward(method, view, 1);
    double loss = online_forward_backward(method, view, 0);
    loss += online_forward_backward(method, view, 1);
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
    byol__ema_update(method->target_params, method->params, method->target_count, tau);
    memset(method->grads, 0, count * sizeof(float));
    byol__profile_add(method->profile, BYOL__WORK_UPDATE, begin, 0,
                      ((5 + 2 * (size_t)method->states) * count + 3 * method->target_count) * sizeof(float));
    byol__method_stage(method);
    method->pending = 0;
    method->pending_loss = 0;
    return BYOL_OK;
}
