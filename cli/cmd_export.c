#include <string.h>

#include "byol/export.h"
#include "cli.h"

typedef struct arguments {
    const char *model, *out;
    byol_weights_options weights;
    byol_onnx_options onnx;
    int for_weights, for_onnx; /* options that belong to one of the two formats were given */
    bool logits;               /* --output logits: the classifier */
} arguments;

typedef enum format { SAFETENSORS, ONNX, FOLDER, FORMATS } format;
static const char *const suffixes[] = {".safetensors", ".onnx", "/"}, *const names[] = {
                                                                          "safetensors", "onnx",
                                                                          "transformers"};

enum { PART = 'p', CLASSES = 256, OUTPUT, FEATURES };

static format format_of(const char *path) {
    for (int i = 0; i < FORMATS; i++)
        if (cli_ends_with(path, suffixes[i])) return (format)i;
    return FORMATS;
}

static void set_part(arguments *args, const char *name, struct argp_state *state) {
    static const char *const parts[] = {"backbone", "all"};
    args->weights.heads = cli_choice("--part", name, parts, 2, state) == 1;
    args->for_weights = 1;
}

static void set_output(arguments *args, const char *name, struct argp_state *state) {
    static const char *const outputs[] = {"backbone", "projection", "prediction", "logits"};
    int chosen = cli_choice("--output", name, outputs, 4, state);
    args->logits = chosen == 3;
    if (!args->logits) args->onnx.output = (byol_layer)chosen;
}

static void check(const arguments *args, struct argp_state *state) {
    if (args->model == NULL) argp_error(state, "which RUN or WEIGHTS file?");
    if (args->out == NULL)
        argp_error(state, "--out FILE.safetensors, FILE.onnx or FOLDER/ is needed");
    format wanted = format_of(args->out);
    if (wanted == FORMATS)
        argp_error(state,
                   "the name after --out ends in .safetensors, .onnx or /, which says what is "
                   "written; not '%s'",
                   args->out);
    if (wanted != SAFETENSORS && args->for_weights)
        argp_error(state, "--part and --classes are for .safetensors only");
    if (wanted != ONNX && args->for_onnx)
        argp_error(state, "--output and --features are for .onnx only");
    if (args->logits && args->onnx.features)
        argp_error(state, "--features is for the layers of an encoder, not with --output logits");
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    arguments *args = state->input;
    switch (key) {
    case 'o': args->out = argument; return 0;
    case PART: set_part(args, argument, state); return 0;
    case CLASSES:
        args->weights.classes = (int)cli_whole_number("--classes", argument, 1, 1000000, state);
        args->for_weights = 1;
        return 0;
    case OUTPUT:
        set_output(args, argument, state);
        args->for_onnx = 1;
        return 0;
    case FEATURES:
        args->onnx.features = true;
        args->for_onnx = 1;
        return 0;
    case ARGP_KEY_ARG:
        cli_only_argument(&args->model, argument, "RUN or WEIGHTS file", state);
        return 0;
    case ARGP_KEY_END: check(args, state); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"out", 'o', "FILE", 0,
     "FILE.safetensors: weights for PyTorch; FILE.onnx: a network for ONNX runtimes; FOLDER/: an "
     "encoder of texts for Hugging Face's transformers",
     0},
    {"part", PART, "NAME", 0,
     ".safetensors: backbone (default), or all: with projector and predictor", 0},
    {"classes", CLASSES, "N", 0,
     ".safetensors: add a classifier of N classes, all zero and yet to be trained (fc.weight, "
     "fc.bias; of a vit head.weight, head.bias), so that torchvision's or timm's network finds "
     "nothing missing",
     0},
    {"output", OUTPUT, "NAME", 0,
     ".onnx: what comes out: backbone (default), projection or prediction; of a file that 'byol "
     "finetune' or 'byol linear' wrote also logits, with the names of the classes beside",
     0},
    {"features", FEATURES, NULL, 0,
     ".onnx: the feature maps of each stage come out too, as layer1 ... layer4", 0},
    {0},
};
static const struct argp parser = {
    options,
    parse,
    "RUN|WEIGHTS.safetensors",
    "Writes an encoder for other programs. The weights have torchvision's and timm's names; the "
    "ONNX network takes RGB in 0 .. 1 and any batch size."
    "\vExamples:\n"
    "  byol export runs/first --out encoder.onnx\n"
    "  byol export runs/first --classes 1000 --out resnet18.safetensors\n"
    "  byol export runs/texts --out bert/",
    cli_output_children,
    NULL,
    NULL};

/* timm's network that takes these weights. */
static void tell_of_timm(const byol_encoder *encoder, int classes) {
    const byol_config *config = byol_encoder_config(encoder);
    int width = config->encoder.width;
    if (config->encoder.out > 0) {
        cli_say("note: encoder.out is %d; timm's network has no such last layer",
                config->encoder.out);
        return;
    }
    static const char *const pools[] = {"", ", class_token=False, global_pool=\"avg\"",
                                        ", class_token=False, global_pool=\"max\""};
    cli_say("note: for timm.create_model(\"vit_tiny_patch16_224\", img_size=%d, patch_size=%d, "
            "embed_dim=%d, depth=%d, num_heads=%d, in_chans=%d, num_classes=%d%s)",
            config->data.image_size, config->encoder.patch, width, config->encoder.depth,
            byol_config_heads(config), byol_encoder_channels(encoder), classes,
            pools[config->encoder.pool]);
}

/* If torchvision's network of that name has other shapes, its load_state_dict fails: warn here. */
static void tell_of_shapes(const byol_encoder *encoder, int classes) {
    const byol_config *config = byol_encoder_config(encoder);
    int channels = byol_encoder_channels(encoder);
    if (strcmp(config->encoder.name, "vit") == 0)
        tell_of_timm(encoder, classes);
    else if (config->encoder.width != 64)
        cli_say("note: width %d; torchvision's and timm's networks have width 64 and do not take "
                "these weights",
                config->encoder.width);
    else if (config->encoder.stem == BYOL_STEM_SMALL)
        cli_say("note: the small stem; in torchvision first: net.conv1 = torch.nn.Conv2d(%d, 64, "
                "3, 1, 1, bias=False); "
                "net.maxpool = torch.nn.Identity()",
                channels);
    else if (channels != 3)
        cli_say("note: %d channel; in torchvision first: net.conv1 = torch.nn.Conv2d(%d, 64, 7, 2, "
                "3, bias=False)",
                channels, channels);
}

static byol_status write_classifier(const arguments *args, byol_error *error) {
    byol_classifier *classifier;
    byol_status status = byol_classifier_load(&classifier, args->model, 0, error);
    if (status != BYOL_OK) return status;
    status = byol_export_classifier_onnx(classifier, args->out, error);
    byol_classifier_free(classifier);
    return status;
}

static byol_status run(const arguments *args, byol_encoder **encoder, byol_error *error) {
    byol_status status = byol_encoder_load(encoder, args->model, 0, error);
    if (status != BYOL_OK) return status;
    if (args->logits) return write_classifier(args, error);
    if (format_of(args->out) == ONNX)
        return byol_export_onnx(*encoder, args->out, &args->onnx, error);
    if (format_of(args->out) == FOLDER) return byol_export_transformers(*encoder, args->out, error);
    status = byol_export_safetensors(*encoder, args->out, &args->weights, error);
    if (status == BYOL_OK) tell_of_shapes(*encoder, args->weights.classes);
    return status;
}

static json_t *describe(const arguments *args, const byol_encoder *encoder) {
    const byol_config *config = byol_encoder_config(encoder);
    format written = format_of(args->out);
    json_t *object = json_pack("{s:o, s:s, s:s, s:i, s:i}", "out", cli_text(args->out), "format",
                               names[written], "encoder", config->encoder.name, "image_size",
                               config->data.image_size, "channels", byol_encoder_channels(encoder));
    if (args->logits) {
        json_object_set_new(object, "output", json_string("logits"));
    } else if (written == ONNX) {
        json_object_set_new(object, "output", json_string(cli_layers[args->onnx.output]));
        json_object_set_new(object, "dimension",
                            json_integer(byol_encoder_dimension(encoder, args->onnx.output)));
    }
    return object;
}

int cmd_export(int argc, char **argv) {
    arguments args = {0};
    if (!cli_parse(&parser, argc, argv, &args)) return EXIT_DONE;
    byol_encoder *encoder = NULL;
    byol_error error = {0};
    json_t *result = NULL;
    byol_status status = run(&args, &encoder, &error);
    if (status == BYOL_OK) {
        result = describe(&args, encoder);
        if (cli_tables() != NULL) fprintf(cli_tables(), "%s\n", args.out);
    }
    byol_encoder_free(encoder);
    return cli_conclude(status, result, &error);
}
