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

enum { EPOCHS_MAX = 100000, BATCH_MAX = 4096, SIDE_MAX = 16384 };

/* One training of a head, on an encoder's maps or on colours and places. */
typedef struct segmentation {
    const byol_encoder *encoder;
    const byol_masks *train, *test;
    byol_segment_options options; /* resolved */
    byol__trunk trunk;
    bool by_colour; /* no encoder: colours and places */
    int classes;
    byol__masks_shown shown;
    byol__dense_model *model;
    byol__task_progress progress;
} segmentation;

void byol_segment_options_init(byol_segment_options *options) {
    *options = (byol_segment_options){.epochs = 30,
                                      .batch_size = 8,
                                      .lr = 0.001f,
                                      .lr_decay = 0.8f,
                                      .weight_decay = 0.01f,
                                      .crop_min = 0.25f,
                                      .precision = BYOL_PRECISION_AUTO,
                                      .seed = 1};
}

/* ---- Preparations ---- */

static byol_status check_options(const byol_segment_options *o, byol_error *error) {
    const double tiny = 1e-9;
    BYOL__TRY(byol__task_number("the number of epochs", o->epochs, 1, EPOCHS_MAX, error));
    BYOL__TRY(byol__task_number("the batch size", o->batch_size, 1, BATCH_MAX, error));
    BYOL__TRY(byol__task_number("the learning rate", (double)o->lr, tiny, 1000, error));
    BYOL__TRY(
        byol__task_number("the decay of the learning rate", (double)o->lr_decay, 0, 1, error));
    BYOL__TRY(byol__task_number("the weight decay", (double)o->weight_decay, 0, 1000, error));
    BYOL__TRY(byol__task_number("the smallest crop", (double)o->crop_min, tiny, 1, error));
    BYOL__TRY(byol__task_number("the height of pictures", o->height, 1, SIDE_MAX, error));
    return byol__task_number("the width of pictures", o->width, 1, SIDE_MAX, error);
}

static byol_status check_sets(const byol_masks *train, const byol_masks *test, byol_error *error) {
    if (test->info.classes <= train->info.classes) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_MISMATCH,
                      "the test masks (%.400s) have %d classes, the training masks %d",
                      test->info.description, test->info.classes, train->info.classes);
}

static byol_status settle(segmentation *s, byol_error *error) {
    byol_segment_options *o = &s->options;
    if (o->height == 0) {
        o->height = s->train->info.height;
        o->width = s->train->info.width;
    }
    if ((size_t)o->batch_size > s->train->info.count) o->batch_size = (int)s->train->info.count;
    BYOL__TRY(check_options(o, error));
    BYOL__TRY(check_sets(s->train, s->test, error));
    s->classes = s->train->info.classes;
    s->trunk = (byol__trunk){.encoder = s->encoder, .height = o->height, .width = o->width};
    size_t test = s->test->info.count, batch = (size_t)o->batch_size;
    s->progress.total = (uint64_t)o->epochs * (s->train->info.count / batch * batch) + test;
    return s->by_colour ? BYOL_OK : byol__trunk_choose(&s->trunk, o->stages, error);
}

static byol_status open_pictures(segmentation *s, byol_error *error) {
    const byol_view_recipe *recipe = &byol_encoder_config(s->encoder)->views.view[0];
    s->shown.frame = (byol__frame){.channels = byol_encoder_channels(s->encoder),
                                   .height = s->options.height,
                                   .width = s->options.width};
    memcpy(s->shown.frame.mean, recipe->mean, sizeof s->shown.frame.mean);
    memcpy(s->shown.frame.std, recipe->std, sizeof s->shown.frame.std);
    s->shown.crop_min = s->options.crop_min;
    s->shown.seed = s->options.seed;
    s->shown.with_places = s->by_colour;
    return byol__masks_shown_open(&s->shown, s->options.batch_size, error);
}

/* ---- The network ---- */

/* Batch norm, a 1x1 convolution, bilinear to the size of the pictures. */
static void append_head(const segmentation *s, byol__graph *graph, byol__value_id maps) {
    byol__graph_section(graph, BYOL__CLASSIFIER, "head");
    byol__value_id y = byol__graph_batch_norm(graph, "head.0", maps);
    y = byol__graph_conv(graph, "head.1", y, s->classes, 1, 1, 0, 1, 1);
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
    const byol_segment_options *o = &s->options;
    byol__graph graph;
    byol__value_id maps;
    byol__graph_init(&graph);
    byol_status status = append(s, &graph, &maps, error);
    if (status != BYOL_OK) {
        byol__graph_release(&graph);
        return status;
    }
    size_t steps = s->train->info.count / (size_t)o->batch_size;
    const byol__dense_model_options options = {
        .batch = o->batch_size,
        .dtype = byol__precision_dtype(byol__precision_resolve(o->precision)),
        .lr = o->lr,
        .lr_decay = o->lr_decay,
        .weight_decay = o->weight_decay,
        .steps = (uint64_t)o->epochs * steps,
        .seed = o->seed,
        .trunk = s->by_colour ? NULL : &s->trunk,
        .cut = s->by_colour || o->fine_tune ? NULL : &maps,
    };
    return byol__dense_model_create(&s->model, &graph, &options, error);
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
    BYOL__TRY(byol__task_train(s->model, &batches, s->train->info.count, s->options.epochs,
                               &s->progress, &result->loss, error));
    BYOL__TRY(judge(s, confusion, answer, context, error));
    byol_segment_score(confusion, s->classes, &result->scores, NULL, NULL);
    result->height = s->options.height;
    result->width = s->options.width;
    result->steps = s->model->step;
    for (int i = 0; i < s->trunk.stage_count; i++) {
        if (i > 0) strcat(result->stages, ",");
        size_t length = strlen(result->stages);
        byol_encoder_stage_name(s->encoder, s->trunk.stages[i], result->stages + length,
                                sizeof result->stages - length - 1);
    }
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
                         const byol_masks *test, const byol_segment_options *options,
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
                                   const byol_masks *test, const byol_segment_options *options,
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
