#include "graph/graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum { ROW_ALIGNMENT = 16, DIM_MAX = 1 << 20 }; /* floats: 64 bytes; larger dimensions are mistakes */

void byol__graph_init(byol__graph *graph) { memset(graph, 0, sizeof *graph); }

void byol__graph_release(byol__graph *graph) {
    free(graph->values);
    free(graph->nodes);
    free(graph->params.rows);
    free(graph->statistics.rows);
    memset(graph, 0, sizeof *graph);
}

/* Remembers the first mistake; what is appended after it is only kept consistent enough not to crash. */
#define MISTAKE(graph, status_, ...)                                                                                   \
    do {                                                                                                               \
        if ((graph)->status == BYOL_OK) (graph)->status = byol__fail(&(graph)->error, status_, __VA_ARGS__);           \
    } while (0)

/* Makes room for one more element, doubling. Returns 0 when there is no memory. */
static int grow(void *array, size_t element, uint32_t count, uint32_t *capacity) {
    if (count < *capacity) return 1;
    uint32_t wanted = *capacity ? *capacity * 2 : 64;
    void *old, *grown;
    memcpy(&old, array, sizeof old);
    grown = realloc(old, wanted * element);
    if (grown == NULL) return 0;
    memcpy(array, &grown, sizeof grown);
    *capacity = wanted;
    return 1;
}

static byol__node *append_node(byol__graph *graph, byol__op op, const char *name, byol__shape shape, int src_count,
                               const byol__value_id *src) {
    static byol__node nowhere; /* written to, never read, once something has failed */
    if (!grow(&graph->nodes, sizeof *graph->nodes, graph->node_count, &graph->node_capacity) ||
        !grow(&graph->values, sizeof *graph->values, graph->value_count, &graph->value_capacity)) {
        MISTAKE(graph, BYOL_MEMORY, "no memory for the network's graph");
        return &nowhere;
    }
    for (int i = 0; i < src_count; i++)
        if (src[i] >= graph->value_count) MISTAKE(graph, BYOL_INVALID, "%s: its input does not exist", name);
    int too_small = shape.c < 1 || shape.h < 1 || shape.w < 1;
    if (too_small || shape.c > DIM_MAX || shape.h > DIM_MAX || shape.w > DIM_MAX)
        MISTAKE(graph, BYOL_INVALID,
                "%s would be %d x %d x %d (channels, height, width): the images are too %s for this network", name,
                shape.c, shape.h, shape.w, too_small ? "small" : "large");
    byol__node *node = &graph->nodes[graph->node_count];
    *node = (byol__node){
        .op = op,
        .src_count = src_count,
        .dst = graph->value_count,
        .weight = BYOL__NONE,
        .bias = BYOL__NONE,
        .running_mean = BYOL__NONE,
        .running_var = BYOL__NONE,
    };
    snprintf(node->name, sizeof node->name, "%s", name);
    for (int i = 0; i < src_count; i++) node->src[i] = src[i];
    graph->values[graph->value_count++] = (byol__value){.shape = shape, .producer = graph->node_count++};
    return node;
}

static byol__shape shape_of(const byol__graph *graph, byol__value_id id) {
    return id < graph->value_count ? graph->values[id].shape : (byol__shape){1, 1, 1};
}

/* A row of `table`; its offset is set by byol__graph_finish. Returns its index. */
static int append_row(byol__graph *graph, byol__table *table, int *capacity, const char *prefix, const char *suffix,
                      byol__param row) {
    uint32_t room = (uint32_t)*capacity;
    if (!grow(&table->rows, sizeof *table->rows, (uint32_t)table->count, &room)) {
        MISTAKE(graph, BYOL_MEMORY, "no memory for the parameter table");
        return BYOL__NONE;
    }
    *capacity = (int)room;
    row.section = graph->section;
    row.stage = graph->stage_count;
    row.count = 1;
    for (int i = 0; i < row.ndims; i++) row.count *= (size_t)row.dims[i];
    if (snprintf(row.name, sizeof row.name, "%s.%s", prefix, suffix) >= (int)sizeof row.name)
        MISTAKE(graph, BYOL_INVALID, "parameter name is too long: %s.%s", prefix, suffix);
    if (byol__table_find(table, row.name) != BYOL__NONE)
        MISTAKE(graph, BYOL_INVALID, "two parameters are called %s", row.name);
    table->rows[table->count] = row;
    return table->count++;
}

static int append_param(byol__graph *graph, const char *prefix, const char *suffix, byol__param row) {
    return append_row(graph, &graph->params, &graph->param_capacity, prefix, suffix, row);
}

static int append_statistic(byol__graph *graph, const char *prefix, const char *suffix, int channels, byol__init init) {
    byol__param row = {.dims = {channels}, .ndims = 1, .init = init};
    return append_row(graph, &graph->statistics, &graph->statistic_capacity, prefix, suffix, row);
}

static byol__param vector_row(int channels, byol__init init) {
    return (byol__param){.dims = {channels}, .ndims = 1, .flags = BYOL__NO_DECAY | BYOL__NO_TRUST, .init = init};
}

byol__value_id byol__graph_input(byol__graph *graph, int c, int h, int w) {
    if (graph->node_count != 0) MISTAKE(graph, BYOL_INVALID, "a graph has one input, and it comes first");
    return append_node(graph, BYOL__OP_INPUT, "images", (byol__shape){c, h, w}, 0, NULL)->dst;
}

static int window_out(int size, int kernel, int stride, int padding) {
    return stride < 1 || kernel < 1 || size + 2 * padding < kernel ? 0 : (size + 2 * padding - kernel) / stride + 1;
}

byol__value_id byol__graph_conv(byol__graph *graph, const char *name, byol__value_id src, int oc, int kernel,
                                int stride, int padding, int groups, int bias) {
    byol__shape in = shape_of(graph, src);
    if (groups < 1 || in.c % groups != 0 || oc % groups != 0) {
        MISTAKE(graph, BYOL_INVALID, "%s: %d input and %d output channels do not divide into %d groups", name, in.c, oc,
                groups);
        groups = 1;
    }
    byol__shape out = {oc, window_out(in.h, kernel, stride, padding), window_out(in.w, kernel, stride, padding)};
    byol__node *node = append_node(graph, BYOL__OP_CONV, name, out, 1, &src);
    node->kernel = kernel;
    node->stride = stride;
    node->padding = padding;
    node->groups = groups;
    byol__param weight = {.dims = {oc, in.c / groups, kernel, kernel},
                          .ndims = 4,
                          .init = BYOL__INIT_KAIMING_FAN_OUT,
                          .fan_in = in.c / groups * kernel * kernel,
                          .fan_out = oc * kernel * kernel}; /* PyTorch's count: over all groups */
    node->weight = append_param(graph, name, "weight", weight);
    if (bias) node->bias = append_param(graph, name, "bias", vector_row(oc, BYOL__INIT_ZERO));
    return node->dst;
}

byol__value_id byol__graph_batch_norm(byol__graph *graph, const char *name, byol__value_id src) {
    byol__shape shape = shape_of(graph, src);
    byol__node *node = append_node(graph, BYOL__OP_BATCH_NORM, name, shape, 1, &src);
    node->weight = append_param(graph, name, "weight", vector_row(shape.c, BYOL__INIT_ONE));
    node->bias = append_param(graph, name, "bias", vector_row(shape.c, BYOL__INIT_ZERO));
    node->running_mean = append_statistic(graph, name, "running_mean", shape.c, BYOL__INIT_ZERO);
    node->running_var = append_statistic(graph, name, "running_var", shape.c, BYOL__INIT_ONE);
    return node->dst;
}

byol__value_id byol__graph_relu(byol__graph *graph, byol__value_id src) {
    return append_node(graph, BYOL__OP_RELU, "relu", shape_of(graph, src), 1, &src)->dst;
}

byol__value_id byol__graph_add(byol__graph *graph, byol__value_id a, byol__value_id b) {
    byol__shape sa = shape_of(graph, a), sb = shape_of(graph, b);
    if (sa.c != sb.c || sa.h != sb.h || sa.w != sb.w)
        MISTAKE(graph, BYOL_MISMATCH, "cannot add %dx%dx%d to %dx%dx%d", sb.c, sb.h, sb.w, sa.c, sa.h, sa.w);
    return append_node(graph, BYOL__OP_ADD, "add", sa, 2, (byol__value_id[]){a, b})->dst;
}

static byol__value_id append_pool(byol__graph *graph, byol__op op, const char *name, byol__value_id src, int kernel,
                                  int stride, int padding) {
    byol__shape in = shape_of(graph, src);
    if (padding * 2 > kernel)
        MISTAKE(graph, BYOL_INVALID, "%s: padding %d is more than half of kernel %d", name, padding, kernel);
    byol__shape out = {in.c, window_out(in.h, kernel, stride, padding), window_out(in.w, kernel, stride, padding)};
    byol__node *node = append_node(graph, op, name, out, 1, &src);
    node->kernel = kernel;
    node->stride = stride;
    node->padding = padding;
    return node->dst;
}

byol__value_id byol__graph_max_pool(byol__graph *graph, byol__value_id src, int kernel, int stride, int padding) {
    return append_pool(graph, BYOL__OP_MAX_POOL, "maxpool", src, kernel, stride, padding);
}

byol__value_id byol__graph_avg_pool(byol__graph *graph, byol__value_id src, int kernel, int stride, int padding) {
    return append_pool(graph, BYOL__OP_AVG_POOL, "avgpool", src, kernel, stride, padding);
}

byol__value_id byol__graph_global_avg_pool(byol__graph *graph, byol__value_id src) {
    byol__shape out = {shape_of(graph, src).c, 1, 1};
    return append_node(graph, BYOL__OP_GLOBAL_AVG_POOL, "avgpool", out, 1, &src)->dst;
}

byol__value_id byol__graph_flatten(byol__graph *graph, byol__value_id src) {
    byol__shape in = shape_of(graph, src);
    return append_node(graph, BYOL__OP_FLATTEN, "flatten", (byol__shape){in.c * in.h * in.w, 1, 1}, 1, &src)->dst;
}

byol__value_id byol__graph_linear(byol__graph *graph, const char *name, byol__value_id src, int out, int bias) {
    byol__shape in = shape_of(graph, src);
    if (in.h != 1 || in.w != 1) MISTAKE(graph, BYOL_INVALID, "%s takes a vector: flatten or pool before it", name);
    byol__node *node = append_node(graph, BYOL__OP_LINEAR, name, (byol__shape){out, 1, 1}, 1, &src);
    byol__param weight = {
        .dims = {out, in.c}, .ndims = 2, .init = BYOL__INIT_TRUNCATED_FAN_IN, .fan_in = in.c, .fan_out = out};
    node->weight = append_param(graph, name, "weight", weight);
    if (bias) node->bias = append_param(graph, name, "bias", vector_row(out, BYOL__INIT_ZERO));
    return node->dst;
}

void byol__graph_section(byol__graph *graph, byol__section section) {
    if (section < graph->section)
        MISTAKE(graph, BYOL_INVALID, "sections come in the order backbone, projector, predictor");
    graph->section = section;
}

void byol__graph_end_stage(byol__graph *graph, byol__value_id value) {
    if (value >= graph->value_count || graph->stage_count == BYOL__STAGES_MAX)
        MISTAKE(graph, BYOL_INVALID, "a stage ends with a value that does not exist, or there are more than %d",
                BYOL__STAGES_MAX);
    else
        graph->stage_end[graph->stage_count++] = value;
}

void byol__graph_mark(byol__graph *graph, byol__output output, byol__value_id value) {
    if (value >= graph->value_count) MISTAKE(graph, BYOL_INVALID, "an output of the graph does not exist");
    graph->output[output] = value;
    graph->has_output |= 1u << output;
}

/* Rows one after the other, each at a multiple of 64 bytes; a section ends where its last row does. */
static void lay_out(byol__table *table) {
    size_t offset = 0;
    int row = 0;
    for (int section = 0; section < BYOL__SECTIONS; section++) {
        for (; row < table->count && (int)table->rows[row].section == section; row++) {
            table->rows[row].offset = offset;
            offset += (table->rows[row].count + ROW_ALIGNMENT - 1) / ROW_ALIGNMENT * ROW_ALIGNMENT;
        }
        table->section_end[section] = offset;
    }
    table->total = offset;
}

byol_status byol__graph_finish(byol__graph *graph, byol_error *error) {
    if (graph->status != BYOL_OK) return byol__fail(error, graph->status, "%s", graph->error.text);
    lay_out(&graph->params);
    lay_out(&graph->statistics);
    return BYOL_OK;
}

uint64_t byol__node_flops(const byol__graph *graph, const byol__node *node) {
    if (node->op != BYOL__OP_CONV && node->op != BYOL__OP_LINEAR) return 0;
    byol__shape out = graph->values[node->dst].shape;
    const byol__param *weight = &graph->params.rows[node->weight];
    return 2 * (uint64_t)weight->count * (uint64_t)out.h * (uint64_t)out.w;
}

int byol__table_find(const byol__table *table, const char *name) {
    for (int i = 0; i < table->count; i++)
        if (strcmp(table->rows[i].name, name) == 0) return i;
    return BYOL__NONE;
}
