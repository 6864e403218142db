#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "report/evaluation.h"
#include "report/html.h"
#include "report/sections.h"

enum { TABLE_CLASSES = 20, PAIRS_SHOWN = 10 };

typedef struct matrix {
    int classes;
    /* (classes, classes): the share of the true class's samples that was predicted as the other
     * class. */
    double *share;
    const byol_source *test, *train; /* may know the names of the classes; or NULL */
} matrix;

static byol_status read_matrix(const json_t *rows, matrix *m, byol_error *error) {
    size_t classes = json_array_size(rows);
    if (classes > BYOL__CONFUSION_CLASSES) classes = 0;
    m->classes = (int)classes;
    byol_status status =
        byol__alloc(&m->share, classes * classes, sizeof *m->share, "the confusion matrix", error);
    for (size_t i = 0; i < classes && status == BYOL_OK; i++) {
        double sum = 0;
        for (size_t j = 0; j < classes; j++) {
            double value = json_number_value(json_array_get(json_array_get(rows, i), j));
            m->share[i * classes + j] = value;
            sum += value;
        }
        for (size_t j = 0; j < classes && sum > 0; j++) m->share[i * classes + j] /= sum;
    }
    return status;
}

/* A source with other classes than the result has no names for it. */
static const byol_source *if_fitting(const byol_source *source, int classes) {
    byol_source_info info = {0};
    if (source != NULL) byol_source_describe(source, &info);
    return info.classes == classes ? source : NULL;
}

static const char *name_of(const matrix *m, int label, char text[64]) {
    return byol__label_words(m->test, m->train, label, text);
}

/* ---- The table, for few classes ---- */

static void write_row(FILE *page, const matrix *m, int label) {
    char name[64], other[64];
    byol__html(page, "<tr><th scope=\"row\">%s</th>", name_of(m, label, name));
    for (int j = 0; j < m->classes; j++) {
        double share = m->share[label * m->classes + j];
        byol__html(page, "<td class=\"%s\" style=\"--v:%.3f\" title=\"%s taken for %s: %.1f %%\">",
                   j == label ? "right" : "wrong", sqrt(share), name, name_of(m, j, other),
                   100 * share);
        if (share > 0.005) byol__html(page, "%.0f", 100 * share);
        byol__html(page, "</td>");
    }
    byol__html(page, "</tr>\n");
}

static void write_table(FILE *page, const matrix *m) {
    char name[64];
    byol__html(
        page,
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Confusion matrix\">"
        "<table class=\"confusion\"><thead><tr><td></td>");
    for (int j = 0; j < m->classes; j++)
        byol__html(page, "<th scope=\"col\"><span>%s</span></th>", name_of(m, j, name));
    byol__html(page, "</tr></thead>\n<tbody>\n");
    for (int i = 0; i < m->classes; i++) write_row(page, m, i);
    byol__html(page, "</tbody></table></div>\n");
}

/* ---- The worst pairs ---- */

typedef struct confused {
    int label, taken_for;
    double share;
} confused;

static int by_share(const void *a, const void *b) {
    double x = ((const confused *)a)->share, y = ((const confused *)b)->share;
    return (x < y) - (x > y);
}

static byol_status write_pairs(FILE *page, const matrix *m, byol_error *error) {
    confused *pairs;
    char name[64], other[64];
    int count = 0;
    byol_status status = byol__alloc(&pairs, (size_t)m->classes * (size_t)m->classes, sizeof *pairs,
                                     "the confused pairs", error);
    if (status != BYOL_OK) return status;
    for (int i = 0; i < m->classes; i++)
        for (int j = 0; j < m->classes; j++)
            if (i != j) pairs[count++] = (confused){i, j, m->share[i * m->classes + j]};
    qsort(pairs, (size_t)count, sizeof *pairs, by_share);
    byol__html(page, "<div><h3>Confused most</h3>\n<table class=\"pairs\"><tbody>\n");
    for (int p = 0; p < count && p < PAIRS_SHOWN && pairs[p].share > 0; p++)
        byol__html(page,
                   "<tr><td>%s <span class=\"help\">taken for</span> %s</td><td class=\"num\">%.1f "
                   "%%</td></tr>\n",
                   name_of(m, pairs[p].label, name), name_of(m, pairs[p].taken_for, other),
                   100 * pairs[p].share);
    byol__html(page, "</tbody></table></div>\n");
    byol__free(pairs);
    return BYOL_OK;
}

byol_status byol__section_confusion(FILE *page, const byol__run_data *run_data,
                                    const byol_report_options *options, byol_error *error) {
    const json_t *knn = byol__run_data_evaluation(run_data, "knn", NULL),
                 *rows = json_object_get(knn, "confusion");
    matrix m = {0};
    if (json_array_size(rows) < 2) return BYOL_OK;
    byol_status status = read_matrix(rows, &m, error);
    m.test = if_fitting(options->test, m.classes);
    m.train = if_fitting(options->train, m.classes);
    if (status == BYOL_OK && m.classes > 0) {
        int table = m.classes <= TABLE_CLASSES;
        byol__html(page,
                   "<section id=\"confusion\">\n<h2>What is taken for what</h2>\n<p "
                   "class=\"intro\">%s</p>\n",
                   table ? "By nearest neighbours. Each row is a class, and says in percent what "
                           "its part of the test set is taken for; the diagonal is right."
                         : "By nearest neighbours: the classes that are confused most, in percent "
                           "of the first one's part of the test set.");
        byol__html(page, "<div class=\"beside\">");
        if (table) write_table(page, &m);
        status = write_pairs(page, &m, error);
        byol__html(page, "</div>\n</section>\n");
    }
    byol__free(m.share);
    return status;
}
