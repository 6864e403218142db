/* Logistic regression on frozen features, solved to its minimum: for some thousand samples, where
 * the linear probe's rates would be chosen on a handful. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "byol/eval.h"
#include "eval/features.h"
#include "eval/fitting.h"
#include "eval/learned_classes.h"
#include "eval/split.h"

static const float default_cs[] = {1e-5f, 1e-4f, 1e-3f, 1e-2f, 0.1f};
enum { DEFAULT_CS = sizeof default_cs / sizeof *default_cs, SPLITS = 5 };

/* One call of byol_regression. */
typedef struct task {
    const byol_regression_options *options;
    const byol_features *train, *test;
    double *mean, *scale; /* (dimension): an input is (feature - mean) scale */
    byol__learned_classes classes;
    size_t *right; /* (C): of the held-out samples of all splits */
    size_t held_out;
    int32_t *predicted; /* (test count) */
    byol__fit_progress progress;
} task;

/* Some of the samples. */
typedef struct selection {
    const byol_features *features;
    const uint32_t *indices; /* NULL: the first ones */
    size_t count;
} selection;

static size_t sample(selection s, size_t i) { return s.indices != NULL ? s.indices[i] : i; }

/* ---- Inputs ---- */

static void measure(task *t) {
    size_t dimension = (size_t)t->train->dimension, count = t->train->count;
    for (size_t d = 0; d < dimension; d++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < count; i++) sum += (double)t->train->values[i * dimension + d];
        t->mean[d] = sum / (double)count;
        for (size_t i = 0; i < count; i++) {
            double off = (double)t->train->values[i * dimension + d] - t->mean[d];
            squares += off * off;
        }
        /* a deviation of rounding alone is none */
        double std = sqrt(squares / (double)count), rounding = 1e-6 * fabs(t->mean[d]);
        t->scale[d] = std > rounding ? 1 / std : 0;
    }
}

/* (count, dimension), every number an entry. */
static byol_status gather(byol__sparse *rows, const task *t, selection from, byol_error *error) {
    size_t dimension = (size_t)from.features->dimension;
    BYOL__TRY(byol__sparse_create(rows, from.count, dimension, from.count * dimension, error));
    for (size_t i = 0; i < from.count; i++) {
        const float *x = from.features->values + sample(from, i) * dimension;
        size_t start = i * dimension;
        rows->starts[i + 1] = start + dimension;
        for (size_t d = 0; d < dimension; d++) {
            rows->index[start + d] = (uint32_t)d;
            rows->values[start + d] = (float)(((double)x[d] - t->mean[d]) * t->scale[d]);
        }
    }
    return BYOL_OK;
}

/* `learn` is of the training samples. On failure too, `f` is the caller's: byol__fitting_close. */
static byol_status open_fitting(byol__fitting *f, const task *t, selection learn, selection judge,
                                byol_error *error) {
    *f = (byol__fitting){0};
    BYOL__TRY(gather(&f->learn, t, learn, error));
    BYOL__TRY(gather(&f->judge, t, judge, error));
    return byol__fitting_open(f, t->classes.targets, learn.indices, t->classes.count, error);
}

/* ---- Choosing C, and the test ---- */

static byol_status try_cs(task *t, const byol__split *split, byol_error *error) {
    byol__fitting f;
    byol_status status =
        open_fitting(&f, t, (selection){t->train, split->train, split->train_count},
                     (selection){t->train, split->held_out, split->held_out_count}, error);
    for (int i = 0; status == BYOL_OK && i < t->options->c_count; i++) {
        status = byol__fitting_fit(&f, t->options->cs[i], &t->progress, error);
        if (status == BYOL_OK)
            t->right[i] += byol__fitting_right(&f, t->classes.targets, split->held_out);
    }
    t->held_out += split->held_out_count;
    byol__fitting_close(&f);
    return status;
}

/* The C that is right most often on what several draws hold out; of equals, the smaller index. */
static byol_status choose_c(task *t, byol_regression_result *result, byol_error *error) {
    int best = 0;
    for (uint64_t s = 0; s < SPLITS; s++) {
        byol__split split = {0};
        byol_status status =
            byol__split_draw(&split, t->classes.targets, t->train->count, t->classes.count, 1,
                             (double)t->options->held_out, t->options->seed + s, error);
        if (status == BYOL_OK) status = try_cs(t, &split, error);
        byol__split_release(&split);
        BYOL__TRY(status);
    }
    for (int i = 1; i < t->options->c_count; i++)
        if (t->right[i] > t->right[best]) best = i;
    result->c = t->options->cs[best];
    result->held_out_accuracy = 100 * (double)t->right[best] / (double)t->held_out;
    return BYOL_OK;
}

/* As one layer on features as they come. With two learned classes the first one's logit is 0; a
 * class that was not learned is never the answer. */
static void keep_layer(const task *t, const byol__fitting *f) {
    const byol__logistic *l = &f->regression;
    size_t dimension = (size_t)t->train->dimension;
    int fixed = l->classes - (int)l->outputs;
    memset(t->options->weight, 0, (size_t)t->train->classes * dimension * sizeof(float));
    for (int c = 0; c < t->train->classes; c++) t->options->bias[c] = -1e4f;
    for (int c = 0; c < t->classes.count; c++) {
        size_t row = (size_t)t->classes.known[c], k = (size_t)(c - fixed);
        t->options->bias[row] = 0;
        if (c < fixed) continue;
        double bias = f->weights[dimension * l->outputs + k];
        for (size_t d = 0; d < dimension; d++) {
            double weight = f->weights[d * l->outputs + k] * t->scale[d];
            t->options->weight[row * dimension + d] = (float)weight;
            bias -= weight * t->mean[d];
        }
        t->options->bias[row] = (float)bias;
    }
}

static byol_status test(task *t, byol_regression_result *result, byol_error *error) {
    byol__fitting f;
    size_t right = 0, count = t->test->count;
    byol_status status = open_fitting(&f, t, (selection){t->train, NULL, t->train->count},
                                      (selection){t->test, NULL, count}, error);
    if (status == BYOL_OK) status = byol__fitting_fit(&f, result->c, &t->progress, error);
    for (size_t i = 0; status == BYOL_OK && i < count; i++) {
        t->predicted[i] = t->classes.known[f.predicted[i]];
        right += t->predicted[i] == t->test->labels[i];
    }
    if (status == BYOL_OK && t->options->weight != NULL) keep_layer(t, &f);
    result->accuracy = 100 * (double)right / (double)count;
    byol__fitting_close(&f);
    return status;
}

/* ---- The whole ---- */

void byol_regression_options_init(byol_regression_options *options) {
    *options = (byol_regression_options){
        .cs = default_cs, .c_count = DEFAULT_CS, .held_out = 0.1f, .seed = 1};
}

static byol_status check(const task *t, byol_error *error) {
    const byol_regression_options *o = t->options;
    BYOL__TRY(byol__fitting_check("the regression", o->cs, o->c_count, o->held_out, error));
    BYOL__TRY(byol__features_check(t->train, "training", error));
    BYOL__TRY(byol__features_check(t->test, "test", error));
    return byol__features_agree(t->train, t->test, "test", error);
}

static byol_status run_task(task *t, byol_regression_result *result, byol_error *error) {
    const char *what = "logistic regression";
    BYOL__TRY(check(t, error));
    size_t dimension = (size_t)t->train->dimension;
    BYOL__TRY(byol__alloc(&t->mean, dimension, sizeof *t->mean, what, error));
    BYOL__TRY(byol__alloc(&t->scale, dimension, sizeof *t->scale, what, error));
    BYOL__TRY(byol__alloc(&t->right, (size_t)t->options->c_count, sizeof *t->right, what, error));
    BYOL__TRY(byol__alloc(&t->predicted, t->test->count, sizeof *t->predicted, what, error));
    measure(t);
    BYOL__TRY(byol__learned_classes_number(&t->classes, t->train->labels, t->train->count,
                                           t->train->classes, error));
    BYOL__TRY(choose_c(t, result, error));
    return test(t, result, error);
}

byol_status byol_regression(const byol_features *train, const byol_features *test_set,
                            const byol_regression_options *options, byol_regression_result *result,
                            int32_t *predicted, byol_progress progress, void *context,
                            byol_error *error) {
    byol__threads threads = byol__threads_begin(options->threads);
    task t = {.options = options,
              .train = train,
              .test = test_set,
              .progress = {progress, context, 0, (uint64_t)options->c_count * SPLITS + 1}};
    byol_regression_result found = {0};
    byol_status status = run_task(&t, &found, error);
    if (status == BYOL_OK) {
        *result = found;
        if (predicted != NULL) memcpy(predicted, t.predicted, test_set->count * sizeof *predicted);
    }
    byol__learned_classes_release(&t.classes);
    void *owned[] = {t.mean, t.scale, t.right, t.predicted};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) byol__free(owned[i]);
    byol__threads_end(threads);
    return status;
}
