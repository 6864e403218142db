#include <stdlib.h>

#include "byol/pack.h"
#include "byol/source.h"
#include "cli.h"

typedef struct arguments {
    const char *source, *out;
    byol_pack_options options;
} arguments;

enum { OPTION_SHARD_SIZE = 6000, OPTION_RESIZE, OPTION_QUALITY };

static error_t parse(int key, char *argument, struct argp_state *state) {
    arguments *args = state->input;
    switch (key) {
    case OPTION_SHARD_SIZE:
        args->options.shard_size =
            (size_t)cli_whole_number("--shard-size", argument, 1, 1000000000, state);
        return 0;
    case OPTION_RESIZE:
        args->options.resize = (int)cli_whole_number("--resize", argument, 1, 16384, state);
        return 0;
    case OPTION_QUALITY:
        args->options.quality = (int)cli_whole_number("--quality", argument, 1, 100, state);
        return 0;
    case 't': args->options.threads = cli_threads(argument, state); return 0;
    case ARGP_KEY_ARG:
        if (args->out != NULL) argp_error(state, "SRC and OUT, not also '%s'", argument);
        *(args->source == NULL ? &args->source : &args->out) = argument;
        return 0;
    case ARGP_KEY_END:
        if (args->out == NULL) argp_error(state, "from which SRC to which folder OUT?");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"shard-size", OPTION_SHARD_SIZE, "N", 0, "Images in a shard (default 5000)", 0},
    {"resize", OPTION_RESIZE, "N", 0, "Shrink larger images to a short side of N pixels, as JPEG",
     0},
    {"quality", OPTION_QUALITY, "N", 0, "Of those JPEGs, 1 .. 100 (default 95)", 0},
    {"threads", 't', "N", 0, "0: every processor the process may use", 0},
    {0},
};
static const struct argp parser = {
    options,
    parse,
    "SRC OUT",
    "Packs the images of a source into tar shards (WebDataset's layout) in the folder "
    "OUT, so that a slow folder becomes a fast source. What cannot be read is left out. "
    "OUT/names.csv says what each sample was called in SRC."
    "\vExample:\n  byol pack photos:train shards/train --resize 256\n"
    "  byol pretrain --data shards:train --out runs/first",
    cli_output_children,
    NULL,
    NULL};

static json_t *tell(const arguments *args, const byol_pack_result *result) {
    char images[32], bytes[32];
    FILE *stream = cli_tables();
    if (stream != NULL)
        fprintf(stream, "%s: %s images in %zu shards, %s\n", args->out,
                cli_count(images, result->images), result->shards, cli_bytes(bytes, result->bytes));
    if (result->unreadable > 0 && stream != NULL)
        fprintf(stream, "%s images could not be read and were left out; 'byol data' names them\n",
                cli_count(images, result->unreadable));
    return json_pack("{s:o, s:I, s:I, s:I, s:I}", "out", cli_text(args->out), "images",
                     (json_int_t)result->images, "unreadable", (json_int_t)result->unreadable,
                     "shards", (json_int_t)result->shards, "bytes", (json_int_t)result->bytes);
}

int cmd_pack(int argc, char **argv) {
    arguments args = {0};
    byol_pack_options_init(&args.options);
    if (!cli_parse(&parser, argc, argv, &args)) return EXIT_DONE;
    cli_catch_interrupts();
    byol_source *source = NULL;
    byol_pack_result result = {0};
    byol_error error = {0};
    cli_progress progress;
    byol_status status = byol_source_open(&source, args.source, &error);
    if (status == BYOL_OK) {
        cli_progress_begin(&progress, "packing", "images");
        status = byol_pack(source, args.out, &args.options, &result, cli_progress_hook, &progress,
                           &error);
        cli_progress_end(&progress);
    }
    byol_source_free(source);
    return status == BYOL_OK ? cli_finish(tell(&args, &result), EXIT_DONE)
                             : cli_fail(status, &error);
}
