#include <stdlib.h>
#include <string.h>

#include "byol/source.h"
#include "cli.h"

typedef struct arguments {
    const char *model, *data, *out;
    byol_layer layer;
    int threads;
} arguments;

static const char *const layers[] = {"backbone", "projection", "prediction"};

static byol_layer find_layer(const char *name, struct argp_state *state) {
    for (int i = 0; i < 3; i++)
        if (strcmp(name, layers[i]) == 0) return (byol_layer)i;
    argp_error(state, "--layer is one of backbone, projection, prediction, not '%s'", name);
    return BYOL_LAYER_BACKBONE;
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    arguments *args = state->input;
    switch (key) {
    case 'd': args->data = argument; return 0;
    case 'o': args->out = argument; return 0;
    case 'l': args->layer = find_layer(argument, state); return 0;
    case 't': {
        char *end;
        long threads = strtol(argument, &end, 10);
        if (end == argument || *end != '\0' || threads < 0 || threads > 4096)
            argp_error(state, "--threads takes a whole number up to 4096, not '%s'", argument);
        args->threads = (int)threads;
        return 0;
    }
    case ARGP_KEY_ARG:
        if (args->model != NULL) argp_error(state, "one RUN or WEIGHTS file, not also '%s'", argument);
        args->model = argument;
        return 0;
    case ARGP_KEY_END:
        if (args->model == NULL) argp_error(state, "which RUN or WEIGHTS file?");
        if (args->data == NULL) argp_error(state, "--data SRC is needed: the images to embed");
        if (args->out == NULL) argp_error(state, "--out FILE.npy is needed");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"data", 'd', "SRC", 0, "Images to embed", 0},
    {"out", 'o', "FILE.npy", 0, "Where the (count, dimension) matrix of floats goes", 0},
    {"layer", 'l', "NAME", 0, "backbone (default), projection or prediction", 0},
    {"threads", 't', "N", 0, "0: every processor the process may use", 0},
    {0},
};
static const struct argp_child children[] = {{&cli_output_argp, 0, NULL, 0}, {0}};
static const struct argp parser = {options,
                                   parse,
                                   "RUN|WEIGHTS.safetensors",
                                   "Turns images into vectors and writes them for NumPy."
                                   "\vExample:\n  byol embed runs/first --data fashion-mnist:test --out test.npy",
                                   children,
                                   NULL,
                                   NULL};

static byol_status embed(const arguments *args, byol_encoder *encoder, const byol_source *source, size_t count,
                         int dimension, byol_error *error) {
    float *features = aligned_alloc(64, (count * (size_t)dimension * sizeof *features + 63) / 64 * 64);
    if (features == NULL) {
        snprintf(error->text, sizeof error->text, "no memory for %zu vectors of %d numbers", count, dimension);
        return BYOL_MEMORY;
    }
    cli_progress progress;
    cli_progress_begin(&progress, "embedding", "images");
    byol_status status =
        byol_encoder_embed(encoder, source, args->layer, features, cli_progress_hook, &progress, error);
    cli_progress_end(&progress);
    if (status == BYOL_OK) status = cli_npy_write(args->out, features, count, (size_t)dimension, error);
    free(features);
    return status;
}

static byol_status run(const arguments *args, byol_encoder **encoder, byol_source **source, json_t **result,
                       byol_error *error) {
    byol_status status = byol_encoder_load(encoder, args->model, args->threads, error);
    if (status == BYOL_OK) status = byol_source_open(source, args->data, error);
    if (status != BYOL_OK) return status;
    int dimension = byol_encoder_dimension(*encoder, args->layer);
    if (dimension == 0) {
        snprintf(error->text, sizeof error->text, "%.500s holds no %s layer", args->model, layers[args->layer]);
        return BYOL_INVALID;
    }
    byol_source_info info;
    byol_source_describe(*source, &info);
    cli_say("data: %s", info.description);
    status = embed(args, *encoder, *source, info.count, dimension, error);
    if (status != BYOL_OK) return status;
    char count[32];
    if (cli_tables() != NULL)
        fprintf(cli_tables(), "%s: %s vectors of %d numbers (%s)\n", args->out, cli_count(count, info.count), dimension,
                layers[args->layer]);
    *result = json_pack("{s:s, s:I, s:i, s:s}", "out", args->out, "count", (json_int_t)info.count, "dimension",
                        dimension, "layer", layers[args->layer]);
    return BYOL_OK;
}

int cmd_embed(int argc, char **argv) {
    arguments args = {0};
    argp_parse(&parser, argc, argv, 0, NULL, &args);
    cli_catch_interrupts();
    byol_encoder *encoder = NULL;
    byol_source *source = NULL;
    json_t *result = NULL;
    byol_error error = {0};
    byol_status status = run(&args, &encoder, &source, &result, &error);
    byol_source_free(source);
    byol_encoder_free(encoder);
    return status == BYOL_OK ? cli_finish(result, EXIT_DONE) : cli_fail(status, &error);
}
