#include "graph/graph.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "graph/op.h"

enum {
    ROW_ALIGNMENT = 16,
    DIM_MAX = 1 << 20
}; /* floats: 64 bytes; a larger dimension is a mistake */

void byol__graph_init(byol__graph *graph) { memset(graph, 0, sizeof *graph); }

void byol__graph_release(byol__graph *graph) {
    free(graph->values);
    free(graph->nodes);
    free(graph->params.rows);
    free(graph->statistics.rows);
    memset(graph, 0, sizeof *graph);
}

/* What is appended after the first mistake is kept only consistent enough not to crash. */
void byol__graph_mistake(byol__graph *graph, byol_status status, const char *format, ...) {
    if (graph->status != BYOL_OK) return;
    graph->status = status;
    va_list args;
    va_start(args, format);
    vsnprintf(graph->error.text, sizeof graph->error.text, format, args);
    va_end(args);
}

/* Grows a full array by doubling, for one more element. Returns 0 if out of memory. */
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

static void check_node(byol__graph *graph, const char *name, byol__shape shape, int src_count,
                       const byol__value_id *src) {
    for (int i = 0; i < src_count; i++)
        if (src[i] >= graph->value_count)
            byol__graph_mistake(graph, BYOL_ERROR_INVALID, "%s: its input does not exist", name);
    bool too_small = shape.c < 1 || shape.h < 1 || shape.w < 1;
    if (too_small || shape.c > DIM_MAX || shape.h > DIM_MAX || shape.w > DIM_MAX)
        byol__graph_mistake(graph, BYOL_ERROR_INVALID,
                            "%s would be %d x %d x %d (channels, height, width): the images are "
                            "too %s for this network",
                            name, shape.c, shape.h, shape.w, too_small ? "small" : "large");
}

static byol__node *append_node(byol__graph *graph, const byol__op *op, const char *name,
                               byol__shape shape, int src_count, const byol__value_id *src) {
    if (!grow(&graph->nodes, sizeof *graph->nodes, graph->node_count, &graph->node_capacity) ||
        !grow(&graph->values, sizeof *graph->values, graph->value_count, &graph->value_capacity)) {
        byol__graph_mistake(graph, BYOL_ERROR_MEMORY, "no memory for the network's graph");
        return &graph->nowhere;
    }
    check_node(graph, name, shape, src_count, src);
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
    graph->values[graph->value_count++] =
        (byol__value){.shape = shape, .producer = graph->node_count++};
    return node;
}

bool byol__shapes_are_equal(byol__shape a, byol__shape b) {
    return a.rank == b.rank && memcmp(a.dims, b.dims, sizeof a.dims) == 0;
}

size_t byol__shape_count(byol__shape shape) {
    size_t count = 1;
    for (int i = 0; i < shape.rank; i++) count *= (size_t)shape.dims[i];
    return count;
}

byol__shape byol__graph_shape(const byol__graph *graph, byol__value_id id) {
    return id < graph->value_count ? graph->values[id].shape : byol__vector_shape(1);
}

/* Appends a row to `table`. byol__graph_finish sets its offset. Returns its index. */
static int append_row(byol__graph *graph, byol__table *table, int *capacity, const char *prefix,
                      const char *suffix, byol__param row) {
    uint32_t room = (uint32_t)*capacity;
    if (!grow(&table->rows, sizeof *table->rows, (uint32_t)table->count, &room)) {
        byol__graph_mistake(graph, BYOL_ERROR_MEMORY, "no memory for the parameter table");
        return BYOL__NONE;
    }
    *capacity = (int)room;
    row.section = graph->section;
    row.stage = graph->stage_count;
    row.count = 1;
    for (int i = 0; i < row.ndims; i++) row.count *= (size_t)row.dims[i];
    const char *dot = suffix == NULL ? "" : ".", *end = suffix == NULL ? "" : suffix;
    if (snprintf(row.name, sizeof row.name, "%s%s%s", prefix, dot, end) >= (int)sizeof row.name)
        byol__graph_mistake(graph, BYOL_ERROR_INVALID, "parameter name is too long: %s%s%s", prefix,
                            dot, end);
    if (byol__table_find(table, row.name) != BYOL__NONE)
        byol__graph_mistake(graph, BYOL_ERROR_INVALID, "two parameters are called %s", row.name);
    table->rows[table->count] = row;
    return table->count++;
}

int byol__graph_param(byol__graph *graph, const char *prefix, const char *suffix, byol__param row) {
    return append_row(graph, &graph->params, &graph->param_capacity, prefix, suffix, row);
}

int byol__graph_shared_param(byol__graph *graph, const char *prefix, const char *suffix,
                             byol__param row) {
    char name[BYOL__PARAM_NAME_MAX];
    snprintf(name, sizeof name, "%s.%s", prefix, suffix);
    int known = byol__table_find(&graph->params, name);
    if (known == BYOL__NONE) return byol__graph_param(graph, prefix, suffix, row);
    if (memcmp(graph->params.rows[known].dims, row.dims, sizeof row.dims) != 0)
        byol__graph_mistake(graph, BYOL_ERROR_MISMATCH, "%s is shared by two that differ in shape",
                            name);
    return known;
}

int byol__graph_vector_param(byol__graph *graph, const char *prefix, const char *suffix,
                             int channels, byol__init init) {
    byol__param row = {
        .dims = {channels}, .ndims = 1, .flags = BYOL__NO_DECAY | BYOL__NO_TRUST, .init = init};
    return byol__graph_param(graph, prefix, suffix, row);
}

int byol__graph_statistic(byol__graph *graph, const char *prefix, const char *suffix, int channels,
                          byol__init init) {
    byol__param row = {.dims = {channels}, .ndims = 1, .init = init};
    return append_row(graph, &graph->statistics, &graph->statistic_capacity, prefix, suffix, row);
}

static byol__value_id append_input(byol__graph *graph, const char *name, byol__shape shape) {
    if (graph->node_count != 0)
        byol__graph_mistake(graph, BYOL_ERROR_INVALID, "a graph has one input, and it comes first");
    return append_node(graph, NULL, name, shape, 0, NULL)->dst;
}

byol__value_id byol__graph_input(byol__graph *graph, int c, int h, int w) {
    return append_input(graph, "images", byol__image_shape(c, h, w));
}

byol__value_id byol__graph_tokens(byol__graph *graph, int length) {
    byol__value_id tokens = append_input(graph, "tokens", byol__vector_shape(length));
    if (tokens < graph->value_count) graph->values[tokens].integers = true;
    return tokens;
}

/* Checks that each source has the type of numbers that the op reads. */
static void check_types(byol__graph *graph, const byol__op *op, const char *name, int src_count,
                        const byol__value_id *src) {
    for (int i = 0; i < src_count; i++) {
        bool wanted = (i == 0 && op->takes_integers) || i == op->sources;
        if (src[i] < graph->value_count && graph->values[src[i]].integers != wanted)
            byol__graph_mistake(graph, BYOL_ERROR_MISMATCH, "%s reads %s, its source %d is %s",
                                name, wanted ? "integers" : "real numbers", i,
                                wanted ? "of real numbers" : "of integers");
    }
}

byol__value_id byol__graph_apply(byol__graph *graph, const byol__op *op, const char *name,
                                 byol__attributes attributes, int src_count,
                                 const byol__value_id *src) {
    byol__shape in = byol__graph_shape(graph, src[0]);
    if (src_count != op->sources && !(op->may_have_tokens && src_count == op->sources + 1))
        byol__graph_mistake(graph, BYOL_ERROR_INVALID, "%s reads %d values, not %d", name,
                            op->sources, src_count);
    for (int i = 1; i < op->sources && i < src_count && !op->sources_differ; i++) {
        byol__shape other = byol__graph_shape(graph, src[i]);
        if (!byol__shapes_are_equal(other, in))
            byol__graph_mistake(graph, BYOL_ERROR_MISMATCH, "cannot %s %dx%dx%d to %dx%dx%d", name,
                                other.c, other.h, other.w, in.c, in.h, in.w);
    }
    check_types(graph, op, name, src_count, src);
    if (op->takes_vectors && (in.h != 1 || in.w != 1 || in.d != 1))
        byol__graph_mistake(graph, BYOL_ERROR_INVALID,
                            "%s takes a vector: flatten or pool before it", name);
    byol__node *node =
        append_node(graph, op, name, op->infer(graph, name, &attributes, in), src_count, src);
    node->attributes = attributes;
    if (op->add_parameters != NULL) op->add_parameters(graph, node, in);
    return node->dst;
}

void byol__graph_section(byol__graph *graph, byol__section section, const char *name) {
    if (section < graph->section || section >= BYOL__SECTIONS_MAX) {
        byol__graph_mistake(graph, BYOL_ERROR_INVALID, "the section %s comes too late", name);
        return;
    }
    graph->section = section;
    snprintf(graph->section_name[section], BYOL__LABEL_MAX, "%s", name);
}

void byol__graph_freeze(byol__graph *graph, byol__value_id value) {
    if (graph->status != BYOL_OK) return;
    const byol__node *node = &graph->nodes[graph->values[value].producer];
    if (node->weight != BYOL__NONE) graph->params.rows[node->weight].flags |= BYOL__FROZEN;
    if (node->bias != BYOL__NONE) graph->params.rows[node->bias].flags |= BYOL__FROZEN;
}

void byol__graph_spread(byol__graph *graph, byol__value_id value, float deviation) {
    if (graph->status != BYOL_OK) return;
    int weight = graph->nodes[graph->values[value].producer].weight;
    if (weight != BYOL__NONE) graph->params.rows[weight].deviation = deviation;
}

void byol__graph_end_stage(byol__graph *graph, byol__value_id value) {
    if (value >= graph->value_count || graph->stage_count == BYOL__STAGES_MAX)
        byol__graph_mistake(
            graph, BYOL_ERROR_INVALID,
            "a stage ends with a value that does not exist, or there are more than %d",
            BYOL__STAGES_MAX);
    else
        graph->stage_end[graph->stage_count++] = value;
}

void byol__graph_mark(byol__graph *graph, byol__output output, const char *name,
                      byol__value_id value) {
    if (value >= graph->value_count || output >= BYOL__OUTPUTS_MAX) {
        byol__graph_mistake(graph, BYOL_ERROR_INVALID, "the output %s does not exist", name);
        return;
    }
    graph->output[output] = value;
    graph->has_output |= 1u << output;
    snprintf(graph->output_name[output], BYOL__LABEL_MAX, "%s", name);
}

/* Places the rows one after another, at multiples of 64 bytes. A section ends with its last row. */
static void lay_out(byol__table *table) {
    size_t offset = 0;
    int row = 0;
    for (int section = 0; section < BYOL__SECTIONS_MAX; section++) {
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
    return node->op == NULL || node->op->flops == NULL ? 0 : node->op->flops(graph, node);
}

void byol__onnx_append(char *lines, const char *format, ...) {
    size_t length = strlen(lines);
    va_list args;
    va_start(args, format);
    vsnprintf(lines + length, BYOL__ONNX_LINES_MAX - length, format, args);
    va_end(args);
}

uint64_t byol__table_values(const byol__table *table, byol__section section) {
    uint64_t values = 0;
    for (int r = 0; r < table->count; r++)
        if (table->rows[r].section == section) values += table->rows[r].count;
    return values;
}

int byol__table_find(const byol__table *table, const char *name) {
    for (int i = 0; i < table->count; i++)
        if (strcmp(table->rows[i].name, name) == 0) return i;
    return BYOL__NONE;
}
