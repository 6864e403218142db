#include "byol/source.h"
#include "cli_vectors.h"

typedef struct arguments {
    const char *model, *data, *out, *csv;
    byol_layer layer;
    int threads;
} arguments;

static error_t parse(int key, char *argument, struct argp_state *state) {
    arguments *args = state->input;
    switch (key) {
    case 'd': args->data = argument; return 0;
    case 'o': args->out = argument; return 0;
    case 'c': args->csv = argument; return 0;
    case 'l': args->layer = cli_layer("--layer", argument, state); return 0;
    case 't': args->threads = cli_threads(argument, state); return 0;
    case ARGP_KEY_ARG:
        cli_only_argument(&args->model, argument, "RUN or WEIGHTS file", state);
        return 0;
    case ARGP_KEY_END:
        if (args->model == NULL) argp_error(state, "which RUN or WEIGHTS file?");
        if (args->data == NULL)
            argp_error(state, "--data SRC is needed: the images or texts to embed");
        if (args->out == NULL) argp_error(state, "--out FILE.npy is needed");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"data", 'd', "SRC", 0,
     "Images or texts to embed; -: paths of pictures on standard input, a line each", 0},
    {"out", 'o', "FILE.npy", 0, "Where the (count, dimension) matrix of floats goes", 0},
    {"csv", 'c', "FILE.csv", 0,
     "Where index, path and label of each row go, and of a text its beginning; beside the matrix, "
     "ending in .csv, unless it is named here",
     0},
    {"layer", 'l', "NAME", 0, "backbone (default), projection or prediction", 0},
    {"threads", 't', "N", 0, "0: every processor the process may use", 0},
    {0},
};
static const struct argp parser = {
    options,
    parse,
    "RUN|WEIGHTS.safetensors",
    "Turns images or texts into vectors and writes them for NumPy, and beside them a table of what "
    "each "
    "row is."
    "\vExample:\n  byol embed runs/first --data fashion-mnist:test --out test.npy",
    cli_output_children,
    NULL,
    NULL};

static byol_status write(const arguments *args, const char *csv, const cli_vectors *vectors,
                         const byol_source *source, byol_error *error) {
    byol_status status = cli_npy_write(args->out, vectors->values, vectors->count,
                                       (size_t)vectors->dimension, error);
    return status == BYOL_OK ? cli_csv_write(csv, source, error) : status;
}

static void tell_of_unreadable(const byol_source *source, size_t count) {
    size_t unreadable = 0;
    char text[128], number[32];
    for (size_t i = 0; i < count; i++) unreadable += byol_source_unreadable(source, i) != 0;
    if (unreadable == 0) return;
    snprintf(text, sizeof text, "%s pictures could not be read: their vectors are zeros",
             cli_count(number, unreadable));
    cli_warn(text);
}

static byol_status run(const arguments *args, byol_encoder **encoder, byol_source **source,
                       cli_vectors *vectors, json_t **result, byol_error *error) {
    char csv[BYOL_PATH_MAX], number[32];
    byol_status status = byol_encoder_load(encoder, args->model, args->threads, error);
    if (status == BYOL_OK) status = cli_source_open(source, args->data, error);
    if (status != BYOL_OK) return status;
    const char *layer = cli_layers[args->layer];
    byol_source_info info;
    byol_source_describe(*source, &info);
    cli_say("data: %s", info.description);
    cli_csv_path(args->out, csv);
    if (args->csv != NULL) snprintf(csv, sizeof csv, "%s", args->csv);
    status =
        cli_vectors_embed(vectors, *encoder, args->model, *source, args->layer, "embedding", error);
    if (status == BYOL_OK) status = write(args, csv, vectors, *source, error);
    if (status != BYOL_OK) return status;
    tell_of_unreadable(*source, info.count);
    if (cli_tables() != NULL)
        fprintf(cli_tables(), "%s: %s vectors of %d numbers (%s); %s: what they are of\n",
                args->out, cli_count(number, info.count), vectors->dimension, layer, csv);
    *result =
        json_pack("{s:o, s:o, s:I, s:i, s:s}", "out", cli_text(args->out), "csv", cli_text(csv),
                  "count", (json_int_t)info.count, "dimension", vectors->dimension, "layer", layer);
    return BYOL_OK;
}

int cmd_embed(int argc, char **argv) {
    arguments args = {0};
    if (!cli_parse(&parser, argc, argv, &args)) return EXIT_DONE;
    int code = cli_check_output("--out", args.out, ".npy");
    if (code == EXIT_DONE) {
        char csv[BYOL_PATH_MAX];
        cli_csv_path(args.out, csv);
        code = cli_check_output("--csv", args.csv != NULL ? args.csv : csv, NULL);
    }
    if (code != EXIT_DONE) return code;
    cli_catch_interrupts();
    byol_encoder *encoder = NULL;
    byol_source *source = NULL;
    cli_vectors vectors = {0};
    json_t *result = NULL;
    byol_error error = {0};
    byol_status status = run(&args, &encoder, &source, &vectors, &result, &error);
    cli_vectors_release(&vectors);
    byol_source_free(source);
    byol_encoder_free(encoder);
    return cli_conclude(status, result, &error);
}
