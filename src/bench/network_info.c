#include "byol/info.h"

#include "base/error.h"
#include "dnn/precision.h"
#include "graph/op.h"
#include "nets/nets.h"
#include "plan/plan.h"

static uint64_t parameter_count(const byol__graph *graph, const byol__node *node) {
    uint64_t count = 0;
    if (node->weight != BYOL__NONE) count += graph->params.rows[node->weight].count;
    if (node->bias != BYOL__NONE) count += graph->params.rows[node->bias].count;
    return count;
}

/* Values are in the order of the sections: a node comes before the output that ends its section. */
static byol__section section_of(const byol__graph *graph, const byol__node *node) {
    if (node->dst <= graph->output[BYOL__REPRESENTATION]) return BYOL__BACKBONE;
    return node->dst <= graph->output[BYOL__PROJECTION] ? BYOL__PROJECTOR : BYOL__PREDICTOR;
}

static byol_network_layer describe_node(const byol__graph *graph, const byol__node *node) {
    byol__shape shape = graph->values[node->dst].shape;
    return (byol_network_layer){
        .name = node->name,
        .kind = node->op == NULL ? "input" : node->op->kind,
        .section = graph->section_name[section_of(graph, node)],
        .channels = shape.c,
        .height = shape.h,
        .width = shape.w,
        .parameters = parameter_count(graph, node),
        .flops = byol__node_flops(graph, node),
        .output_bytes = (uint64_t)shape.c * (uint64_t)shape.h * (uint64_t)shape.w * sizeof(float),
    };
}

/* The costs of the training plan, as the plan itself reports them. */
static byol_status plan_costs(const byol__graph *graph, const byol_config *config,
                              byol_network_totals *totals, byol_error *error) {
    byol_precision precision = byol__precision_resolve(config->train.precision);
    byol__plan_options options = {.batch = config->train.batch_size,
                                  .dtype = byol__precision_dtype(precision),
                                  .mode = BYOL__TRAIN,
                                  .output = BYOL__PREDICTION};
    byol__plan *plan;
    BYOL__TRY(byol__plan_create(&plan, graph, &options, error));
    byol__plan_info info;
    byol__plan_describe(plan, &info);
    byol__plan_free(plan);
    totals->workspace_bytes = info.workspace_bytes;
    totals->staging_bytes = info.staging_bytes;
    return BYOL_OK;
}

static byol_status sum_up(const byol__graph *graph, const byol_config *config,
                          byol_network_totals *totals, byol_error *error) {
    const byol__table *params = &graph->params;
    *totals = (byol_network_totals){
        .parameters_encoder = byol__table_values(params, BYOL__BACKBONE),
        .parameters_projector = byol__table_values(params, BYOL__PROJECTOR),
        .parameters_predictor = byol__table_values(params, BYOL__PREDICTOR),
        .representation = graph->values[graph->output[BYOL__REPRESENTATION]].shape.c,
        .projection = graph->values[graph->output[BYOL__PROJECTION]].shape.c,
    };
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const byol__node *node = &graph->nodes[i];
        totals->forward_flops += byol__node_flops(graph, node);
        if (section_of(graph, node) == BYOL__BACKBONE)
            totals->encoder_flops += byol__node_flops(graph, node);
    }
    return plan_costs(graph, config, totals, error);
}

byol_status byol_network_describe(const byol_config *config, int channels, int image_size,
                                  void (*layer)(void *context, const byol_network_layer *layer),
                                  void *context, byol_network_totals *totals, byol_error *error) {
    byol__graph graph;
    byol__graph_init(&graph);
    byol_status status = byol__online_network(&graph, config, channels, image_size, error);
    if (status == BYOL_OK && totals != NULL) status = sum_up(&graph, config, totals, error);
    for (uint32_t i = 0; i < graph.node_count && status == BYOL_OK && layer != NULL; i++) {
        byol_network_layer row = describe_node(&graph, &graph.nodes[i]);
        layer(context, &row);
    }
    byol__graph_release(&graph);
    return status;
}
