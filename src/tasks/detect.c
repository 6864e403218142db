#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/philox.h"
#include "base/threads.h"
#include "nets/nets.h"
#include "ops/ops.h"
#include "tasks/box_set.h"
#include "tasks/boxes_shown.h"
#include "tasks/task_run.h"

enum { HEAD_WIDTH = 64, STRIDE_MAX = 8 };

/* So that the heat is near .1 everywhere at first (CenterNet's -2.19). */
static const float FIRST_HEAT = -2.19f;

typedef struct detection {
    const byol_encoder *encoder;
    const byol_boxes *train, *test;
    byol_task_options options; /* resolved */
    byol__trunk trunk;
    int classes;
    size_t learned; /* training pictures that are used */
    byol__boxes_shown shown;
    byol__dense_model *model;
    float *heat; /* (batch, classes, h, w): scratch of the loss */
    byol_object *found;
    size_t found_count;
    byol__task_progress progress;
} detection;

/* ---- Preparations ---- */

static byol_status settle(detection *d, byol_error *error) {
    byol_task_options *o = &d->options;
    const byol_boxes_info *train = &d->train->info, *test = &d->test->info;
    BYOL__TRY(byol__task_settle(o, train->count, train->height, train->width, &d->learned, error));
    if (train->objects == 0)
        return byol__fail(error, BYOL_ERROR_INVALID, "%.500s: there is no box to learn from",
                          train->description);
    if (test->classes > train->classes)
        return byol__fail(error, BYOL_ERROR_MISMATCH,
                          "the test boxes (%.400s) have %d classes, the training boxes %d",
                          test->description, test->classes, train->classes);
    d->classes = train->classes;
    d->trunk = (byol__trunk){.encoder = d->encoder, .height = o->height, .width = o->width};
    size_t batch = (size_t)o->batch_size;
    d->progress.total = (uint64_t)o->epochs * (d->learned / batch * batch) + test->count;
    return byol__trunk_choose(&d->trunk, o->stages, error);
}

/* A batch norm, a 1x1 convolution to HEAD_WIDTH channels and one of 3x3, each with batch norm and
 * ReLU, and a 1x1 convolution: heat, size, offset. Maps of a stride above 8 are enlarged before. */
static byol_status append(detection *d, byol__graph *graph, byol__value_id *maps,
                          byol_error *error) {
    BYOL__TRY(byol__trunk_append(graph, &d->trunk, maps, error));
    byol__shape shape = byol__graph_shape(graph, *maps);
    byol__graph_section(graph, BYOL__CLASSIFIER, "head");
    byol__value_id y = byol__graph_batch_norm(graph, "head.0", *maps);
    y = byol__graph_conv(graph, "head.1", y, HEAD_WIDTH, 1, 1, 0, 1, 0);
    y = byol__graph_relu(graph, byol__graph_batch_norm(graph, "head.2", y));
    if (d->options.width > STRIDE_MAX * shape.w)
        y = byol__graph_bilinear(graph, y, (d->options.height + STRIDE_MAX - 1) / STRIDE_MAX,
                                 (d->options.width + STRIDE_MAX - 1) / STRIDE_MAX);
    y = byol__graph_conv(graph, "head.4", y, HEAD_WIDTH, 3, 1, 1, 1, 0);
    y = byol__graph_relu(graph, byol__graph_batch_norm(graph, "head.5", y));
    y = byol__graph_patches(graph, "head.7", y, d->classes + 4, 1);
    byol__graph_mark(graph, BYOL__LOGITS, "centers", y);
    return byol__graph_finish(graph, error);
}

/* The last convolution begins with little heat, and boxes of one unit. */
static byol_status begin_head(detection *d, byol_error *error) {
    byol__dense_model *m = d->model;
    int row = byol__table_find(&m->whole.params, "head.7.bias");
    float *bias = m->params + m->whole.params.rows[row].offset;
    for (int k = 0; k < d->classes; k++) bias[k] = FIRST_HEAT;
    bias[d->classes] = bias[d->classes + 1] = 1;
    return byol__plan_stage(m->learner, error);
}

/* Afterwards, sizes in cells for whoever reads the file. */
static void leave_units(detection *d) {
    byol__dense_model *m = d->model;
    static const char *const names[] = {"head.7.weight", "head.7.bias"};
    for (int i = 0; i < 2; i++) {
        const byol__param *row =
            &m->whole.params.rows[byol__table_find(&m->whole.params, names[i])];
        size_t width = row->count / (size_t)row->dims[0];
        float *first = m->params + row->offset + (size_t)d->classes * width;
        for (size_t k = 0; k < 2 * width; k++) first[k] *= d->shown.shape.unit;
    }
}

/* The mean side of a training box, in cells of a map as wide as `columns`, where pictures are as
 * large as the first. */
static float mean_side(const detection *d, const byol__frame *frame, int columns) {
    const byol_boxes_info *info = &d->train->info;
    byol__window w = byol__window_whole(frame, info->height, info->width);
    double sum = 0,
           scale = (double)w.shown_width / (double)w.width * (double)columns / (double)frame->width;
    for (size_t i = 0; i < info->objects; i++)
        sum += ((double)d->train->objects[i].width + (double)d->train->objects[i].height) / 2;
    return (float)(scale * sum / (double)info->objects);
}

static byol_status create_model(detection *d, byol_error *error) {
    byol__graph graph;
    byol__value_id maps;
    byol__graph_init(&graph);
    byol_status status = append(d, &graph, &maps, error);
    if (status != BYOL_OK) {
        byol__graph_release(&graph);
        return status;
    }
    BYOL__TRY(byol__task_create_model(&d->model, &graph, &d->trunk, maps, &d->options, d->learned,
                                      error));
    return begin_head(d, error);
}

static byol_status open_pictures(detection *d, byol_error *error) {
    byol__shape map = d->model->map;
    size_t cells = (size_t)d->classes * (size_t)map.h * (size_t)map.w;
    d->shown.frame = byol__task_frame(d->encoder, &d->options);
    d->shown.shape =
        (byol__center_shape){d->classes, map.h, map.w, mean_side(d, &d->shown.frame, map.w)};
    d->shown.draws = byol__task_draws(&d->options);
    BYOL__TRY(byol__alloc_floats(&d->heat, (size_t)d->options.batch_size * cells, "heat", error));
    BYOL__TRY(byol__alloc(&d->found, d->test->info.count * BYOL_DETECTIONS_MAX, sizeof *d->found,
                          "detections", error));
    return byol__boxes_shown_open(&d->shown, d->train, d->options.batch_size, error);
}

/* ---- Learning ---- */

static byol_status show(void *context, const uint32_t *indices, int epoch, byol_error *error) {
    detection *d = context;
    return byol__boxes_shown_batch(&d->shown, d->train, indices, 0, (size_t)d->options.batch_size,
                                   epoch, d->model->images, error);
}

static double loss(void *context) {
    detection *d = context;
    return byol__center_loss(&d->shown.shape, d->options.batch_size, d->model->maps, d->shown.boxes,
                             d->shown.counts, d->heat, d->model->diff);
}

/* ---- Answering ---- */

/* Peaks of a map as boxes of the picture. Those without an area are left out. */
static size_t read_peaks(const detection *d, size_t index, const byol__window *w, int height,
                         int width, const float *map, byol_object *found) {
    byol__peak peaks[BYOL_DETECTIONS_MAX];
    const byol__center_shape *shape = &d->shown.shape;
    float across = (float)d->shown.frame.width / (float)shape->width,
          down = (float)d->shown.frame.height / (float)shape->height;
    int count = byol__center_peaks(shape, map, BYOL_DETECTIONS_MAX, peaks);
    size_t kept = 0;
    for (int i = 0; i < count; i++) {
        byol__box b = peaks[i].box;
        b = (byol__box){b.x0 * across, b.y0 * down, b.x1 * across, b.y1 * down};
        b = byol__window_box_back(w, b, height, width);
        if (!(b.x1 > b.x0 && b.y1 > b.y0)) continue;
        found[kept++] = (byol_object){.picture = (uint32_t)index,
                                      .label = peaks[i].label,
                                      .x = b.x0,
                                      .y = b.y0,
                                      .width = b.x1 - b.x0,
                                      .height = b.y1 - b.y0,
                                      .score = peaks[i].score};
    }
    return kept;
}

static byol_status answer_batch(detection *d, size_t first, size_t n, byol_detect_answer answer,
                                void *context, byol_error *error) {
    size_t floats = byol__shape_count(d->model->map);
    for (size_t i = 0; i < n; i++) {
        if (byol_source_unreadable(d->test->pictures, first + i)) continue;
        const byol__window *w = &d->shown.windows[i];
        byol_object *found = d->found + d->found_count;
        /* The window is the whole picture. */
        size_t count =
            read_peaks(d, first + i, w, w->height, w->width, d->model->maps + i * floats, found);
        d->found_count += count;
        if (answer != NULL) BYOL__TRY(answer(context, first + i, found, count, error));
    }
    return BYOL_OK;
}

static byol_status judge(detection *d, byol_detect_answer answer, void *context,
                         byol_error *error) {
    size_t count = d->test->info.count, batch = (size_t)d->options.batch_size;
    for (size_t first = 0; first < count; first += batch) {
        size_t n = count - first < batch ? count - first : batch;
        BYOL__TRY(byol__boxes_shown_batch(&d->shown, d->test, NULL, first, n, -1, d->model->images,
                                          error));
        BYOL__TRY(byol__dense_model_judge(d->model, error));
        BYOL__TRY(answer_batch(d, first, n, answer, context, error));
        BYOL__TRY(byol__task_advance(&d->progress, n, error));
    }
    return BYOL_OK;
}

/* ---- The whole ---- */

static byol_status train_and_judge(detection *d, byol_detect_result *result,
                                   byol_precision_scores *by_class, byol_detect_answer answer,
                                   void *context, byol_error *error) {
    const byol__task_batches batches = {show, loss, d};
    BYOL__TRY(settle(d, error));
    BYOL__TRY(create_model(d, error));
    BYOL__TRY(open_pictures(d, error));
    BYOL__TRY(byol__task_train(d->model, &batches, &d->options, d->train->info.count, d->learned,
                               &d->progress, &result->loss, error));
    BYOL__TRY(judge(d, answer, context, error));
    BYOL__TRY(byol_average_precision(d->test->objects, d->test->info.objects, d->found,
                                     d->found_count, d->classes, &result->scores, by_class, error));
    result->height = d->options.height;
    result->width = d->options.width;
    result->stride = (float)d->options.width / (float)d->shown.shape.width;
    result->steps = d->model->step;
    byol__trunk_words(&d->trunk, result->stages, sizeof result->stages);
    leave_units(d);
    return byol__task_write(d->model, d->encoder, d->options.save, d->options.onnx, error);
}

byol_status byol_detect(const byol_encoder *encoder, const byol_boxes *train,
                        const byol_boxes *test, const byol_task_options *options,
                        byol_detect_result *result, byol_precision_scores *by_class,
                        byol_detect_answer answer, byol_progress progress, void *context,
                        byol_error *error) {
    detection d = {.encoder = encoder,
                   .train = train,
                   .test = test,
                   .options = *options,
                   .progress = {.call = progress, .context = context}};
    byol_detect_result found = {0};
    double began = byol__now();
    byol__threads threads = byol__threads_begin(options->threads);
    byol_status status = train_and_judge(&d, &found, by_class, answer, context, error);
    byol__dense_model_free(d.model);
    byol__boxes_shown_release(&d.shown);
    byol__free(d.heat);
    byol__free(d.found);
    byol__threads_end(threads);
    found.seconds = byol__now() - began;
    if (status == BYOL_OK) *result = found;
    return status;
}

byol_status byol_detect_by_chance(const byol_boxes *train, const byol_boxes *test, uint64_t seed,
                                  byol_precision_scores *scores, byol_error *error) {
    size_t count = test->info.count * BYOL_DETECTIONS_MAX;
    byol_object *found;
    if (train->info.objects == 0)
        return byol__fail(error, BYOL_ERROR_INVALID, "%.500s: there is no box to draw",
                          train->info.description);
    BYOL__TRY(byol__alloc(&found, count, sizeof *found, "detections", error));
    byol__random random = byol__random_stream(seed, BYOL__PURPOSE_PROBE, 0, 0, 1);
    for (size_t i = 0; i < count; i++) {
        found[i] = train->objects[byol__random_below(&random, (uint32_t)train->info.objects)];
        found[i].picture = (uint32_t)(i / BYOL_DETECTIONS_MAX);
        found[i].score = byol__random_uniform(&random);
    }
    byol_status status = byol_average_precision(test->objects, test->info.objects, found, count,
                                                train->info.classes, scores, NULL, error);
    byol__free(found);
    return status;
}
