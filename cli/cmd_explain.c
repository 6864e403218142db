#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "byol/explain.h"
#include "cli_vectors.h"

enum { NAME_BYTES = 4096, LIMIT = 16, FILE_NAME_BYTES = 32 };

typedef struct arguments {
    const char *model, *data, *out, *class_name, *like, *maps;
    size_t limit;
    int threads;
} arguments;

typedef struct explanation {
    const arguments *args;
    byol_explainer *explainer;
    byol_source *source, *like; /* like: one picture; NULL: answers are explained */
    size_t count;
    int label, side, height;
    float *maps;      /* (count, side, side) */
    uint8_t *drawing; /* (height, 2 height, 3) */
    cli_file csv;
    json_t *list; /* owned */
    size_t unreadable;
} explanation;

/* ---- arguments ---- */

enum { CLASS = 8000, LIKE, LIMIT_OPTION, MAPS };

static error_t parse(int key, char *argument, struct argp_state *state) {
    arguments *args = state->input;
    switch (key) {
    case 'd': args->data = argument; return 0;
    case 'o': args->out = argument; return 0;
    case CLASS: args->class_name = argument; return 0;
    case LIKE: args->like = argument; return 0;
    case MAPS: args->maps = argument; return 0;
    case LIMIT_OPTION:
        args->limit = (size_t)cli_whole_number("--limit", argument, 0, INT32_MAX, state);
        return 0;
    case 't': args->threads = cli_threads(argument, state); return 0;
    case ARGP_KEY_ARG:
        cli_only_argument(&args->model, argument, "RUN or WEIGHTS file", state);
        return 0;
    case ARGP_KEY_END:
        if (args->model == NULL) argp_error(state, "which RUN or WEIGHTS file?");
        if (args->data == NULL) argp_error(state, "--data SRC is needed: the pictures to explain");
        if (args->out == NULL) argp_error(state, "--out FOLDER is needed");
        if (args->class_name != NULL && args->like != NULL)
            argp_error(state, "--class explains an answer, --like a likeness: one of the two");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"data", 'd', "SRC", 0, "Pictures; -: paths on standard input, a line each", 0},
    {"out", 'o', "FOLDER", 0,
     "Where a PNG of each picture goes (itself, and beside it the map over it in grey), and "
     "explain.csv, which says what each is of; the folder is made",
     0},
    {"class", CLASS, "NAME", 0,
     "Explain the answer of this class (name or number); default: of the most probable one", 0},
    {"like", LIKE, "PICTURE", 0,
     "Explain the likeness with this picture; needed where the weights have no classifier", 0},
    {"limit", LIMIT_OPTION, "N", 0, "At most N pictures (default 16; 0: all)", 0},
    {"maps", MAPS, "FILE.npy", 0, "The maps as numbers too: a row for each picture", 0},
    {"threads", 't', "N", 0, "0: every processor the process may use", 0},
    {0},
};
static const struct argp parser = {
    options,
    parse,
    "RUN|WEIGHTS.safetensors",
    "Shows which part of a picture a classifier's answer, or the likeness with another picture, "
    "hangs on: gradient-weighted maps of the last stage (Grad-CAM). They tell where the network "
    "looked, not whether it was right."
    "\vExamples:\n"
    "  byol explain tuned.safetensors --data photos:val --out explained/\n"
    "  byol explain runs/faces --data faces/s1 --like faces/s2/1.pgm --out alike/",
    cli_output_children,
    NULL,
    NULL};

/* ---- preparations ---- */

/* The class of --class: by its name, else by its number. */
static byol_status find_class(explanation *e, byol_error *error) {
    const byol_classifier *classifier = byol_explainer_classifier(e->explainer);
    const char *wanted = e->args->class_name;
    e->label = -1;
    if (wanted == NULL) return BYOL_OK;
    char *end;
    long number = strtol(wanted, &end, 10);
    int classes = byol_classifier_classes(classifier);
    for (int c = 0; c < classes; c++) {
        const char *name = byol_classifier_name(classifier, c);
        bool is_wanted = name != NULL && strcmp(name, wanted) == 0;
        if (is_wanted || (name == NULL && *wanted != '\0' && *end == '\0' && number == c))
            e->label = c;
    }
    if (e->label >= 0) return BYOL_OK;
    const char *first = byol_classifier_name(classifier, 0);
    return cli_error(error, BYOL_ERROR_INVALID,
                     "%.500s knows no class '%.100s'; it has %d classes, the first is '%.100s'",
                     e->args->model, wanted, classes, first != NULL ? first : "0");
}

static byol_status choose_question(explanation *e, byol_error *error) {
    if (e->args->like != NULL) return byol_source_from_files(&e->like, &e->args->like, 1, error);
    if (byol_explainer_classifier(e->explainer) == NULL)
        return cli_error(
            error, BYOL_ERROR_INVALID,
            "%.700s has no classifier whose answers could be explained: --like PICTURE "
            "explains a likeness, 'byol finetune' or 'byol linear' with --out makes a "
            "classifier",
            e->args->model);
    return find_class(e, error);
}

static byol_status open_all(explanation *e, byol_error *error) {
    byol_source_info info;
    byol_status status =
        byol_explainer_load(&e->explainer, e->args->model, e->args->threads, error);
    if (status == BYOL_OK) status = choose_question(e, error);
    if (status == BYOL_OK) status = cli_source_open(&e->source, e->args->data, error);
    if (status != BYOL_OK) return status;
    byol_source_describe(e->source, &info);
    cli_say("data: %s", info.description);
    size_t limit = e->args->limit;
    e->count = limit > 0 && limit < info.count ? limit : info.count;
    e->side = byol_explainer_side(e->explainer);
    e->height = byol_explainer_height(e->explainer);
    e->maps = cli_matrix(e->count, (size_t)e->side * (size_t)e->side);
    e->drawing = malloc((size_t)e->height * (size_t)e->height * 6);
    e->list = json_array();
    if (e->maps == NULL || e->drawing == NULL)
        return cli_error(error, BYOL_ERROR_MEMORY, "no memory for %zu maps", e->count);
    return BYOL_OK;
}

static byol_status make_folder(const arguments *args, byol_error *error) {
    if (mkdir(args->out, 0777) == 0 || (errno == EEXIST && cli_is_folder(args->out)))
        return BYOL_OK;
    return cli_error(error, BYOL_ERROR_IO, "cannot make the folder %.900s: %s", args->out,
                     strerror(errno));
}

/* ---- one picture ---- */

typedef struct answer {
    char file[FILE_NAME_BYTES], name[NAME_BYTES], number[16];
    const char *class_name; /* of the class, or its number; NULL: a likeness */
    double value;           /* probability or cosine */
} answer;

static byol_status explain(explanation *e, size_t index, float *map, answer *a, byol_error *error) {
    int chosen;
    if (e->like != NULL)
        return byol_explainer_likeness(e->explainer, e->source, index, e->like, 0, map, &a->value,
                                       error);
    byol_status status = byol_explainer_class(e->explainer, e->source, index, e->label, map,
                                              &chosen, &a->value, error);
    if (status != BYOL_OK) return status;
    a->class_name = byol_classifier_name(byol_explainer_classifier(e->explainer), chosen);
    snprintf(a->number, sizeof a->number, "%d", chosen);
    if (a->class_name == NULL) a->class_name = a->number;
    return BYOL_OK;
}

static byol_status draw(explanation *e, size_t index, const float *map, const answer *a,
                        byol_error *error) {
    char path[BYOL_PATH_MAX];
    byol_status status =
        byol_explainer_draw(e->explainer, e->source, index, map, e->drawing, error);
    if (status != BYOL_OK) return status;
    snprintf(path, sizeof path, "%.960s/%s", e->args->out, a->file);
    return byol_png_save(path, e->drawing, e->height, 2 * e->height, error);
}

static void note(explanation *e, const answer *a) {
    FILE *csv = e->csv.stream;
    fprintf(csv, "%s,", a->file);
    cli_csv_field(csv, a->name);
    fputc(',', csv);
    if (a->class_name != NULL) {
        cli_csv_field(csv, a->class_name);
        fputc(',', csv);
    }
    fprintf(csv, "%.6f\n", a->value);
    json_t *row = json_pack("{s:s, s:o, s:f}", "file", a->file, "path", cli_text(a->name),
                            a->class_name != NULL ? "probability" : "cosine", a->value);
    if (a->class_name != NULL) json_object_set_new(row, "class", cli_text(a->class_name));
    json_array_append_new(e->list, row);
}

/* A picture that cannot be read is named and passed over. */
static byol_status go_on(explanation *e, size_t index, byol_error *error) {
    size_t numbers = (size_t)e->side * (size_t)e->side;
    float *map = e->maps + index * numbers;
    answer a = {0};
    snprintf(a.file, sizeof a.file, "%05zu.png", index);
    byol_source_name(e->source, index, a.name, sizeof a.name);
    byol_status status = explain(e, index, map, &a, error);
    if (status != BYOL_OK && byol_source_unreadable(e->source, index)) {
        memset(map, 0, numbers * sizeof *map);
        cli_warn(error->text);
        e->unreadable++;
        return BYOL_OK;
    }
    if (status == BYOL_OK) status = draw(e, index, map, &a, error);
    if (status == BYOL_OK) note(e, &a);
    return status;
}

static byol_status go_through(explanation *e, byol_error *error) {
    cli_progress progress;
    byol_status status = BYOL_OK;
    fprintf(e->csv.stream, "file,path,%s\n", e->like != NULL ? "cosine" : "class,probability");
    cli_progress_begin(&progress, "explaining", "images");
    for (size_t i = 0; i < e->count && status == BYOL_OK; i++) {
        status = go_on(e, i, error);
        if (status == BYOL_OK && cli_progress_hook(&progress, i + 1, e->count) != 0)
            status = cli_error(error, BYOL_ERROR_CANCELLED, "stopped after %zu of %zu pictures",
                               i + 1, e->count);
    }
    cli_progress_end(&progress);
    return status;
}

/* ---- all ---- */

static byol_status write_all(explanation *e, byol_error *error) {
    char path[BYOL_PATH_MAX];
    snprintf(path, sizeof path, "%.960s/explain.csv", e->args->out);
    byol_status status = make_folder(e->args, error);
    if (status == BYOL_OK) status = cli_file_begin(&e->csv, path, error);
    if (status != BYOL_OK) return status;
    status = go_through(e, error);
    byol_error why = {0};
    byol_status closed = cli_file_finish(&e->csv, &why);
    if (status == BYOL_OK && closed != BYOL_OK) *error = why;
    if (status == BYOL_OK) status = closed;
    if (status == BYOL_OK && e->args->maps != NULL)
        status = cli_npy_write(e->args->maps, e->maps, e->count, (size_t)e->side * (size_t)e->side,
                               error);
    return status;
}

static byol_status run(explanation *e, json_t **result, byol_error *error) {
    byol_status status = open_all(e, error);
    if (status == BYOL_OK) status = write_all(e, error);
    if (status != BYOL_OK) return status;
    if (cli_tables() != NULL)
        fprintf(cli_tables(), "%s: %zu pictures with maps of %d x %d, and explain.csv\n",
                e->args->out, e->count - e->unreadable, e->side, e->side);
    *result =
        json_pack("{s:o, s:I, s:i, s:O}", "out", cli_text(e->args->out), "count",
                  (json_int_t)(e->count - e->unreadable), "side", e->side, "explanations", e->list);
    return BYOL_OK;
}

int cmd_explain(int argc, char **argv) {
    arguments args = {.limit = LIMIT};
    if (!cli_parse(&parser, argc, argv, &args)) return EXIT_DONE;
    int code = args.maps != NULL ? cli_check_output("--maps", args.maps, ".npy") : EXIT_DONE;
    if (code != EXIT_DONE) return code;
    cli_catch_interrupts();
    explanation e = {.args = &args};
    json_t *result = NULL;
    byol_error error = {0};
    byol_status status = run(&e, &result, &error);
    json_decref(e.list);
    free(e.maps);
    free(e.drawing);
    byol_source_free(e.source);
    byol_source_free(e.like);
    byol_explainer_free(e.explainer);
    return cli_conclude(status, result, &error);
}
