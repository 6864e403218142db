/* A graph: what a network computes, as plain arrays. Values and nodes have uint32_t ids in the
 * order they were appended, so the arrays are already sorted topologically. A graph knows nothing
 * of batch size, precision or memory layout. A plan (plan/plan.h) is a graph compiled for those.
 *
 * The builder functions return no errors. The first mistake is remembered, and byol__graph_finish
 * reports it. */
#ifndef BYOL__GRAPH_H
#define BYOL__GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "byol/status.h"

enum {
    BYOL__NONE = -1,
    BYOL__NODE_NAME_MAX = 64,
    BYOL__PARAM_NAME_MAX = 96,
    BYOL__STAGES_MAX = 32,
    BYOL__RANK_MAX = 4,
    BYOL__SOURCES_MAX = 4,
    BYOL__OUTPUTS_MAX = 4,
    BYOL__SECTIONS_MAX = 4,
    BYOL__LABEL_MAX = 24,
};

typedef uint32_t byol__value_id;

typedef struct byol__op byol__op; /* a kind of operation: graph/op.h */

/* Shape of one sample; the batch comes first. A picture is (c, h, w), a vector (c). Extents beyond
 * the rank are 1. */
typedef struct byol__shape {
    union {
        int dims[BYOL__RANK_MAX];
        struct {
            int c, h, w, d;
        };
    };
    int rank;
} byol__shape;

static inline byol__shape byol__shape_of(int rank, int c, int h, int w) {
    return (byol__shape){.c = c, .h = h, .w = w, .d = 1, .rank = rank};
}
static inline byol__shape byol__vector_shape(int c) { return byol__shape_of(1, c, 1, 1); }
static inline byol__shape byol__image_shape(int c, int h, int w) {
    return byol__shape_of(3, c, h, w);
}
bool byol__shapes_are_equal(byol__shape a, byol__shape b);
size_t byol__shape_count(byol__shape shape); /* elements */

typedef struct byol__value {
    byol__shape shape;
    bool integers;     /* i32; else the plan's precision */
    uint32_t producer; /* node */
} byol__value;

/* Settings of an operation besides its sources. Each operation reads its own. */
typedef struct byol__attributes {
    int out;                             /* convolution, linear, embedding: channels; low rank */
    int kernel, stride, padding, groups; /* convolution and pools; square */
    bool bias;
    int heads;         /* attention; low rank: matrices */
    int vocabulary;    /* embedding: rows of its table */
    int rows, columns; /* resize, grid: of the result; places: of a picture's patches */
    float epsilon;     /* layer norm */
    float rate;        /* dropout */
    float noise;       /* attention: deviation of what is added to its weights */
    bool whole;        /* dropout: of whole samples */
    bool tanh;         /* GELU: by tanh */
    bool patches; /* convolution: initial weights scaled by what goes in, not by what comes out */
    bool bare;    /* places: the weight is called as the node and is (1, places, c); layer norm: has
                     no weights */
    bool shared;  /* places: all positions take the first row */
    bool sine;    /* places: two-dimensional sines to begin with, not random numbers */
} byol__attributes;

typedef struct byol__node {
    const byol__op *op;             /* NULL: the graph's input */
    char name[BYOL__NODE_NAME_MAX]; /* "layer1.0.conv1": the prefix of its parameters' names */
    byol__value_id src[BYOL__SOURCES_MAX];
    int src_count;
    byol__value_id dst;
    byol__attributes attributes;
    int weight,
        bias; /* parameter indices or BYOL__NONE; batch norm: scale (gamma) and shift (beta) */
    int running_mean, running_var; /* statistic indices or BYOL__NONE */
} byol__node;

/* The part of the arena that a parameter lies in: an index into the graph's list of sections. */
typedef int byol__section;

/* Flags, not name matching, say what an optimizer skips. */
enum {
    BYOL__NO_DECAY = 1 << 0, /* no weight decay: biases, batch norm */
    BYOL__NO_MUON = 1 << 2,  /* no matrix that is applied to something: a table of rows */
    BYOL__NO_TRUST = 1 << 1, /* no LARS scaling: the same */
    BYOL__FROZEN = 1 << 3,   /* no optimizer changes it */
    BYOL__OPTIONAL = 1 << 4, /* weights to begin with may lack it */
};

typedef enum byol__init {
    BYOL__INIT_ZERO,
    BYOL__INIT_ONE,
    BYOL__INIT_KAIMING_FAN_OUT,
    BYOL__INIT_TRUNCATED_FAN_IN,
    BYOL__INIT_NORMAL, /* of the row's deviation */
    BYOL__INIT_SINES   /* of the places of rows x columns patches, (1, places, c) */
} byol__init;

/* One row of the parameter table (or of the table of BN statistics). In an arena, `count` floats
 * lie at `offset` in plain layout. Each row starts at a multiple of 16 floats (64 bytes). Gaps are
 * zero in every arena and stay zero. */
typedef struct byol__param {
    char name[BYOL__PARAM_NAME_MAX]; /* torchvision's: "layer1.0.conv1.weight"; heads:
                                        "projector.0.weight" */
    int dims[4];                     /* (oc, ic/groups, kh, kw), (out, in) or (c) */
    int ndims;
    size_t offset, count; /* floats */
    unsigned flags;
    byol__init init;
    float deviation; /* of BYOL__INIT_NORMAL; 0: .02, as BERT has it (arXiv 1810.04805) */
    int fan_in, fan_out;
    int rows, columns; /* of the patches that sines are for */
    byol__section section;
    int stage; /* how many stages ended before it */
} byol__param;

typedef struct byol__table {
    byol__param *rows;
    int count;
    size_t total; /* floats in an arena of this table, gaps included */
    size_t
        section_end[BYOL__SECTIONS_MAX]; /* a section ends (and the next begins) at this offset */
} byol__table;

/* A value with a meaning outside the graph: an index into the graph's list of outputs. The builder
 * of the graph defines the indices (nets/nets.h). */
typedef int byol__output;

typedef struct byol__graph {
    byol__value *values;
    byol__node *nodes;
    uint32_t value_count, node_count, value_capacity, node_capacity;
    byol__table params;     /* learned */
    byol__table statistics; /* BN running mean and variance */
    int param_capacity, statistic_capacity;
    byol__section section; /* where new parameters go */
    byol__value_id stage_end[BYOL__STAGES_MAX];
    int stage_count;
    byol__value_id output[BYOL__OUTPUTS_MAX];
    char output_name[BYOL__OUTPUTS_MAX][BYOL__LABEL_MAX];
    char section_name[BYOL__SECTIONS_MAX][BYOL__LABEL_MAX];
    unsigned has_output; /* bit per byol__output */
    byol_status status;  /* of the first mistake */
    byol_error error;
    byol__node nowhere; /* takes what is appended when out of memory */
} byol__graph;

void byol__graph_init(byol__graph *graph);
void byol__graph_release(byol__graph *graph);

/* The network's input: images (c, h, w), or a row of `length` i32 numbers. One of these is called
 * first, and once. */
byol__value_id byol__graph_input(byol__graph *graph, int c, int h, int w);
byol__value_id byol__graph_tokens(byol__graph *graph, int length);

/* ---- For the operations themselves (src/ops), which build on these ---- */

/* Appends `op`, which reads `src` (src_count values) and defines its shape and parameters. Returns
 * the op's value. The builder functions of each op (ops/ops.h) call this with attributes filled
 * in. */
byol__value_id byol__graph_apply(byol__graph *graph, const byol__op *op, const char *name,
                                 byol__attributes attributes, int src_count,
                                 const byol__value_id *src);
byol__shape byol__graph_shape(const byol__graph *graph, byol__value_id id);
/* Appends a parameter or statistic called "prefix.suffix" (no suffix: "prefix"). Returns its
 * index. */
int byol__graph_param(byol__graph *graph, const char *prefix, const char *suffix, byol__param row);
/* The same, or the row that has this name already: it is shared then, and gradients add up. */
int byol__graph_shared_param(byol__graph *graph, const char *prefix, const char *suffix,
                             byol__param row);
int byol__graph_vector_param(byol__graph *graph, const char *prefix, const char *suffix,
                             int channels, byol__init init);
int byol__graph_statistic(byol__graph *graph, const char *prefix, const char *suffix, int channels,
                          byol__init init);
/* Remembers a mistake, if it is the first. */
void byol__graph_mistake(byol__graph *graph, byol_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- What every graph has ---- */

/* Parameters appended from now on belong to `section`. Sections come in increasing order. The first
 * is open from the start. */
void byol__graph_section(byol__graph *graph, byol__section section, const char *name);

/* No optimizer changes the parameters of the node that makes `value`. */
void byol__graph_freeze(byol__graph *graph, byol__value_id value);
/* The weight of the node that makes `value` begins with that deviation, if it begins as normal
 * numbers. */
void byol__graph_spread(byol__graph *graph, byol__value_id value, float deviation);

/* Ends a stage of the backbone with `value` (ResNet: the stem and each of the four layers).
 * Fine-tuning trains the last stages, at learning rates that differ by stage. */
void byol__graph_end_stage(byol__graph *graph, byol__value_id value);
void byol__graph_mark(byol__graph *graph, byol__output output, const char *name,
                      byol__value_id value);

/* Lays out both tables; the graph is then complete. Reports the first mistake, naming the node. */
byol_status byol__graph_finish(byol__graph *graph, byol_error *error);

/* Cuts a finished graph in two at `value`. `front` computes it as output 0. `back` takes it as
 * input and has the outputs behind it. Parameters keep their places: an arena of `graph` is also
 * one of `front` and, from front->params.total on, one of `back`. The same holds for statistics.
 * Both graphs are finished, and owned: byol__graph_release. BYOL_ERROR_INVALID if a node behind
 * `value` reads something before it. */
byol_status byol__graph_cut(const byol__graph *graph, byol__value_id value, byol__graph *front,
                            byol__graph *back, byol_error *error);

/* The same network, with the same parameters, for an input of another shape: fewer tokens, say.
 * Finished and owned: byol__graph_release. Reports the first layer that does not take it. */
byol_status byol__graph_resize(const byol__graph *graph, byol__shape input, byol__graph *out,
                               byol_error *error);

/* Fills an arena of `table` with initial values: each row by its `init`, from (seed, row).
 * Parameters: weights random, biases 0, BN scale 1. Statistics: running mean 0, running variance 1
 * (nothing random: any seed). */
void byol__params_init(const byol__table *table, uint64_t seed, float *arena);

/* How many values the rows of a section have, without the gaps between them. */
uint64_t byol__table_values(const byol__table *table, byol__section section);

/* Index of the row called `name`, or BYOL__NONE. */
int byol__table_find(const byol__table *table, const char *name);

#endif
