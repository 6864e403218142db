#include "cli_eval.h"

typedef struct arguments {
    cli_eval eval;
    cli_report report;
    int k; /* 0: chosen on held-out training images */
} arguments;

enum { HELD_OUT_MAX = 2000 };
static const int candidates[] = {1, 5, 20, 50, 200};

static int smaller(int k, size_t count) { return (size_t)k < count ? k : (int)count; }

/* Chooses k. The training set is in random order: its last part is held out and classified by the
 * rest. */
static byol_status choose_k(const byol_features *train, byol_knn_options *options,
                            cli_progress *progress, byol_error *error) {
    size_t held_out = train->count / 10 < HELD_OUT_MAX ? train->count / 10 : HELD_OUT_MAX;
    byol_features bank = *train, asked = *train;
    bank.count = train->count - held_out;
    asked.count = held_out;
    asked.values += bank.count * (size_t)train->dimension;
    asked.labels += bank.count;
    double best = -1;
    int best_k = candidates[0];
    for (size_t i = 0; i < sizeof candidates / sizeof candidates[0] && held_out > 0; i++) {
        double accuracy;
        options->k = candidates[i];
        if ((size_t)candidates[i] > bank.count) break;
        byol_status status =
            byol_knn(&bank, &asked, options, &accuracy, NULL, cli_progress_hook, progress, error);
        if (status != BYOL_OK) return status;
        if (accuracy > best) {
            best = accuracy;
            best_k = candidates[i];
        }
    }
    options->k = best_k;
    return BYOL_OK;
}

static byol_status measure(const void *context, const byol_features *train, int passes,
                           const byol_features *test, cli_row *row, cli_progress *progress,
                           byol_error *error) {
    const arguments *args = context;
    (void)passes;
    byol_knn_options options;
    byol_knn_options_init(&options);
    options.threads = args->eval.threads;
    byol_status status = BYOL_OK;
    if (args->k > 0)
        options.k = smaller(args->k, train->count);
    else
        status = choose_k(train, &options, progress, error);
    if (status != BYOL_OK) return status;
    row->choice = options.k;
    return byol_knn(train, test, &options, &row->accuracy, row->predicted, cli_progress_hook,
                    progress, error);
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    arguments *args = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &args->eval;
        state->child_inputs[1] = &args->report;
        return 0;
    case 'k': args->k = (int)cli_whole_number("-k", argument, 1, 100000, state); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"k", 'k', "N", 0,
     "Neighbours that vote (default: 1, 5, 20, 50 or 200, chosen on held-out training samples)", 0},
    {0},
};
static const struct argp parser = {
    options,
    parse,
    "RUN|WEIGHTS.safetensors",
    "Weighted nearest neighbours with cosine similarity: the trained encoder beside a randomly "
    "initialised one, raw "
    "pixels and histograms of gradients (HOG); of texts, words (TF-IDF) and the most frequent "
    "class."
    "\vExample:\n  byol knn runs/first --train fashion-mnist:train --test fashion-mnist:test",
    cli_eval_children,
    NULL,
    NULL};

int cmd_knn(int argc, char **argv) {
    arguments args = {.eval = {.method = "knn", .passes = 1}};
    if (!cli_parse(&parser, argc, argv, &args)) return EXIT_DONE;
    args.eval.choice_given = args.k > 0;
    return cli_eval_run(&args.eval, "k", measure, &args, &args.report);
}

byol_status cli_knn_keep(const cli_eval *eval, byol_error *error) {
    const arguments args = {.eval = *eval};
    return cli_eval_keep(&args.eval, "k", measure, &args, error);
}
