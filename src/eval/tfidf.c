/* The baseline for texts: TF-IDF of words and pairs of words, and logistic regression. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "byol/eval.h"
#include "eval/joint_labels.h"
#include "eval/learned_classes.h"
#include "eval/logistic.h"
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
    byol_progress progress;
    void *context;
    uint64_t done, total; /* fits */
} task;

/* Some of the texts that were counted. */
typedef struct selection {
    const byol__sparse *counts;
    const uint32_t *indices; /* NULL: the first ones */
    size_t count;
} selection;

/* Texts to learn from and texts to judge by, weighed with what is known of the first. */
typedef struct pair {
    byol__sparse learn, judge;
    int32_t *targets;   /* (learn) */
    int32_t *predicted; /* (judge): learned classes */
    double *logits;     /* (judge, learned) */
    double *weights;    /* as byol__logistic has them */
    byol__logistic regression;
} pair;

/* ---- Learning and predicting ---- */

static void pair_close(pair *p) {
    byol__sparse_release(&p->learn);
    byol__sparse_release(&p->judge);
    byol__free(p->targets);
    byol__free(p->predicted);
    byol__free(p->logits);
    byol__free(p->weights);
    byol__logistic_close(&p->regression);
}

static byol_status weigh(pair *p, const task *t, selection learn, selection judge,
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

/* `learn` is of the training texts. On failure too, `p` is the caller's: pair_close. */
static byol_status pair_open(pair *p, const task *t, selection learn, selection judge,
                             byol_error *error) {
    const char *what = "logistic regression";
    *p = (pair){0};
    BYOL__TRY(weigh(p, t, learn, judge, error));
    BYOL__TRY(byol__alloc(&p->targets, learn.count, sizeof *p->targets, what, error));
    for (size_t i = 0; i < learn.count; i++)
        p->targets[i] = t->classes.targets[learn.indices != NULL ? learn.indices[i] : i];
    BYOL__TRY(byol__logistic_open(&p->regression, &p->learn, p->targets, t->classes.count, error));
    BYOL__TRY(byol__alloc(&p->weights, p->regression.length, sizeof *p->weights, what, error));
    BYOL__TRY(byol__alloc(&p->predicted, judge.count, sizeof *p->predicted, what, error));
    return byol__alloc(&p->logits, judge.count * p->regression.outputs, sizeof *p->logits, what,
                       error);
}

static byol_status learn_and_predict(pair *p, task *t, float c, byol_error *error) {
    p->regression.c = (double)c;
    BYOL__TRY(byol__logistic_fit(&p->regression, p->weights, t->progress, t->context, t->done,
                                 t->total, error));
    byol__logistic_predict(&p->regression, p->weights, &p->judge, p->logits, p->predicted);
    t->done++;
    if (t->progress != NULL && t->progress(t->context, t->done, t->total) != 0)
        return byol__fail(error, BYOL_ERROR_CANCELLED, "TF-IDF was stopped after %llu of %llu fits",
                          (unsigned long long)t->done, (unsigned long long)t->total);
    return BYOL_OK;
}

static byol_status try_cs(pair *p, task *t, byol_tfidf_result *result, byol_error *error) {
    const byol__split *split = &t->split;
    size_t best = 0;
    for (int i = 0; i < t->options->c_count; i++) {
        size_t right = 0;
        BYOL__TRY(learn_and_predict(p, t, t->options->cs[i], error));
        for (size_t j = 0; j < split->held_out_count; j++)
            right += p->predicted[j] == t->classes.targets[split->held_out[j]];
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
    pair p;
    byol_status status =
        pair_open(&p, t, (selection){&t->train, split->train, split->train_count},
                  (selection){&t->train, split->held_out, split->held_out_count}, error);
    if (status == BYOL_OK) status = try_cs(&p, t, result, error);
    pair_close(&p);
    return status;
}

static byol_status test(task *t, byol_tfidf_result *result, byol_error *error) {
    pair p;
    size_t right = 0, count = t->labels.test_count;
    byol_status status = pair_open(&p, t, (selection){&t->train, NULL, t->labels.train_count},
                                   (selection){&t->test, NULL, count}, error);
    if (status == BYOL_OK) status = learn_and_predict(&p, t, result->c, error);
    for (size_t i = 0; status == BYOL_OK && i < count; i++) {
        t->predicted[i] = t->classes.known[p.predicted[i]];
        right += t->predicted[i] == t->labels.test[i];
    }
    result->accuracy = 100 * (double)right / (double)count;
    pair_close(&p);
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

static byol_status check_options(const byol_tfidf_options *options, byol_error *error) {
    if (options->c_count < 1 || options->cs == NULL)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "TF-IDF needs at least one C to choose from; it was given %d",
                          options->c_count);
    for (int i = 0; i < options->c_count; i++)
        if (!(options->cs[i] > 0) || !isfinite(options->cs[i]))
            return byol__fail(error, BYOL_ERROR_INVALID, "C number %d is %g; it must be above 0", i,
                              (double)options->cs[i]);
    if (!(options->held_out > 0 && options->held_out < 1))
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "the held-out share is %g; it must be between 0 and 1: C is chosen on it",
                          (double)options->held_out);
    return BYOL_OK;
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
    BYOL__TRY(check_options(t->options, error));
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
              .progress = progress,
              .context = context,
              .total = (uint64_t)options->c_count + 1};
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
