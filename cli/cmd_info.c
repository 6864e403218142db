#include <stdbool.h>

#include "byol/info.h"
#include "byol/source.h"
#include "cli.h"

typedef struct arguments {
    cli_settings settings;
    const char *path;
    int channels; /* 0: from the weights or the data */
} arguments;

static error_t parse(int key, char *argument, struct argp_state *state) {
    arguments *args = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &args->settings; return 0;
    case 'c': args->channels = cli_channels(argument, state); return 0;
    case ARGP_KEY_ARG:
        cli_only_argument(&args->path, argument, "RUN or CONFIG.yaml", state);
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"channels", 'c', "N", 0,
     "Of the images, where no weights and no data say so: 1 or 3 (default)", 0},
    {0},
};

/* ---- what network it is ---- */

typedef struct subject {
    byol_config config;
    int channels, image_size;
} subject;

static bool holds_weights(const char *path) {
    return cli_is_folder(path) || cli_ends_with(path, ".safetensors");
}

static byol_status look_at_weights(subject *s, const char *path, byol_error *error) {
    byol_encoder *encoder;
    byol_status status = byol_encoder_load(&encoder, path, 0, error);
    if (status != BYOL_OK) return status;
    s->config = *byol_encoder_config(encoder);
    s->channels = byol_encoder_channels(encoder);
    s->image_size = s->config.data.image_size;
    byol_encoder_free(encoder);
    return BYOL_OK;
}

/* Channels and size are those of the images unless set otherwise; 3 and 32 without images. */
static void look_at_data(subject *s, int channels) {
    byol_source *source = NULL;
    byol_source_info info = {.channels = 3};
    int size = 32;
    int wanted = channels == 0 || s->config.data.image_size == 0;
    if (wanted && s->config.data.train[0] != '\0' &&
        byol_source_open(&source, s->config.data.train, NULL) == BYOL_OK) {
        byol_source_info found;
        byol_source_describe(source, &found);
        if (found.samples == BYOL_SAMPLES_IMAGES) {
            info = found;
            size = byol_source_view_size(source);
        }
    }
    s->channels = channels > 0 ? channels : info.channels;
    s->image_size = s->config.data.image_size > 0 ? s->config.data.image_size : size;
    byol_source_free(source);
}

static int find_subject(const arguments *args, subject *s) {
    if (args->path != NULL && holds_weights(args->path)) {
        byol_error error = {0};
        byol_config_init(&s->config);
        byol_status status = look_at_weights(s, args->path, &error);
        if (status != BYOL_OK) return cli_fail(status, &error);
        if (args->settings.count == 0) return EXIT_DONE;
        return cli_usage("%s holds weights: what they are cannot be changed by flags", args->path);
    }
    int code = cli_settings_configure(&args->settings, args->path, &s->config);
    if (code != EXIT_DONE) return code;
    look_at_data(s, args->channels);
    return EXIT_DONE;
}

/* ---- what it looks like ---- */

static void print_layer(void *context, const byol_network_layer *layer) {
    FILE *stream = context;
    char shape[48], parameters[32], flops[32], bytes[32];
    if (layer->height == 1 && layer->width == 1)
        snprintf(shape, sizeof shape, "%d", layer->channels);
    else
        snprintf(shape, sizeof shape, "%d x %d x %d", layer->channels, layer->height, layer->width);
    fprintf(stream, "%-28s %-20s %16s %13s %9s %9s\n", layer->name, layer->kind, shape,
            layer->parameters > 0 ? cli_count(parameters, layer->parameters) : "",
            layer->flops > 0 ? cli_scaled(flops, (double)layer->flops) : "",
            cli_bytes(bytes, layer->output_bytes));
}

/* Says what a sample is, and returns the words for one. */
static const char *print_samples(const subject *s, FILE *stream) {
    if (byol_config_reads_texts(&s->config)) {
        fprintf(stream, "texts of %d tokens of %d\n", s->config.data.length,
                s->config.data.vocabulary);
        return "a text";
    }
    if (s->config.data.frames > 0) {
        fprintf(stream, "sounds of %d bands x %d frames\n", s->config.data.mels,
                s->config.data.frames);
        return "a sound";
    }
    fprintf(stream, "%d x %d x %d images\n", s->channels, s->image_size, s->image_size);
    return "an image";
}

static void print_totals(const subject *s, const byol_network_totals *t, FILE *stream) {
    char a[32], b[32], c[32];
    fprintf(stream, "\n%s, width %d, ", s->config.encoder.name, s->config.encoder.width);
    const char *one = print_samples(s, stream);
    fprintf(stream, "  parameters   encoder %s, projector %s, predictor %s\n",
            cli_count(a, t->parameters_encoder), cli_count(b, t->parameters_projector),
            cli_count(c, t->parameters_predictor));
    fprintf(stream, "  forward      %sFLOP %s, the encoder alone %sFLOP\n",
            cli_scaled(a, (double)t->forward_flops), one, cli_scaled(b, (double)t->encoder_flops));
    fprintf(stream, "  vectors      representation %d, projection %d\n", t->representation,
            t->projection);
    fprintf(stream, "  training     workspace %s, staged weights %s, at batch %d\n",
            cli_bytes(a, t->workspace_bytes), cli_bytes(b, t->staging_bytes),
            s->config.train.batch_size);
}

static json_t *describe_totals(const subject *s, const byol_network_totals *t) {
    return json_pack(
        "{s:s, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:i, s:i, s:I, s:I}", "encoder",
        s->config.encoder.name, "width", s->config.encoder.width, "channels", s->channels,
        "image_size", s->image_size, "parameters_encoder", (json_int_t)t->parameters_encoder,
        "parameters_projector", (json_int_t)t->parameters_projector, "parameters_predictor",
        (json_int_t)t->parameters_predictor, "forward_flops", (json_int_t)t->forward_flops,
        "encoder_flops", (json_int_t)t->encoder_flops, "representation", t->representation,
        "projection", t->projection, "workspace_bytes", (json_int_t)t->workspace_bytes,
        "staging_bytes", (json_int_t)t->staging_bytes);
}

int cmd_info(int argc, char **argv) {
    const struct argp_child children[] = {
        {cli_settings_argp(), 0, NULL, 0}, {&cli_output_argp, 0, NULL, 0}, {0}};
    const struct argp parser = {
        options,
        parse,
        "[RUN|WEIGHTS.safetensors|CONFIG.yaml]",
        "Prints a network layer by layer: output, parameters, FLOPs and bytes of one image, "
        "and what training it takes."
        "\vExample:\n  byol info configs/cifar10.yaml --batch-size 64",
        children,
        NULL,
        NULL};
    arguments args = {0};
    if (!cli_parse(&parser, argc, argv, &args)) return EXIT_DONE;
    subject s;
    int code = find_subject(&args, &s);
    if (code == EXIT_DONE) {
        FILE *stream = cli_tables();
        byol_network_totals totals;
        byol_error error = {0};
        if (stream != NULL)
            fprintf(stream, "%-28s %-20s %16s %13s %9s %9s\n", "layer", "", "output", "parameters",
                    "FLOP", "output");
        byol_status status =
            byol_network_describe(&s.config, s.channels, s.image_size,
                                  stream != NULL ? print_layer : NULL, stream, &totals, &error);
        if (status == BYOL_OK && stream != NULL) print_totals(&s, &totals, stream);
        code = status == BYOL_OK ? cli_finish(describe_totals(&s, &totals), EXIT_DONE)
                                 : cli_fail(status, &error);
    }
    cli_settings_release(&args.settings);
    return code;
}
