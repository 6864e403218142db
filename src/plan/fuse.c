#include "plan/fuse.h"

#include <stdbool.h>
#include <stdlib.h>

#include "graph/op.h"

/* What is known of a node while its neighbours are examined. */
typedef struct use {
    bool needed;  /* it is computed: an output that is read depends on it */
    bool trains;  /* the last output depends on it */
    bool taken;   /* it is part of a stage already */
    bool waiting; /* a batch norm that may join the addition that reads it */
    int readers;  /* of its value, outputs counted */
    int reader;   /* the last of them */
} use;

typedef struct fusion {
    const byol__graph *graph;
    byol__mode mode;
    use *uses; /* by node, and so by value: every node makes one value */
    byol__stage *stages;
    int count;
} fusion;

/* A plan that trains has its earlier outputs read too, whether or not the last depends on them. */
static void find_uses(fusion *f, byol__output output) {
    const byol__graph *graph = f->graph;
    use *last = &f->uses[graph->output[output]];
    last->needed = last->trains = true;
    for (int mark = 0; mark < (int)output && f->mode == BYOL__TRAIN; mark++)
        if (graph->has_output >> mark & 1u) f->uses[graph->output[mark]].needed = true;
    for (int node = (int)graph->node_count - 1; node >= 0; node--) {
        if (!f->uses[node].needed) continue;
        for (int i = 0; i < graph->nodes[node].src_count; i++) {
            use *src = &f->uses[graph->nodes[node].src[i]];
            src->needed = true;
            src->trains = src->trains || f->uses[node].trains;
            src->readers++;
            src->reader = node;
        }
    }
    for (int mark = 0; mark < BYOL__OUTPUTS_MAX; mark++)
        if ((graph->has_output >> mark & 1u) && f->uses[graph->output[mark]].needed)
            f->uses[graph->output[mark]].readers += 2;
}

/* The only reader of the value of `node`, if it has that role; else BYOL__NONE. */
static int only_reader(const fusion *f, int node, byol__role role) {
    const use *u = &f->uses[node];
    return u->readers == 1 && byol__role_of(&f->graph->nodes[u->reader]) == role ? u->reader
                                                                                 : BYOL__NONE;
}

/* Takes the ReLU behind `node` into the stage. */
static void take_relu(fusion *f, byol__stage *stage, int node) {
    int relu = only_reader(f, node, BYOL__ROLE_RELU);
    stage->relu = relu != BYOL__NONE;
    stage->dst = stage->relu ? relu : node;
    if (stage->relu) f->uses[relu].taken = true;
}

static byol__stage *append(fusion *f, int node) {
    const byol__node *of = &f->graph->nodes[node];
    byol__stage *stage = &f->stages[f->count++];
    *stage =
        (byol__stage){.node = node, .bn = BYOL__NONE, .dst = node, .aside = !f->uses[node].trains};
    for (int i = 0; i < BYOL__SOURCES_MAX; i++)
        stage->src[i] = i < of->src_count ? (int)of->src[i] : BYOL__NO_VALUE;
    return stage;
}

static void fuse_contraction(fusion *f, int node) {
    byol__stage *stage = append(f, node);
    if (f->mode != BYOL__EVAL) return;
    int bn = only_reader(f, node, BYOL__ROLE_NORM);
    if (bn != BYOL__NONE) {
        stage->bn = bn;
        f->uses[bn].taken = true;
    }
    take_relu(f, stage, bn != BYOL__NONE ? bn : node);
}

static void fuse_batch_norm(fusion *f, int node) {
    byol__stage *stage = append(f, node);
    stage->bn = node;
    take_relu(f, stage, node);
}

/* y = relu(bn(x) + r). If two batch norms wait for this addition, the first joins it and the second
 * runs by itself. */
static void fuse_add(fusion *f, int node) {
    const byol__node *add = &f->graph->nodes[node];
    int joined = BYOL__NONE;
    for (int i = 0; i < 2; i++) {
        int src = (int)add->src[i];
        if (!f->uses[src].waiting) continue;
        f->uses[src].waiting = false;
        if (joined == BYOL__NONE)
            joined = i;
        else
            fuse_batch_norm(f, src);
    }
    byol__stage *stage = append(f, node);
    if (joined != BYOL__NONE) {
        stage->bn = (int)add->src[joined];
        stage->src[0] = (int)f->graph->nodes[stage->bn].src[0];
        stage->src[1] = (int)add->src[1 - joined];
    }
    take_relu(f, stage, node);
}

static void fuse_node(fusion *f, int node) {
    switch (byol__role_of(&f->graph->nodes[node])) {
    case BYOL__ROLE_CONTRACTION: fuse_contraction(f, node); break;
    case BYOL__ROLE_NORM:
        if (only_reader(f, node, BYOL__ROLE_ADD) != BYOL__NONE)
            f->uses[node].waiting = true;
        else
            fuse_batch_norm(f, node);
        break;
    case BYOL__ROLE_ADD: fuse_add(f, node); break;
    case BYOL__ROLE_RELU: append(f, node)->relu = true; break;
    case BYOL__ROLE_ALONE: append(f, node); break;
    }
}

int byol__fuse(const byol__graph *graph, byol__mode mode, byol__output output,
               byol__stage *stages) {
    fusion f = {.graph = graph, .mode = mode, .stages = stages};
    f.uses = calloc(graph->node_count, sizeof *f.uses);
    if (f.uses == NULL) return -1;
    find_uses(&f, output);
    for (int node = 0; node < (int)graph->node_count; node++)
        if (f.uses[node].needed && !f.uses[node].taken && graph->nodes[node].op != NULL)
            fuse_node(&f, node);
    free(f.uses);
    return f.count;
}
