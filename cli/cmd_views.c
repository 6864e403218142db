#include <stdbool.h>

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
            argp_error(state,
                       "--out FILE.png is needed: where the picture goes; of texts, FILE.html");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"out", 'o', "FILE.png|.html", 0, "Where the picture goes, or of texts the page", 0},
    {"count", 'n', "N", 0, "Images or texts on it, spread evenly over the data (default 24)", 0},
    {0},
};

static int configure(const arguments *args, byol_config *config) {
    int code = cli_check_output("--out", args->out, NULL);
    if (code == EXIT_DONE) code = cli_settings_configure(&args->settings, args->file, config);
    if (code == EXIT_DONE && config->data.train[0] == '\0')
        code = cli_usage("--data SRC is needed: the images, texts or sounds to show");
    return code;
}

/* Pictures make a picture, texts and sounds a page. */
static byol_status check_ending(const char *out, const byol_source_info *samples,
                                byol_error *error) {
    bool texts = samples->samples == BYOL_SAMPLES_TEXTS,
         page = samples->samples != BYOL_SAMPLES_IMAGES;
    if (cli_ends_with(out, page ? ".html" : ".png")) return BYOL_OK;
    return cli_error(error, BYOL_ERROR_INVALID,
                     "--out %.500s: these are %s (%s), and their views are a %s: let it end in %s",
                     out,
                     texts  ? "texts"
                     : page ? "sounds"
                            : "images",
                     samples->description, page ? "page" : "picture", page ? ".html" : ".png");
}

static byol_status show_images(const arguments *args, const byol_config *config,
                               const byol_source *source, cli_progress *progress, json_t **result,
                               byol_error *error) {
    byol_sheet_info sheet;
    byol_status status = byol_sheet_write(args->out, config, source, args->count, cli_progress_hook,
                                          progress, &sheet, error);
    cli_progress_end(progress);
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

static byol_status show_texts(const arguments *args, const byol_config *config,
                              const byol_source *source, cli_progress *progress, json_t **result,
                              byol_error *error) {
    byol_text_sheet_info sheet;
    char count[32];
    byol_status status = byol_text_sheet_write(args->out, config, source, args->count,
                                               cli_progress_hook, progress, &sheet, error);
    cli_progress_end(progress);
    if (status != BYOL_OK) return status;
    if (sheet.remark[0] != '\0') cli_warn(sheet.remark);
    if (cli_tables() != NULL)
        fprintf(
            cli_tables(),
            "%s: %d texts, of each its tokens and %d views of at most %d; %s tokens are known\n",
            args->out, sheet.texts, sheet.views, sheet.length, cli_count(count, sheet.vocabulary));
    *result = json_pack("{s:o, s:i, s:i, s:i, s:I}", "out", cli_text(args->out), "texts",
                        sheet.texts, "views", sheet.views, "length", sheet.length, "vocabulary",
                        (json_int_t)sheet.vocabulary);
    return BYOL_OK;
}

static byol_status show_sounds(const arguments *args, const byol_config *config,
                               const byol_source *source, cli_progress *progress, json_t **result,
                               byol_error *error) {
    byol_sound_sheet_info sheet;
    byol_status status = byol_sound_sheet_write(args->out, config, source, args->count,
                                                cli_progress_hook, progress, &sheet, error);
    cli_progress_end(progress);
    if (status != BYOL_OK) return status;
    if (cli_tables() != NULL)
        fprintf(cli_tables(), "%s: %d sounds, of each %d bands x %d frames, view 1 and view 2\n",
                args->out, sheet.sounds, sheet.mels, sheet.frames);
    *result = json_pack("{s:o, s:i, s:i, s:i}", "out", cli_text(args->out), "sounds", sheet.sounds,
                        "mels", sheet.mels, "frames", sheet.frames);
    return BYOL_OK;
}

static byol_status show(const arguments *args, const byol_config *config, json_t **result,
                        byol_error *error) {
    byol_source *source;
    byol_source_info samples;
    cli_progress progress;
    byol_status status = byol_source_open(&source, config->data.train, error);
    if (status != BYOL_OK) return status;
    byol_source_describe(source, &samples);
    status = check_ending(args->out, &samples, error);
    if (status == BYOL_OK) {
        cli_say("data: %s", samples.description);
        cli_progress_begin(&progress, "making views", cli_samples(source));
        byol_status (*const shows[])(const arguments *, const byol_config *, const byol_source *,
                                     cli_progress *, json_t **,
                                     byol_error *) = {show_images, show_texts, show_sounds};
        status = shows[samples.samples](args, config, source, &progress, result, error);
    }
    byol_source_free(source);
    return status;
}

static int run(const arguments *args) {
    byol_config config;
    int code = configure(args, &config);
    if (code != EXIT_DONE) return code;
    json_t *result = NULL;
    byol_error error = {0};
    byol_status status = show(args, &config, &result, &error);
    return cli_conclude(status, result, &error);
}

int cmd_views(int argc, char **argv) {
    const struct argp_child children[] = {
        {cli_settings_argp(), 0, NULL, 0}, {&cli_output_argp, 0, NULL, 0}, {0}};
    const struct argp parser = {
        options,
        parse,
        "[CONFIG.yaml]",
        "Makes a picture of what training will see: originals and both views of each. Of texts it "
        "makes a page: their tokens, and all views as tokens; of sounds one of spectrograms. Look "
        "at it before you spend hours."
        "\vExamples:\n"
        "  byol views --data photos/ --preset byol --image-size 224 --out views.png\n"
        "  byol views configs/text/byol-text.yaml --data reviews.tsv --out views.html",
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
