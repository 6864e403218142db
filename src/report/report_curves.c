#include <math.h>

#include "report/chart.h"
#include "report/sections.h"

typedef struct curve {
    const char *title, *about, *unit;
    byol__figure figure[2];
    int figures;
    const char *names[2];
    int from_zero, marks, alone; /* alone: only for a single run */
    byol__level level;
} curve;

static const curve curves[] = {
    {.title = "Loss",
     .about = "Summed over both directions. Falling is good, but of a loss that pushes nothing "
              "apart, as BYOL's of 0 to 8, 0 is what collapse looks like.",
     .unit = "",
     .figure = {BYOL__LOSS},
     .figures = 1,
     .names = {"loss"},
     .from_zero = 1},
    {.title = "Spread of the projections",
     .about = "Near 1, they point in all directions. Near 0, all have become the same.",
     .unit = "",
     .figure = {BYOL__SPREAD},
     .figures = 1,
     .names = {"spread"},
     .from_zero = 1,
     .level = {"even", 1}},
    {.title = "Nearest neighbours",
     .about = "Accuracy on the test set while training goes on.",
     .unit = " %",
     .figure = {BYOL__KNN},
     .figures = 1,
     .names = {"kNN"},
     .marks = 1},
    {.title = "Likeness",
     .about = "Cosine of prediction and target: of two views of the same image or text it should "
              "rise, of different ones stay low.",
     .unit = "",
     .figure = {BYOL__POSITIVE, BYOL__NEGATIVE},
     .figures = 2,
     .names = {"the same", "different ones"},
     .from_zero = 1,
     .alone = 1},
    {.title = "Effective rank",
     .about = "How many directions the vectors of a batch use, those of the encoder and those of "
              "the projector behind it. "
              "A steady fall towards 1 warns of collapse.",
     .unit = "",
     .figure = {BYOL__RANK, BYOL__REPRESENTATION_RANK},
     .figures = 2,
     .names = {"projections", "representations"},
     .from_zero = 1},
    {.title = "Learning rate",
     .about = "Scaled by the batch size: warm-up, then a half cosine.",
     .unit = "",
     .figure = {BYOL__LR},
     .figures = 1,
     .names = {"lr"},
     .from_zero = 1},
    {.title = "Target's tau",
     .about = "How much of itself the target network keeps each step; 1 stands still.",
     .unit = "",
     .figure = {BYOL__TAU},
     .figures = 1,
     .names = {"tau"}},
    {.title = "Speed",
     .about = "Samples a second, two views of each.",
     .unit = "",
     .figure = {BYOL__SPEED},
     .figures = 1,
     .names = {"a second"},
     .from_zero = 1},
};

static void add_series(byol__chart *chart, const byol__run_data *run_data, byol__figure figure,
                       const char *name) {
    if (chart->series_count == BYOL__CHART_SERIES) return;
    chart->series[chart->series_count++] = (byol__series){
        name, run_data->figures[BYOL__EPOCH], run_data->figures[figure], run_data->lines};
}

/* The levels to compare the accuracies during training with. */
static void add_baselines(byol__chart *chart, const byol__run_data *run_data) {
    const json_t *knn = byol__run_data_evaluation(run_data, "knn", NULL);
    const byol__level levels[] = {{"raw pixels", byol__number(knn, "pixel_accuracy")},
                                  {"random weights", byol__number(knn, "random_init_accuracy")},
                                  {"gradients (HOG)", byol__number(knn, "hog_accuracy")},
                                  {"log-mels", byol__number(knn, "logmel_accuracy")},
                                  {"words (TF-IDF)", byol__number(knn, "tfidf_accuracy")},
                                  {"most frequent class", byol__number(knn, "majority_accuracy")}};
    for (size_t l = 0; l < sizeof levels / sizeof *levels; l++)
        if (isfinite(levels[l].value) && chart->level_count < BYOL__CHART_LEVELS)
            chart->levels[chart->level_count++] = levels[l];
}

static byol_status write_curve(FILE *page, const curve *wanted, const byol__run_data *run_data,
                               size_t count, byol_error *error) {
    byol__chart chart = {.title = wanted->title,
                         .about = wanted->about,
                         .unit = wanted->unit,
                         .from_zero = wanted->from_zero,
                         .marks = wanted->marks};
    if (wanted->level.name != NULL) chart.levels[chart.level_count++] = wanted->level;
    for (size_t r = 0; r < count; r++)
        for (int f = 0; f < wanted->figures; f++)
            add_series(&chart, &run_data[r], wanted->figure[f],
                       count > 1 ? run_data[r].name : wanted->names[f]);
    if (count == 1 && wanted->figure[0] == BYOL__KNN) add_baselines(&chart, run_data);
    return byol__chart_write(page, &chart, error);
}

byol_status byol__section_curves(FILE *page, const byol__run_data *run_data, size_t count,
                                 byol_error *error) {
    byol_status status = BYOL_OK;
    size_t lines = 0;
    for (size_t r = 0; r < count; r++) lines += run_data[r].lines;
    if (lines == 0) return BYOL_OK;
    fputs("<section id=\"curves\">\n<h2>Training</h2>\n<p class=\"intro\">By epoch. Point at a "
          "chart, or choose it "
          "with Tab "
          "and use the arrow keys, to read its values.</p>\n<div class=\"charts\">\n",
          page);
    for (size_t c = 0; c < sizeof curves / sizeof *curves && status == BYOL_OK; c++)
        if (count == 1 || !curves[c].alone)
            status = write_curve(page, &curves[c], run_data, count, error);
    fputs("</div>\n</section>\n", page);
    return status;
}
