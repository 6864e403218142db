#include <math.h>
#include <string.h>

#include "config/options.h"
#include "report/html.h"
#include "report/sections.h"

/* ---- Has it collapsed? ---- */

typedef enum health { HEALTHY, NARROW, FEW_DIRECTIONS, COLLAPSED, NOT_A_NUMBER, UNKNOWN } health;

/* Combines the monitor's verdict at the last checkpoint with what the log shows: for a run without
 * a checkpoint, and for a spread that has become narrow. */
static health judge(const byol__run_data *run_data) {
    const char *monitor = byol__words(run_data->summary, "monitor");
    double spread = byol__run_data_late(run_data, BYOL__SPREAD),
           rank = byol__run_data_late(run_data, BYOL__RANK);
    if (run_data->lines == 0) return UNKNOWN;
    if (!isfinite(run_data->figures[BYOL__LOSS][run_data->lines - 1])) return NOT_A_NUMBER;
    if (strcmp(monitor, "collapsed") == 0 || spread < 0.05 || rank < 1.5) return COLLAPSED;
    if (strcmp(monitor, "few directions") == 0) return FEW_DIRECTIONS;
    return spread < 0.5 ? NARROW : HEALTHY;
}

static void write_health(FILE *page, const byol__run_data *run_data) {
    double spread = byol__run_data_late(run_data, BYOL__SPREAD);
    switch (judge(run_data)) {
    case HEALTHY:
        byol__html(page,
                   "Training has <strong class=\"good\">not collapsed</strong>: the projections "
                   "are spread out "
                   "(spread %.2f; 1 is even, 0 is collapse). Whether they mean something, that "
                   "does not say. ",
                   spread);
        break;
    case NARROW:
        byol__html(page,
                   "Training looks <strong class=\"doubtful\">doubtful</strong>: the projections "
                   "lie close together "
                   "(spread %.2f; 1 is even, 0 is collapse). ",
                   spread);
        break;
    case FEW_DIRECTIONS:
        byol__html(page,
                   "Training looks <strong class=\"doubtful\">doubtful</strong>: the projections "
                   "use few directions "
                   "(effective rank %.1f). ",
                   byol__run_data_late(run_data, BYOL__RANK));
        break;
    case COLLAPSED:
        byol__html(page,
                   "The representation has <strong class=\"bad\">collapsed</strong>: nearly all "
                   "%s are given "
                   "the same vector (spread %.2f; healthy is near 1). ",
                   byol__run_data_samples(run_data), spread);
        break;
    case NOT_A_NUMBER:
        byol__html(page, "Training <strong class=\"bad\">broke off</strong>: the loss is not a "
                         "number any more. ");
        break;
    case UNKNOWN: byol__html(page, "Nothing has been logged yet. "); break;
    }
}

/* ---- What is it worth? ---- */

typedef struct worth {
    double trained, random, pixels, hog, mels, cepstra, words, usual,
        better; /* usual: the most frequent class */
    const char *better_name;
    int same_images;
} worth;

static void consider(worth *w, double accuracy, const char *name) {
    if (!isfinite(accuracy) || accuracy <= w->better) return;
    w->better = accuracy;
    w->better_name = name;
}

static worth read_worth(const json_t *evaluation) {
    worth w = {.trained = byol__number(evaluation, "accuracy"),
               .random = byol__number(evaluation, "random_init_accuracy"),
               .pixels = byol__number(evaluation, "pixel_accuracy"),
               .hog = byol__number(evaluation, "hog_accuracy"),
               .mels = byol__number(evaluation, "logmel_accuracy"),
               .cepstra = byol__number(evaluation, "mfcc_accuracy"),
               .words = byol__number(evaluation, "tfidf_accuracy"),
               .usual = byol__number(evaluation, "majority_accuracy"),
               .better = -1,
               .better_name = "what has learned nothing",
               .same_images = byol__run_data_same_images(evaluation)};
    consider(&w, w.random, "the untrained network");
    consider(&w, w.pixels, "the raw pixels");
    consider(&w, w.hog, "gradients of the pixels (HOG)");
    consider(&w, w.mels, "mean and deviation of the log-mels");
    consider(&w, w.cepstra, "cepstra with their slopes (MFCC)");
    consider(&w, w.words, "a regression on words (TF-IDF)");
    consider(&w, w.usual, "naming the most frequent class");
    return w;
}

/* Compares the trained network with those methods that have learned nothing. `samples`: "images".
 */
static void write_verdict(FILE *page, const worth *w, const char *samples) {
    if (w->same_images)
        byol__html(page,
                   ". The test %s <strong class=\"doubtful\">are the training %s</strong>: this "
                   "means little.",
                   samples, samples);
    else if (w->trained > w->better)
        byol__html(page, ". That is <strong class=\"good\">%.1f points</strong> more than %s.",
                   w->trained - w->better, w->better_name);
    else if (w->trained >= 100)
        byol__html(page,
                   ". <strong class=\"doubtful\">These %s are too few or too easy</strong> to show "
                   "what it has learned.",
                   samples);
    else if (w->trained > w->random)
        byol__html(page,
                   ". It has learned something, but <strong class=\"doubtful\">%s %s %s</strong> "
                   "by this measure.",
                   w->better_name, w->better == w->pixels || w->better == w->hog ? "do" : "does",
                   w->better > w->trained ? "better" : "as well");
    else
        byol__html(page,
                   ". That is <strong class=\"bad\">no better than %s</strong>: what it has "
                   "learned is worth nothing "
                   "here.",
                   w->better_name);
}

static void write_worth(FILE *page, const byol__run_data *run_data) {
    int outdated = 0;
    char count[48];
    const json_t *knn = byol__run_data_evaluation(run_data, "knn", &outdated);
    if (knn == NULL) {
        byol__html(page,
                   "What its features are worth has not been measured: <code>byol knn %s</code> "
                   "does, where there are labels.",
                   run_data->path);
        return;
    }
    worth w = read_worth(knn);
    byol__html(page,
               "By nearest neighbours, its features classify <strong>%.1f %%</strong> of %s test "
               "%s correctly; ",
               w.trained, byol__html_count(count, (uint64_t)byol__number(knn, "test_count")),
               byol__run_data_samples(run_data));
    if (isfinite(w.random))
        byol__html(page, "the same network without training reaches %.1f %%", w.random);
    if (isfinite(w.pixels))
        byol__html(page, "%sraw pixels %.1f %%", isfinite(w.random) ? ", " : "", w.pixels);
    if (isfinite(w.hog)) byol__html(page, ", histograms of gradients (HOG) %.1f %%", w.hog);
    if (isfinite(w.mels)) byol__html(page, ", mean and deviation of log-mels %.1f %%", w.mels);
    if (isfinite(w.cepstra)) byol__html(page, ", cepstra (MFCC) %.1f %%", w.cepstra);
    if (isfinite(w.words)) byol__html(page, ", a regression on words (TF-IDF) %.1f %%", w.words);
    write_verdict(page, &w, byol__run_data_samples(run_data));
    if (outdated) byol__html(page, " (Measured on earlier weights of this run.)");
}

/* ---- The beginning of the page ---- */

static void write_network(FILE *page, const byol__run_data *run_data) {
    char count[48];
    double parameters = byol__number(run_data->summary, "encoder_parameters");
    const char *name = run_data->config.encoder.name;
    int resnet = strncmp(name, "resnet", 6) == 0;
    byol__html(page, "A <strong>%s%s</strong> of width %d", resnet ? "ResNet-" : "",
               resnet ? name + 6 : name, run_data->config.encoder.width);
    if (isfinite(parameters))
        byol__html(page, " (%s parameters)", byol__html_scaled(count, parameters));
    byol__html(page, " was pre-trained without labels on <strong>%s</strong>",
               run_data->config.data.train);
}

static void write_effort(FILE *page, const byol__run_data *run_data) {
    char steps[48], time[48];
    double epoch = byol__run_data_epochs(run_data), planned = run_data->config.train.epochs;
    if (!isfinite(epoch)) {
        byol__html(page, ". ");
        return;
    }
    if (epoch < planned)
        byol__html(page, " and is at epoch <strong>%.3g of %g</strong>", epoch, planned);
    else
        byol__html(page, " for <strong>%g epoch%s</strong>", epoch, epoch == 1 ? "" : "s");
    byol__html(page, " (%s steps", byol__html_count(steps, (uint64_t)run_data->last_step));
    if (isfinite(run_data->seconds))
        byol__html(page, ", %s", byol__html_duration(time, run_data->seconds));
    byol__html(page, "). ");
}

static void put_remark(const worth *w, const char *samples, char remark[96]) {
    remark[0] = '\0';
    if (w->same_images)
        snprintf(remark, 96, "on the training %s", samples);
    else if (w->trained == w->better)
        snprintf(remark, 96, "as %s", w->better_name);
    else if (isfinite(w->better))
        snprintf(remark, 96, "%.1f points %s %s", fabs(w->trained - w->better),
                 w->trained > w->better ? "above" : "below", w->better_name);
}

static void write_key(FILE *page, const char *name, const char *value, const char *remark) {
    byol__html(page, "<div><dt>%s</dt><dd>%s<small>%s</small></dd></div>", name, value, remark);
}

/* An unknown value is left out. */
static void write_figure(FILE *page, const char *name, double value, int decimals,
                         const char *remark) {
    char text[48];
    if (!isfinite(value)) return;
    snprintf(text, sizeof text, "%.*f", decimals, value);
    write_key(page, name, text, remark);
}

static void write_keys(FILE *page, const byol__run_data *run_data) {
    char value[48], remark[96];
    const json_t *knn = byol__run_data_evaluation(run_data, "knn", NULL),
                 *linear = byol__run_data_evaluation(run_data, "linear", NULL);
    const json_t *results[] = {knn, linear};
    static const char *const names[] = {"kNN accuracy", "Linear accuracy"};
    byol__html(page, "<dl class=\"keys-of-run\">");
    for (int i = 0; i < 2; i++) {
        if (results[i] == NULL) continue;
        worth w = read_worth(results[i]);
        snprintf(value, sizeof value, "%.1f %%", w.trained);
        put_remark(&w, byol__run_data_samples(run_data), remark);
        write_key(page, names[i], value, remark);
    }
    write_figure(page, "Spread", byol__run_data_late(run_data, BYOL__SPREAD), 2,
                 "1 is even, 0 is collapse");
    write_figure(page, "Loss", byol__run_data_late(run_data, BYOL__LOSS), 3,
                 run_data->config.loss.distance == BYOL_COSINE ? "of 0 to 8, in the last tenth"
                                                               : "in the last tenth");
    double speed = byol__run_data_speed(run_data);
    if (isfinite(speed))
        write_key(page,
                  byol__run_data_has_texts(run_data)      ? "Texts a second"
                  : byol__takes_sounds(&run_data->config) ? "Sounds a second"
                                                          : "Images a second",
                  byol__html_count(value, (uint64_t)(speed + 0.5)), "two views of each");
    byol__html(page, "</dl>\n");
}

void byol__section_summary(FILE *page, const byol__run_data *run_data) {
    byol__html(page, "<section id=\"summary\" aria-label=\"Summary\">\n<p class=\"lead\">");
    write_network(page, run_data);
    write_effort(page, run_data);
    write_health(page, run_data);
    write_worth(page, run_data);
    byol__html(page, "</p>\n");
    write_keys(page, run_data);
    byol__html(page, "</section>\n");
}

/* ---- The honest table ---- */

static const char *method_title(const char *method) {
    if (strcmp(method, "knn") == 0) return "Nearest neighbours";
    if (strcmp(method, "linear") == 0) return "Linear classifier";
    if (strcmp(method, "regression") == 0) return "Logistic regression";
    if (strcmp(method, "finetune") == 0) return "Fine-tuning";
    return method;
}

static void write_cell(FILE *page, double value, int best) {
    if (!isfinite(value)) {
        byol__html(page, "<td class=\"num\">-</td>");
        return;
    }
    byol__html(page,
               "<td class=\"num%s\">%.2f %%<span class=\"bar\"><span "
               "style=\"width:%.2f%%\"></span></span></td>",
               best ? " best" : "", value, value);
}

static const struct {
    const char *name, *key;
} rows[] = {{"This run", "accuracy"},
            {"Same network, random weights", "random_init_accuracy"},
            {"Raw pixels", "pixel_accuracy"},
            {"Gradients (HOG)", "hog_accuracy"},
            {"Log-mels", "logmel_accuracy"},
            {"Cepstra (MFCC)", "mfcc_accuracy"},
            {"Words (TF-IDF)", "tfidf_accuracy"},
            {"Most frequent class", "majority_accuracy"}};
enum { ROWS = sizeof rows / sizeof *rows };

static int is_best(const json_t *result, double value) {
    int best = 1;
    for (int other = 0; other < ROWS; other++)
        best = best && !(byol__number(result, rows[other].key) > value);
    return best;
}

static void write_row(FILE *page, const json_t *all, int row) {
    const char *method;
    json_t *result;
    byol__html(page, "<tr><th scope=\"row\">%s</th>", rows[row].name);
    json_object_foreach((json_t *)all, method, result) {
        double value = byol__number(result, rows[row].key);
        write_cell(page, value, is_best(result, value));
    }
    byol__html(page, "</tr>\n");
}

/* What no method has measured has no row: texts have no pixels. */
static void write_rows(FILE *page, const json_t *all) {
    const char *method;
    json_t *result;
    for (int row = 0; row < ROWS; row++) {
        int measured = 0;
        json_object_foreach((json_t *)all, method, result) measured |=
            isfinite(byol__number(result, rows[row].key));
        if (measured) write_row(page, all, row);
    }
}

static void write_conditions(FILE *page, const byol__run_data *run_data, const char *method,
                             const json_t *result) {
    char train[48], test[48];
    int outdated = 0;
    byol__run_data_evaluation(run_data, method, &outdated);
    const char *samples = byol__run_data_samples(run_data);
    byol__html(page, "%s: learned from %s %s, asked about %s, %d classes", method_title(method),
               byol__html_count(train, (uint64_t)byol__number(result, "train_count")), samples,
               byol__html_count(test, (uint64_t)byol__number(result, "test_count")),
               (int)byol__number(result, "classes"));
    if (byol__run_data_same_images(result))
        byol__html(page, ", <strong>the same %s</strong>", samples);
    if (strcmp(method, "finetune") == 0) byol__html(page, ", random weights trained likewise");
    if (*byol__words(result, "choice_name") != '\0')
        byol__html(page, ", %s %g", byol__words(result, "choice_name"),
                   byol__number(result, "choice"));
    if (outdated)
        byol__html(page, "; measured after step %.0f of %.0f", byol__number(result, "step"),
                   run_data->last_step);
    byol__html(page, ". ");
}

/* Those of classification; other tasks have sections of their own. Owned: json_decref. */
static json_t *accuracies_of(const byol__run_data *run_data) {
    const char *method;
    json_t *result, *all = json_object();
    json_object_foreach(run_data->evaluations, method,
                        result) if (json_object_get(result, "accuracy") != NULL)
        json_object_set(all, method, result);
    return all;
}

static void write_accuracies(FILE *page, const byol__run_data *run_data, json_t *all) {
    const char *method;
    json_t *result;
    int same = 0;
    json_object_foreach(all, method, result) same = same || byol__run_data_same_images(result);
    const char *samples = byol__run_data_samples(run_data);
    byol__html(
        page,
        "<section id=\"worth\">\n<h2>What it is worth</h2>\n<p class=\"intro\">Accuracy on "
        "labelled test %s%s %s. Only what lies above both the untrained network and %s was "
        "learned.</p>\n<div "
        "class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table of accuracies\"><table "
        "class=\"worth\">\n<thead><tr><th scope=\"col\">Features</th>",
        samples,
        same ? "; it means little where they are the training" : ", other ones than the training",
        samples,
        byol__run_data_has_texts(run_data)      ? "the bare words"
        : byol__takes_sounds(&run_data->config) ? "what needs no network"
                                                : "the raw pixels");
    json_object_foreach(all, method, result)
        byol__html(page, "<th scope=\"col\" class=\"num\">%s</th>", method_title(method));
    byol__html(page, "</tr></thead>\n<tbody>\n");
    write_rows(page, all);
    byol__html(page, "</tbody></table></div>\n<p class=\"small\">");
    json_object_foreach(all, method, result) write_conditions(page, run_data, method, result);
    byol__html(page, "</p>\n</section>\n");
}

void byol__section_worth(FILE *page, const byol__run_data *run_data) {
    json_t *all = accuracies_of(run_data);
    if (json_object_size(all) > 0) write_accuracies(page, run_data, all);
    json_decref(all);
}
