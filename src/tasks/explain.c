#include "byol/explain.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/png.h"
#include "base/smaller.h"
#include "base/threads.h"
#include "encoder/encoder_internal.h"
#include "eval/softmax.h"
#include "graph/arena.h"
#include "nets/nets.h"
#include "plan/plan.h"
#include "tasks/class_layer.h"
#include "tasks/gradient_map.h"

enum { LEAST_HEIGHT = 192 }; /* small pictures are drawn enlarged */

/* What is asked of the maps: the logits, or the representation. */
typedef struct question {
    byol__plan *plan; /* TRAIN of the back part, which has no batch norm; NULL: cannot be asked */
    byol__output output;
    int numbers;          /* in the output */
    float *result, *diff; /* (numbers) each */
} question;

struct byol_explainer {
    byol_classifier *classifier; /* NULL: an encoder alone */
    byol_encoder *own;           /* the encoder, where there is no classifier */
    byol_encoder *encoder;       /* borrowed: of either */
    int threads;
    /* The network, cut behind the stage whose maps are weighted. */
    byol__class_network network;
    byol__graph front, back;
    byol__plan *before;        /* EVAL of front */
    question likeness, answer; /* of representation and logits */
    float *grads;              /* of back: computed on the way, not used */
    void *workspace;           /* of all */
    byol__shape shape;         /* of the maps */
    int skipped;               /* positions before those of the map */
    float *image, *features, *feature_diff, *other;
};

/* ---- Building ---- */

/* Without a classifier: the online network as far as its representation. */
static byol_status make_encoder_network(byol_explainer *e, byol_error *error) {
    byol__weights weights;
    byol__encoder_weights(e->encoder, &weights);
    byol_config config = weights.origin->config;
    config.encoder.dropout = config.encoder.drop_path = 0;
    byol__class_network *n = &e->network;
    byol__graph_init(&n->graph);
    BYOL__TRY(byol__online_network(&n->graph, &config, weights.origin->channels,
                                   config.data.image_size, error));
    BYOL__TRY(byol__arena_alloc(&n->params, n->graph.params.total, "parameters", error));
    BYOL__TRY(byol__arena_alloc(&n->statistics, n->graph.statistics.total, "batch norm statistics",
                                error));
    byol__arena_copy(n->params, weights.params, n->graph.params.total);
    byol__arena_copy(n->statistics, weights.statistics, n->graph.statistics.total);
    return BYOL_OK;
}

/* A class token alone is read behind a transformer's last block: nothing of its patches is left
 * there, so the maps are those before it. */
static byol_status cut(byol_explainer *e, byol_error *error) {
    const byol__graph *whole = &e->network.graph;
    const byol_config *config = byol_encoder_config(e->encoder);
    bool is_vit = strcmp(config->encoder.name, "vit") == 0,
         has_token = is_vit && config->encoder.pool == BYOL_POOL_CLASS;
    int stage = whole->stage_count - 1 - has_token;
    if (stage < 0)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED, "the encoder %s has no feature maps",
                          config->encoder.name);
    byol__value_id where = whole->stage_end[stage];
    e->shape = whole->values[where].shape;
    e->skipped = has_token;
    BYOL__TRY(byol__graph_cut(whole, where, &e->front, &e->back, error));
    /* It runs in training mode, where batch norm would take a picture's own statistics. */
    for (int r = 0; r < e->back.statistics.count; r++)
        if (e->back.statistics.rows[r].section == BYOL__BACKBONE)
            return byol__fail(error, BYOL_ERROR_UNSUPPORTED,
                              "the encoder %s has batch norm behind its last stage",
                              config->encoder.name);
    return BYOL_OK;
}

static byol_status create_plan(byol__plan **plan, const byol__graph *graph, byol__mode mode,
                               byol__output output, size_t *bytes, byol_error *error) {
    const byol__plan_options options = {
        .batch = 1, .mode = mode, .output = output, .input_diff = mode == BYOL__TRAIN};
    byol__plan_info info;
    BYOL__TRY(byol__plan_create(plan, graph, &options, error));
    byol__plan_describe(*plan, &info);
    if (info.workspace_bytes > *bytes) *bytes = info.workspace_bytes;
    return BYOL_OK;
}

static byol_status create_question(byol_explainer *e, question *q, byol__output output,
                                   size_t *bytes, byol_error *error) {
    q->output = output;
    q->numbers = e->network.graph.values[e->network.graph.output[output]].shape.c;
    BYOL__TRY(byol__alloc_floats(&q->result, (size_t)q->numbers, "outputs", error));
    BYOL__TRY(byol__alloc_floats(&q->diff, (size_t)q->numbers, "outputs", error));
    return create_plan(&q->plan, &e->back, BYOL__TRAIN, output, bytes, error);
}

/* The plans run one after another, so they share a workspace. */
static byol_status create_plans(byol_explainer *e, byol_error *error) {
    size_t bytes = 0;
    BYOL__TRY(create_plan(&e->before, &e->front, BYOL__EVAL, 0, &bytes, error));
    BYOL__TRY(create_question(e, &e->likeness, BYOL__REPRESENTATION, &bytes, error));
    if (e->classifier != NULL)
        BYOL__TRY(create_question(e, &e->answer, BYOL__LOGITS, &bytes, error));
    BYOL__TRY(byol__workspace_alloc(&e->workspace, bytes, error));
    BYOL__TRY(byol__arena_alloc(&e->grads, e->back.params.total, "gradients", error));
    const byol__binding front = {.params = e->network.params,
                                 .statistics = e->network.statistics,
                                 .workspace = e->workspace},
                        back = {.params = e->network.params + e->front.params.total,
                                .grads = e->grads,
                                .statistics = e->network.statistics + e->front.statistics.total,
                                .workspace = e->workspace};
    byol__plan *const plans[] = {e->before, e->likeness.plan, e->answer.plan};
    for (int i = 0; i < 3 && plans[i] != NULL; i++) {
        BYOL__TRY(byol__plan_bind(plans[i], i == 0 ? &front : &back, error));
        BYOL__TRY(byol__plan_stage(plans[i], error));
    }
    return BYOL_OK;
}

static byol_status create_buffers(byol_explainer *e, byol_error *error) {
    size_t maps = byol__shape_count(e->shape);
    BYOL__TRY(byol__alloc_floats(&e->image, byol__shape_count(e->network.graph.values[0].shape),
                                 "a picture", error));
    BYOL__TRY(byol__alloc_floats(&e->features, maps, "feature maps", error));
    BYOL__TRY(byol__alloc_floats(&e->feature_diff, maps, "feature maps", error));
    return byol__alloc_floats(&e->other, (size_t)e->likeness.numbers, "outputs", error);
}

static byol_status build(byol_explainer *e, byol_error *error) {
    BYOL__TRY(e->classifier != NULL ? byol__class_network_create(&e->network, e->classifier, error)
                                    : make_encoder_network(e, error));
    BYOL__TRY(cut(e, error));
    BYOL__TRY(create_plans(e, error));
    return create_buffers(e, error);
}

static byol_status load(byol_explainer *e, const char *path, byol_error *error) {
    byol_error why = {0};
    byol_status status = byol_classifier_load(&e->classifier, path, e->threads, &why);
    if (status == BYOL_OK) {
        e->encoder = byol_classifier_encoder(e->classifier);
    } else if (status == BYOL_ERROR_NOT_FOUND) { /* there is none */
        BYOL__TRY(byol_encoder_load(&e->own, path, e->threads, error));
        e->encoder = e->own;
    } else {
        return byol__fail(error, status, "%s", why.text);
    }
    return byol__encoder_check_pictures(e->encoder, "explaining an answer", error);
}

byol_status byol_explainer_load(byol_explainer **out, const char *path, int threads,
                                byol_error *error) {
    byol_explainer *e;
    BYOL__TRY(byol__alloc(&e, 1, sizeof *e, "explainer", error));
    byol__graph_init(&e->front);
    byol__graph_init(&e->back);
    e->threads = threads;
    byol__threads given = byol__threads_begin(threads);
    byol_status status = load(e, path, error);
    if (status == BYOL_OK) status = build(e, error);
    byol__threads_end(given);
    if (status == BYOL_OK)
        *out = e;
    else
        byol_explainer_free(e);
    return status;
}

void byol_explainer_free(byol_explainer *explainer) {
    if (explainer == NULL) return;
    byol__plan_free(explainer->before);
    byol__plan_free(explainer->likeness.plan);
    byol__plan_free(explainer->answer.plan);
    byol__graph_release(&explainer->front);
    byol__graph_release(&explainer->back);
    byol__class_network_release(&explainer->network);
    byol__arena_free(explainer->grads);
    byol__arena_free(explainer->workspace);
    float *owned[] = {explainer->image,           explainer->features,
                      explainer->feature_diff,    explainer->other,
                      explainer->likeness.result, explainer->likeness.diff,
                      explainer->answer.result,   explainer->answer.diff};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) byol__free(owned[i]);
    byol_classifier_free(explainer->classifier);
    byol_encoder_free(explainer->own);
    byol__free(explainer);
}

/* ---- Description ---- */

const byol_classifier *byol_explainer_classifier(const byol_explainer *explainer) {
    return explainer->classifier;
}

int byol_explainer_channels(const byol_explainer *explainer) {
    return byol_encoder_channels(explainer->encoder);
}

int byol_explainer_image_size(const byol_explainer *explainer) {
    return byol_encoder_config(explainer->encoder)->data.image_size;
}

static int positions_of(const byol_explainer *e) {
    return e->shape.rank == 2 ? e->shape.h : e->shape.h * e->shape.w;
}

int byol_explainer_side(const byol_explainer *explainer) {
    return (int)lround(sqrt(positions_of(explainer) - explainer->skipped));
}

/* ---- Maps ---- */

static byol_status read_picture(byol_explainer *e, const byol_source *source, size_t index,
                                byol_error *error) {
    BYOL__TRY(byol_encoder_prepare(e->encoder, source, index, e->image, error));
    if (!byol_source_unreadable(source, index)) return BYOL_OK;
    byol_picture picture = {0};
    const byol_image_request wanted = {.channels = byol_encoder_channels(e->encoder)};
    byol_status status = byol_source_image(source, index, &wanted, &picture, error);
    byol_picture_release(&picture);
    return status;
}

/* A picture's feature maps and the output. */
static byol_status look(byol_explainer *e, question *q, const byol_source *source, size_t index,
                        byol_error *error) {
    BYOL__TRY(read_picture(e, source, index, error));
    BYOL__TRY(byol__plan_forward(e->before, e->image, error));
    byol__plan_read(e->before, 0, e->features);
    BYOL__TRY(byol__plan_forward(q->plan, e->features, error));
    byol__plan_read(q->plan, q->output, q->result);
    return BYOL_OK;
}

/* From q->diff, the gradient by the output, for what was looked at last. */
static byol_status make_map(byol_explainer *e, const question *q, float *map, byol_error *error) {
    BYOL__TRY(byol__plan_backward(q->plan, q->diff, error));
    byol__plan_read_input_diff(q->plan, e->feature_diff);
    byol__gradient_map(e->features, e->feature_diff, e->shape.c, positions_of(e), e->skipped, map);
    return BYOL_OK;
}

static byol_status explain_class(byol_explainer *e, const byol_source *source, size_t index,
                                 int label, float *map, int *chosen, double *probability,
                                 byol_error *error) {
    question *q = &e->answer;
    BYOL__TRY(look(e, q, source, index, error));
    if (label < 0) label = byol__highest_logit(q->result, q->numbers);
    memset(q->diff, 0, (size_t)q->numbers * sizeof *q->diff);
    q->diff[label] = 1;
    BYOL__TRY(make_map(e, q, map, error));
    byol__softmax(q->result, q->numbers);
    if (chosen != NULL) *chosen = label;
    if (probability != NULL) *probability = (double)q->result[label];
    return BYOL_OK;
}

byol_status byol_explainer_class(byol_explainer *explainer, const byol_source *source, size_t index,
                                 int label, float *map, int *chosen, double *probability,
                                 byol_error *error) {
    if (explainer->classifier == NULL)
        return byol__fail(error, BYOL_ERROR_NOT_FOUND,
                          "these weights have no classifier whose answers could be explained");
    if (label < -1 || label >= explainer->answer.numbers)
        return byol__fail(error, BYOL_ERROR_INVALID, "there is no class %d: classes are 0 .. %d",
                          label, explainer->answer.numbers - 1);
    byol__threads threads = byol__threads_begin(explainer->threads);
    byol_status status =
        explain_class(explainer, source, index, label, map, chosen, probability, error);
    byol__threads_end(threads);
    return status;
}

static byol_status explain_likeness(byol_explainer *e, const byol_source *source, size_t index,
                                    const byol_source *other, size_t other_index, float *map,
                                    double *cosine, byol_error *error) {
    question *q = &e->likeness;
    BYOL__TRY(look(e, q, other, other_index, error));
    memcpy(e->other, q->result, (size_t)q->numbers * sizeof *e->other);
    BYOL__TRY(look(e, q, source, index, error));
    double found = byol__cosine_gradient(q->result, e->other, q->numbers, q->diff);
    if (cosine != NULL) *cosine = found;
    return make_map(e, q, map, error);
}

byol_status byol_explainer_likeness(byol_explainer *explainer, const byol_source *source,
                                    size_t index, const byol_source *other, size_t other_index,
                                    float *map, double *cosine, byol_error *error) {
    byol__threads threads = byol__threads_begin(explainer->threads);
    byol_status status =
        explain_likeness(explainer, source, index, other, other_index, map, cosine, error);
    byol__threads_end(threads);
    return status;
}

/* ---- Pictures ---- */

static int magnified(const byol_explainer *e) {
    int size = byol_explainer_image_size(e);
    return size >= LEAST_HEIGHT ? 1 : (LEAST_HEIGHT + size - 1) / size;
}

int byol_explainer_height(const byol_explainer *explainer) {
    return magnified(explainer) * byol_explainer_image_size(explainer);
}

/* Five colours of matplotlib's viridis, and straight lines between them. */
static void colour_of(float value, float rgb[3]) {
    static const float stops[5][3] = {
        {68, 1, 84}, {59, 82, 139}, {33, 145, 140}, {94, 201, 98}, {253, 231, 37}};
    float at = 4 * fminf(fmaxf(value, 0), 1);
    int low = byol__smaller((int)at, 3);
    for (int c = 0; c < 3; c++)
        rgb[c] = (stops[low][c] + (at - (float)low) * (stops[low + 1][c] - stops[low][c])) / 255;
}

/* The pixel of the prepared picture in 0 .. 1, as three channels; returns its grey. */
static float pixel_of(const byol_explainer *e, int y, int x, float rgb[3]) {
    const byol_config *config = byol_encoder_config(e->encoder);
    int channels = byol_encoder_channels(e->encoder), size = config->data.image_size;
    for (int c = 0; c < 3; c++) {
        int from = channels == 1 ? 0 : c;
        float value = e->image[(from * size + y) * size + x];
        rgb[c] = value * config->views.view[0].std[from] + config->views.view[0].mean[from];
    }
    return 0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2];
}

static void put(uint8_t *at, const float rgb[3]) {
    for (int c = 0; c < 3; c++) at[c] = byol__png_byte(rgb[c]);
}

byol_status byol_explainer_draw(byol_explainer *explainer, const byol_source *source, size_t index,
                                const float *map, uint8_t *rgb, byol_error *error) {
    BYOL__TRY(read_picture(explainer, source, index, error));
    int side = byol_explainer_side(explainer), factor = magnified(explainer),
        height = byol_explainer_height(explainer);
    float highest = 0;
    for (int i = 0; i < side * side; i++) highest = fmaxf(highest, map[i]);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < height; x++) {
            float pixel[3], colour[3], grey = pixel_of(explainer, y / factor, x / factor, pixel);
            float value = byol__map_at(map, side, height, y, x);
            colour_of(highest > 0 ? value / highest : 0, colour);
            for (int c = 0; c < 3; c++) colour[c] = (colour[c] + grey) / 2;
            uint8_t *line = rgb + (size_t)y * (size_t)height * 6;
            put(line + (size_t)x * 3, pixel);
            put(line + (size_t)(height + x) * 3, colour);
        }
    return BYOL_OK;
}

byol_status byol_png_save(const char *path, const uint8_t *rgb, int height, int width,
                          byol_error *error) {
    byol__atomic_file file;
    uint8_t *png;
    size_t length;
    BYOL__TRY(byol__png_encode(rgb, 3, height, width, &png, &length, error));
    byol_status status = byol__atomic_open(&file, path, error);
    if (status == BYOL_OK) {
        fwrite(png, 1, length, file.stream); /* a failure shows when the file is closed */
        status = byol__atomic_commit(&file, error);
    }
    free(png);
    return status;
}
