#include <string.h>

#include "byol/source.h"
#include "byol/tokenizer.h"
#include "cli.h"

typedef struct arguments {
    const char *source, *out;
    byol_tokenizer_options options;
} arguments;

static error_t parse(int key, char *argument, struct argp_state *state) {
    arguments *args = state->input;
    switch (key) {
    case 's':
        args->options.vocabulary = (int)cli_whole_number("--size", argument, 8, 1000000, state);
        return 0;
    case 'b':
        args->options.model = BYOL_TOKENIZER_BYTE_BPE;
        args->options.lowercase = false;
        return 0;
    case 'C': args->options.lowercase = false; return 0;
    case 'f':
        args->options.min_frequency =
            (int)cli_whole_number("--min-frequency", argument, 1, 1000000, state);
        return 0;
    case 'o': args->out = argument; return 0;
    case ARGP_KEY_ARG: cli_only_argument(&args->source, argument, "SRC", state); return 0;
    case ARGP_KEY_END:
        if (args->source == NULL) argp_error(state, "from which texts SRC?");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"size", 's', "N", 0, "Tokens to learn (default 8000)", 0},
    {"byte-level", 'b', NULL, 0, "Byte-level BPE (GPT-2's), which keeps every byte", 0},
    {"cased", 'C', NULL, 0, "WordPiece of the texts as they are, not in lower case", 0},
    {"min-frequency", 'f', "N", 0, "Pairs met less often are not merged (default 2)", 0},
    {"out", 'o', "FILE", 0, "Default tokenizer.json", 0},
    {0},
};
static const struct argp parser = {
    options,
    parse,
    "SRC",
    "Learns a tokenizer from texts, WordPiece in lower case unless another is asked for, and "
    "writes it as Hugging Face's tokenizer.json. 'byol pretrain' learns one by itself; this is to "
    "share one between runs (--set data.tokenizer=FILE) or with other programs."
    "\vExample:\n  byol tokenizer sentences.txt --size 8000 --out tokenizer.json\n"
    "  byol pretrain --data sentences.txt --encoder transformer --set "
    "data.tokenizer=tokenizer.json --out runs/texts",
    cli_output_children,
    NULL,
    NULL};

static byol_status next_text(void *context, size_t index, const char **text, size_t *length,
                             byol_error *error) {
    return byol_source_text(context, index, text, length, error);
}

static byol_status run(const arguments *args, byol_source **source, byol_tokenizer **tokenizer,
                       byol_error *error) {
    byol_source_info info;
    cli_progress progress;
    byol_status status = byol_source_open(source, args->source, error);
    if (status != BYOL_OK) return status;
    byol_source_describe(*source, &info);
    cli_say("data: %s", info.description);
    const byol_texts texts = {info.count, next_text, *source};
    cli_progress_begin(&progress, "learning", NULL);
    status = byol_tokenizer_train(tokenizer, &args->options, &texts, cli_progress_hook, &progress,
                                  error);
    cli_progress_end(&progress);
    return status == BYOL_OK ? byol_tokenizer_save(*tokenizer, args->out, error) : status;
}

static json_t *tell(const arguments *args, const byol_tokenizer *tokenizer) {
    byol_tokenizer_info info;
    char count[32];
    byol_tokenizer_describe(tokenizer, &info);
    if (cli_tables() != NULL)
        fprintf(cli_tables(), "%s: %s tokens\n", args->out, cli_count(count, info.vocabulary));
    return json_pack("{s:o, s:I}", "out", cli_text(args->out), "vocabulary",
                     (json_int_t)info.vocabulary);
}

int cmd_tokenizer(int argc, char **argv) {
    arguments args = {.out = "tokenizer.json"};
    byol_tokenizer_options_init(&args.options);
    args.options.vocabulary = 8000;
    if (!cli_parse(&parser, argc, argv, &args)) return EXIT_DONE;
    int code = cli_check_output("--out", args.out, NULL);
    if (code != EXIT_DONE) return code;
    cli_catch_interrupts();
    byol_source *source = NULL;
    byol_tokenizer *tokenizer = NULL;
    byol_error error = {0};
    byol_status status = run(&args, &source, &tokenizer, &error);
    json_t *result = status == BYOL_OK ? tell(&args, tokenizer) : NULL;
    byol_tokenizer_free(tokenizer);
    byol_source_free(source);
    return cli_conclude(status, result, &error);
}
