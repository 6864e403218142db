#include "report/told.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "report/evaluation.h"
#include "state/runfolder.h"

static const char *const keys[BYOL__FIGURES] = {
    [BYOL__EPOCH] = "epoch",
    [BYOL__LOSS] = "loss",
    [BYOL__LR] = "lr",
    [BYOL__TAU] = "tau",
    [BYOL__SPREAD] = "spread",
    [BYOL__POSITIVE] = "positive_cosine",
    [BYOL__NEGATIVE] = "negative_cosine",
    [BYOL__RANK] = "effective_rank",
    [BYOL__REPRESENTATION_RANK] = "representation_rank",
    [BYOL__SPEED] = "images_per_second",
    [BYOL__SECONDS] = "seconds",
    [BYOL__KNN] = "knn",
};

double byol__number(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

const char *byol__words(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* ---- The log ---- */

static void take_line(byol__told *told, const char *line, size_t length) {
    json_t *object = json_loadb(line, length, 0, NULL);
    if (isfinite(byol__number(object, "step")) && isfinite(byol__number(object, "epoch"))) {
        for (int f = 0; f < BYOL__FIGURES; f++)
            told->figures[f][told->lines] = byol__number(object, keys[f]);
        told->last_step = byol__number(object, "step");
        told->lines++;
    }
    json_decref(object);
}

/* "seconds" begin anew with each resumption. */
static double sum_seconds(const byol__told *told) {
    const double *seconds = told->figures[BYOL__SECONDS];
    double sum = 0, last = 0;
    for (size_t i = 0; i < told->lines; i++) {
        if (!isfinite(seconds[i])) continue;
        if (seconds[i] < last) sum += last;
        last = seconds[i];
    }
    return told->lines > 0 ? sum + last : (double)NAN;
}

static byol_status take_log(byol__told *told, const char *text, size_t length, byol_error *error) {
    size_t lines = 1;
    for (size_t i = 0; i < length; i++) lines += text[i] == '\n';
    for (int f = 0; f < BYOL__FIGURES; f++)
        BYOL__TRY(byol__alloc(&told->figures[f], lines, sizeof(double), "the log of a run", error));
    for (const char *line = text; line < text + length;) {
        const char *end = memchr(line, '\n', (size_t)(text + length - line));
        if (end == NULL) end = text + length;
        take_line(told, line, (size_t)(end - line));
        line = end + 1;
    }
    told->seconds = sum_seconds(told);
    return BYOL_OK;
}

static byol_status read_log(byol__told *told, byol_error *error) {
    char path[BYOL__RUN_PATH_MAX], *text;
    size_t length;
    byol__run_path(told->path, "metrics.jsonl", path);
    BYOL__TRY(byol__read_file(path, &text, &length, error));
    byol_status status = take_log(told, text, length, error);
    byol__free(text);
    return status;
}

/* ---- The whole ---- */

static void find_name(byol__told *told) {
    const char *end = told->path + strlen(told->path);
    while (end > told->path + 1 && end[-1] == '/') end--;
    const char *first = end;
    while (first > told->path && first[-1] != '/') first--;
    snprintf(told->name, sizeof told->name, "%.*s", (int)(end - first), first);
}

byol_status byol__told_read(byol__told *told, const char *path, byol_error *error) {
    char file[BYOL__RUN_PATH_MAX];
    told->path = path;
    find_name(told);
    byol__run_path(path, "config.yaml", file);
    if (!byol__is_file(file))
        return byol__fail(error, BYOL_ERROR_NOT_FOUND, "%s is no run folder: it has no config.yaml",
                          path);
    byol_config_init(&told->config);
    BYOL__TRY(byol_config_load(&told->config, file, error));
    BYOL__TRY(read_log(told, error));
    byol__run_path(path, "summary.json", file);
    told->summary = json_load_file(file, 0, NULL);
    if (told->summary == NULL) told->summary = json_object();
    told->last_step = fmax(told->last_step, byol__number(told->summary, "steps")); /* NaN loses */
    told->evaluations = byol__evaluation_read(path);
    return BYOL_OK;
}

void byol__told_release(byol__told *told) {
    for (int f = 0; f < BYOL__FIGURES; f++) byol__free(told->figures[f]);
    json_decref(told->summary);
    json_decref(told->evaluations);
}

/* ---- Questions ---- */

double byol__told_last(const byol__told *told, byol__figure figure) {
    for (size_t i = told->lines; i > 0; i--)
        if (isfinite(told->figures[figure][i - 1])) return told->figures[figure][i - 1];
    return (double)NAN;
}

double byol__told_late(const byol__told *told, byol__figure figure) {
    double sum = 0;
    size_t wanted = told->lines / 10 + 1, found = 0;
    for (size_t i = told->lines; i > 0 && found < wanted; i--) {
        if (!isfinite(told->figures[figure][i - 1])) continue;
        sum += told->figures[figure][i - 1];
        found++;
    }
    return found > 0 ? sum / (double)found : (double)NAN;
}

double byol__told_epochs(const byol__told *told) {
    double logged = byol__told_last(told, BYOL__EPOCH);
    if (isfinite(logged)) return logged;
    double part =
        byol__number(told->summary, "steps") / byol__number(told->summary, "steps_planned");
    return part * told->config.train.epochs;
}

int byol__told_same_images(const json_t *evaluation) {
    return json_is_true(json_object_get(evaluation, "same_images"));
}

const json_t *byol__told_evaluation(const byol__told *told, const char *method, int *outdated) {
    const json_t *found = json_object_get(told->evaluations, method);
    if (!json_is_object(found)) return NULL;
    if (outdated != NULL) *outdated = byol__number(found, "step") != told->last_step;
    return found;
}
