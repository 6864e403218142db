#include <string.h>

#include <omp.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "byol/dense.h"
#include "data/source_kind.h"
#include "encoder/encoder_internal.h"
#include "graph/arena.h"
#include "nets/nets.h"
#include "plan/plan.h"
#include "tasks/dense_net.h"
#include "tasks/scene.h"

enum { BATCH = 8 };

struct byol_dense {
    byol__frame frame;
    int threads;
    byol__graph graph;
    byol__shape map; /* (c, h, w) */
    float *params, *statistics;
    byol__plan *plan;
    void *workspace;
    float *images, *maps;   /* (BATCH, ...) */
    byol_picture *pictures; /* one for each thread */
};

/* ---- Creating one ---- */

static byol_status build(byol_dense *d, const byol__trunk *trunk, byol_error *error) {
    byol__value_id map;
    BYOL__TRY(byol__trunk_append(&d->graph, trunk, &map, error));
    byol__graph_mark(&d->graph, BYOL__REPRESENTATION, "map", map);
    BYOL__TRY(byol__graph_finish(&d->graph, error));
    d->map = byol__graph_shape(&d->graph, map);
    BYOL__TRY(byol__arena_alloc(&d->params, d->graph.params.total, "parameters", error));
    BYOL__TRY(byol__arena_alloc(&d->statistics, d->graph.statistics.total, "batch norm statistics",
                                error));
    return byol__trunk_copy(&d->graph, trunk, d->params, d->statistics, error);
}

static byol_status plan(byol_dense *d, byol_error *error) {
    const byol__plan_options options = {
        .batch = BATCH, .dtype = BYOL__F32, .mode = BYOL__EVAL, .output = BYOL__REPRESENTATION};
    BYOL__TRY(byol__plan_create(&d->plan, &d->graph, &options, error));
    byol__plan_info info;
    byol__plan_describe(d->plan, &info);
    BYOL__TRY(byol__workspace_alloc(&d->workspace, info.workspace_bytes, error));
    byol__binding binding = {
        .params = d->params, .statistics = d->statistics, .workspace = d->workspace};
    BYOL__TRY(byol__plan_bind(d->plan, &binding, error));
    BYOL__TRY(byol__plan_stage(d->plan, error));
    size_t image = (size_t)d->frame.channels * (size_t)d->frame.height * (size_t)d->frame.width;
    BYOL__TRY(byol__alloc_floats(&d->images, BATCH * image, "pictures of a batch", error));
    BYOL__TRY(
        byol__alloc_floats(&d->maps, BATCH * byol__shape_count(d->map), "maps of a batch", error));
    return byol__alloc(&d->pictures, (size_t)d->threads, sizeof *d->pictures, "pictures", error);
}

static byol_status create(byol_dense *d, const byol_encoder *encoder,
                          const byol_dense_options *options, byol_error *error) {
    const byol__trunk trunk = {.encoder = encoder,
                               .height = options->height,
                               .width = options->width,
                               .stages = {options->stage},
                               .stage_count = 1};
    int count = byol_encoder_stage_count(encoder);
    BYOL__TRY(byol__encoder_check_pictures(encoder, "a map of a stage", error));
    if (options->stage < 0 || options->stage >= count || options->height < 1 || options->width < 1)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "stage %d of pictures of %d x %d: the encoder has %d stages, from 0",
                          options->stage, options->height, options->width, count);
    const byol_view_recipe *recipe = &byol_encoder_config(encoder)->views.view[0];
    d->frame =
        (byol__frame){byol_encoder_channels(encoder), options->height, options->width, {0}, {0}};
    memcpy(d->frame.mean, recipe->mean, sizeof d->frame.mean);
    memcpy(d->frame.std, recipe->std, sizeof d->frame.std);
    BYOL__TRY(build(d, &trunk, error));
    return plan(d, error);
}

byol_status byol_dense_create(byol_dense **out, const byol_encoder *encoder,
                              const byol_dense_options *options, byol_error *error) {
    byol_dense *d;
    BYOL__TRY(byol__alloc(&d, 1, sizeof *d, "maps of an encoder", error));
    byol__graph_init(&d->graph);
    byol__threads threads = byol__threads_begin(options->threads);
    d->threads = threads.count;
    byol_status status = create(d, encoder, options, error);
    byol__threads_end(threads);
    if (status == BYOL_OK)
        *out = d;
    else
        byol_dense_free(d);
    return status;
}

void byol_dense_free(byol_dense *d) {
    if (d == NULL) return;
    for (int i = 0; d->pictures != NULL && i < d->threads; i++)
        byol_picture_release(&d->pictures[i]);
    byol__plan_free(d->plan);
    byol__graph_release(&d->graph);
    byol__arena_free(d->params);
    byol__arena_free(d->statistics);
    byol__arena_free(d->workspace);
    void *owned[] = {d->images, d->maps, d->pictures};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) byol__free(owned[i]);
    byol__free(d);
}

void byol_dense_describe(const byol_dense *d, byol_dense_info *info) {
    *info = (byol_dense_info){d->map.c, d->map.h, d->map.w, BATCH};
}

/* ---- Using it ---- */

static byol_status show(const byol_dense *d, const byol_source *source, size_t index, float *dst,
                        byol_error *error) {
    byol_picture *picture = &d->pictures[omp_get_thread_num()];
    const byol_image_request wanted = {.channels = d->frame.channels};
    BYOL__TRY(byol_source_image(source, index, &wanted, picture, error));
    if (picture->image.channels != d->frame.channels)
        return byol__fail(error, BYOL_ERROR_MISMATCH,
                          "the pictures have %d channels, the encoder takes %d",
                          picture->image.channels, d->frame.channels);
    byol__window window =
        byol__window_stretched(&d->frame, picture->image.height, picture->image.width);
    return byol__window_picture(&d->frame, &window, &picture->image, dst, error);
}

/* Shows `count` pictures to the network, at most BATCH. */
static byol_status show_all(const byol_dense *d, const byol_source *source, size_t first,
                            size_t count, byol_error *error) {
    size_t floats = (size_t)d->frame.channels * (size_t)d->frame.height * (size_t)d->frame.width;
    byol_status status = BYOL_OK;
#pragma omp parallel for schedule(dynamic)
    for (size_t i = 0; i < count; i++) {
        byol_error words = {0};
        byol_status one = show(d, source, first + i, d->images + i * floats, &words);
        if (one == BYOL_OK || byol_source_unreadable(source, first + i)) continue;
#pragma omp critical(byol_dense_show)
        {
            status = one;
            if (error != NULL) *error = words;
        }
    }
    return status;
}

static byol_status embed(byol_dense *d, const byol_source *source, size_t first, size_t count,
                         float *maps, byol_error *error) {
    size_t floats = byol__shape_count(d->map);
    for (size_t done = 0; done < count; done += BATCH) {
        size_t n = count - done < BATCH ? count - done : BATCH;
        BYOL__TRY(show_all(d, source, first + done, n, error));
        BYOL__TRY(byol__plan_forward(d->plan, d->images, error));
        byol__plan_read(d->plan, BYOL__REPRESENTATION, d->maps);
        memcpy(maps + done * floats, d->maps, n * floats * sizeof *maps);
        for (size_t i = done; i < done + n; i++)
            if (byol_source_unreadable(source, first + i))
                memset(maps + i * floats, 0, floats * sizeof *maps);
    }
    return BYOL_OK;
}

byol_status byol_dense_embed(byol_dense *d, const byol_source *source, size_t first, size_t count,
                             float *maps, byol_error *error) {
    BYOL__TRY(byol__need_images(source, "byol_dense_embed", error));
    byol__threads threads = byol__threads_begin(d->threads);
    byol_status status = embed(d, source, first, count, maps, error);
    byol__threads_end(threads);
    return status;
}
