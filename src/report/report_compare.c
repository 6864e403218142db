#include <math.h>
#include <string.h>

#include "report/html.h"
#include "report/sections.h"

/* ---- Results ---- */

typedef double (*column_value)(const byol__run_data *run_data);

static double knn_of(const byol__run_data *run_data) {
    return byol__number(byol__run_data_evaluation(run_data, "knn", NULL), "accuracy");
}
static double linear_of(const byol__run_data *run_data) {
    return byol__number(byol__run_data_evaluation(run_data, "linear", NULL), "accuracy");
}
static double random_of(const byol__run_data *run_data) {
    return byol__number(byol__run_data_evaluation(run_data, "knn", NULL), "random_init_accuracy");
}
static double pixels_of(const byol__run_data *run_data) {
    return byol__number(byol__run_data_evaluation(run_data, "knn", NULL), "pixel_accuracy");
}
static double words_of(const byol__run_data *run_data) {
    return byol__number(byol__run_data_evaluation(run_data, "knn", NULL), "tfidf_accuracy");
}
static double spread_of(const byol__run_data *run_data) {
    return byol__run_data_late(run_data, BYOL__SPREAD);
}
static double loss_of(const byol__run_data *run_data) {
    return byol__run_data_late(run_data, BYOL__LOSS);
}
static double epoch_of(const byol__run_data *run_data) { return byol__run_data_epochs(run_data); }

static const struct {
    const char *name, *unit;
    column_value value;
    int decimals, marked; /* marked: the highest is the best */
} columns[] = {
    {"kNN", " %", knn_of, 2, 1},
    {"linear", " %", linear_of, 2, 1},
    {"random weights, kNN", " %", random_of, 2, 0},
    {"raw pixels, kNN", " %", pixels_of, 2, 0},
    {"words (TF-IDF)", " %", words_of, 2, 0},
    {"loss", "", loss_of, 3, 0},
    {"spread", "", spread_of, 2, 0},
    {"epochs", "", epoch_of, 1, 0},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static double best_of(const byol__run_data *run_data, size_t count, int column) {
    double best = (double)NAN;
    for (size_t r = 0; r < count; r++) best = fmax(best, columns[column].value(&run_data[r]));
    return best;
}

/* What no run has measured has no column: texts have no pixels. */
static int is_known(const byol__run_data *run_data, size_t count, int column) {
    return isfinite(best_of(run_data, count, column));
}

static void write_value(FILE *page, double value, int column, int best) {
    char number[32];
    snprintf(number, sizeof number, "%.*f", columns[column].decimals, value);
    byol__html(page, "<td class=\"num%s\">%s%s</td>", best ? " best" : "",
               isfinite(value) ? number : "-", isfinite(value) ? columns[column].unit : "");
}

void byol__section_comparison(FILE *page, const byol__run_data *run_data, size_t count) {
    char time[48], series[16];
    byol__html(
        page,
        "<section id=\"worth\">\n<h2>Results</h2>\n<p class=\"intro\">Accuracies are those that "
        "<code>byol knn</code> and <code>byol linear</code> left in the runs. Compare only what "
        "was measured on "
        "the same test set.</p>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
        "aria-label=\"Results\">"
        "<table><thead><tr><th scope=\"col\">Run</th>");
    for (int c = 0; c < COLUMNS; c++)
        if (is_known(run_data, count, c))
            byol__html(page, "<th scope=\"col\" class=\"num\">%s</th>", columns[c].name);
    byol__html(page, "<th scope=\"col\" class=\"num\">time</th></tr></thead>\n<tbody>\n");
    for (size_t r = 0; r < count; r++) {
        byol__html(page, "<tr><th scope=\"row\"><span class=\"key %s\"><i></i>%s</span></th>",
                   byol__html_series(series, (int)r), run_data[r].name);
        for (int c = 0; c < COLUMNS; c++) {
            if (!is_known(run_data, count, c)) continue;
            double value = columns[c].value(&run_data[r]);
            write_value(page, value, c,
                        columns[c].marked && !(value < best_of(run_data, count, c)) &&
                            isfinite(value));
        }
        byol__html(page, "<td class=\"num\">%s</td></tr>\n",
                   isfinite(run_data[r].seconds) ? byol__html_duration(time, run_data[r].seconds)
                                                 : "-");
    }
    byol__html(page, "</tbody></table></div>\n</section>\n");
}

/* ---- Settings ---- */

static void value_of(const byol__run_data *run_data, const char *key, char *value, size_t size) {
    value[0] = '\0';
    byol_config_get(&run_data->config, key, value, size, NULL);
}

static int differs(const byol__run_data *run_data, size_t count, const char *key) {
    char first[BYOL_PATH_MAX + 64], other[BYOL_PATH_MAX + 64];
    value_of(&run_data[0], key, first, sizeof first);
    for (size_t r = 1; r < count; r++) {
        value_of(&run_data[r], key, other, sizeof other);
        if (strcmp(first, other) != 0) return 1;
    }
    return 0;
}

void byol__section_differences(FILE *page, const byol__run_data *run_data, size_t count) {
    int written = 0;
    byol__html(page, "<section id=\"settings\">\n<h2>Settings that differ</h2>\n<div "
                     "class=\"scroll\" tabindex=\"0\" "
                     "role=\"region\" aria-label=\"Settings that differ\"><table "
                     "class=\"facts\"><thead><tr><td></td>");
    for (size_t r = 0; r < count; r++)
        byol__html(page, "<th scope=\"col\">%s</th>", run_data[r].name);
    byol__html(page, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < byol_option_count(); i++) {
        byol_option_info info;
        char value[BYOL_PATH_MAX + 64];
        byol_option_describe(i, &info);
        if (!differs(run_data, count, info.key)) continue;
        byol__html(page, "<tr><th scope=\"row\"><code>%s</code></th>", info.key);
        for (size_t r = 0; r < count; r++) {
            value_of(&run_data[r], info.key, value, sizeof value);
            byol__html(page, "<td><code>%s</code></td>", value[0] != '\0' ? value : "-");
        }
        byol__html(page, "</tr>\n");
        written++;
    }
    byol__html(page, "</tbody></table></div>\n%s</section>\n", written == 0 ? "None." : "");
}
