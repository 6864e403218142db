#include <string.h>

#include "byol/source.h"
#include "cli_vectors.h"

typedef struct arguments {
    const char *model, *data, *out, *csv;
    const char *layer_name; /* NULL: backbone */
    byol_layer layer;       /* without --dense */
    int dense, size[2];     /* maps of a stage; of pictures of so many pixels */
    int threads;
} arguments;

enum { DENSE = 7000, SIZE };

static void check(arguments *args, struct argp_state *state) {
    if (args->model == NULL) argp_error(state, "which RUN or WEIGHTS file?");
    if (args->data == NULL)
        argp_error(state, "--data SRC is needed: the images, texts or sounds to embed");
    if (args->out == NULL) argp_error(state, "--out FILE.npy is needed");
    if (args->dense && args->layer_name == NULL)
        argp_error(state, "--dense needs --layer stage1, stage2 ...: which stage's maps?");
    if (!args->dense && args->size[0] > 0) argp_error(state, "--size is for --dense only");
    if (!args->dense && args->layer_name != NULL &&
        (strncmp(args->layer_name, "stage", 5) == 0 || strncmp(args->layer_name, "layer", 5) == 0))
        argp_error(state, "--layer %s has a vector at every place: --dense writes its maps",
                   args->layer_name);
    if (!args->dense && args->layer_name != NULL)
        args->layer = cli_layer("--layer", args->layer_name, state);
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    arguments *args = state->input;
    switch (key) {
    case 'd': args->data = argument; return 0;
    case 'o': args->out = argument; return 0;
    case 'c': args->csv = argument; return 0;
    case 'l': args->layer_name = argument; return 0;
    case DENSE: args->dense = 1; return 0;
    case SIZE: cli_picture_size(argument, args->size, state); return 0;
    case 't': args->threads = cli_threads(argument, state); return 0;
    case ARGP_KEY_ARG:
        cli_only_argument(&args->model, argument, "RUN or WEIGHTS file", state);
        return 0;
    case ARGP_KEY_END: check(args, state); return 0;
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
    {"layer", 'l', "NAME", 0,
     "backbone (default), projection or prediction; with --dense stage1, stage2 ... (of a ResNet "
     "also layer1 ..; stage0: its stem, a vit's patches)",
     0},
    {"dense", DENSE, NULL, 0,
     "What the stage gives at every place, not a vector for each image: (count, channels, height, "
     "width)",
     0},
    {"size", SIZE, "HxW", 0,
     "With --dense: pictures are resized to so many pixels, e.g. 180x240 (default: the first "
     "picture's own size)",
     0},
    {"threads", 't', "N", 0, "0: every processor the process may use", 0},
    {0},
};
static const struct argp parser = {
    options,
    parse,
    "RUN|WEIGHTS.safetensors",
    "Turns images, texts or sounds into vectors and writes them for NumPy, and beside them a table "
    "of what "
    "each "
    "row is."
    "\vExamples:\n"
    "  byol embed runs/first --data fashion-mnist:test --out test.npy\n"
    "  byol embed runs/first --data photos/ --layer stage3 --dense --out maps.npy",
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

/* The vectors and their table; or the maps and theirs. `shape` is filled in. */
static byol_status embed(const arguments *args, byol_encoder *encoder, const byol_source *source,
                         const char *csv, size_t shape[4], byol_error *error) {
    if (args->dense) {
        byol_status status = cli_maps_write(args->out, encoder, source, args->layer_name,
                                            args->size, args->threads, shape, error);
        return status == BYOL_OK ? cli_csv_write(csv, source, error) : status;
    }
    cli_vectors vectors = {0};
    byol_status status =
        cli_vectors_embed(&vectors, encoder, args->model, source, args->layer, "embedding", error);
    if (status == BYOL_OK) status = write(args, csv, &vectors, source, error);
    shape[0] = vectors.count;
    shape[1] = (size_t)vectors.dimension;
    cli_vectors_release(&vectors);
    return status;
}

static void print(const arguments *args, const char *csv, const size_t shape[4]) {
    FILE *stream = cli_tables();
    char number[32];
    if (stream == NULL) return;
    if (args->dense)
        fprintf(stream, "%s: %s maps of %zu x %zu x %zu numbers (%s); %s: what they are of\n",
                args->out, cli_count(number, shape[0]), shape[1], shape[2], shape[3],
                args->layer_name, csv);
    else
        fprintf(stream, "%s: %s vectors of %zu numbers (%s); %s: what they are of\n", args->out,
                cli_count(number, shape[0]), shape[1], cli_layers[args->layer], csv);
}

static json_t *describe(const arguments *args, const char *csv, const size_t shape[4]) {
    json_t *object =
        json_pack("{s:o, s:o, s:I, s:I, s:o}", "out", cli_text(args->out), "csv", cli_text(csv),
                  "count", (json_int_t)shape[0], "dimension", (json_int_t)shape[1], "layer",
                  cli_text(args->dense ? args->layer_name : cli_layers[args->layer]));
    if (!args->dense) return object;
    json_object_set_new(object, "height", json_integer((json_int_t)shape[2]));
    json_object_set_new(object, "width", json_integer((json_int_t)shape[3]));
    return object;
}

static byol_status run(const arguments *args, byol_encoder **encoder, byol_source **source,
                       json_t **result, byol_error *error) {
    char csv[BYOL_PATH_MAX];
    size_t shape[4] = {0};
    byol_source_info info;
    byol_status status = byol_encoder_load(encoder, args->model, args->threads, error);
    if (status == BYOL_OK) status = cli_source_open(source, args->data, error);
    if (status != BYOL_OK) return status;
    byol_source_describe(*source, &info);
    cli_say("data: %s", info.description);
    cli_csv_path(args->out, csv);
    if (args->csv != NULL) snprintf(csv, sizeof csv, "%s", args->csv);
    status = embed(args, *encoder, *source, csv, shape, error);
    if (status != BYOL_OK) return status;
    tell_of_unreadable(*source, info.count);
    print(args, csv, shape);
    *result = describe(args, csv, shape);
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
    json_t *result = NULL;
    byol_error error = {0};
    byol_status status = run(&args, &encoder, &source, &result, &error);
    byol_source_free(source);
    byol_encoder_free(encoder);
    return cli_conclude(status, result, &error);
}
