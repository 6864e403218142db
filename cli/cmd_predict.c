#include <inttypes.h>
#include <stdlib.h>

#include "byol/classify.h"
#include "cli_vectors.h"

enum { NAME_BYTES = 4096, TOP_MAX = 1000 };

typedef struct arguments {
    const char *model, *data, *out;
    int top, threads;
} arguments;

/* What was predicted of a source. */
typedef struct predictions {
    byol_classifier *classifier;
    byol_source *source;
    byol_source_info info;
    int classes, top;
    float *probabilities; /* (count, classes) */
    int *order;           /* (classes): of one sample, the most probable first */
    size_t unreadable, labelled, right;
    size_t unknown; /* labelled samples of a class that the classifier does not know */
    char unknown_name[256];
} predictions;

/* ---- arguments ---- */

static error_t parse(int key, char *argument, struct argp_state *state) {
    arguments *args = state->input;
    switch (key) {
    case 'd': args->data = argument; return 0;
    case 'o': args->out = argument; return 0;
    case 'k': args->top = (int)cli_whole_number("--top", argument, 1, TOP_MAX, state); return 0;
    case 't': args->threads = cli_threads(argument, state); return 0;
    case ARGP_KEY_ARG:
        cli_only_argument(&args->model, argument, "CLASSIFIER file", state);
        return 0;
    case ARGP_KEY_END:
        if (args->model == NULL) argp_error(state, "which CLASSIFIER file?");
        if (args->data == NULL)
            argp_error(state, "--data SRC is needed: the images, texts or sounds to classify");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"data", 'd', "SRC", 0,
     "Images, texts or sounds to classify; -: paths of pictures on standard input, a line each", 0},
    {"out", 'o', "FILE.csv", 0, "Where path, class and probability of each go", 0},
    {"top", 'k', "K", 0, "So many classes of each, the most probable first (default 1)", 0},
    {"threads", 't', "N", 0, "0: every processor the process may use", 0},
    {0},
};
static const struct argp parser = {
    options,
    parse,
    "CLASSIFIER.safetensors",
    "Names the class of images, texts or sounds, by a classifier that 'byol finetune' or 'byol "
    "linear' "
    "wrote with --out. Where the source has labels, the accuracy is printed too."
    "\vExample:\n  byol predict tuned.safetensors --data photos/ --out predictions.csv",
    cli_output_children,
    NULL,
    NULL};

/* ---- prediction ---- */

static byol_status compute(predictions *p, byol_error *error) {
    cli_progress progress;
    p->probabilities = cli_matrix(p->info.count, (size_t)p->classes);
    p->order = malloc((size_t)p->classes * sizeof *p->order);
    if (p->probabilities == NULL || p->order == NULL)
        return cli_error(error, BYOL_ERROR_MEMORY, "no memory for %zu predictions", p->info.count);
    cli_progress_begin(&progress, "classifying", cli_samples(p->source));
    byol_status status = byol_classifier_predict(p->classifier, p->source, p->probabilities,
                                                 cli_progress_hook, &progress, error);
    cli_progress_end(&progress);
    return status;
}

/* The `top` most probable classes of a sample, in p->order; of equals, the first comes first. */
static const float *rank(predictions *p, size_t index) {
    const float *row = p->probabilities + index * (size_t)p->classes;
    for (int c = 0; c < p->classes; c++) p->order[c] = c;
    for (int k = 0; k < p->top; k++) {
        int best = k;
        for (int c = k + 1; c < p->classes; c++) {
            float more = row[p->order[c]], most = row[p->order[best]];
            if (more > most || (more >= most && p->order[c] < p->order[best])) best = c;
        }
        int kept = p->order[k];
        p->order[k] = p->order[best];
        p->order[best] = kept;
    }
    return row;
}

/* Compares with the label, if there is one. */
static void compare(predictions *p, size_t index) {
    int32_t label = byol_source_label(p->source, index);
    if (label < 0) return;
    int known = byol_classifier_match(p->classifier, p->source, label);
    const char *name = byol_source_class_name(p->source, label);
    char number[16];
    snprintf(number, sizeof number, "%d", (int)label);
    if (known < 0 && p->unknown++ == 0)
        snprintf(p->unknown_name, sizeof p->unknown_name, "%s", name != NULL ? name : number);
    p->labelled++;
    p->right += known == p->order[0];
}

/* ---- results ---- */

/* The name of a class, or its number. */
static const char *class_name(const predictions *p, int label, char number[16]) {
    const char *name = byol_classifier_name(p->classifier, label);
    snprintf(number, 16, "%d", label);
    return name != NULL ? name : number;
}

static void write_head(FILE *stream, int top) {
    fputs("path,class,probability", stream);
    for (int k = 2; k <= top; k++) fprintf(stream, ",class %d,probability %d", k, k);
    fputc('\n', stream);
}

static void write_row(FILE *stream, const predictions *p, size_t index, const float *row) {
    char name[NAME_BYTES], number[16];
    byol_source_name(p->source, index, name, sizeof name);
    cli_csv_field(stream, name);
    for (int k = 0; k < p->top; k++) {
        fputc(',', stream);
        if (row != NULL) cli_csv_field(stream, class_name(p, p->order[k], number));
        fputc(',', stream);
        if (row != NULL) fprintf(stream, "%.6f", (double)row[p->order[k]]);
    }
    fputc('\n', stream);
}

static json_t *describe_row(const predictions *p, size_t index, const float *row) {
    char name[NAME_BYTES], number[16];
    byol_source_name(p->source, index, name, sizeof name);
    json_t *list = json_array();
    for (int k = 0; k < p->top && row != NULL; k++)
        json_array_append_new(list, json_pack("{s:o, s:f}", "class",
                                              cli_text(class_name(p, p->order[k], number)),
                                              "probability", (double)row[p->order[k]]));
    return json_pack("{s:o, s:o}", "path", cli_text(name), "classes", list);
}

/* Goes through all samples once: `stream` (NULL: none) gets a row of each, `list` (NULL: none) an
 * object. */
static void go_through(predictions *p, FILE *stream, json_t *list) {
    if (stream != NULL) write_head(stream, p->top);
    for (size_t i = 0; i < p->info.count; i++) {
        bool is_readable = !byol_source_unreadable(p->source, i);
        const float *row = is_readable ? rank(p, i) : NULL;
        if (is_readable) compare(p, i);
        p->unreadable += !is_readable;
        if (stream != NULL) write_row(stream, p, i, row);
        if (list != NULL) json_array_append_new(list, describe_row(p, i, row));
    }
}

static void tell(const predictions *p) {
    char text[512], count[32];
    if (p->unreadable > 0) {
        snprintf(text, sizeof text, "%s pictures could not be read: their rows are empty",
                 cli_count(count, p->unreadable));
        cli_warn(text);
    }
    if (p->unknown > 0) {
        snprintf(text, sizeof text,
                 "%s labelled %s are of a class that the classifier does not know ('%s'): they "
                 "count as errors",
                 cli_count(count, p->unknown), cli_samples(p->source), p->unknown_name);
        cli_warn(text);
    }
}

static double accuracy_of(const predictions *p) {
    return 100 * (double)p->right / (double)p->labelled;
}

static byol_status report(predictions *p, const arguments *args, json_t **result,
                          byol_error *error) {
    json_t *list = cli_out.json ? json_array() : NULL;
    FILE *tables = cli_tables();
    cli_file file = {0};
    byol_status status = BYOL_OK;
    if (args->out != NULL) status = cli_file_begin(&file, args->out, error);
    if (status == BYOL_OK) {
        go_through(p, args->out != NULL ? file.stream : cli_out.json ? NULL : tables, list);
        if (args->out != NULL) status = cli_file_finish(&file, error);
    }
    if (status != BYOL_OK) {
        json_decref(list);
        return status;
    }
    tell(p);
    *result = json_pack("{s:I, s:i, s:o*, s:o*}", "count", (json_int_t)p->info.count, "classes",
                        p->classes, "predictions", list, "out",
                        args->out != NULL ? cli_text(args->out) : NULL);
    if (p->labelled > 0) json_object_set_new(*result, "accuracy", json_real(accuracy_of(p)));
    if (args->out != NULL && tables != NULL)
        fprintf(tables, "%s: %zu %s, %d classes\n", args->out, p->info.count,
                cli_samples(p->source), p->classes);
    if (p->labelled > 0 && args->out != NULL && tables != NULL)
        fprintf(tables, "accuracy %.2f %% of %zu with labels\n", accuracy_of(p), p->labelled);
    else if (p->labelled > 0)
        cli_say("accuracy %.2f %% of %zu with labels", accuracy_of(p), p->labelled);
    return BYOL_OK;
}

static byol_status run(predictions *p, const arguments *args, json_t **result, byol_error *error) {
    byol_status status = byol_classifier_load(&p->classifier, args->model, args->threads, error);
    if (status == BYOL_OK) status = cli_source_open(&p->source, args->data, error);
    if (status != BYOL_OK) return status;
    byol_source_describe(p->source, &p->info);
    cli_say("data: %s", p->info.description);
    p->classes = byol_classifier_classes(p->classifier);
    p->top = args->top < p->classes ? args->top : p->classes;
    status = compute(p, error);
    return status == BYOL_OK ? report(p, args, result, error) : status;
}

int cmd_predict(int argc, char **argv) {
    arguments args = {.top = 1};
    if (!cli_parse(&parser, argc, argv, &args)) return EXIT_DONE;
    int code = args.out != NULL ? cli_check_output("--out", args.out, ".csv") : EXIT_DONE;
    if (code != EXIT_DONE) return code;
    cli_catch_interrupts();
    predictions p = {0};
    json_t *result = NULL;
    byol_error error = {0};
    byol_status status = run(&p, &args, &result, &error);
    free(p.probabilities);
    free(p.order);
    byol_source_free(p.source);
    byol_classifier_free(p.classifier);
    return cli_conclude(status, result, &error);
}
