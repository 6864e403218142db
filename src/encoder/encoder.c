#include "byol/encoder.h"

#include <stdbool.h>
#include <string.h>

#include "augment/draws.h"
#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/threads.h"
#include "config/options.h"
#include "data/source_kind.h"
#include "dnn/dnn.h"
#include "encoder/encoder_internal.h"
#include "graph/arena.h"
#include "graph/graph.h"
#include "input/input.h"
#include "input/sound_input.h"
#include "nets/nets.h"
#include "plan/plan.h"
#include "state/checkpoint.h"
#include "state/runfolder.h"

enum { BATCH = 64 };

struct byol_encoder {
    byol__origin origin;       /* configuration, channels, and where the weights come from */
    byol_tokenizer *tokenizer; /* of texts, what origin.tokenizer points to; NULL: images */
    byol__mel *mel;            /* of sounds; NULL: images or texts */
    int threads;
    byol__section last; /* the last section that has weights */
    byol__graph graph;
    float *params, *statistics;
    /* EVAL, fp32: the same vectors on every machine, whatever the precision of the training. */
    byol__plan *plan;
    /* How far the plan goes: who wants only the backbone does not pay for the heads. */
    byol__output planned;
    void *workspace;
    void *samples;                  /* (BATCH, C, H, W), of sounds too, or (BATCH, L) tokens */
    byol__view_buffers own_buffers; /* for byol_encoder_prepare */
};

static const byol__output output_of_layer[] = {
    [BYOL_LAYER_BACKBONE] = BYOL__REPRESENTATION,
    [BYOL_LAYER_PROJECTION] = BYOL__PROJECTION,
    [BYOL_LAYER_PREDICTION] = BYOL__PREDICTION,
};

/* ---- Creating one ---- */

/* Takes a copy of `tokenizer`; NULL: there is none. */
static byol_status copy_tokenizer(byol_encoder *encoder, const byol_tokenizer *tokenizer,
                                  byol_error *error) {
    encoder->origin.tokenizer = NULL;
    if (tokenizer == NULL) return BYOL_OK;
    size_t length;
    const char *json = byol_tokenizer_json(tokenizer, &length);
    BYOL__TRY(byol_tokenizer_parse(&encoder->tokenizer, json, length, "the tokenizer", error));
    encoder->origin.tokenizer = encoder->tokenizer;
    return byol__tokenizer_check(encoder->tokenizer, &encoder->origin.config, error);
}

/* The network without values, which are then read into it. */
static byol_status create_empty(byol_encoder **out, const byol_config *config, int channels,
                                int threads, byol_error *error) {
    byol_encoder *encoder;
    BYOL__TRY(byol__alloc(&encoder, 1, sizeof *encoder, "encoder", error));
    encoder->origin.config = *config;
    encoder->origin.channels = channels;
    encoder->threads = threads;
    encoder->last = BYOL__PREDICTOR;
    byol__graph_init(&encoder->graph);
    byol_status status =
        byol__online_network(&encoder->graph, config, channels, config->data.image_size, error);
    if (status == BYOL_OK)
        status =
            byol__arena_alloc(&encoder->params, encoder->graph.params.total, "parameters", error);
    if (status == BYOL_OK)
        status = byol__arena_alloc(&encoder->statistics, encoder->graph.statistics.total,
                                   "batch norm statistics", error);
    if (status == BYOL_OK) {
        *out = encoder;
        return BYOL_OK;
    }
    byol_encoder_free(encoder);
    return status;
}

static void drop_plan(byol_encoder *encoder) {
    byol__plan_free(encoder->plan);
    byol__arena_free(encoder->workspace);
    encoder->plan = NULL;
    encoder->workspace = NULL;
}

static byol_status build_plan(byol_encoder *encoder, byol__output output, byol_error *error) {
    byol__plan_options options = {
        .batch = BATCH, .dtype = BYOL__F32, .mode = BYOL__EVAL, .output = output};
    BYOL__TRY(byol__plan_create(&encoder->plan, &encoder->graph, &options, error));
    byol__plan_info info;
    byol__plan_describe(encoder->plan, &info);
    BYOL__TRY(byol__workspace_alloc(&encoder->workspace, info.workspace_bytes, error));
    byol__binding binding = {.params = encoder->params,
                             .statistics = encoder->statistics,
                             .workspace = encoder->workspace};
    BYOL__TRY(byol__plan_bind(encoder->plan, &binding, error));
    BYOL__TRY(byol__plan_stage(encoder->plan, error));
    encoder->planned = output;
    return BYOL_OK;
}

/* The values must be in their arenas. Compiles the network up to `output`, completely or not at
 * all. */
static byol_status make_plan(byol_encoder *encoder, byol__output output, byol_error *error) {
    if (encoder->plan != NULL && encoder->planned == output) return BYOL_OK;
    drop_plan(encoder);
    byol_status status = build_plan(encoder, output, error);
    if (status != BYOL_OK) drop_plan(encoder);
    return status;
}

byol__preparation byol__encoder_preparation(const byol_encoder *encoder) {
    const byol_config *config = &encoder->origin.config;
    return (byol__preparation){.channels = encoder->origin.channels,
                               .side = config->data.image_size,
                               .tokenizer = encoder->tokenizer,
                               .length = config->data.length,
                               .mel = encoder->mel,
                               .frames = config->data.frames,
                               .place = 0.5f,
                               .sound_mean = config->data.sound_mean,
                               .sound_std = config->data.sound_std,
                               .recipe = config->views.view[0]};
}

static byol_status make_room(byol_encoder *encoder, byol_error *error) {
    const byol__preparation how = byol__encoder_preparation(encoder);
    BYOL__TRY(byol__alloc(&encoder->samples, BATCH * byol__prepared_elements(&how), sizeof(float),
                          "samples of the encoder", error));
    return make_plan(encoder, BYOL__REPRESENTATION, error);
}

static byol_status make_bands(byol_encoder *encoder, byol_error *error) {
    const byol_config *config = &encoder->origin.config;
    if (config->data.sound_std <= 0)
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "data.sound_std is %g: an encoder of sounds must say what to divide by",
                          (double)config->data.sound_std);
    return byol__mel_of_config(&encoder->mel, config, error);
}

/* Copies the tokenizer, makes the plan with the encoder's threads and returns the encoder, or frees
 * it. */
static byol_status complete(byol_encoder **out, byol_encoder *encoder,
                            const byol_tokenizer *tokenizer, byol_error *error) {
    byol__threads threads = byol__threads_begin(encoder->threads);
    encoder->threads = threads.count;
    byol_status status = copy_tokenizer(encoder, tokenizer, error);
    if (status == BYOL_OK && byol__takes_sounds(&encoder->origin.config))
        status = make_bands(encoder, error);
    if (status == BYOL_OK) status = make_room(encoder, error);
    byol__threads_end(threads);
    if (status != BYOL_OK) {
        byol_encoder_free(encoder);
        return status;
    }
    *out = encoder;
    return BYOL_OK;
}

byol_status byol__encoder_create(byol_encoder **out, const byol__origin *origin,
                                 const float *params, const float *statistics, byol_error *error) {
    byol_encoder *encoder;
    BYOL__TRY(create_empty(&encoder, &origin->config, origin->channels,
                           origin->config.train.threads, error));
    encoder->origin = *origin;
    byol__arena_copy(encoder->params, params, encoder->graph.params.total);
    byol__arena_copy(encoder->statistics, statistics, encoder->graph.statistics.total);
    return complete(out, encoder, origin->tokenizer, error);
}

byol_status byol_encoder_create_random(byol_encoder **out, const byol_encoder *like, uint64_t seed,
                                       byol_error *error) {
    byol_encoder *encoder;
    BYOL__TRY(
        create_empty(&encoder, &like->origin.config, like->origin.channels, like->threads, error));
    encoder->last = like->last;
    byol__params_init(&encoder->graph.params, seed, encoder->params);
    byol__params_init(&encoder->graph.statistics, seed, encoder->statistics);
    return complete(out, encoder, like->tokenizer, error);
}

void byol_encoder_free(byol_encoder *encoder) {
    if (encoder == NULL) return;
    drop_plan(encoder);
    byol__view_buffers_release(&encoder->own_buffers);
    byol__graph_release(&encoder->graph);
    byol__arena_free(encoder->params);
    byol__arena_free(encoder->statistics);
    byol__free(encoder->samples);
    byol_tokenizer_free(encoder->tokenizer);
    byol__mel_free(encoder->mel);
    byol__free(encoder);
}

/* ---- Loading ---- */

/* In a run folder, opens encoder.safetensors, or the newest whole checkpoint if that is missing or
 * damaged. */
static byol_status open_weights(const char *path, byol__safetensors **file, byol__origin *origin,
                                byol_error *error) {
    if (!byol__is_folder(path)) return byol__checkpoint_open(file, path, origin, error);
    char encoder[BYOL__RUN_PATH_MAX];
    byol__run_path(path, "encoder.safetensors", encoder);
    byol_error why = {0};
    byol_status status = byol__checkpoint_open(file, encoder, origin, &why);
    if (status == BYOL_OK || byol__run_open_newest(path, file, origin, NULL, NULL, NULL) == BYOL_OK)
        return BYOL_OK;
    return byol__fail(error, status, "%s has no whole checkpoint and no encoder.safetensors (%s)",
                      path, why.text);
}

/* A file may hold the backbone alone, or end after the projector. */
static byol_status read_weights(byol_encoder *encoder, const byol__safetensors *file,
                                byol_error *error) {
    const char *prefix =
        byol__checkpoint_prefix(file, &encoder->graph.params.rows[0], encoder->params);
    for (int last = BYOL__PREDICTOR;; last--) {
        const byol__arena arenas[] = {
            {prefix, &encoder->graph.params, (byol__section)last, encoder->params},
            {prefix, &encoder->graph.statistics, (byol__section)last, encoder->statistics},
        };
        encoder->last = (byol__section)last;
        byol_error why = {0};
        byol_status status = byol__checkpoint_read(file, arenas, 2, &why);
        if (status == BYOL_ERROR_NOT_FOUND && last != BYOL__BACKBONE)
            continue; /* the file may end earlier */
        if (status != BYOL_OK && error != NULL) *error = why;
        return status;
    }
}

byol_status byol_encoder_load(byol_encoder **out, const char *path, int threads,
                              byol_error *error) {
    byol__safetensors *file;
    byol__origin origin;
    byol_encoder *encoder;
    BYOL__TRY(open_weights(path, &file, &origin, error));
    byol_tokenizer *tokenizer = NULL;
    byol_status status = byol__checkpoint_tokenizer(file, path, &tokenizer, error);
    if (status == BYOL_OK)
        status = create_empty(&encoder, &origin.config, origin.channels, threads, error);
    if (status == BYOL_OK) {
        encoder->origin = origin;
        status = read_weights(encoder, file, error);
        if (status == BYOL_OK)
            status = complete(out, encoder, tokenizer, error);
        else
            byol_encoder_free(encoder);
    }
    byol_tokenizer_free(tokenizer);
    byol__safetensors_close(file);
    return status == BYOL_OK ? BYOL_OK : byol__fail_within(error, status, "cannot load %s", path);
}

/* ---- Description ---- */

void byol__encoder_weights(const byol_encoder *encoder, byol__weights *weights) {
    *weights = (byol__weights){.origin = &encoder->origin,
                               .graph = &encoder->graph,
                               .params = encoder->params,
                               .statistics = encoder->statistics,
                               .last = encoder->last};
}

const byol_config *byol_encoder_config(const byol_encoder *encoder) {
    return &encoder->origin.config;
}

int byol_encoder_dimension(const byol_encoder *encoder, byol_layer layer) {
    byol__output output = output_of_layer[layer];
    if ((int)output > (int)encoder->last) return 0;
    byol__shape shape = encoder->graph.values[encoder->graph.output[output]].shape;
    return shape.rank > 1 ? 0 : shape.c; /* a vector for each token is none of the sample */
}

uint64_t byol_encoder_step(const byol_encoder *encoder) { return encoder->origin.step; }

int byol_encoder_channels(const byol_encoder *encoder) { return encoder->origin.channels; }

byol_sample_kind byol_encoder_samples(const byol_encoder *encoder) {
    byol__preparation how = byol__encoder_preparation(encoder);
    return byol__prepared_samples(&how);
}

byol_status byol__encoder_check_pictures(const byol_encoder *encoder, const char *what,
                                         byol_error *error) {
    static const char *const names[] = {
        [BYOL_SAMPLES_TEXTS] = "texts", [BYOL_SAMPLES_SOUNDS] = "sounds"};
    byol_sample_kind samples = byol_encoder_samples(encoder);
    if (samples == BYOL_SAMPLES_IMAGES) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_UNSUPPORTED,
                      "this is an encoder of %s; %s takes one of pictures", names[samples], what);
}

/* ---- Embedding ---- */

byol_status byol_encoder_prepare(byol_encoder *encoder, const byol_source *source, size_t index,
                                 float *image, byol_error *error) {
    const byol__preparation how = byol__encoder_preparation(encoder);
    BYOL__TRY(byol__check_input(&how, source, error));
    if (how.tokenizer != NULL) return byol__need_images(source, "byol_encoder_prepare", error);
    return byol__input_of(source)->prepare(&how, source, index, &encoder->own_buffers, image,
                                           error);
}

/* Sets the vectors of unreadable images to zeros. */
static size_t clear_unreadable(const byol_source *source, size_t first, size_t count,
                               size_t dimension, float *features) {
    size_t cleared = 0;
    for (size_t i = first; i < first + count; i++) {
        if (!byol_source_unreadable(source, i)) continue;
        memset(features + i * dimension, 0, dimension * sizeof *features);
        cleared++;
    }
    return cleared;
}

/* In an incomplete last batch, the rest holds old images. This does no harm: in evaluation mode
 * samples do not affect each other. */
static byol_status embed_batches(byol_encoder *encoder, const byol_source *source, size_t total,
                                 byol_layer layer, const byol__preparation *how,
                                 byol__view_buffers *buffers, float *rows, float *features,
                                 byol_progress progress, void *context, byol_error *error) {
    size_t dimension = (size_t)byol_encoder_dimension(encoder, layer), unreadable = 0;
    for (size_t first = 0; first < total; first += BATCH) {
        size_t count = total - first < BATCH ? total - first : BATCH;
        BYOL__TRY(
            byol__prepare_batch(how, source, NULL, first, count, buffers, encoder->samples, error));
        BYOL__TRY(byol__plan_forward(encoder->plan, encoder->samples, error));
        byol__plan_read(encoder->plan, output_of_layer[layer], rows); // (BATCH, D)
        memcpy(features + first * dimension, rows, count * dimension * sizeof(float));
        unreadable += clear_unreadable(source, first, count, dimension, features);
        if (unreadable == total)
            return byol__fail(error, BYOL_ERROR_FORMAT,
                              "none of %zu %s could be read; 'byol data' says why", total,
                              byol__samples_noun(source->info.samples));
        if (progress != NULL && progress(context, first + count, total) != 0)
            return byol__fail(error, BYOL_ERROR_CANCELLED, "stopped after %zu of %zu %s",
                              first + count, total, byol__samples_noun(source->info.samples));
    }
    return BYOL_OK;
}

/* Units that are embedded together. */
typedef struct unit_batch {
    uint32_t index[BATCH];            /* whose they are */
    float place[BATCH], share[BATCH]; /* where in it; of its vector */
    size_t count;
} unit_batch;

/* Adds the units' vectors to those of their sounds. */
static byol_status embed_units(byol_encoder *encoder, const byol_source *source, byol_layer layer,
                               const byol__preparation *how, unit_batch *units,
                               byol__view_buffers *buffers, float *rows, float *features,
                               byol_error *error) {
    size_t dimension = (size_t)byol_encoder_dimension(encoder, layer);
    byol__preparation placed = *how;
    placed.places = units->place;
    BYOL__TRY(byol__prepare_batch(&placed, source, units->index, 0, units->count, buffers,
                                  encoder->samples, error));
    BYOL__TRY(byol__plan_forward(encoder->plan, encoder->samples, error));
    byol__plan_read(encoder->plan, output_of_layer[layer], rows); // (BATCH, D)
    for (size_t k = 0; k < units->count; k++) {
        float *to = features + units->index[k] * dimension;
        for (size_t d = 0; d < dimension; d++) to[d] += units->share[k] * rows[k * dimension + d];
    }
    units->count = 0;
    return BYOL_OK;
}

/* A sound's vector is the mean of those of its units. */
static byol_status embed_sounds(byol_encoder *encoder, const byol_source *source, size_t total,
                                byol_layer layer, const byol__preparation *how,
                                byol__view_buffers *buffers, float *rows, float *features,
                                byol_progress progress, void *context, byol_error *error) {
    size_t dimension = (size_t)byol_encoder_dimension(encoder, layer);
    unit_batch units = {.count = 0};
    memset(features, 0, total * dimension * sizeof *features);
    for (size_t i = 0; i < total; i++) {
        int own;
        BYOL__TRY(byol__sound_units(how, source, i, &buffers[0], &own, error));
        for (int u = 0; u < own; u++) {
            units.index[units.count] = (uint32_t)i;
            units.place[units.count] = own > 1 ? (float)u / (float)(own - 1) : 0.5f;
            units.share[units.count++] = 1 / (float)own;
            if (units.count < BATCH && (i + 1 < total || u + 1 < own)) continue;
            BYOL__TRY(
                embed_units(encoder, source, layer, how, &units, buffers, rows, features, error));
            if (progress != NULL && progress(context, i + 1, total) != 0)
                return byol__fail(error, BYOL_ERROR_CANCELLED, "stopped after %zu of %zu sounds",
                                  i + 1, total);
        }
    }
    if (clear_unreadable(source, 0, total, dimension, features) < total) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_FORMAT,
                      "none of %zu sounds could be read; 'byol data' says why", total);
}

static byol_status embed(byol_encoder *encoder, const byol_source *source, byol_layer layer,
                         const byol__preparation *how, float *features, byol_progress progress,
                         void *context, byol_error *error) {
    byol_source_info info;
    BYOL__TRY(byol__check_input(how, source, error));
    byol_sample_kind samples = byol__prepared_samples(how);
    if (samples != BYOL_SAMPLES_IMAGES && (how->augmented || how->mirrored))
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED,
                          "%s are embedded as they are: no mean over views, no augmented passes",
                          byol__samples_noun(samples));
    byol_source_describe(source, &info);
    int dimension = byol_encoder_dimension(encoder, layer);
    if (dimension == 0)
        return byol__fail(error, BYOL_ERROR_NOT_FOUND,
                          "these weights have no such layer with one vector for each sample");

    byol__threads threads = byol__threads_begin(encoder->threads);
    byol__view_buffers *buffers = NULL;
    float *rows = NULL;
    byol_status status = make_plan(encoder, output_of_layer[layer], error);
    if (status == BYOL_OK)
        status = byol__alloc(&buffers, (size_t)encoder->threads, sizeof *buffers,
                             "buffers of the views", error);
    if (status == BYOL_OK)
        status = byol__alloc(&rows, (size_t)BATCH * (size_t)dimension, sizeof(float),
                             "features of a batch", error);
    if (status == BYOL_OK)
        status = (samples == BYOL_SAMPLES_SOUNDS ? embed_sounds : embed_batches)(
            encoder, source, info.count, layer, how, buffers, rows, features, progress, context,
            error);
    for (int i = 0; buffers != NULL && i < encoder->threads; i++)
        byol__view_buffers_release(&buffers[i]);
    byol__free(buffers);
    byol__free(rows);
    byol__threads_end(threads);
    return status;
}

byol_status byol_encoder_embed(byol_encoder *encoder, const byol_source *source, byol_layer layer,
                               float *features, byol_progress progress, void *context,
                               byol_error *error) {
    const byol__preparation how = byol__encoder_preparation(encoder);
    return embed(encoder, source, layer, &how, features, progress, context, error);
}

byol_status byol_encoder_embed_augmented(byol_encoder *encoder, const byol_source *source,
                                         byol_layer layer, uint64_t seed, uint32_t pass,
                                         float *features, byol_progress progress, void *context,
                                         byol_error *error) {
    byol__preparation how = byol__encoder_preparation(encoder);
    how.augmented = true;
    how.seed = seed;
    how.pass = pass;
    byol__recipe_to_crop_and_flip(&how.recipe);
    return embed(encoder, source, layer, &how, features, progress, context, error);
}

/* Adds the vectors of one more preparation of the images to `features`. `part` is a buffer for
 * them. */
static byol_status add_vectors(byol_encoder *encoder, const byol_source *source, byol_layer layer,
                               const byol__preparation *how, size_t floats, float *part,
                               float *features, byol_progress progress, void *context,
                               byol_error *error) {
    BYOL__TRY(embed(encoder, source, layer, how, part, progress, context, error));
    for (size_t i = 0; i < floats; i++) features[i] += part[i];
    return BYOL_OK;
}

byol_status byol_encoder_embed_mean(byol_encoder *encoder, const byol_source *source,
                                    byol_layer layer, int crops, uint64_t seed, float *features,
                                    byol_progress progress, void *context, byol_error *error) {
    byol_source_info info;
    byol_source_describe(source, &info);
    byol__preparation how = byol__encoder_preparation(encoder);
    how.seed = seed;
    byol__recipe_to_crop_and_flip(&how.recipe);
    how.recipe.crop_area_min = 0.5f;
    how.recipe.crop_area_max = 1;
    size_t floats = info.count * (size_t)byol_encoder_dimension(encoder, layer);
    float *part = NULL;
    BYOL__TRY(byol__alloc(&part, floats, sizeof *part, "vectors of a view", error));
    byol_status status = embed(encoder, source, layer, &how, features, progress, context, error);
    how.mirrored = 1;
    if (status == BYOL_OK)
        status = add_vectors(encoder, source, layer, &how, floats, part, features, progress,
                             context, error);
    how.mirrored = 0;
    how.augmented = 1;
    for (int i = 0; i < crops && status == BYOL_OK; i++, how.pass++)
        status = add_vectors(encoder, source, layer, &how, floats, part, features, progress,
                             context, error);
    for (size_t i = 0; i < floats && status == BYOL_OK; i++) features[i] /= (float)(2 + crops);
    byol__free(part);
    return status;
}
