/* Results of segmentation and detection in evaluation.json. */
#include <math.h>

#include "base/error.h"
#include "report/evaluation.h"
#include "state/json_file.h"
#include "state/runfolder.h"

/* {"name": .., "values": [..]}; what was not measured is null. */
static json_t *list_rows(const byol_task_row *rows, size_t count) {
    json_t *list = json_array();
    for (size_t r = 0; r < count; r++) {
        json_t *values = json_array();
        for (int m = 0; m < BYOL_MEASURES; m++) {
            double value = rows[r].values[m];
            json_array_append_new(values, isfinite(value) ? json_real(value) : json_null());
        }
        json_array_append_new(list, json_pack("{s:o, s:o}", "name", byol__json_words(rows[r].name),
                                              "values", values));
    }
    return list;
}

static json_t *list_words(const char *const *words, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(list, byol__json_words(words[i]));
    return list;
}

static json_t *describe(const byol_task_evaluation *e) {
    return json_pack("{s:I, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "step",
                     (json_int_t)e->step, "train", byol__json_words(e->train), "test",
                     byol__json_words(e->test), "train_count", (json_int_t)e->train_count,
                     "test_count", (json_int_t)e->test_count, "how", byol__json_words(e->how),
                     "measures", list_words(e->measures, BYOL_MEASURES), "rows",
                     list_rows(e->rows, e->row_count), "by_class",
                     list_rows(e->classes, e->class_count), "legend", byol__json_words(e->legend),
                     "pictures", list_words(e->pictures, e->picture_count));
}

byol_status byol_task_evaluation_save(const char *run, const byol_task_evaluation *evaluation,
                                      byol_error *error) {
    char path[BYOL__RUN_PATH_MAX];
    byol__run_path(run, "evaluation.json", path);
    json_t *all = byol__evaluation_read(run);
    if (json_object_set_new(all, evaluation->task, describe(evaluation)) != 0) {
        json_decref(all);
        return byol__fail(error, BYOL_ERROR_IO, "cannot write %s", path);
    }
    return byol__json_write(path, all, 1, error);
}

bool byol__evaluation_is_task(const json_t *result) {
    return json_is_array(json_object_get(result, "measures"));
}
