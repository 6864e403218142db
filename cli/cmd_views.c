
#include "byol/sheet.h"
#include "byol/source.h"
#include "cli.h"

enum { COUNT = 24, COUNT_MAX = 1000 };

typedef struct arguments {
    cli_settings settings;
    const char *file, *out;
    int count;
} arguments;

static error_t parse(int key, char *argument, struct argp_state *state) {
    arguments *args = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &args->settings; return 0;
    case 'o': args->out = argument; return 0;
    case 'n':
        args->count = (int)cli_whole_number("--count", argument, 1, COUNT_MAX, state);
        return 0;
    case ARGP_KEY_ARG: cli_only_argument(&args->file, argument, "CONFIG.yaml", state); return 0;
    case ARGP_KEY_END:
        if (args->out == NULL)
            argp_error(state, "--out FILE.png is needed: where the picture goes");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"out", 'o', "FILE.png", 0, "Where the picture goes", 0},
    {"count", 'n', "N", 0, "Images on it, spread evenly over the data (default 24)", 0},
    {0},
};

static int configure(const arguments *args, byol_config *config) {
    int code = cli_check_output("--out", args->out, ".png");
    if (code == EXIT_DONE) code = cli_settings_configure(&args->settings, args->file, config);
    if (code == EXIT_DONE && config->data.train[0] == '\0')
        code = cli_usage("--data SRC is needed: the images to show");
    return code;
}

static byol_status write_sheet(const arguments *args, const byol_config *config, json_t **result,
                               byol_error *error) {
    byol_source *source;
    byol_status status = byol_source_open(&source, config->data.train, error);
    if (status != BYOL_OK) return status;
    byol_source_info images;
    byol_source_describe(source, &images);
    cli_say("data: %s", images.description);
    cli_progress progress;
    byol_sheet_info sheet;
    cli_progress_begin(&progress, "making views", "images");
    status = byol_sheet_write(args->out, config, source, args->count, cli_progress_hook, &progress,
                              &sheet, error);
    cli_progress_end(&progress);
    byol_source_free(source);
    if (status != BYOL_OK) return status;
    if (cli_tables() != NULL)
        fprintf(cli_tables(),
                "%s: %d images, of each the original, view 1 and view 2; %d pixels, magnified %d "
                "times\n",
                args->out, sheet.images, sheet.view_size, sheet.magnified);
    *result = json_pack("{s:o, s:i, s:i, s:i, s:i, s:i}", "out", cli_text(args->out), "images",
                        sheet.images, "view_size", sheet.view_size, "magnified", sheet.magnified,
                        "width", sheet.width, "height", sheet.height);
    return BYOL_OK;
}

static int run(const arguments *args) {
    byol_config config;
    int code = configure(args, &config);
    if (code != EXIT_DONE) return code;
    json_t *result = NULL;
    byol_error error = {0};
    byol_status status = write_sheet(args, &config, &result, &error);
    return cli_conclude(status, result, &error);
}

int cmd_views(int argc, char **argv) {
    const struct argp_child children[] = {
        {cli_settings_argp(), 0, NULL, 0}, {&cli_output_argp, 0, NULL, 0}, {0}};
    const struct argp parser = {
        options,
        parse,
        "[CONFIG.yaml]",
        "Makes a picture of what training will see: originals and both views of each. "
        "Look at it before you spend hours."
        "\vExample:\n  byol views --data photos/ --preset byol --image-size 224 --out views.png",
        children,
        NULL,
        NULL};
    arguments args = {.count = COUNT};
    if (!cli_parse(&parser, argc, argv, &args)) return EXIT_DONE;
    cli_catch_interrupts();
    int code = run(&args);
    cli_settings_release(&args.settings);
    return code;
}
