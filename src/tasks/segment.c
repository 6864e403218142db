#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "dnn/precision.h"
#include "nets/nets.h"
#include "ops/ops.h"
#include "tasks/mask_set.h"
#include "tasks/masks_shown.h"
#include "tasks/pixel_loss.h"
#include "tasks/task_run.h"

/* One training of a head, on an encoder's maps or on colours and places. */
typedef struct segmentation {
    const byol_encoder *encoder;
    const byol_masks *train, *test;
    byol_task_options options; /* resolved */
    byol__trunk trunk;
    bool by_colour; /* no encoder: colours and places */
    int classes;
    size_t learned; /* training pictures that are used */
    byol__masks_shown shown;
    byol__dense_model *model;
    byol__task_progress progress;
} segmentation;

/* ---- Preparations ---- */

static byol_status check_sets(const byol_masks *train, const byol_masks *test, byol_error *error) {
    if (test->info.classes <= train->info.classes) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_MISMATCH,
                      "the test masks (%.400s) have %d classes, the training masks %d",
                      test->info.description, test->info.classes, train->info.classes);
}

static byol_status settle(segmentation *s, byol_error *error) {
    byol_task_options *o = &s->options;
    const byol_masks_info *train = &s->train->info;
    BYOL__TRY(byol__task_settle(o, train->count, train->height, train->width, &s->learned, error));
    BYOL__TRY(check_sets(s->train, s->test, error));
    s->classes = s->train->info.classes;
    s->trunk = (byol__trunk){.encoder = s->encoder, .height = o->height, .width = o->width};
    size_t test = s->test->info.count, batch = (size_t)o->batch_size;
    s->progress.total = (uint64_t)o->epochs * (s->learned / batch * batch) + test;
    return s->by_colour ? BYOL_OK : byol__trunk_choose(&s->trunk, o->stages, error);
}

static byol_status open_pictures(segmentation *s, byol_error *error) {
    s->shown.frame = byol__task_frame(s->encoder, &s->options);
    s->shown.draws = byol__task_draws(&s->options);
    s->shown.with_places = s->by_colour;
    return byol__masks_shown_open(&s->shown, s->options.batch_size, error);
}

/* ---- The network ---- */

/* Batch norm, a 1x1 convolution (its first weights small by what goes in), bilinear to the size of
 * the pictures. */
static void append_head(const segmentation *s, byol__graph *graph, byol__value_id maps) {
    byol__graph_section(graph, BYOL__CLASSIFIER, "head");
    byol__value_id y = byol__graph_batch_norm(graph, "head.0", maps);
    y = byol__graph_patches(graph, "head.1", y, s->classes, 1);
    y = byol__graph_bilinear(graph, y, s->options.height, s->options.width);
    byol__graph_mark(graph, BYOL__LOGITS, "logits", y);
}

static byol_status append(const segmentation *s, byol__graph *graph, byol__value_id *maps,
                          byol_error *error) {
    if (s->by_colour)
        *maps = byol__graph_input(graph, s->shown.frame.channels + 2, s->options.height,
                                  s->options.width);
    else
        BYOL__TRY(byol__trunk_append(graph, &s->trunk, maps, error));
    append_head(s, graph, *maps);
    return byol__graph_finish(graph, error);
}

static byol_status create_model(segmentation *s, byol_error *error) {
    const byol_task_options *o = &s->options;
    byol__graph graph;
    byol__value_id maps;
    byol__graph_init(&graph);
    byol_status status = append(s, &graph, &maps, error);
    if (status != BYOL_OK) {
        byol__graph_release(&graph);
        return status;
    }
    return byol__task_create_model(&s->model, &graph, s->by_colour ? NULL : &s->trunk, maps, o,
                                   s->learned, error);
}

/* ---- Learning and answering ---- */

static byol_status show(void *context, const uint32_t *indices, int epoch, byol_error *error) {
    segmentation *s = context;
    return byol__masks_shown_batch(&s->shown, s->train, indices, 0, (size_t)s->options.batch_size,
                                   s->by_colour ? -1 : epoch, s->model->images, error);
}

static double loss(void *context) {
    segmentation *s = context;
    size_t pixels = (size_t)s->options.height * (size_t)s->options.width;
    return byol__pixel_cross_entropy(s->model->maps, s->shown.labels, s->options.batch_size,
                                     s->classes, pixels, s->shown.ignore, s->model->diff);
}

static byol_status judge(segmentation *s, uint64_t *confusion, byol_segment_answer answer,
                         void *context, byol_error *error) {
    size_t count = s->test->info.count, batch = (size_t)s->options.batch_size;
    memset(confusion, 0, (size_t)(s->classes * s->classes) * sizeof *confusion);
    for (size_t first = 0; first < count; first += batch) {
        size_t n = count - first < batch ? count - first : batch;
        BYOL__TRY(byol__masks_shown_batch(&s->shown, s->test, NULL, first, n, -1, s->model->images,
                                          error));
        BYOL__TRY(byol__dense_model_judge(s->model, error));
        BYOL__TRY(byol__masks_shown_judge(&s->shown, s->test, first, n, s->model->maps, s->classes,
                                          confusion, answer, context, error));
        BYOL__TRY(byol__task_advance(&s->progress, n, error));
    }
    return BYOL_OK;
}

static byol_status train_and_judge(segmentation *s, byol_segment_result *result,
                                   uint64_t *confusion, byol_segment_answer answer, void *context,
                                   byol_error *error) {
    const byol__task_batches batches = {show, loss, s};
    BYOL__TRY(settle(s, error));
    BYOL__TRY(open_pictures(s, error));
    BYOL__TRY(create_model(s, error));
    BYOL__TRY(byol__task_train(s->model, &batches, &s->options, s->train->info.count, s->learned,
                               &s->progress, &result->loss, error));
    BYOL__TRY(judge(s, confusion, answer, context, error));
    byol_segment_score(confusion, s->classes, &result->scores, NULL, NULL);
    result->height = s->options.height;
    result->width = s->options.width;
    result->steps = s->model->step;
    byol__trunk_words(&s->trunk, result->stages, sizeof result->stages);
    return s->by_colour
               ? BYOL_OK
               : byol__task_write(s->model, s->encoder, s->options.save, s->options.onnx, error);
}

static byol_status run(segmentation *s, byol_segment_result *result, uint64_t *confusion,
                       byol_segment_answer answer, void *context, byol_error *error) {
    byol_segment_result found = {0};
    double began = byol__now();
    byol__threads threads = byol__threads_begin(s->options.threads);
    byol_status status = train_and_judge(s, &found, confusion, answer, context, error);
    byol__dense_model_free(s->model);
    byol__masks_shown_release(&s->shown);
    byol__threads_end(threads);
    found.seconds = byol__now() - began;
    if (status == BYOL_OK) *result = found;
    return status;
}

byol_status byol_segment(const byol_encoder *encoder, const byol_masks *train,
                         const byol_masks *test, const byol_task_options *options,
                         byol_segment_result *result, uint64_t *confusion,
                         byol_segment_answer answer, byol_progress progress, void *context,
                         byol_error *error) {
    segmentation s = {.encoder = encoder,
                      .train = train,
                      .test = test,
                      .options = *options,
                      .progress = {.call = progress, .context = context}};
    return run(&s, result, confusion, answer, context, error);
}

byol_status byol_segment_by_colour(const byol_encoder *encoder, const byol_masks *train,
                                   const byol_masks *test, const byol_task_options *options,
                                   byol_segment_result *result, uint64_t *confusion,
                                   byol_progress progress, void *context, byol_error *error) {
    segmentation s = {.encoder = encoder,
                      .train = train,
                      .test = test,
                      .options = *options,
                      .by_colour = true,
                      .progress = {.call = progress, .context = context}};
    return run(&s, result, confusion, NULL, NULL, error);
}
