#include "cli_eval.h"

typedef struct arguments {
    cli_eval eval;
    cli_report report;
    int epochs; /* 0: the library's default */
} arguments;

static byol_status measure(const void *context, const byol_features *train, int passes,
                           const byol_features *test, cli_row *row, cli_progress *progress,
                           byol_error *error) {
    const arguments *args = context;
    byol_linear_options options;
    byol_linear_options_init(&options);
    if (args->epochs > 0) options.epochs = args->epochs;
    options.seed = args->eval.seed;
    options.threads = args->eval.threads;
    byol_linear_result result;
    byol_status status = byol_linear(train, passes, test, &options, &result, row->predicted,
                                     cli_progress_hook, progress, error);
    if (status != BYOL_OK) return status;
    row->accuracy = result.accuracy;
    row->choice = (double)result.lr;
    return BYOL_OK;
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    arguments *args = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &args->eval;
        state->child_inputs[1] = &args->report;
        return 0;
    case 'e':
        args->epochs = (int)cli_whole_number("--epochs", argument, 1, 100000, state);
        return 0;
    case 'v':
        args->eval.passes = (int)cli_whole_number("--views", argument, 1, 1000, state);
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"epochs", 'e', "N", 0, "Passes over the training features (default 80)", 0},
    {"views", 'v', "N", 0,
     "Random crops and flips of each training image, used in turn; each costs one embedding of the "
     "training set. "
     "Default 1: the images as they are. 4 comes near the paper's augmentation",
     0},
    {0},
};
static const struct argp parser = {options,
                                   parse,
                                   "RUN|WEIGHTS.safetensors",
                                   "A linear classifier on frozen features: the trained encoder "
                                   "beside a randomly initialised one, raw pixels and "
                                   "histograms of gradients (HOG); of texts, words (TF-IDF) and "
                                   "the most frequent class. The learning rate is chosen on "
                                   "held-out training samples, the test samples are used "
                                   "once."
                                   "\vExample:\n  byol linear runs/first --train "
                                   "fashion-mnist:train --test fashion-mnist:test --views 4",
                                   cli_eval_children,
                                   NULL,
                                   NULL};

int cmd_linear(int argc, char **argv) {
    arguments args = {.eval = {.method = "linear", .passes = 1, .seed = 1}};
    if (!cli_parse(&parser, argc, argv, &args)) return EXIT_DONE;
    return cli_eval_run(&args.eval, "lr", measure, &args, &args.report);
}
