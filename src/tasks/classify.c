#include "byol/classify.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/threads.h"
#include "dnn/matmul.h"
#include "encoder/encoder_internal.h"
#include "eval/softmax.h"
#include "graph/arena.h"
#include "nets/nets.h"
#include "state/checkpoint.h"
#include "state/class_names.h"
#include "tasks/class_layer.h"

struct byol_classifier {
    byol_encoder *encoder;
    int threads; /* as it was loaded with */
    byol__class_names names;
    int dimension;
    float *layer; /* (classes, dimension) weights, then (classes) biases */
};

static const float *bias_of(const byol_classifier *c) {
    return c->layer + (size_t)c->names.count * (size_t)c->dimension;
}

/* ---- The layer in a file ---- */

/* Weight and bias one after the other, as the table has them. Owned: byol__free. */
static byol_status join_layer(float **values, const byol_linear_layer *layer, int dimension,
                              byol_error *error) {
    size_t classes = (size_t)layer->classes, weights = classes * (size_t)dimension;
    BYOL__TRY(byol__alloc_floats(values, weights + classes, "a classifier", error));
    memcpy(*values, layer->weight, weights * sizeof(float));
    memcpy(*values + weights, layer->bias, classes * sizeof(float));
    return BYOL_OK;
}

byol_status byol_classifier_save(const char *path, const byol_encoder *encoder,
                                 const byol_linear_layer *layer, byol_error *error) {
    if (layer->classes < 1 || layer->classes > BYOL__CLASSES_MAX)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "a classifier of %d classes cannot be written; 1 .. %d can",
                          layer->classes, BYOL__CLASSES_MAX);
    byol__weights weights;
    byol__encoder_weights(encoder, &weights);
    int dimension = byol_encoder_dimension(encoder, BYOL_LAYER_BACKBONE);
    byol__origin origin = *weights.origin;
    byol__table table;
    byol__param rows[2];
    float *values = NULL;
    char *classes = NULL;
    byol__class_layer_table(&table, rows, &origin.config, layer->classes, dimension);
    byol_status status = byol__class_names_pack(layer->names, layer->classes, &classes, error);
    if (status == BYOL_OK) status = join_layer(&values, layer, dimension, error);
    if (status == BYOL_OK) {
        const byol__arena arenas[] = {
            {"", &weights.graph->params, BYOL__BACKBONE, weights.params},
            {"", &weights.graph->statistics, BYOL__BACKBONE, weights.statistics},
            {"", &table, BYOL__CLASSIFIER, values},
        };
        origin.classes = classes;
        status = byol__checkpoint_write(path, arenas, 3, &origin, error);
    }
    free(classes);
    byol__free(values);
    return status;
}

/* ---- Loading ---- */

static byol_status no_classifier(const char *path, byol_error *error) {
    return byol__fail(error, BYOL_ERROR_NOT_FOUND,
                      "%s holds an encoder without a classifier: 'byol finetune RUN --out FILE' or "
                      "'byol linear RUN --out FILE' makes one with its classes' names",
                      path);
}

static byol_status read_layer(byol_classifier *c, const byol__safetensors *file, const char *path,
                              byol_error *error) {
    const char *classes = byol__safetensors_metadata(file, "byol.classes");
    byol__table table;
    byol__param rows[2];
    if (classes == NULL) return no_classifier(path, error);
    BYOL__TRY(byol__class_names_parse(&c->names, classes, path, error));
    c->dimension = byol_encoder_dimension(c->encoder, BYOL_LAYER_BACKBONE);
    byol__class_layer_table(&table, rows, byol_encoder_config(c->encoder), c->names.count,
                            c->dimension);
    size_t floats = (size_t)c->names.count * ((size_t)c->dimension + 1);
    BYOL__TRY(byol__alloc_floats(&c->layer, floats, "a classifier", error));
    const byol__arena arena = {"", &table, BYOL__CLASSIFIER, c->layer};
    return byol__checkpoint_read(file, &arena, 1, error);
}

static byol_status load(byol_classifier *c, const char *path, int threads, byol_error *error) {
    byol__safetensors *file;
    byol__origin origin;
    if (byol__is_folder(path)) return no_classifier(path, error);
    BYOL__TRY(byol_encoder_load(&c->encoder, path, threads, error));
    BYOL__TRY(byol__checkpoint_open(&file, path, &origin, error));
    byol_status status = read_layer(c, file, path, error);
    byol__safetensors_close(file);
    return status;
}

byol_status byol_classifier_load(byol_classifier **out, const char *path, int threads,
                                 byol_error *error) {
    byol_classifier *c;
    BYOL__TRY(byol__alloc(&c, 1, sizeof *c, "classifier", error));
    c->threads = threads;
    byol_status status = load(c, path, threads, error);
    if (status == BYOL_OK)
        *out = c;
    else
        byol_classifier_free(c);
    return status;
}

void byol_classifier_free(byol_classifier *classifier) {
    if (classifier == NULL) return;
    byol_encoder_free(classifier->encoder);
    byol__class_names_release(&classifier->names);
    byol__free(classifier->layer);
    byol__free(classifier);
}

/* ---- Description ---- */

int byol_classifier_classes(const byol_classifier *classifier) { return classifier->names.count; }

const char *byol_classifier_name(const byol_classifier *classifier, int label) {
    return label < 0 || label >= classifier->names.count ? NULL : classifier->names.name[label];
}

byol_encoder *byol_classifier_encoder(byol_classifier *classifier) { return classifier->encoder; }

const byol_encoder *byol__classifier_encoder(const byol_classifier *classifier) {
    return classifier->encoder;
}

int byol_classifier_match(const byol_classifier *classifier, const byol_source *source, int label) {
    const char *name = byol_source_class_name(source, label);
    bool has_names = name != NULL;
    for (int c = 0; c < classifier->names.count && has_names; c++) {
        if (classifier->names.name[c] == NULL)
            has_names = false;
        else if (strcmp(classifier->names.name[c], name) == 0)
            return c;
    }
    return !has_names && label < classifier->names.count ? label : -1;
}

/* ---- Prediction ---- */

/* (count, dimension) vectors -> (count, classes) probabilities. */
static byol_status classify(const byol_classifier *c, const float *vectors, size_t count,
                            const byol_source *source, float *probabilities, byol_error *error) {
    size_t classes = (size_t)c->names.count, dimension = (size_t)c->dimension;
    for (size_t i = 0; i < count; i++)
        memcpy(probabilities + i * classes, bias_of(c), classes * sizeof(float));
    BYOL__TRY(byol__sgemm(
        count, classes, dimension, 1, (byol__matrix){vectors, dimension, BYOL__AS_IS},
        (byol__matrix){c->layer, dimension, BYOL__TRANSPOSED}, 1, probabilities, classes, error));
    for (size_t i = 0; i < count; i++) {
        float *row = probabilities + i * classes;
        if (byol_source_unreadable(source, i))
            memset(row, 0, classes * sizeof *row);
        else
            byol__softmax(row, c->names.count);
    }
    return BYOL_OK;
}

byol_status byol_classifier_predict(byol_classifier *classifier, const byol_source *source,
                                    float *probabilities, byol_progress progress, void *context,
                                    byol_error *error) {
    byol_source_info info;
    byol_source_describe(source, &info);
    float *vectors = NULL;
    BYOL__TRY(byol__alloc(&vectors, info.count * (size_t)classifier->dimension, sizeof *vectors,
                          "vectors of the samples", error));
    byol_status status = byol_encoder_embed(classifier->encoder, source, BYOL_LAYER_BACKBONE,
                                            vectors, progress, context, error);
    byol__threads threads = byol__threads_begin(classifier->threads);
    if (status == BYOL_OK)
        status = classify(classifier, vectors, info.count, source, probabilities, error);
    byol__threads_end(threads);
    byol__free(vectors);
    return status;
}

/* ---- Encoder and layer as one network ---- */

byol_status byol__class_network_create(byol__class_network *network,
                                       const byol_classifier *classifier, byol_error *error) {
    byol__weights weights;
    byol__encoder_weights(classifier->encoder, &weights);
    byol_config config = weights.origin->config;
    config.encoder.dropout = config.encoder.drop_path = 0;
    byol__graph *graph = &network->graph;
    byol__graph_init(graph);
    BYOL__TRY(byol__classifier_network(graph, &config, weights.origin->channels,
                                       config.data.image_size, classifier->names.count, error));
    BYOL__TRY(byol__arena_alloc(&network->params, graph->params.total, "parameters", error));
    BYOL__TRY(byol__arena_alloc(&network->statistics, graph->statistics.total,
                                "batch norm statistics", error));
    byol__arena_copy(network->params, weights.params, graph->params.section_end[BYOL__BACKBONE]);
    byol__arena_copy(network->statistics, weights.statistics, graph->statistics.total);
    const byol__param *row = graph->params.rows + graph->params.count - 2;
    memcpy(network->params + row[0].offset, classifier->layer, row[0].count * sizeof(float));
    memcpy(network->params + row[1].offset, bias_of(classifier), row[1].count * sizeof(float));
    return byol__class_names_pack((const char *const *)classifier->names.name,
                                  classifier->names.count, &network->classes, error);
}

void byol__class_network_release(byol__class_network *network) {
    byol__graph_release(&network->graph);
    byol__arena_free(network->params);
    byol__arena_free(network->statistics);
    free(network->classes);
    *network = (byol__class_network){0};
}
