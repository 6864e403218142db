#include "tasks/dense_net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "encoder/encoder_internal.h"
#include "nets/nets.h"
#include "ops/ops.h"

enum { STRIDE_MIN = 4, NAMES_MAX = 256 };

/* ---- Stages by name ---- */

static int first_of(const byol_encoder *encoder) {
    return byol__first_stage(byol_encoder_config(encoder));
}

int byol_encoder_stage_count(const byol_encoder *encoder) {
    byol__weights weights;
    byol__encoder_weights(encoder, &weights);
    return byol_encoder_samples(encoder) == BYOL_SAMPLES_IMAGES ? weights.graph->stage_count : 0;
}

void byol_encoder_stage_name(const byol_encoder *encoder, int index, char *name, size_t size) {
    snprintf(name, size, "stage%d", index + first_of(encoder));
}

static byol_status no_stage(const byol_encoder *encoder, const char *name, byol_error *error) {
    int count = byol_encoder_stage_count(encoder), first = first_of(encoder);
    return byol__fail(error, BYOL_ERROR_NOT_FOUND,
                      "this encoder has no stage '%s'; it has stage%d to stage%d", name, first,
                      first + count - 1);
}

byol_status byol_encoder_stage_find(const byol_encoder *encoder, const char *name, int *index,
                                    byol_error *error) {
    static const char *const words[] = {"stage", "layer"};
    int count = byol_encoder_stage_count(encoder);
    BYOL__TRY(byol__encoder_check_pictures(encoder, "a map of a stage", error));
    const char *digits = NULL;
    for (int i = 0; i < 2; i++)
        if (strncmp(name, words[i], strlen(words[i])) == 0) digits = name + strlen(words[i]);
    if (digits == NULL || *digits < '0' || *digits > '9') return no_stage(encoder, name, error);
    char *end;
    long found = strtol(digits, &end, 10) - first_of(encoder);
    if (*end != '\0' || found < 0 || found >= count) return no_stage(encoder, name, error);
    *index = (int)found;
    return BYOL_OK;
}

/* ---- Choosing them ---- */

/* The graph of the backbone alone, for its shapes. */
static byol_status shapes_of(const byol__trunk *trunk, byol__graph *graph, byol_error *error) {
    byol__graph_init(graph);
    return byol__stages(graph, byol_encoder_config(trunk->encoder),
                        byol_encoder_channels(trunk->encoder), trunk->height, trunk->width, error);
}

static int width_of(const byol__graph *graph, const byol_config *config, int stage) {
    byol__shape shape = graph->values[graph->stage_end[stage]].shape;
    return shape.rank == 3 ? shape.w : graph->values[0].shape.w / config->encoder.patch;
}

static byol_status add(byol__trunk *trunk, int stage, byol_error *error) {
    for (int i = 0; i < trunk->stage_count; i++)
        if (trunk->stages[i] == stage)
            return byol__fail(error, BYOL_ERROR_INVALID, "a stage is named twice");
    if (trunk->stage_count == BYOL_STAGES_MAX)
        return byol__fail(error, BYOL_ERROR_INVALID, "more than %d stages are named",
                          BYOL_STAGES_MAX);
    int at = trunk->stage_count++;
    for (; at > 0 && trunk->stages[at - 1] > stage; at--) trunk->stages[at] = trunk->stages[at - 1];
    trunk->stages[at] = stage;
    return BYOL_OK;
}

static byol_status choose_named(byol__trunk *trunk, const char *names, byol_error *error) {
    char copy[NAMES_MAX], *rest = NULL;
    if (snprintf(copy, sizeof copy, "%s", names) >= NAMES_MAX)
        return byol__fail(error, BYOL_ERROR_INVALID, "the list of stages is too long");
    for (char *name = strtok_r(copy, ", ", &rest); name != NULL;
         name = strtok_r(NULL, ", ", &rest)) {
        int stage;
        BYOL__TRY(byol_encoder_stage_find(trunk->encoder, name, &stage, error));
        BYOL__TRY(add(trunk, stage, error));
    }
    return BYOL_OK;
}

static byol_status choose_last(byol__trunk *trunk, const byol__graph *graph, byol_error *error) {
    const byol_config *config = byol_encoder_config(trunk->encoder);
    for (int s = graph->stage_count - 1; s >= 0 && trunk->stage_count < BYOL_STAGES_MAX; s--)
        if (trunk->width / width_of(graph, config, s) >= STRIDE_MIN)
            BYOL__TRY(add(trunk, s, error));
    return trunk->stage_count > 0 ? BYOL_OK : add(trunk, graph->stage_count - 1, error);
}

byol_status byol__trunk_choose(byol__trunk *trunk, const char *names, byol_error *error) {
    byol__graph graph;
    trunk->stage_count = 0;
    BYOL__TRY(byol__encoder_check_pictures(trunk->encoder, "a task on every pixel", error));
    byol_status status = shapes_of(trunk, &graph, error);
    if (status == BYOL_OK)
        status = names != NULL && *names != '\0' ? choose_named(trunk, names, error)
                                                 : choose_last(trunk, &graph, error);
    byol__graph_release(&graph);
    return status;
}

void byol__trunk_words(const byol__trunk *trunk, char *words, size_t size) {
    char name[16];
    size_t length = 0;
    words[0] = '\0';
    for (int i = 0; i < trunk->stage_count && length < size; i++) {
        byol_encoder_stage_name(trunk->encoder, trunk->stages[i], name, sizeof name);
        length += (size_t)snprintf(words + length, size - length, "%s%s", i > 0 ? "," : "", name);
    }
}

/* ---- The network ---- */

byol_status byol__trunk_append(byol__graph *graph, const byol__trunk *trunk, byol__value_id *maps,
                               byol_error *error) {
    const byol_config *config = byol_encoder_config(trunk->encoder);
    BYOL__TRY(byol__stages(graph, config, byol_encoder_channels(trunk->encoder), trunk->height,
                           trunk->width, error));
    *maps = byol__stage_map(graph, config, trunk->stages[0]);
    byol__shape finest = byol__graph_shape(graph, *maps);
    for (int i = 1; i < trunk->stage_count; i++) {
        byol__value_id map = byol__stage_map(graph, config, trunk->stages[i]);
        map = byol__graph_bilinear(graph, map, finest.h, finest.w);
        *maps = byol__graph_concat(graph, *maps, map);
    }
    return graph->status == BYOL_OK ? BYOL_OK
                                    : byol__fail(error, graph->status, "%s", graph->error.text);
}

/* ---- Its weights ---- */

/* A grid of places, and tokens that stand before it. */
typedef struct places {
    int before, rows, columns, channels;
} places;

/* dst(y, x) = src at the same place of the picture, bilinear. */
static void interpolate(const places *from, const float *src, const places *to, float *dst) {
    size_t channels = (size_t)from->channels;
    memcpy(dst, src, (size_t)from->before * channels * sizeof *dst);
    src += (size_t)from->before * channels;
    dst += (size_t)to->before * channels;
    for (int y = 0; y < to->rows; y++) {
        float v = ((float)y + 0.5f) * (float)from->rows / (float)to->rows - 0.5f;
        v = v < 0 ? 0 : v > (float)(from->rows - 1) ? (float)(from->rows - 1) : v;
        int top = (int)v, bottom = top + 1 < from->rows ? top + 1 : top;
        for (int x = 0; x < to->columns; x++, dst += channels) {
            float u = ((float)x + 0.5f) * (float)from->columns / (float)to->columns - 0.5f;
            u = u < 0 ? 0 : u > (float)(from->columns - 1) ? (float)(from->columns - 1) : u;
            int left = (int)u, right = left + 1 < from->columns ? left + 1 : left;
            const float *corner[4] = {src + (size_t)(top * from->columns + left) * channels,
                                      src + (size_t)(top * from->columns + right) * channels,
                                      src + (size_t)(bottom * from->columns + left) * channels,
                                      src + (size_t)(bottom * from->columns + right) * channels};
            float b = v - (float)top, a = u - (float)left;
            for (size_t c = 0; c < channels; c++)
                dst[c] = (1 - b) * ((1 - a) * corner[0][c] + a * corner[1][c]) +
                         b * ((1 - a) * corner[2][c] + a * corner[3][c]);
        }
    }
}

/* Places of a vit, (1, places, c): those of the encoder are a square. */
static byol_status copy_places(const byol__trunk *trunk, const byol__param *from, const float *src,
                               const byol__param *to, float *dst, byol_error *error) {
    const byol_config *config = byol_encoder_config(trunk->encoder);
    int patch = config->encoder.patch, side = config->data.image_size / patch;
    places old = {from->dims[1] - side * side, side, side, from->dims[2]},
           new = {0, trunk->height / patch, trunk->width / patch, to->dims[2]};
    new.before = to->dims[1] - new.rows *new.columns;
    if (from->ndims != 3 || to->ndims != 3 || old.before != new.before || old.before < 0 ||
        old.channels != new.channels)
        return byol__fail(error, BYOL_ERROR_MISMATCH, "%s has another shape in these weights",
                          from->name);
    interpolate(&old, src, &new, dst);
    return BYOL_OK;
}

static byol_status copy_rows(const byol__trunk *trunk, const byol__table *from, const float *src,
                             const byol__table *to, float *dst, byol_error *error) {
    for (int r = 0; r < to->count; r++) {
        const byol__param *row = &to->rows[r];
        int known = row->section == BYOL__BACKBONE ? byol__table_find(from, row->name) : BYOL__NONE;
        if (known == BYOL__NONE) continue;
        const byol__param *old = &from->rows[known];
        if (memcmp(old->dims, row->dims, sizeof old->dims) == 0)
            memcpy(dst + row->offset, src + old->offset, row->count * sizeof *dst);
        else
            BYOL__TRY(copy_places(trunk, old, src + old->offset, row, dst + row->offset, error));
    }
    return BYOL_OK;
}

byol_status byol__trunk_copy(const byol__graph *graph, const byol__trunk *trunk, float *params,
                             float *statistics, byol_error *error) {
    byol__weights weights;
    byol__encoder_weights(trunk->encoder, &weights);
    BYOL__TRY(
        copy_rows(trunk, &weights.graph->params, weights.params, &graph->params, params, error));
    return copy_rows(trunk, &weights.graph->statistics, weights.statistics, &graph->statistics,
                     statistics, error);
}
