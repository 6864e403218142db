#include "report/evaluation.h"

#include <math.h>
#include <stdbool.h>

#include "base/error.h"
#include "state/json_file.h"
#include "state/runfolder.h"

json_t *byol__evaluation_read(const char *run) {
    char path[BYOL__RUN_PATH_MAX];
    byol__run_path(run, "evaluation.json", path);
    json_t *object = json_load_file(path, 0, NULL);
    if (json_is_object(object)) return object;
    json_decref(object);
    return json_object();
}

static void set_number(json_t *object, const char *key, double value) {
    if (isfinite(value)) json_object_set_new(object, key, json_real(value));
}

/* (classes, classes): a list of rows. */
static json_t *list_confusion(const byol_evaluation *evaluation) {
    json_t *matrix = json_array();
    const uint64_t *value = evaluation->confusion;
    for (int i = 0; i < evaluation->classes; i++) {
        json_t *row = json_array();
        for (int j = 0; j < evaluation->classes; j++)
            json_array_append_new(row, json_integer((json_int_t)*value++));
        json_array_append_new(matrix, row);
    }
    return matrix;
}

static json_t *describe(const byol_evaluation *evaluation) {
    json_t *object =
        json_pack("{s:I, s:o, s:o, s:I, s:I, s:i}", "step", (json_int_t)evaluation->step, "train",
                  byol__json_words(evaluation->train), "test", byol__json_words(evaluation->test),
                  "train_count", (json_int_t)evaluation->train_count, "test_count",
                  (json_int_t)evaluation->test_count, "classes", evaluation->classes);
    set_number(object, "accuracy", evaluation->accuracy);
    set_number(object, "random_init_accuracy", evaluation->random_init_accuracy);
    set_number(object, "pixel_accuracy", evaluation->pixel_accuracy);
    set_number(object, "hog_accuracy", evaluation->hog_accuracy);
    if (evaluation->logmel_accuracy > 0)
        set_number(object, "logmel_accuracy", evaluation->logmel_accuracy);
    if (evaluation->mfcc_accuracy > 0)
        set_number(object, "mfcc_accuracy", evaluation->mfcc_accuracy);
    if (evaluation->tfidf_accuracy > 0)
        set_number(object, "tfidf_accuracy", evaluation->tfidf_accuracy);
    if (evaluation->majority_accuracy > 0)
        set_number(object, "majority_accuracy", evaluation->majority_accuracy);
    if (evaluation->choice_name != NULL) {
        json_object_set_new(object, "choice_name", json_string(evaluation->choice_name));
        set_number(object, "choice", evaluation->choice);
    }
    if (evaluation->confusion != NULL && evaluation->classes <= BYOL__CONFUSION_CLASSES)
        json_object_set_new(object, "confusion", list_confusion(evaluation));
    if (evaluation->same_images) json_object_set_new(object, "same_images", json_true());
    return object;
}

/* Puts a result under its key; `result` is released. */
static byol_status keep(const char *run, const char *key, json_t *result, byol_error *error) {
    char path[BYOL__RUN_PATH_MAX];
    byol__run_path(run, "evaluation.json", path);
    json_t *all = byol__evaluation_read(run);
    if (json_object_set_new(all, key, result) != 0) {
        json_decref(all);
        return byol__fail(error, BYOL_ERROR_IO, "cannot write %s", path);
    }
    return byol__json_write(path, all, 1, error);
}

byol_status byol_evaluation_save(const char *run, const byol_evaluation *evaluation,
                                 byol_error *error) {
    return keep(run, evaluation->method, describe(evaluation), error);
}

/* ---- Verification ---- */

enum { CURVE_POINTS = 200 };

/* [[FAR, TAR] ...]: all points of a short curve; of a long one those nearest to an even step along
 * both axes, with both ends. */
static json_t *list_curve(const byol_roc *roc) {
    json_t *list = json_array();
    double last = -1;
    for (size_t i = 0; i < roc->count; i++) {
        double along = roc->far[i] + roc->tar[i];
        bool is_end = i + 1 == roc->count;
        if (roc->count > CURVE_POINTS && !is_end && along < last + 2.0 / CURVE_POINTS) continue;
        last = along;
        json_array_append_new(list, json_pack("[f, f]", roc->far[i], roc->tar[i]));
    }
    return list;
}

static json_t *describe_roc(const byol_roc *roc) {
    return json_pack("{s:f, s:f, s:f, s:o}", "auc", 100 * roc->auc, "eer", 100 * roc->eer,
                     "tar_at_far_1", 100 * roc->tar[byol_roc_at(roc, 0.01)], "curve",
                     list_curve(roc));
}

static json_t *describe_verification(const byol_verification *v) {
    json_t *object = json_pack("{s:I, s:o, s:I, s:I}", "step", (json_int_t)v->step, "pairs",
                               byol__json_words(v->pairs), "same", (json_int_t)v->trained->same,
                               "different", (json_int_t)v->trained->different);
    json_object_set_new(object, "trained", describe_roc(v->trained));
    if (v->random_init != NULL)
        json_object_set_new(object, "random_init", describe_roc(v->random_init));
    if (v->pixels != NULL) json_object_set_new(object, "pixels", describe_roc(v->pixels));
    if (v->threshold != NULL)
        json_object_set_new(object, "threshold",
                            json_pack("{s:f, s:f, s:f, s:f, s:i}", "wanted_far", 100 * v->far,
                                      "value", v->threshold->threshold, "far",
                                      100 * v->threshold->far, "tar", 100 * v->threshold->tar,
                                      "folds", v->threshold->folds));
    if (v->mean) json_object_set_new(object, "mean", json_true());
    return object;
}

byol_status byol_verification_save(const char *run, const byol_verification *verification,
                                   byol_error *error) {
    return keep(run, "verify", describe_verification(verification), error);
}

/* ---- What is there ---- */

static bool is_of_step(const json_t *result, uint64_t step) {
    const json_t *found = json_object_get(result, "step");
    return json_is_integer(found) && (uint64_t)json_integer_value(found) == step;
}

static size_t count_in(const json_t *result, const char *key) {
    return (size_t)json_integer_value(json_object_get(result, key));
}

int byol_evaluation_is_outranked(const char *run, const byol_evaluation *evaluation) {
    json_t *all = byol__evaluation_read(run);
    const json_t *kept = json_object_get(all, evaluation->method);
    size_t test = count_in(kept, "test_count"), train = count_in(kept, "train_count");
    int same = json_is_true(json_object_get(kept, "same_images"));
    int more = same != evaluation->same_images  ? evaluation->same_images
               : test != evaluation->test_count ? test > evaluation->test_count
                                                : train > evaluation->train_count;
    int outranked = is_of_step(kept, evaluation->step) && more;
    json_decref(all);
    return outranked;
}

int byol_evaluation_is_current(const char *run, const char *method, uint64_t step) {
    json_t *all = byol__evaluation_read(run);
    int current = is_of_step(json_object_get(all, method), step);
    json_decref(all);
    return current;
}
