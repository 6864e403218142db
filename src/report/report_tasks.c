#include <math.h>
#include <string.h>

#include "base/files.h"
#include "byol/source.h"
#include "data/decode.h"
#include "report/evaluation.h"
#include "report/html.h"
#include "report/sections.h"
#include "state/runfolder.h"

static const char *title_of(const char *task) {
    if (strcmp(task, "segment") == 0) return "Segmentation, encoder frozen";
    if (strcmp(task, "segment-finetune") == 0) return "Segmentation, fine-tuned";
    if (strcmp(task, "detect") == 0) return "Detection, encoder frozen";
    if (strcmp(task, "detect-finetune") == 0) return "Detection, fine-tuned";
    return task;
}

static const char *words_of(const json_t *word) {
    return json_is_string(word) ? json_string_value(word) : "";
}

/* ---- Tables ---- */

/* The highest value of measure `m`. */
static double best_of(const json_t *rows, size_t m) {
    double best = -INFINITY;
    for (size_t r = 0; r < json_array_size(rows); r++) {
        const json_t *values = json_object_get(json_array_get(rows, r), "values");
        const json_t *value = json_array_get(values, m);
        if (json_is_number(value)) best = fmax(best, json_number_value(value));
    }
    return best;
}

static void write_row(FILE *page, const json_t *row, const json_t *rows, size_t measures,
                      bool mark_best) {
    byol__html(page, "<tr><th scope=\"row\">%s</th>", words_of(json_object_get(row, "name")));
    for (size_t m = 0; m < measures; m++) {
        const json_t *value = json_array_get(json_object_get(row, "values"), m);
        double number = json_number_value(value);
        if (!json_is_number(value)) {
            byol__html(page, "<td class=\"num\">-</td>");
            continue;
        }
        byol__html(page,
                   "<td class=\"num%s\">%.1f %%<span class=\"bar\"><span "
                   "style=\"width:%.2f%%\"></span></span></td>",
                   mark_best && number >= best_of(rows, m) ? " best" : "", number, number);
    }
    byol__html(page, "</tr>\n");
}

static void write_table(FILE *page, const json_t *result, const char *key, const char *heading,
                        bool mark_best) {
    const json_t *measures = json_object_get(result, "measures"),
                 *rows = json_object_get(result, key);
    size_t columns = json_array_size(measures);
    if (json_array_size(rows) == 0) return;
    byol__html(page,
               "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table "
               "class=\"worth\">\n<thead><tr><th scope=\"col\">%s</th>",
               heading, heading);
    for (size_t m = 0; m < columns; m++)
        byol__html(page, "<th scope=\"col\" class=\"num\">%s</th>",
                   words_of(json_array_get(measures, m)));
    byol__html(page, "</tr></thead>\n<tbody>\n");
    for (size_t r = 0; r < json_array_size(rows); r++)
        write_row(page, json_array_get(rows, r), rows, columns, mark_best);
    byol__html(page, "</tbody></table></div>\n");
}

/* ---- Pictures ---- */

/* A picture that is gone is left out: the folder may have been moved without it. */
static void write_picture(FILE *page, const char *run, const char *name, const char *words) {
    char path[BYOL__RUN_PATH_MAX];
    const unsigned char *bytes;
    size_t length;
    byol_picture picture = {0};
    const byol__decode_request request = {.channels = 3};
    if (*name == '\0' || *name == '/' || strstr(name, "..") != NULL) return;
    byol__run_path(run, name, path);
    if (byol__map_file(path, &bytes, &length, NULL) != BYOL_OK) return;
    if (byol__decode(bytes, length, &request, &picture, NULL) == BYOL_OK) {
        const byol_image *image = &picture.image;
        byol__html(page, "<img alt=\"%s\" width=\"%d\" height=\"%d\" src=\"", words, image->width,
                   image->height);
        byol__html_picture(page, image->pixels, 3, image->height, image->width);
        byol__html(page, "\"/>\n");
    }
    byol_picture_release(&picture);
    byol__unmap_file(bytes, length);
}

static void write_pictures(FILE *page, const byol__run_data *run_data, const json_t *result) {
    const json_t *names = json_object_get(result, "pictures");
    const char *legend = words_of(json_object_get(result, "legend"));
    if (json_array_size(names) == 0) return;
    byol__html(page, "<p class=\"small\">%s</p>\n<div class=\"answers\">\n", legend);
    for (size_t i = 0; i < json_array_size(names); i++)
        write_picture(page, run_data->path, words_of(json_array_get(names, i)), legend);
    byol__html(page, "</div>\n");
}

/* ---- The section ---- */

static void write_task(FILE *page, const byol__run_data *run_data, const char *task,
                       const json_t *result) {
    char train[48], test[48];
    int outdated = 0;
    byol__run_data_evaluation(run_data, task, &outdated);
    byol__html(page, "<section id=\"%s\">\n<h2>%s</h2>\n<p class=\"intro\">%s. ", task,
               title_of(task), words_of(json_object_get(result, "how")));
    byol__html(page, "Learned from %s pictures (%s), measured on %s others (%s)%s.</p>\n",
               byol__html_count(train, (uint64_t)byol__number(result, "train_count")),
               words_of(json_object_get(result, "train")),
               byol__html_count(test, (uint64_t)byol__number(result, "test_count")),
               words_of(json_object_get(result, "test")),
               outdated ? ", with earlier weights of this run" : "");
    write_table(page, result, "rows", "Features", true);
    write_table(page, result, "by_class", "Class", false);
    write_pictures(page, run_data, result);
    byol__html(page, "</section>\n");
}

void byol__section_tasks(FILE *page, const byol__run_data *run_data) {
    const char *task;
    json_t *result;
    json_object_foreach(run_data->evaluations, task, result) if (byol__evaluation_is_task(result))
        write_task(page, run_data, task, result);
}
