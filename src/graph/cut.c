/* Cuts a graph in two. Every node makes one value, so node ids and value ids are the same. Rows of
 * parameters and statistics are in the order of the nodes. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "graph/graph.h"
#include "graph/op.h"

/* How many rows of each table belong to the nodes before `end`. */
static void count_rows(const byol__graph *graph, uint32_t end, int *params, int *statistics) {
    *params = *statistics = 0;
    for (uint32_t i = 0; i < end; i++) {
        const byol__node *node = &graph->nodes[i];
        const int rows[] = {node->weight, node->bias};
        for (int k = 0; k < 2; k++)
            if (rows[k] >= *params) *params = rows[k] + 1;
        if (node->running_var >= *statistics) *statistics = node->running_var + 1;
    }
}

static int less(int index, int by) { return index == BYOL__NONE ? BYOL__NONE : index - by; }

static byol_status copy_table(byol__table *dst, const byol__table *src, int first, int count,
                              byol_error *error) {
    dst->rows = calloc((size_t)count + 1, sizeof *dst->rows);
    if (dst->rows == NULL)
        return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for the parameter table");
    if (count > 0) memcpy(dst->rows, src->rows + first, (size_t)count * sizeof *dst->rows);
    dst->count = count;
    return BYOL_OK;
}

/* Sets `part` to the nodes first .. end-1 of `graph`. Its tables begin with the rows `params` and
 * `statistics`. */
static byol_status copy_part(byol__graph *part, const byol__graph *graph, uint32_t first,
                             uint32_t end, int params, int statistics, byol_error *error) {
    int params_end, statistics_end;
    uint32_t count = end - first;
    part->nodes = calloc(count, sizeof *part->nodes);
    part->values = calloc(count, sizeof *part->values);
    if (part->nodes == NULL || part->values == NULL)
        return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for the network's graph");
    part->node_count = part->value_count = count;
    for (uint32_t i = 0; i < count; i++) {
        byol__node node = graph->nodes[first + i];
        for (int s = 0; s < node.src_count; s++) node.src[s] -= first;
        node.dst -= first;
        node.weight = less(node.weight, params);
        node.bias = less(node.bias, params);
        node.running_mean = less(node.running_mean, statistics);
        node.running_var = less(node.running_var, statistics);
        part->nodes[i] = node;
        part->values[i] = graph->values[first + i];
        part->values[i].producer = i;
    }
    count_rows(graph, end, &params_end, &statistics_end);
    BYOL__TRY(copy_table(&part->params, &graph->params, params, params_end - params, error));
    return copy_table(&part->statistics, &graph->statistics, statistics,
                      statistics_end - statistics, error);
}

static void copy_outputs(byol__graph *back, const byol__graph *graph, byol__value_id value) {
    for (int mark = 0; mark < BYOL__OUTPUTS_MAX; mark++)
        if ((graph->has_output >> mark & 1u) && graph->output[mark] > value)
            byol__graph_mark(back, mark, graph->output_name[mark], graph->output[mark] - value);
}

static byol_status check_cut(const byol__graph *graph, byol__value_id value, byol_error *error) {
    if (value + 1 >= graph->node_count)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "a network cannot be cut behind its last layer");
    for (uint32_t i = value + 1; i < graph->node_count; i++)
        for (int s = 0; s < graph->nodes[i].src_count; s++)
            if (graph->nodes[i].src[s] < value)
                return byol__fail(error, BYOL_ERROR_INVALID,
                                  "the network cannot be cut behind %s: %s reads what is before it",
                                  graph->nodes[value].name, graph->nodes[i].name);
    return BYOL_OK;
}

static byol_status cut(const byol__graph *graph, byol__value_id value, byol__graph *front,
                       byol__graph *back, byol_error *error) {
    int params, statistics;
    count_rows(graph, value + 1, &params, &statistics);
    BYOL__TRY(copy_part(front, graph, 0, value + 1, 0, 0, error));
    BYOL__TRY(copy_part(back, graph, value, graph->node_count, params, statistics, error));
    back->nodes[0] = (byol__node){.name = "images",
                                  .weight = BYOL__NONE,
                                  .bias = BYOL__NONE,
                                  .running_mean = BYOL__NONE,
                                  .running_var = BYOL__NONE};
    byol__graph_mark(front, 0, "cut", value);
    copy_outputs(back, graph, value);
    BYOL__TRY(byol__graph_finish(front, error));
    return byol__graph_finish(back, error);
}

static byol_status resize(const byol__graph *graph, byol__shape input, byol__graph *out,
                          byol_error *error) {
    BYOL__TRY(copy_part(out, graph, 0, graph->node_count, 0, 0, error));
    out->values[0].shape = input;
    for (uint32_t i = 1; i < out->node_count; i++) {
        const byol__node *node = &out->nodes[i];
        out->values[i].shape = node->op->infer(out, node->name, &node->attributes,
                                               byol__graph_shape(out, node->src[0]));
    }
    for (int mark = 0; mark < BYOL__OUTPUTS_MAX; mark++)
        if (graph->has_output >> mark & 1u)
            byol__graph_mark(out, mark, graph->output_name[mark], graph->output[mark]);
    return byol__graph_finish(out, error);
}

byol_status byol__graph_resize(const byol__graph *graph, byol__shape input, byol__graph *out,
                               byol_error *error) {
    byol__graph_init(out);
    byol_status status = resize(graph, input, out, error);
    if (status != BYOL_OK) byol__graph_release(out);
    return status;
}

byol_status byol__graph_cut(const byol__graph *graph, byol__value_id value, byol__graph *front,
                            byol__graph *back, byol_error *error) {
    byol__graph_init(front);
    byol__graph_init(back);
    BYOL__TRY(check_cut(graph, value, error));
    byol_status status = cut(graph, value, front, back, error);
    if (status != BYOL_OK) {
        byol__graph_release(front);
        byol__graph_release(back);
    }
    return status;
}
