#include "byol/report.h"

#include "byol/source.h"
#include "cli_eval.h"

enum { RUNS_MAX = 16, EVALUATED = 10000 };

typedef struct arguments {
    const char *runs[RUNS_MAX];
    size_t count;
    const char *out, *train, *test;
    int threads, no_pictures;
} arguments;

static error_t parse(int key, char *argument, struct argp_state *state) {
    arguments *args = state->input;
    switch (key) {
    case 'o': args->out = argument; return 0;
    case 'a': args->train = argument; return 0;
    case 'e': args->test = argument; return 0;
    case 'n': args->no_pictures = 1; return 0;
    case 't': args->threads = cli_threads(argument, state); return 0;
    case ARGP_KEY_ARG:
        if (args->count == RUNS_MAX) argp_error(state, "at most %d runs", RUNS_MAX);
        args->runs[args->count++] = argument;
        return 0;
    case ARGP_KEY_END:
        if (args->count == 0) argp_error(state, "which RUN?");
        if (args->count > 1 && args->out == NULL)
            argp_error(state, "--out FILE.html is needed where runs are compared");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"out", 'o', "FILE.html", 0, "Where the page goes (default: RUN/report.html)", 0},
    {"train", 'a', "SRC", 0,
     "Images or texts to find neighbours among (default: what the run was trained on)", 0},
    {"test", 'e', "SRC", 0,
     "Images or texts for the map, whose neighbours are sought (default: the test split of the "
     "same)",
     0},
    {"no-pictures", 'n', NULL, 0,
     "Curves, results and settings only, no texts either: needs neither data nor encoder", 0},
    {"threads", 't', "N", 0, "0: every processor the process may use", 0},
    {0},
};
static const struct argp parser = {
    options,
    parse,
    "RUN...",
    "Writes a page that shows a run: one HTML file that needs no network. What 'byol knn' and "
    "'byol linear' found is "
    "taken from the run; where nearest neighbours have not been measured for these weights, that "
    "is done first, on at "
    "most "
    "10,000 images, texts or sounds. Without labels the neighbours that random weights and pixels "
    "(of "
    "texts "
    "their words) find stand below those that were learned. Several runs are compared: curves, "
    "results and the settings that "
    "differ."
    "\vExamples:\n  byol report runs/first\n  byol report runs/a runs/b runs/c --out "
    "comparison.html",
    cli_output_children,
    NULL,
    NULL};

/* ---- Pictures or texts ---- */

typedef struct pictures {
    byol_source *data;
    cli_labelled train, test;
    char note[1200];
} pictures;

/* Labels are used if there are any, but not needed. */
static byol_status open_any(cli_labelled *set, const char *spec, int threads, byol_error *error) {
    byol_status status = cli_labelled_open(set, spec, 0, threads, error);
    if (status != BYOL_ERROR_INVALID || set->whole == NULL) return status;
    return BYOL_OK; /* unlabelled: the samples as they lie there */
}

static const byol_source *samples_of(const cli_labelled *set) {
    return set->source != NULL ? set->source : set->whole;
}

/* Pictures or texts that cannot be opened are missing on the page, which says so. */
static void open_pictures(const arguments *args, const byol_config *config, pictures *p,
                          byol_report_options *page) {
    char train[BYOL_PATH_MAX], test[BYOL_PATH_MAX];
    byol_error error = {0}, ignored = {0};
    cli_eval_sources(config, args->train, args->test, train, test);
    byol_status status = byol_source_open(&p->data, config->data.train, &error);
    if (status == BYOL_OK) status = open_any(&p->train, train, args->threads, &error);
    if (status == BYOL_OK &&
        open_any(&p->test, test, args->threads, args->test != NULL ? &error : &ignored) !=
            BYOL_OK &&
        args->test != NULL)
        status = BYOL_ERROR_NOT_FOUND;
    page->data = p->data;
    page->train = samples_of(&p->train);
    page->test = samples_of(&p->test);
    if (status == BYOL_OK) return;
    snprintf(p->note, sizeof p->note, "%s", error.text);
    page->note = p->note;
    cli_warn(error.text);
}

static void close_pictures(pictures *p) {
    byol_source_free(p->data);
    cli_labelled_release(&p->train);
    cli_labelled_release(&p->test);
}

/* ---- The page ---- */

static void begin_stage(void *context, const char *what) {
    cli_progress_end(context);
    cli_progress_begin(context, what, NULL);
}

/* Measures kNN if the run has no such result for its weights and both sets have labels. */
static byol_status evaluate(const arguments *args, uint64_t step, const pictures *p,
                            byol_error *error) {
    const char *run = args->runs[0];
    if (p->train.labels == NULL || p->test.labels == NULL ||
        byol_evaluation_is_current(run, "knn", step))
        return BYOL_OK;
    cli_say("measuring nearest neighbours first, as 'byol knn %s --limit %d'", run, EVALUATED);
    cli_eval eval = {.method = "knn",
                     .model = run,
                     .train = args->train,
                     .test = args->test,
                     .limit = EVALUATED,
                     .threads = args->threads,
                     .passes = 1};
    return cli_knn_keep(&eval, error);
}

static byol_status write_with_pictures(const arguments *args, const char *out,
                                       byol_report_options *page, byol_error *error) {
    pictures p = {0};
    byol_encoder *encoder;
    byol_status status = byol_encoder_load(&encoder, args->runs[0], args->threads, error);
    if (status != BYOL_OK) return status;
    open_pictures(args, byol_encoder_config(encoder), &p, page);
    uint64_t step = byol_encoder_step(encoder);
    byol_encoder_free(encoder);
    status = evaluate(args, step, &p, error);
    if (status == BYOL_OK) status = byol_report_write(args->runs, 1, out, page, error);
    close_pictures(&p);
    return status;
}

int cmd_report(int argc, char **argv) {
    arguments args = {0};
    if (!cli_parse(&parser, argc, argv, &args)) return EXIT_DONE;
    char out[BYOL_PATH_MAX + 16];
    snprintf(out, sizeof out, "%s/report.html", args.runs[0]);
    if (args.out != NULL) {
        int code = cli_check_output("--out", args.out, NULL);
        if (code != EXIT_DONE) return code;
        snprintf(out, sizeof out, "%s", args.out);
    }
    cli_catch_interrupts();
    cli_progress progress = {0};
    byol_report_options page;
    byol_error error = {0};
    byol_report_options_init(&page);
    page.threads = args.threads;
    page.stage = begin_stage;
    page.progress = cli_progress_hook;
    page.context = &progress;
    byol_status status = args.count > 1 || args.no_pictures
                             ? byol_report_write(args.runs, args.count, out, &page, &error)
                             : write_with_pictures(&args, out, &page, &error);
    cli_progress_end(&progress);
    if (status != BYOL_OK) return cli_fail(status, &error);
    if (cli_tables() != NULL) fprintf(cli_tables(), "%s\n", out);
    return cli_finish(json_pack("{s:o, s:I}", "out", cli_text(out), "runs", (json_int_t)args.count),
                      EXIT_DONE);
}
