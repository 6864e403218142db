/* The baseline for texts: TF-IDF of words and pairs of words, and logistic regression. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "byol/eval.h"
#include "eval/fitting.h"
#include "eval/joint_labels.h"
#include "eval/learned_classes.h"
#include "eval/split.h"
#include "eval/terms.h"

static const float default_cs[] = {1, 4, 16, 64};
enum { DEFAULT_CS = sizeof default_cs / sizeof *default_cs };

/* One call of byol_tfidf. */
typedef struct task {
    const byol_tfidf_options *options;
    byol__joint_labels labels;
    byol__learned_classes classes;
    byol__string_table vocabulary;
    byol__sparse train, test; /* counts */
    byol__split split;
    int32_t *predicted; /* (test count) */
    byol__fit_progress progress;
} task;

/* Some of the texts that were counted. */
typedef struct selection {
    const byol__sparse *counts;
    const uint32_t *indices; /* NULL: the first ones */
    size_t count;
} selection;

/* ---- Learning and predicting ---- */

/* With what is known of the texts to learn from. */
static byol_status weigh(byol__fitting *p, const task *t, selection learn, selection judge,
                         byol_error *error) {
    double *idf;
    bool sublinear = t->options->sublinear;
    BYOL__TRY(byol__alloc(&idf, learn.counts->columns, sizeof *idf, "weights of terms", error));
    byol__terms_idf(learn.counts, learn.indices, learn.count, idf);
    byol_status status = byol__terms_weigh(&p->learn, learn.counts, learn.indices, learn.count, idf,
                                           sublinear, error);
    if (status == BYOL_OK)
        status = byol__terms_weigh(&p->judge, judge.counts, judge.indices, judge.count, idf,
                                   sublinear, error);
    byol__free(idf);
    return status;
}

/* `learn` is of the training texts. On failure too, `p` is the caller's: byol__fitting_close. */
static byol_status open_fitting(byol__fitting *p, const task *t, selection learn, selection judge,
                                byol_error *error) {
    *p = (byol__fitting){0};
    BYOL__TRY(weigh(p, t, learn, judge, error));
    return byol__fitting_open(p, t->classes.targets, learn.indices, t->classes.count, error);
}

static byol_status try_cs(byol__fitting *p, task *t, byol_tfidf_result *result, byol_error *error) {
    const byol__split *split = &t->split;
    size_t best = 0;
    for (int i = 0; i < t->options->c_count; i++) {
        BYOL__TRY(byol__fitting_fit(p, t->options->cs[i], &t->progress, error));
        size_t right = byol__fitting_right(p, t->classes.targets, split->held_out);
        if (i > 0 && right <= best) continue;
        best = right;
        result->c = t->options->cs[i];
    }
    result->held_out_accuracy = 100 * (double)best / (double)split->held_out_count;
    return BYOL_OK;
}

/* Chooses C on the held-out texts, whose words count for nothing else. */
static byol_status choose_c(task *t, byol_tfidf_result *result, byol_error *error) {
    const byol__split *split = &t->split;
    byol__fitting p;
    byol_status status =
        open_fitting(&p, t, (selection){&t->train, split->train, split->train_count},
                     (selection){&t->train, split->held_out, split->held_out_count}, error);
    if (status == BYOL_OK) status = try_cs(&p, t, result, error);
    byol__fitting_close(&p);
    return status;
}

static byol_status test(task *t, byol_tfidf_result *result, byol_error *error) {
    byol__fitting p;
    size_t right = 0, count = t->labels.test_count;
    byol_status status = open_fitting(&p, t, (selection){&t->train, NULL, t->labels.train_count},
                                      (selection){&t->test, NULL, count}, error);
    if (status == BYOL_OK) status = byol__fitting_fit(&p, result->c, &t->progress, error);
    for (size_t i = 0; status == BYOL_OK && i < count; i++) {
        t->predicted[i] = t->classes.known[p.predicted[i]];
        right += t->predicted[i] == t->labels.test[i];
    }
    result->accuracy = 100 * (double)right / (double)count;
    byol__fitting_close(&p);
    return status;
}

/* ---- Preparing ---- */

static byol_status prepare(task *t, const byol_source *train, const byol_source *test_source,
                           byol_error *error) {
    const byol_tfidf_options *options = t->options;
    BYOL__TRY(byol__joint_labels_create(&t->labels, train, test_source, error));
    BYOL__TRY(byol__learned_classes_number(&t->classes, t->labels.train, t->labels.train_count,
                                           t->labels.train_classes, error));
    BYOL__TRY(byol__terms_count(&t->train, &t->vocabulary, true, train, error));
    BYOL__TRY(byol__terms_count(&t->test, &t->vocabulary, false, test_source, error));
    BYOL__TRY(byol__alloc(&t->predicted, t->labels.test_count, sizeof *t->predicted, "predictions",
                          error));
    return byol__split_draw(&t->split, t->classes.targets, t->labels.train_count, t->classes.count,
                            1, (double)options->held_out, options->seed, error);
}

static void release(task *t) {
    byol__joint_labels_release(&t->labels);
    byol__learned_classes_release(&t->classes);
    byol__string_table_release(&t->vocabulary);
    byol__sparse_release(&t->train);
    byol__sparse_release(&t->test);
    byol__split_release(&t->split);
    byol__free(t->predicted);
}

static byol_status check_texts(const byol_source *source, byol_error *error) {
    byol_source_info info;
    byol_source_describe(source, &info);
    if (info.samples == BYOL_SAMPLES_TEXTS) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_INVALID, "TF-IDF is of texts; %s holds images",
                      info.description);
}

/* ---- The whole ---- */

void byol_tfidf_options_init(byol_tfidf_options *options) {
    *options =
        (byol_tfidf_options){.cs = default_cs, .c_count = DEFAULT_CS, .held_out = 0.1f, .seed = 1};
}

static byol_status run_task(task *t, const byol_source *train, const byol_source *test_source,
                            byol_tfidf_result *result, byol_error *error) {
    const byol_tfidf_options *o = t->options;
    BYOL__TRY(byol__fitting_check("TF-IDF", o->cs, o->c_count, o->held_out, error));
    BYOL__TRY(check_texts(train, error));
    BYOL__TRY(check_texts(test_source, error));
    BYOL__TRY(prepare(t, train, test_source, error));
    result->terms = t->vocabulary.count;
    result->classes = t->labels.classes;
    BYOL__TRY(choose_c(t, result, error));
    return test(t, result, error);
}

byol_status byol_tfidf(const byol_source *train, const byol_source *test_source,
                       const byol_tfidf_options *options, byol_tfidf_result *result,
                       int32_t *labels, int32_t *predicted, byol_progress progress, void *context,
                       byol_error *error) {
    byol__threads threads = byol__threads_begin(options->threads);
    task t = {.options = options,
              .progress = {progress, context, 0, (uint64_t)options->c_count + 1}};
    byol_tfidf_result found = {0};
    byol_status status = run_task(&t, train, test_source, &found, error);
    if (status == BYOL_OK) {
        size_t bytes = t.labels.test_count * sizeof *labels;
        *result = found;
        if (labels != NULL) memcpy(labels, t.labels.test, bytes);
        if (predicted != NULL) memcpy(predicted, t.predicted, bytes);
    }
    release(&t);
    byol__threads_end(threads);
    return status;
}
