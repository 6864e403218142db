/* The classification report of linear and finetune: a table, a CSV file, a part of the JSON object.
 */
#include <stdlib.h>

#include "cli_eval.h"

enum { OPTION_REPORT = 5000, OPTION_CSV, MATRIX_CLASSES = 20, NAME_MAX_SHOWN = 20 };

static const struct argp_option options[] = {
    {"report", OPTION_REPORT, NULL, 0,
     "Print precision, recall, F1 and support of each class, and the confusion matrix", 2},
    {"csv", OPTION_CSV, "FILE", 0, "Write them as a table of comma-separated values", 2},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state) {
    cli_report *report = state->input;
    switch (key) {
    case OPTION_REPORT: report->table = 1; return 0;
    case OPTION_CSV: report->csv = argument; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

const struct argp cli_report_argp = {options, parse, NULL, NULL, NULL, NULL, NULL};
const struct argp_child cli_eval_children[] = {{&cli_eval_argp, 0, NULL, 0},
                                               {&cli_report_argp, 0, NULL, 0},
                                               {&cli_output_argp, 0, NULL, 0},
                                               {0}};

/* A class without a name is shown by its number. */
static const char *class_name(const byol_source *names, int class, char number[16]) {
    const char *name = byol_source_class_name(names, class);
    snprintf(number, 16, "%d", class);
    return name != NULL ? name : number;
}

static const uint64_t *confusion_row(const byol_classification *report, int class) {
    return report->confusion + (size_t) class * (size_t)report->classes;
}

/* ---- table ---- */

static void print_scores(FILE *stream, const char *name, const byol_class_scores *scores) {
    fprintf(stream, "  %-*.*s %9.2f %9.2f %9.2f %9llu\n", NAME_MAX_SHOWN, NAME_MAX_SHOWN, name,
            scores->precision, scores->recall, scores->f1, (unsigned long long)scores->support);
}

static void print_matrix(FILE *stream, const byol_classification *report,
                         const byol_source *names) {
    char number[16];
    if (report->classes > MATRIX_CLASSES) {
        fprintf(stream, "\n(the confusion matrix of %d classes: --csv or --json)\n",
                report->classes);
        return;
    }
    fprintf(stream, "\n  %-*s", NAME_MAX_SHOWN, "taken for class");
    for (int c = 0; c < report->classes; c++) fprintf(stream, " %5d", c);
    fputc('\n', stream);
    for (int row = 0; row < report->classes; row++) {
        fprintf(stream, "  %2d %-*.*s", row, NAME_MAX_SHOWN - 3, NAME_MAX_SHOWN - 3,
                class_name(names, row, number));
        for (int c = 0; c < report->classes; c++)
            fprintf(stream, " %5llu", (unsigned long long)confusion_row(report, row)[c]);
        fputc('\n', stream);
    }
}

static void print_report(const byol_classification *report, const byol_source *names) {
    FILE *stream = cli_tables();
    char number[16], mean[32];
    const char *samples = cli_samples(names);
    if (stream == NULL) return;
    fprintf(stream, "\n  %-*s %9s %9s %9s %9s\n", NAME_MAX_SHOWN, "class (percent)", "precision",
            "recall", "F1", samples);
    for (int c = 0; c < report->classes; c++)
        print_scores(stream, class_name(names, c, number), &report->of_class[c]);
    print_scores(stream, "mean over classes", &report->macro);
    snprintf(mean, sizeof mean, "mean over %s", samples);
    print_scores(stream, mean, &report->weighted);
    print_matrix(stream, report, names);
}

/* ---- CSV ---- */

static void write_scores(FILE *stream, const char *name, const byol_class_scores *scores) {
    cli_csv_field(stream, name);
    fprintf(stream, ",%.6g,%.6g,%.6g,%llu", scores->precision, scores->recall, scores->f1,
            (unsigned long long)scores->support);
}

/* One row for each class: its figures, then its row of the confusion matrix. Then the two means. */
static void write_csv(FILE *stream, const byol_classification *report, const byol_source *names) {
    char number[16];
    fputs("class,precision,recall,f1,support", stream);
    for (int c = 0; c < report->classes; c++) {
        fputs(",predicted ", stream);
        cli_csv_field(stream, class_name(names, c, number));
    }
    fputc('\n', stream);
    for (int row = 0; row < report->classes; row++) {
        write_scores(stream, class_name(names, row, number), &report->of_class[row]);
        for (int c = 0; c < report->classes; c++)
            fprintf(stream, ",%llu", (unsigned long long)confusion_row(report, row)[c]);
        fputc('\n', stream);
    }
    const struct {
        const char *name;
        const byol_class_scores *scores;
    } means[] = {{"macro", &report->macro}, {"weighted", &report->weighted}};
    for (int m = 0; m < 2; m++) {
        write_scores(stream, means[m].name, means[m].scores);
        for (int c = 0; c < report->classes; c++) fputc(',', stream);
        fputc('\n', stream);
    }
}

static byol_status save_csv(const char *path, const byol_classification *report,
                            const byol_source *names, byol_error *error) {
    cli_file file;
    byol_status status = cli_file_begin(&file, path, error);
    if (status != BYOL_OK) return status;
    write_csv(file.stream, report, names);
    return cli_file_finish(&file, error);
}

/* ---- JSON ---- */

static json_t *describe_scores(const char *name, const byol_class_scores *scores) {
    json_t *object =
        json_pack("{s:f, s:f, s:f, s:I}", "precision", scores->precision, "recall", scores->recall,
                  "f1", scores->f1, "support", (json_int_t)scores->support);
    json_t *text =
        name != NULL ? json_string(name) : NULL; /* NULL where the name is not UTF-8, too */
    if (text != NULL) json_object_set_new(object, "name", text);
    return object;
}

static json_t *describe_report(const byol_classification *report, const byol_source *names) {
    json_t *classes = json_array(), *confusion = json_array();
    char number[16];
    for (int row = 0; row < report->classes; row++) {
        json_t *counts = json_array();
        for (int c = 0; c < report->classes; c++)
            json_array_append_new(counts, json_integer((json_int_t)confusion_row(report, row)[c]));
        json_array_append_new(
            classes, describe_scores(class_name(names, row, number), &report->of_class[row]));
        json_array_append_new(confusion, counts);
    }
    return json_pack("{s:o, s:o, s:o, s:o}", "classes", classes, "macro",
                     describe_scores(NULL, &report->macro), "weighted",
                     describe_scores(NULL, &report->weighted), "confusion", confusion);
}

byol_status cli_report_show(const cli_report *report, const cli_labelled *test, int classes,
                            const int32_t *predicted, json_t *object, byol_error *error) {
    byol_classification figures;
    byol_status status =
        byol_classification_init(&figures, test->labels, predicted, test->count, classes, error);
    if (status != BYOL_OK) return status;
    if (report->table) print_report(&figures, test->source);
    json_object_set_new(object, "report", describe_report(&figures, test->source));
    if (report->csv != NULL) status = save_csv(report->csv, &figures, test->source, error);
    byol_classification_release(&figures);
    return status;
}
