#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "augment/draws.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "byol/eval.h"
#include "dnn/precision.h"
#include "encoder/encoder_internal.h"
#include "eval/classifier.h"
#include "eval/labelled.h"
#include "eval/softmax.h"
#include "eval/split.h"
#include "graph/arena.h"
#include "input/loader.h"
#include "nets/nets.h"
#include "state/checkpoint.h"
#include "state/class_names.h"

enum { EPOCHS = 20, STEPS = 1000, BATCH_MAX = 65536, EPOCHS_MAX = 1000000, WARMUP_PART = 20 };

/* How good weights are on images that they were not trained on. */
typedef struct score {
    size_t right;
    double loss; /* mean */
} score;

/* One call of byol_finetune. */
typedef struct tuning {
    const byol_encoder *encoder;
    byol_finetune_options options; /* resolved */
    byol__labelled train, test;
    int classes;
    byol__split split;
    byol__classifier *classifier;
    uint64_t batches;   /* in an epoch */
    uint32_t *order;    /* (split.train_count): split.train in the order of an epoch */
    uint32_t *indices;  /* (batch) of images */
    int32_t *labels;    /* (batch) */
    int32_t *predicted; /* (test count) */
    float *best_params, *best_statistics; /* of the best epoch so far */
    score best;
    byol_progress progress;
    void *context;
    uint64_t done, total; /* images */
} tuning;

static byol_status advance(tuning *t, size_t images, byol_error *error) {
    t->done += images;
    if (t->progress == NULL || t->progress(t->context, t->done, t->total) == 0) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_CANCELLED,
                      "fine-tuning was stopped after %llu of %d epochs",
                      (unsigned long long)(t->classifier->step / t->batches), t->options.epochs);
}

/* ---- One epoch ---- */

static byol_status check_readable(const tuning *t, const byol__labelled *set, byol_error *error) {
    return byol__labelled_check(set, (double)byol_encoder_config(t->encoder)->data.max_unreadable,
                                error);
}

static byol_status train_epoch(tuning *t, int epoch, byol_error *error) {
    byol__classifier *c = t->classifier;
    uint64_t steps = t->batches * (uint64_t)t->options.epochs;
    byol__epoch_order(t->options.seed, (uint32_t)epoch, t->order, (uint32_t)t->split.train_count);
    for (uint64_t b = 0; b < t->batches; b++) {
        double loss, lr = byol__lr_at((double)t->options.lr, c->step, steps, steps / WARMUP_PART);
        for (int i = 0; i < c->batch; i++)
            t->indices[i] = t->split.train[t->order[b * (uint64_t)c->batch + (uint64_t)i]];
        BYOL__TRY(byol__labelled_batch(&t->train, t->indices, 0, (size_t)c->batch, epoch, c->images,
                                       t->labels, error));
        BYOL__TRY(byol__classifier_step(c, t->labels, lr, &loss, error));
        BYOL__TRY(advance(t, (size_t)c->batch, error));
    }
    return check_readable(t, &t->train, error);
}

/* Judges images indices[0 .. count-1] of `set` (NULL: all, in their order). In an incomplete last
 * batch, the rest holds old images, which are ignored. `predicted` (count) may be NULL. */
static byol_status judge(tuning *t, const byol__labelled *set, const uint32_t *indices,
                         size_t count, int32_t *predicted, score *found, byol_error *error) {
    byol__classifier *c = t->classifier;
    double sum = 0;
    found->right = 0;
    BYOL__TRY(byol__classifier_refresh(c, error));
    for (size_t first = 0; first < count; first += (size_t)c->batch) {
        size_t n = count - first < (size_t)c->batch ? count - first : (size_t)c->batch;
        const uint32_t *those = indices != NULL ? indices + first : NULL;
        BYOL__TRY(byol__labelled_batch(set, those, first, n, -1, c->images, t->labels, error));
        BYOL__TRY(byol__classifier_judge(c, error));
        sum += byol__cross_entropy(c->logits, t->labels, (int)n, c->classes, NULL) * (double)n;
        for (size_t i = 0; i < n; i++) {
            int32_t label = byol__highest_logit(c->logits + i * (size_t)c->classes, c->classes);
            found->right += label == t->labels[i];
            if (predicted != NULL) predicted[first + i] = label;
        }
        BYOL__TRY(advance(t, n, error));
    }
    found->loss = sum / (double)count;
    return check_readable(t, set, error);
}

static bool is_better(score a, score b) {
    return a.right > b.right || (a.right == b.right && a.loss < b.loss);
}

/* ---- All epochs ---- */

static byol_status choose_epoch(tuning *t, byol_finetune_result *result, byol_error *error) {
    byol__classifier *c = t->classifier;
    size_t params = c->whole.params.total, statistics = c->whole.statistics.total;
    for (int epoch = 0; epoch < t->options.epochs; epoch++) {
        score now;
        BYOL__TRY(train_epoch(t, epoch, error));
        BYOL__TRY(
            judge(t, &t->train, t->split.held_out, t->split.held_out_count, NULL, &now, error));
        if (epoch > 0 && !is_better(now, t->best)) continue;
        t->best = now;
        result->best_epoch = epoch + 1;
        byol__arena_copy(t->best_params, c->params, params);
        byol__arena_copy(t->best_statistics, c->statistics, statistics);
    }
    byol__arena_copy(c->params, t->best_params, params);
    byol__arena_copy(c->statistics, t->best_statistics, statistics);
    return BYOL_OK;
}

/* Numbers that overflowed behind a batch norm may not show in the loss. */
static byol_status check_finite(const byol__classifier *c, byol_error *error) {
    const byol__graph *whole = &c->whole;
    if (isfinite(byol__arena_norm(c->params, whole->params.total)) &&
        isfinite(byol__arena_norm(c->statistics, whole->statistics.total)))
        return BYOL_OK;
    return byol__fail(
        error, BYOL_ERROR_NUMERIC,
        "fine-tuning ended with NaN or infinity among the weights; a lower learning rate may help");
}

/* The names of the training classes, as text. Owned: free(). */
static byol_status pack_names(const tuning *t, char **json, byol_error *error) {
    const char **names;
    BYOL__TRY(byol__alloc(&names, (size_t)t->classes, sizeof *names, "names of classes", error));
    for (int c = 0; c < t->classes; c++) names[c] = byol_source_class_name(t->train.source, c);
    byol_status status = byol__class_names_pack(names, t->classes, json, error);
    byol__free(names);
    return status;
}

static byol_status save(const tuning *t, byol_error *error) {
    const byol__classifier *c = t->classifier;
    const byol__arena arenas[] = {
        {"", &c->whole.params, BYOL__CLASSIFIER, c->params},
        {"", &c->whole.statistics, BYOL__CLASSIFIER, c->statistics},
    };
    byol__weights weights;
    char *classes;
    BYOL__TRY(pack_names(t, &classes, error));
    byol__encoder_weights(t->encoder, &weights);
    byol__origin origin = *weights.origin;
    origin.classes = classes;
    byol_status status = byol__checkpoint_write(t->options.save, arenas, 2, &origin, error);
    free(classes);
    return status;
}

static byol_status train_and_test(tuning *t, byol_finetune_result *result, byol_error *error) {
    score test;
    BYOL__TRY(choose_epoch(t, result, error));
    BYOL__TRY(check_finite(t->classifier, error));
    BYOL__TRY(judge(t, &t->test, NULL, t->test.count, t->predicted, &test, error));
    result->accuracy = 100 * (double)test.right / (double)t->test.count;
    result->held_out_accuracy = 100 * (double)t->best.right / (double)t->split.held_out_count;
    result->epochs = t->options.epochs;
    result->steps = t->classifier->step;
    result->label_count = t->split.train_count + t->split.held_out_count;
    result->held_out_count = t->split.held_out_count;
    return t->options.save == NULL ? BYOL_OK : save(t, error);
}

/* ---- Preparations ---- */

static byol_status check_number(const char *what, double value, double low, double high,
                                byol_error *error) {
    if (value >= low && value <= high) return BYOL_OK; /* false for NaN */
    return byol__fail(error, BYOL_ERROR_INVALID, "%s of fine-tuning is %g; it must be %g .. %g",
                      what, value, low, high);
}

static byol_status check_options(const byol_finetune_options *o, byol_error *error) {
    const double tiny = 1e-9;
    BYOL__TRY(check_number("the label fraction", (double)o->label_fraction, tiny, 1, error));
    BYOL__TRY(check_number("the held-out share", (double)o->held_out, tiny, 0.9, error));
    BYOL__TRY(
        check_number("the number of trained stages", o->train_stages, -1, BYOL__STAGES_MAX, error));
    BYOL__TRY(check_number("the learning rate", (double)o->lr, tiny, 1000, error));
    BYOL__TRY(check_number("the decay of the learning rate", (double)o->lr_decay, 0, 1, error));
    BYOL__TRY(check_number("the weight decay", (double)o->weight_decay, 0, 1000, error));
    BYOL__TRY(check_number("the momentum", (double)o->momentum, 0, 0.99999, error));
    BYOL__TRY(check_number("the number of epochs", o->epochs, 0, EPOCHS_MAX, error));
    BYOL__TRY(check_number("the batch size", o->batch_size, 2, BATCH_MAX, error));
    BYOL__TRY(check_number("the smallest crop", (double)o->crop_area_min, tiny, 1, error));
    BYOL__TRY(check_number("the share of masked tokens", (double)o->mask, 0, 1, error));
    if (o->optimizer != BYOL_ADAMW && o->optimizer != BYOL_SGD)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "fine-tuning knows the optimizers adamw and sgd only");
    return BYOL_OK;
}

static void resolve_options(byol_finetune_options *o) {
    int adam = o->optimizer == BYOL_ADAMW;
    if (o->lr == 0) o->lr = adam ? 0.001f : 0.05f;
    if (o->weight_decay < 0) o->weight_decay = adam ? 0.05f : 0.0005f;
    o->precision = byol__precision_resolve(o->precision);
}

/* Small sets get more epochs. */
static byol_status count_steps(tuning *t, byol_error *error) {
    byol_finetune_options *o = &t->options;
    if (t->split.train_count < 2) /* batch norm needs two */
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "fine-tuning has one sample to learn from; give it a few more labels");
    if ((size_t)o->batch_size > t->split.train_count) o->batch_size = (int)t->split.train_count;
    t->batches = t->split.train_count / (uint64_t)o->batch_size;
    if (o->epochs == 0) {
        uint64_t enough = (STEPS + t->batches - 1) / t->batches;
        o->epochs = enough > EPOCHS ? (int)enough : EPOCHS;
    }
    t->total =
        (uint64_t)o->epochs * (t->batches * (uint64_t)o->batch_size + t->split.held_out_count) +
        t->test.count;
    return BYOL_OK;
}

static byol_status open_images(tuning *t, const byol_source *train, const byol_source *test,
                               byol_error *error) {
    byol_source_info train_info, test_info;
    byol_source_describe(train, &train_info);
    byol_source_describe(test, &test_info);
    if (test_info.classes > train_info.classes)
        return byol__fail(error, BYOL_ERROR_MISMATCH,
                          "the test set has %d classes, the training set %d", test_info.classes,
                          train_info.classes);
    t->classes = train_info.classes;
    byol__preparation how = byol__encoder_preparation(t->encoder);
    byol__recipe_to_crop_and_flip(&how.recipe);
    how.recipe.crop_area_min = t->options.crop_area_min;
    how.recipe.crop_area_max = 1;
    how.text = (byol_text_recipe){.crop_min = 1, .mask = t->options.mask, .mask_span = 1};
    how.sound =
        (byol_sound_recipe){.stretch_min = 0.8f, .stretch_max = 1.2f, .canvas = 1.2f, .fade = 0.5f};
    how.seed = t->options.seed;
    BYOL__TRY(byol__labelled_open(&t->train, train, &how, error));
    BYOL__TRY(byol__labelled_open(&t->test, test, &how, error));
    return byol__split_draw(&t->split, t->train.labels, t->train.count, t->classes,
                            (double)t->options.label_fraction, (double)t->options.held_out,
                            t->options.seed, error);
}

static byol_status create_classifier(tuning *t, byol_error *error) {
    const byol_finetune_options *o = &t->options;
    const byol__classifier_options options = {
        .classes = t->classes,
        .batch = o->batch_size,
        .train_stages = o->train_stages,
        .lr_decay = o->lr_decay,
        .dtype = byol__precision_dtype(o->precision),
        .optimizer = {.name = o->optimizer,
                      .momentum = o->momentum,
                      .nesterov = 1,
                      .weight_decay = o->weight_decay,
                      .beta1 = 0.9f,
                      .beta2 = 0.999f,
                      .epsilon = 1e-8f},
        .seed = o->seed,
    };
    return byol__classifier_create(&t->classifier, t->encoder, &options, error);
}

static byol_status prepare(tuning *t, const byol_source *train, const byol_source *test,
                           byol_error *error) {
    resolve_options(&t->options);
    BYOL__TRY(check_options(&t->options, error));
    BYOL__TRY(open_images(t, train, test, error));
    BYOL__TRY(count_steps(t, error));
    BYOL__TRY(create_classifier(t, error));
    size_t batch = (size_t)t->classifier->batch;
    const byol__graph *whole = &t->classifier->whole;
    BYOL__TRY(
        byol__alloc(&t->order, t->split.train_count, sizeof *t->order, "order of images", error));
    BYOL__TRY(byol__alloc(&t->indices, batch, sizeof *t->indices, "images of a batch", error));
    BYOL__TRY(byol__alloc(&t->labels, batch, sizeof *t->labels, "labels of a batch", error));
    BYOL__TRY(
        byol__alloc(&t->predicted, t->test.count, sizeof *t->predicted, "predictions", error));
    BYOL__TRY(byol__arena_alloc(&t->best_params, whole->params.total, "best parameters", error));
    return byol__arena_alloc(&t->best_statistics, whole->statistics.total, "best statistics",
                             error);
}

static void release(tuning *t) {
    byol__classifier_free(t->classifier);
    byol__split_release(&t->split);
    byol__labelled_release(&t->train);
    byol__labelled_release(&t->test);
    byol__arena_free(t->best_params);
    byol__arena_free(t->best_statistics);
    void *owned[] = {t->order, t->indices, t->labels, t->predicted};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) byol__free(owned[i]);
}

void byol_finetune_options_init(byol_finetune_options *options) {
    *options = (byol_finetune_options){.label_fraction = 1,
                                       .held_out = 0.1f,
                                       .train_stages = -1,
                                       .optimizer = BYOL_ADAMW,
                                       .lr_decay = 0.8f,
                                       .weight_decay = -1,
                                       .momentum = 0.9f,
                                       .batch_size = 64,
                                       .crop_area_min = 0.4f,
                                       .mask = 0.1f,
                                       .precision = BYOL_PRECISION_AUTO,
                                       .seed = 1};
}

byol_status byol_finetune(const byol_encoder *encoder, const byol_source *train,
                          const byol_source *test, const byol_finetune_options *options,
                          byol_finetune_result *result, int32_t *predicted, byol_progress progress,
                          void *context, byol_error *error) {
    tuning t = {.encoder = encoder, .options = *options, .progress = progress, .context = context};
    byol_finetune_result found = {0};
    double began = byol__now();
    byol__threads threads = byol__threads_begin(options->threads);
    byol_status status = prepare(&t, train, test, error);
    if (status == BYOL_OK) status = train_and_test(&t, &found, error);
    if (status == BYOL_OK) {
        found.seconds = byol__now() - began;
        *result = found;
        if (predicted != NULL) memcpy(predicted, t.predicted, t.test.count * sizeof *predicted);
    }
    release(&t);
    byol__threads_end(threads);
    return status;
}
