#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "report/chart.h"
#include "report/html.h"
#include "report/sections.h"

static const struct {
    const char *name, *key;
} rows[] = {{"This run", "trained"},
            {"Same network, random weights", "random_init"},
            {"Raw pixels (distance)", "pixels"}};
enum { ROWS = sizeof rows / sizeof *rows };

static void write_table(FILE *page, const json_t *result) {
    byol__html(page, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table of "
                     "verification\"><table class=\"worth\">\n<thead><tr><th "
                     "scope=\"col\">Features</th><th scope=\"col\" class=\"num\">EER</th><th "
                     "scope=\"col\" class=\"num\">TAR at 1 %% FAR</th><th scope=\"col\" "
                     "class=\"num\">AUC</th></tr></thead>\n<tbody>\n");
    for (int r = 0; r < ROWS; r++) {
        const json_t *row = json_object_get(result, rows[r].key);
        if (row == NULL) continue;
        byol__html(page,
                   "<tr><th scope=\"row\">%s</th><td class=\"num\">%.1f %%</td><td "
                   "class=\"num\">%.1f %%</td><td class=\"num\">%.1f %%</td></tr>\n",
                   rows[r].name, byol__number(row, "eer"), byol__number(row, "tar_at_far_1"),
                   byol__number(row, "auc"));
    }
    byol__html(page, "</tbody></table></div>\n");
}

static void write_conditions(FILE *page, const byol__run_data *run_data, const json_t *result) {
    const json_t *threshold = json_object_get(result, "threshold");
    int outdated = 0;
    byol__run_data_evaluation(run_data, "verify", &outdated);
    byol__html(page,
               "<p class=\"small\">%s: %.0f pairs of the same person, %.0f of different ones.",
               byol__words(result, "pairs"), byol__number(result, "same"),
               byol__number(result, "different"));
    if (threshold != NULL)
        byol__html(page,
                   " A threshold chosen on other persons for %g %% FAR gave %.1f %% FAR and %.1f "
                   "%% TAR: thresholds do not transfer well.",
                   byol__number(threshold, "wanted_far"), byol__number(threshold, "far"),
                   byol__number(threshold, "tar"));
    if (json_is_true(json_object_get(result, "mean")))
        byol__html(page, " Vectors are means over views.");
    if (outdated)
        byol__html(page, " Measured after step %.0f of %.0f.", byol__number(result, "step"),
                   run_data->last_step);
    byol__html(page, "</p>\n");
}

/* Percent. `x` and `y` hold `count` numbers. */
static void read_curve(const json_t *curve, size_t count, double *x, double *y) {
    for (size_t i = 0; i < count; i++) {
        const json_t *point = json_array_get(curve, i);
        x[i] = 100 * json_number_value(json_array_get(point, 0));
        y[i] = 100 * json_number_value(json_array_get(point, 1));
    }
}

static byol_status write_curves(FILE *page, const json_t *result, byol_error *error) {
    byol__chart chart = {.title = "ROC",
                         .about =
                             "How many pairs of the same person are accepted (up), by how many "
                             "of different persons are accepted by mistake (to the right, in "
                             "percent). The nearer to the upper left corner, the better.",
                         .unit = " %",
                         .along = "FAR in percent",
                         .from_zero = true};
    double *room[ROWS] = {0};
    byol_status status = BYOL_OK;
    for (int r = 0; r < ROWS && status == BYOL_OK; r++) {
        const json_t *curve = json_object_get(json_object_get(result, rows[r].key), "curve");
        size_t count = json_array_size(curve);
        if (count == 0) continue;
        status = byol__alloc(&room[r], 2 * count, sizeof *room[r], "a ROC curve", error);
        if (status != BYOL_OK) break;
        read_curve(curve, count, room[r], room[r] + count);
        chart.series[chart.series_count++] =
            (byol__series){rows[r].name, room[r], room[r] + count, count};
    }
    if (status == BYOL_OK) status = byol__chart_write(page, &chart, error);
    for (int r = 0; r < ROWS; r++) byol__free(room[r]);
    return status;
}

byol_status byol__section_verify(FILE *page, const byol__run_data *run_data, byol_error *error) {
    const json_t *result = byol__run_data_evaluation(run_data, "verify", NULL);
    if (result == NULL) return BYOL_OK;
    byol__html(page, "<section id=\"verify\">\n<h2>The same person or not</h2>\n<p "
                     "class=\"intro\">Pairs of pictures by the cosine of their vectors. EER: the "
                     "threshold where both kinds of errors are equally frequent.</p>\n");
    write_table(page, result);
    byol__html(page, "<div class=\"charts\">\n");
    BYOL__TRY(write_curves(page, result, error));
    byol__html(page, "</div>\n");
    write_conditions(page, run_data, result);
    byol__html(page, "</section>\n");
    return BYOL_OK;
}
