#include <stdbool.h>
#include <stdlib.h>

#include "byol/classify.h"
#include "cli_eval.h"
#include "cli_vectors.h"

enum { REGRESSION = 256 };

/* The trained encoder's classifier; owned. */
typedef struct kept_layer {
    float *weight, *bias;
} kept_layer;

typedef struct arguments {
    cli_eval eval;
    cli_report report;
    int epochs;      /* 0: the library's default */
    const char *out; /* NULL: the classifier is not kept */
    bool regression; /* logistic regression, not SGD */
    kept_layer *layer;
} arguments;

static byol_status make_room(kept_layer *layer, const byol_features *features, byol_error *error) {
    layer->weight = cli_matrix((size_t)features->classes, (size_t)features->dimension);
    layer->bias = cli_matrix(1, (size_t)features->classes);
    if (layer->weight != NULL && layer->bias != NULL) return BYOL_OK;
    return cli_error(error, BYOL_ERROR_MEMORY, "no memory for a classifier");
}

static byol_status save(const cli_session *s, const void *context, json_t *result,
                        byol_error *error) {
    const arguments *args = context;
    int classes = s->train.classes;
    if (args->out == NULL) return BYOL_OK;
    const char **names = calloc((size_t)classes, sizeof *names);
    if (names == NULL) return cli_error(error, BYOL_ERROR_MEMORY, "no memory for classes");
    for (int c = 0; c < classes; c++) names[c] = byol_source_class_name(s->train.whole, c);
    const byol_linear_layer layer = {args->layer->weight, args->layer->bias, classes, names};
    byol_status status = byol_classifier_save(args->out, s->trained, &layer, error);
    free(names);
    json_object_set_new(result, "out", cli_text(args->out));
    return status;
}

/* Where the layer goes that is kept of the trained encoder; NULL for all others. */
static byol_status begin_layer(const arguments *args, const byol_features *test, const cli_row *row,
                               float **weight, float **bias, byol_error *error) {
    if (args->out == NULL || row->predicted == NULL) return BYOL_OK;
    byol_status status = make_room(args->layer, test, error);
    *weight = args->layer->weight;
    *bias = args->layer->bias;
    return status;
}

static byol_status measure(const void *context, const byol_features *train, int passes,
                           const byol_features *test, cli_row *row, cli_progress *progress,
                           byol_error *error) {
    const arguments *args = context;
    byol_linear_options options;
    byol_linear_options_init(&options);
    byol_status status = begin_layer(args, test, row, &options.weight, &options.bias, error);
    if (status != BYOL_OK) return status;
    if (args->epochs > 0) options.epochs = args->epochs;
    options.seed = args->eval.seed;
    options.threads = args->eval.threads;
    byol_linear_result result;
    status = byol_linear(train, passes, test, &options, &result, row->predicted, cli_progress_hook,
                         progress, error);
    if (status != BYOL_OK) return status;
    row->accuracy = result.accuracy;
    row->choice = (double)result.lr;
    return BYOL_OK;
}

static byol_status regress(const void *context, const byol_features *train, int passes,
                           const byol_features *test, cli_row *row, cli_progress *progress,
                           byol_error *error) {
    const arguments *args = context;
    byol_regression_options options;
    (void)passes; /* one */
    byol_regression_options_init(&options);
    byol_status status = begin_layer(args, test, row, &options.weight, &options.bias, error);
    if (status != BYOL_OK) return status;
    options.seed = args->eval.seed;
    options.threads = args->eval.threads;
    byol_regression_result result;
    status = byol_regression(train, test, &options, &result, row->predicted, cli_progress_hook,
                             progress, error);
    if (status != BYOL_OK) return status;
    row->accuracy = result.accuracy;
    row->choice = (double)result.c;
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
    case 'o': args->out = argument; return 0;
    case REGRESSION: args->regression = true; return 0;
    case ARGP_KEY_END:
        if (args->regression && (args->epochs > 0 || args->eval.passes > 1))
            argp_error(state, "--regression has no epochs and takes each sample once");
        if (args->out != NULL && args->eval.mean)
            argp_error(state, "--out keeps a classifier of single views: not with --mean");
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
    {"regression", REGRESSION, NULL, 0,
     "Logistic regression, solved to its minimum, in place of SGD: better where there are few "
     "samples, up to some thousand",
     0},
    {"out", 'o', "FILE.safetensors", 0,
     "Save the encoder with the classifier and the names of its classes, for 'byol predict'", 0},
    {0},
};
static const struct argp parser = {
    options,
    parse,
    "RUN|WEIGHTS.safetensors",
    "A linear classifier on frozen features: the trained encoder "
    "beside a randomly initialised one, raw pixels and "
    "histograms of gradients (HOG); of texts, words (TF-IDF) and "
    "the most frequent class. The learning rate (C of --regression) is chosen on "
    "held-out training samples, the test samples are used "
    "once."
    "\vExample:\n  byol linear runs/first --train "
    "fashion-mnist:train --test fashion-mnist:test --views 4",
    cli_eval_children,
    NULL,
    NULL};

int cmd_linear(int argc, char **argv) {
    kept_layer layer = {0};
    arguments args = {.eval = {.method = "linear", .passes = 1, .seed = 1, .after = save},
                      .layer = &layer};
    if (!cli_parse(&parser, argc, argv, &args)) return EXIT_DONE;
    int code = args.out != NULL ? cli_check_output("--out", args.out, ".safetensors") : EXIT_DONE;
    if (args.regression) args.eval.method = "regression";
    if (code == EXIT_DONE)
        code = cli_eval_run(&args.eval, args.regression ? "C" : "lr",
                            args.regression ? regress : measure, &args, &args.report);
    free(layer.weight);
    free(layer.bias);
    return code;
}
