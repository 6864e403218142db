#include "report/run_data.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "config/options.h"
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

static void take_line(byol__run_data *run_data, const char *line, size_t length) {
    json_t *object = json_loadb(line, length, 0, NULL);
    if (isfinite(byol__number(object, "step")) && isfinite(byol__number(object, "epoch"))) {
        for (int f = 0; f < BYOL__FIGURES; f++)
            run_data->figures[f][run_data->lines] = byol__number(object, keys[f]);
        run_data->last_step = byol__number(object, "step");
        run_data->lines++;
    }
    json_decref(object);
}

/* "seconds" start again from 0 each time the run is resumed. */
static double sum_seconds(const byol__run_data *run_data) {
    const double *seconds = run_data->figures[BYOL__SECONDS];
    double sum = 0, last = 0;
    for (size_t i = 0; i < run_data->lines; i++) {
        if (!isfinite(seconds[i])) continue;
        if (seconds[i] < last) sum += last;
        last = seconds[i];
    }
    return run_data->lines > 0 ? sum + last : (double)NAN;
}

static byol_status take_log(byol__run_data *run_data, const char *text, size_t length,
                            byol_error *error) {
    size_t lines = 1;
    for (size_t i = 0; i < length; i++) lines += text[i] == '\n';
    for (int f = 0; f < BYOL__FIGURES; f++)
        BYOL__TRY(
            byol__alloc(&run_data->figures[f], lines, sizeof(double), "the log of a run", error));
    for (const char *line = text; line < text + length;) {
        const char *end = memchr(line, '\n', (size_t)(text + length - line));
        if (end == NULL) end = text + length;
        take_line(run_data, line, (size_t)(end - line));
        line = end + 1;
    }
    run_data->seconds = sum_seconds(run_data);
    return BYOL_OK;
}

static byol_status read_log(byol__run_data *run_data, byol_error *error) {
    char path[BYOL__RUN_PATH_MAX], *text;
    size_t length;
    byol__run_path(run_data->path, "metrics.jsonl", path);
    BYOL__TRY(byol__read_file(path, &text, &length, error));
    byol_status status = take_log(run_data, text, length, error);
    byol__free(text);
    return status;
}

/* ---- The whole folder ---- */

static void find_name(byol__run_data *run_data) {
    const char *end = run_data->path + strlen(run_data->path);
    while (end > run_data->path + 1 && end[-1] == '/') end--;
    const char *first = end;
    while (first > run_data->path && first[-1] != '/') first--;
    snprintf(run_data->name, sizeof run_data->name, "%.*s", (int)(end - first), first);
}

byol_status byol__run_data_read(byol__run_data *run_data, const char *path, byol_error *error) {
    char file[BYOL__RUN_PATH_MAX];
    run_data->path = path;
    find_name(run_data);
    byol__run_path(path, "config.yaml", file);
    if (!byol__is_file(file))
        return byol__fail(error, BYOL_ERROR_NOT_FOUND, "%s is no run folder: it has no config.yaml",
                          path);
    byol_config_init(&run_data->config);
    /* An old config.yaml without `recipe` comes from a time when BYOL was the default. */
    BYOL__TRY(byol_config_set(&run_data->config, "recipe", "byol", error));
    BYOL__TRY(byol_config_load(&run_data->config, file, error));
    BYOL__TRY(read_log(run_data, error));
    byol__run_path(path, "summary.json", file);
    run_data->summary = json_load_file(file, 0, NULL);
    if (run_data->summary == NULL) run_data->summary = json_object();
    /* NaN does not count in fmax. */
    run_data->last_step = fmax(run_data->last_step, byol__number(run_data->summary, "steps"));
    run_data->evaluations = byol__evaluation_read(path);
    return BYOL_OK;
}

void byol__run_data_release(byol__run_data *run_data) {
    for (int f = 0; f < BYOL__FIGURES; f++) byol__free(run_data->figures[f]);
    json_decref(run_data->summary);
    json_decref(run_data->evaluations);
}

/* ---- Questions ---- */

bool byol__run_data_has_texts(const byol__run_data *run_data) {
    return byol__encoder_takes_texts(run_data->config.encoder.name);
}

const char *byol__run_data_samples(const byol__run_data *run_data) {
    if (byol__takes_sounds(&run_data->config)) return "sounds";
    return byol__run_data_has_texts(run_data) ? "texts" : "images";
}

const char *byol__run_data_sample(const byol__run_data *run_data) {
    if (byol__takes_sounds(&run_data->config)) return "sound";
    return byol__run_data_has_texts(run_data) ? "text" : "image";
}

double byol__run_data_last(const byol__run_data *run_data, byol__figure figure) {
    for (size_t i = run_data->lines; i > 0; i--)
        if (isfinite(run_data->figures[figure][i - 1])) return run_data->figures[figure][i - 1];
    return (double)NAN;
}

double byol__run_data_late(const byol__run_data *run_data, byol__figure figure) {
    double sum = 0;
    size_t wanted = run_data->lines / 10 + 1, found = 0;
    for (size_t i = run_data->lines; i > 0 && found < wanted; i--) {
        if (!isfinite(run_data->figures[figure][i - 1])) continue;
        sum += run_data->figures[figure][i - 1];
        found++;
    }
    return found > 0 ? sum / (double)found : (double)NAN;
}

double byol__run_data_epochs(const byol__run_data *run_data) {
    double logged = byol__run_data_last(run_data, BYOL__EPOCH);
    if (isfinite(logged)) return logged;
    double part =
        byol__number(run_data->summary, "steps") / byol__number(run_data->summary, "steps_planned");
    return part * run_data->config.train.epochs;
}

double byol__run_data_speed(const byol__run_data *run_data) {
    double speed = byol__number(run_data->summary, "images_per_second");
    return isfinite(speed) ? speed : byol__run_data_late(run_data, BYOL__SPEED);
}

int byol__run_data_same_images(const json_t *evaluation) {
    return json_is_true(json_object_get(evaluation, "same_images"));
}

const json_t *byol__run_data_evaluation(const byol__run_data *run_data, const char *method,
                                        int *outdated) {
    const json_t *found = json_object_get(run_data->evaluations, method);
    if (!json_is_object(found)) return NULL;
    if (outdated != NULL) *outdated = byol__number(found, "step") != run_data->last_step;
    return found;
}
