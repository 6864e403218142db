#include "train/method.h"

#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "config/options.h"
#include "dnn/precision.h"
#include "graph/arena.h"
#include "nets/nets.h"
#include "optim/muon.h"
#include "train/start.h"

/* ---- Creating one ---- */

static byol_status create_arenas(byol__method *method, bool is_bf16, byol_error *error) {
    size_t params = method->graph.params.total, statistics = method->graph.statistics.total;
    BYOL__TRY(byol__arena_alloc(&method->params, params, "parameters", error));
    BYOL__TRY(byol__arena_alloc(&method->grads, params, "gradients", error));
    for (int i = 0; i < method->states; i++)
        BYOL__TRY(byol__arena_alloc(&method->state[i], params, "optimizer state", error));
    if (method->optimizer.name == BYOL_MUON && is_bf16 && byol__cpu_has_amx())
        BYOL__TRY(byol__dnn_create(&method->optimizer_dnn, error));
    if (method->optimizer.name == BYOL_MUON)
        BYOL__TRY(byol__arena_alloc(&method->optimizer_scratch,
                                    byol__muon_scratch(&method->graph.params),
                                    "scratch of the optimizer", error));
    method->optimizer.scratch = method->optimizer_scratch;
    method->optimizer.dnn = method->optimizer_dnn;
    BYOL__TRY(byol__arena_alloc(&method->statistics, statistics, "batch norm statistics", error));
    if (method->kind == BYOL_TARGET_VECTORS) return BYOL_OK;
    if (method->kind == BYOL_TARGET_ONLINE)
        return byol__arena_alloc(&method->kept_statistics, statistics, "batch norm statistics",
                                 error);
    method->target_count = method->target_graph.params.total;
    method->target_statistics_count = method->target_graph.statistics.total;
    BYOL__TRY(byol__arena_alloc(&method->target_params, method->target_count, "target parameters",
                                error));
    return byol__arena_alloc(&method->target_statistics, method->target_statistics_count,
                             "target batch norm statistics", error);
}

static int dimension_of(const byol__graph *graph, byol__output output) {
    return graph->values[graph->output[output]].shape.c;
}

static byol_status create_masked(byol__method *method, byol_error *error) {
    byol__masked *masked = &method->masked;
    size_t tokens = (size_t)masked->batch * (size_t)masked->length;
    BYOL__TRY(byol__alloc(&masked->token, tokens, sizeof *masked->token, "masked tokens", error));
    return byol__alloc_floats(&method->all_tokens, tokens * (size_t)masked->channels,
                              "vectors of tokens", error);
}

static byol_status create_outputs(byol__method *method, byol_error *error) {
    size_t batch = (size_t)method->batch;
    if (method->masked.channels > 0) BYOL__TRY(create_masked(method, error));
    size_t most = batch * (size_t)(method->masked.channels > 0 ? method->masked.length : 1),
           count = most * (size_t)method->dimension; /* (rows, D) */
    for (int v = 0; v < method->views.count; v++) {
        size_t own = most * (size_t)method->projection_dimension;
        BYOL__TRY(byol__alloc_floats(&method->projection[v], own, "projections", error));
        BYOL__TRY(byol__alloc_floats(&method->prediction[v], count, "predictions", error));
        BYOL__TRY(
            byol__alloc_floats(&method->target_projection[v], count, "target projections", error));
        BYOL__TRY(byol__alloc_floats(&method->diff[v], count, "gradient of the loss", error));
        if (byol__regularizes(&method->regularizer))
            BYOL__TRY(byol__alloc_floats(&method->own_diff[v], own, "gradient of the regularizer",
                                         error));
    }
    BYOL__TRY(byol__alloc_floats(&method->representation,
                                 batch * (size_t)method->representation_dimension,
                                 "representations", error));
    for (int side = 0; side < 2; side++)
        BYOL__TRY(
            byol__alloc_floats(&method->pair_diff[side], count, "gradient of the loss", error));
    return BYOL_OK;
}

/* Every view predicts every large one but itself; or only the first predicts the second. */
static void choose_pairs(byol__method *method, const byol_config *config) {
    byol__view_list_make(&method->views, config);
    method->predicting = config->loss.symmetric ? method->views.count : 1;
    int targets = config->loss.symmetric ? method->views.large : 2;
    for (int v = 0; v < method->predicting; v++)
        for (int t = 0; t < targets; t++)
            if (t != v) method->pairs[method->pair_count++] = (byol__pair){v, t};
    method->pair_weight = config->loss.symmetric ? 2.0 / method->pair_count : 1;
}

/* ---- Plans ---- */

typedef struct planner {
    byol__method *method;
    const byol_config *config;
    int channels;
    size_t largest; /* bytes of the largest workspace */
    byol_error *error;
} planner;

static bool is_target(const byol__method *method, int v) {
    for (int i = 0; i < method->pair_count; i++)
        if (method->pairs[i].target == v) return true;
    return false;
}

/* Whether the target is a second network. */
static bool has_target_network(const byol__method *method) {
    return method->kind == BYOL_TARGET_EMA || method->kind == BYOL_TARGET_FROZEN;
}

/* Whether the activations of all views are alive at once: the gradient of each is known only when
 * all have gone forward. */
static bool keeps_all(const byol__method *method) {
    return method->kind == BYOL_TARGET_ONLINE && !method->recompute;
}

static byol_status plan_graph(planner *p, byol__plan **plan, const byol__graph *graph,
                              const byol__plan_options *options) {
    byol__method *method = p->method;
    byol__plan_info info;
    BYOL__TRY(byol__plan_create(plan, graph, options, p->error));
    method->plans[method->plan_count].plan = *plan;
    method->plans[method->plan_count++].is_target = options->output == BYOL__PROJECTION;
    byol__plan_describe(*plan, &info);
    if (info.workspace_bytes > p->largest) p->largest = info.workspace_bytes;
    method->staging_bytes += info.staging_bytes;
    return BYOL_OK;
}

/* The network for pictures of another size. It has the same parameters, unless its end depends on
 * the number of pixels. */
static byol_status plan_other_size(planner *p, byol__plan **plan, int size,
                                   const byol__plan_options *options) {
    const byol__method *method = p->method;
    bool is_online = options->output == BYOL__PREDICTION;
    const byol__graph *usual = is_online ? &method->graph : &method->target_graph;
    byol__graph graph;
    byol__graph_init(&graph);
    byol_status status = (is_online ? byol__online_network : byol__target_network)(
        &graph, p->config, p->channels, size, p->error);
    if (status == BYOL_OK &&
        (graph.params.total != usual->params.total || graph.params.count != usual->params.count))
        status = byol__fail(
            p->error, BYOL_ERROR_INVALID,
            "views of %d pixels beside data.image_size %d: the weights of encoder.name %s depend "
            "on the "
            "size of the picture; take an encoder that averages over it (resnet18, conv5)",
            size, p->config->data.image_size, p->config->encoder.name);
    if (status == BYOL_OK) status = plan_graph(p, plan, &graph, options);
    byol__graph_release(&graph);
    return status;
}

/* The plan of view `v`: a new one, or one that an earlier view can share. */
static byol_status plan_view(planner *p, int v, const byol__graph *graph,
                             const byol__plan_options *options, byol__plan **plans) {
    const byol__view_list *views = &p->method->views;
    for (int u = 0; u < v && !keeps_all(p->method); u++) {
        if (plans[u] == NULL || views->size[u] != views->size[v]) continue;
        plans[v] = plans[u];
        return BYOL_OK;
    }
    if (views->size[v] == p->config->data.image_size)
        return plan_graph(p, &plans[v], graph, options);
    return plan_other_size(p, &plans[v], views->size[v], options);
}

static uint64_t count_flops(const byol__method *method) {
    uint64_t flops = 0;
    for (int v = 0; v < method->views.count; v++) {
        byol__plan_info online = {0}, target = {0};
        if (method->online[v] != NULL) byol__plan_describe(method->online[v], &online);
        if (method->target[v] != NULL) byol__plan_describe(method->target[v], &target);
        bool backward = v < method->predicting || method->both_sides;
        bool again = method->recompute && method->kind == BYOL_TARGET_ONLINE && backward && v > 0;
        flops += target.forward_flops + (again ? 2 : 1) * online.forward_flops;
        if (backward) flops += online.backward_flops;
    }
    return flops;
}

void byol__method_take_plans(byol__method *method, int row) {
    memcpy(method->online, method->lengths[row].online, sizeof method->online);
    memcpy(method->target, method->lengths[row].target, sizeof method->target);
}

static byol_status bind_row(byol__method *method, const byol__view_plans *plans, size_t part,
                            byol_error *error) {
    byol__binding online = {
        .params = method->params, .grads = method->grads, .statistics = method->statistics};
    byol__binding target = {.params = method->target_params,
                            .statistics = method->target_statistics};
    for (int v = 0; v < method->views.count; v++) {
        online.workspace = (char *)method->workspace + (keeps_all(method) ? (size_t)v * part : 0);
        target.workspace = method->workspace;
        if (plans->online[v] != NULL) BYOL__TRY(byol__plan_bind(plans->online[v], &online, error));
        if (plans->target[v] != NULL) BYOL__TRY(byol__plan_bind(plans->target[v], &target, error));
    }
    return BYOL_OK;
}

/* The plans of all views, for inputs of one length. */
static byol_status plan_views(planner *p, const byol__graph *graph, const byol__graph *target_graph,
                              const byol__plan_options *online, const byol__plan_options *target,
                              byol__view_plans *plans) {
    const byol__method *method = p->method;
    for (int v = 0; v < method->views.count; v++) {
        bool wanted = is_target(method, v), is_own = method->kind == BYOL_TARGET_ONLINE;
        if (v < method->predicting || (is_own && wanted))
            BYOL__TRY(plan_view(p, v, graph, online, plans->online));
        if (has_target_network(method) && wanted)
            BYOL__TRY(plan_view(p, v, target_graph, target, plans->target));
    }
    return BYOL_OK;
}

/* The same for texts of at most plans->length tokens. */
static byol_status plan_shorter(planner *p, const byol__plan_options *online,
                                const byol__plan_options *target, byol__view_plans *plans) {
    byol__method *method = p->method;
    byol__shape tokens = byol__vector_shape(plans->length);
    byol__graph graph, target_graph;
    byol__graph_init(&target_graph);
    BYOL__TRY(byol__graph_resize(&method->graph, tokens, &graph, p->error));
    byol_status status = BYOL_OK;
    if (has_target_network(method))
        status = byol__graph_resize(&method->target_graph, tokens, &target_graph, p->error);
    if (status == BYOL_OK) status = plan_views(p, &graph, &target_graph, online, target, plans);
    byol__graph_release(&graph);
    byol__graph_release(&target_graph);
    return status;
}

/* Eighths of data.length, in whole eights of tokens. */
static byol_status plan_lengths(planner *p, const byol_config *config,
                                const byol__plan_options *online,
                                const byol__plan_options *target) {
    byol__method *method = p->method;
    bool is_text = byol__encoder_takes_texts(config->encoder.name);
    int all = config->data.length, step = (all + 63) / 64 * 8;
    for (int length = step; is_text && length < all; length += step) {
        byol__view_plans *plans = &method->lengths[method->length_count++];
        plans->length = length;
        BYOL__TRY(plan_shorter(p, online, target, plans));
    }
    byol__view_plans *plans = &method->lengths[method->length_count++];
    plans->length = is_text ? all : 0;
    BYOL__TRY(plan_views(p, &method->graph, &method->target_graph, online, target, plans));
    for (int v = 0; v < method->views.count && is_text; v++)
        BYOL__TRY(byol__alloc(&method->tokens[v], (size_t)method->batch,
                              (size_t)all * sizeof(int32_t), "tokens", p->error));
    return BYOL_OK;
}

static byol_status create_plans(byol__method *method, const byol_config *config, int channels,
                                byol_error *error) {
    planner p = {.method = method, .config = config, .channels = channels, .error = error};
    byol__dtype dtype = byol__precision_dtype(config->train.precision);
    byol__plan_options online = {.batch = method->batch,
                                 .dtype = dtype,
                                 .mode = BYOL__TRAIN,
                                 .output = BYOL__PREDICTION,
                                 .comm = method->comm};
    if (byol__regularizes(&method->regularizer)) online.diffs = 1u << BYOL__PROJECTION;
    byol__plan_options target = online;
    target.mode = BYOL__TARGET;
    target.output = BYOL__PROJECTION;
    target.diffs = 0;
    if (method->kind == BYOL_TARGET_FROZEN)
        target.mode = BYOL__EVAL; /* its statistics do not change either */
    BYOL__TRY(plan_lengths(&p, config, &online, &target));
    byol__method_take_plans(method, method->length_count - 1);
    method->flops = count_flops(method);
    size_t part = byol__align_up(p.largest);
    method->workspace_bytes = part * (keeps_all(method) ? (size_t)method->views.count : 1);
    BYOL__TRY(byol__workspace_alloc(&method->workspace, method->workspace_bytes, error));
    for (int row = 0; row < method->length_count; row++)
        BYOL__TRY(bind_row(method, &method->lengths[row], part, error));
    return BYOL_OK;
}

/* ---- The whole method ---- */

byol_status byol__method_share(byol__method *method, byol_error *error) {
    const struct {
        float *values;
        size_t count;
    } arenas[] = {{method->params, method->graph.params.total},
                  {method->state[0], method->graph.params.total},
                  {method->state[1], method->graph.params.total},
                  {method->target_params, method->target_count},
                  {method->statistics, method->graph.statistics.total},
                  {method->target_statistics, method->target_statistics_count}};
    if (method->comm->size == 1) return BYOL_OK;
    for (size_t i = 0; i < sizeof arenas / sizeof *arenas; i++)
        if (arenas[i].values != NULL)
            BYOL__TRY(byol__comm_broadcast(method->comm, arenas[i].values,
                                           arenas[i].count * sizeof(float), error));
    BYOL__TRY(byol__comm_broadcast(method->comm, &method->step, sizeof method->step, error));
    return byol__method_stage(method, error);
}

static void copy_to_target(byol__method *method) {
    if (!has_target_network(method)) return;
    byol__arena_copy(method->target_params, method->params, method->target_count);
    byol__arena_copy(method->target_statistics, method->statistics,
                     method->target_statistics_count);
}

/* A network of another kind has nothing to copy: it begins at random, from its own random
 * numbers. */
static bool begins_as_copy(const byol_config *config) {
    return strcmp(config->target.encoder, "same") == 0 &&
           strcmp(config->target.init, "random") != 0;
}

static byol_status initialise(byol__method *method, const byol_config *config, byol_error *error) {
    uint64_t seed = config->train.seed;
    byol__params_init(&method->graph.params, seed, method->params);
    byol__params_init(&method->graph.statistics, seed, method->statistics);
    if (begins_as_copy(config)) {
        copy_to_target(method);
    } else {
        byol__params_init(&method->target_graph.params, ~seed, method->target_params);
        byol__params_init(&method->target_graph.statistics, ~seed, method->target_statistics);
    }
    return byol__method_stage(method, error);
}

static byol_status build(byol__method *method, const byol_config *config, int channels,
                         byol_error *error) {
    int size = config->data.image_size;
    BYOL__TRY(byol__online_network(&method->graph, config, channels, size, error));
    if (has_target_network(method))
        BYOL__TRY(byol__target_network(&method->target_graph, config, channels, size, error));
    BYOL__TRY(create_arenas(method, config->train.precision == BYOL_PRECISION_BF16, error));
    method->dimension = dimension_of(&method->graph, BYOL__PREDICTION);
    method->representation_dimension = dimension_of(&method->graph, BYOL__REPRESENTATION);
    method->projection_dimension = dimension_of(&method->graph, BYOL__PROJECTION);
    if (config->target.layers > 0) {
        method->masked = (byol__masked){
            .batch = method->batch, .channels = method->dimension, .length = config->data.length};
        method->target_scale = 1 / (float)config->target.layers;
    }
    BYOL__TRY(
        byol__distance_init(&method->distance, config, method->batch, method->dimension, error));
    BYOL__TRY(byol__regularizer_init(&method->regularizer, config, method->batch,
                                     method->projection_dimension, error));
    BYOL__TRY(create_outputs(method, error));
    BYOL__TRY(create_plans(method, config, channels, error));
    return initialise(method, config, error);
}

byol_status byol__method_create(byol__method **out, const byol_config *config, int channels,
                                const byol__comm *comm, byol_error *error) {
    byol__method *method;
    BYOL__TRY(byol__alloc(&method, 1, sizeof *method, "method", error));
    method->comm = comm;
    byol__graph_init(&method->graph);
    byol__graph_init(&method->target_graph);
    method->batch = method->rows = config->train.batch_size;
    method->seed = config->train.seed;
    method->kind = config->target.kind;
    method->both_sides = !config->target.stop_gradient;
    method->recompute = config->train.recompute;
    choose_pairs(method, config);
    method->mispaired = config->loss.mispaired;
    method->optimizer =
        (byol__optimizer_options){.name = config->optimizer.name,
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
    for (int i = 0; i < method->plan_count; i++) byol__plan_free(method->plans[i].plan);
    byol__graph_release(&method->graph);
    byol__graph_release(&method->target_graph);
    byol__distance_release(&method->distance);
    byol__regularizer_release(&method->regularizer);
    float *arenas[] = {method->params,
                       method->grads,
                       method->state[0],
                       method->state[1],
                       method->target_params,
                       method->statistics,
                       method->target_statistics,
                       method->kept_statistics,
                       method->optimizer_scratch};
    for (size_t i = 0; i < sizeof arenas / sizeof *arenas; i++) byol__arena_free(arenas[i]);
    byol__free(method->masked.token);
    float *outputs[] = {method->pair_diff[0], method->pair_diff[1], method->representation,
                        method->all_tokens};
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) byol__free(outputs[i]);
    for (int v = 0; v < method->views.count; v++) {
        byol__free(method->projection[v]);
        byol__free(method->prediction[v]);
        byol__free(method->target_projection[v]);
        byol__free(method->diff[v]);
        byol__free(method->own_diff[v]);
        byol__free(method->tokens[v]);
    }
    byol__dnn_free(method->optimizer_dnn);
    byol__arena_free(method->workspace);
    byol__free(method);
}

static bool is_path(const char *init) {
    return strcmp(init, "copy") != 0 && strcmp(init, "random") != 0;
}

byol_status byol__method_load(byol__method *method, const byol_config *config, byol__hear hear,
                              void *context, byol_error *error) {
    if (is_path(config->encoder.init)) {
        BYOL__TRY(byol__start_from(config->encoder.init, &method->graph, method->params,
                                   method->statistics, hear, context, error));
        if (begins_as_copy(config)) copy_to_target(method);
    }
    if (is_path(config->target.init))
        BYOL__TRY(byol__start_from(config->target.init, &method->target_graph,
                                   method->target_params, method->target_statistics, hear, context,
                                   error));
    return byol__method_stage(method, error);
}

void byol__method_profile(byol__method *method, byol__profile *profile) {
    method->profile = profile;
    for (int i = 0; i < method->plan_count; i++) byol__plan_profile(method->plans[i].plan, profile);
}
