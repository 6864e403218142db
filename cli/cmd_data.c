#include <stdbool.h>
#include <stdlib.h>

#include "cli_data.h"

typedef struct arguments {
    const char *source, *tokenizer;
    int threads;
} arguments;

enum { TOKENIZER = 256 };

static error_t parse(int key, char *argument, struct argp_state *state) {
    arguments *args = state->input;
    switch (key) {
    case 't': args->threads = cli_threads(argument, state); return 0;
    case TOKENIZER: args->tokenizer = argument; return 0;
    case ARGP_KEY_ARG: cli_only_argument(&args->source, argument, "SRC", state); return 0;
    case ARGP_KEY_NO_ARGS: argp_error(state, "which SRC?"); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"tokenizer", TOKENIZER, "FILE.json", 0,
     "Of texts: count their tokens by this tokenizer.json, and those that it does not know", 0},
    {"threads", 't', "N", 0, "0: every processor the process may use", 0},
    {0},
};
static const struct argp parser = {
    options,
    parse,
    "SRC",
    "Reads all images, texts or sounds of a source and tells what was found: sizes, classes, files "
    "that cannot be read, duplicates, and the mean and deviation to normalise by; of texts their "
    "lengths in bytes and words, and in tokens if a tokenizer is named; of sounds their lengths, "
    "rates and channels, and how many are silent."
    "\vExamples:\n  byol data photos/\n  byol data recordings/\n  byol data reviews.tsv "
    "--tokenizer "
    "runs/texts/tokenizer.json",
    cli_output_children,
    NULL,
    NULL};

typedef struct found {
    const byol_source *source;
    byol_source_info info;
    byol_survey survey;
    float mean[3], std[3];
    size_t *class_counts; /* (info.classes), of readable images */
} found;

/* ---- for people ---- */

static void print_span(FILE *stream, const char *what, byol_span span) {
    if (span.min == span.max)
        fprintf(stream, "  %-16s %d\n", what, span.min);
    else
        fprintf(stream, "  %-16s %d .. %d, median %d\n", what, span.min, span.max, span.median);
}

static void print_unreadable(FILE *stream, const found *f) {
    const byol_survey *survey = &f->survey;
    fprintf(stream, "  %-16s %zu (%.2g %%)\n", "unreadable", survey->unreadable_count,
            100 * (double)survey->unreadable_count / (double)survey->count);
    for (size_t i = 0; i < survey->unreadable_count && i < CLI_NAMES_SHOWN; i++)
        fprintf(stream, "    %s\n", survey->unreadable[i].reason);
    if (survey->unreadable_count > CLI_NAMES_SHOWN) fprintf(stream, "    ... (--json names all)\n");
}

static void print_sounds(FILE *stream, const found *f) {
    const byol_survey *survey = &f->survey;
    char count[32];
    fprintf(stream, "  %-16s %s, of %.1f s together\n", "sounds", cli_count(count, survey->count),
            survey->seconds);
    print_span(stream, "milliseconds", survey->milliseconds);
    print_span(stream, "rate, Hz", survey->rate);
    print_span(stream, "channels", survey->channels);
    fprintf(stream, "  %-16s %zu\n", "silent", survey->silent);
    cli_print_classes(stream, f->source, f->class_counts, "sounds");
    print_unreadable(stream, f);
    cli_print_duplicates(stream, f->source, survey->duplicates, survey->duplicate_count);
}

static void print(const found *f) {
    FILE *stream = cli_tables();
    char count[32];
    if (stream == NULL) return;
    fprintf(stream, "%s\n", f->info.description);
    if (f->info.samples == BYOL_SAMPLES_SOUNDS) {
        print_sounds(stream, f);
        return;
    }
    fprintf(stream, "  %-16s %s\n", "images", cli_count(count, f->survey.count));
    print_span(stream, "height", f->survey.height);
    print_span(stream, "width", f->survey.width);
    fprintf(stream, "  %-16s %d (%zu images are gray)\n", "channels", f->info.channels,
            f->survey.gray);
    cli_print_classes(stream, f->source, f->class_counts, "images");
    print_unreadable(stream, f);
    cli_print_duplicates(stream, f->source, f->survey.duplicates, f->survey.duplicate_count);
    fprintf(stream, "  %-16s %.4f, %.4f, %.4f\n", "mean", (double)f->mean[0], (double)f->mean[1],
            (double)f->mean[2]);
    fprintf(stream, "  %-16s %.4f, %.4f, %.4f\n", "deviation", (double)f->std[0], (double)f->std[1],
            (double)f->std[2]);
}

/* ---- for scripts ---- */

static json_t *span(byol_span s) { return json_pack("[i, i, i]", s.min, s.median, s.max); }

static json_t *triple(const float x[3]) {
    return json_pack("[f, f, f]", (double)x[0], (double)x[1], (double)x[2]);
}

static json_t *unreadable(const found *f) {
    json_t *list = json_array();
    for (size_t i = 0; i < f->survey.unreadable_count; i++)
        json_array_append_new(list, cli_sample_name(f->source, f->survey.unreadable[i].index));
    return list;
}

static json_t *describe_sounds(const found *f) {
    const byol_survey *survey = &f->survey;
    return json_pack(
        "{s:s, s:I, s:I, s:I, s:f, s:o, s:o, s:o, s:o, s:o, s:o}", "samples", "sounds", "count",
        (json_int_t)survey->count, "readable", (json_int_t)survey->readable, "silent",
        (json_int_t)survey->silent, "seconds", survey->seconds, "milliseconds",
        span(survey->milliseconds), "rate", span(survey->rate), "channels", span(survey->channels),
        "classes", cli_class_counts(f->source, f->class_counts), "unreadable", unreadable(f),
        "duplicates", cli_duplicates(f->source, survey->duplicates, survey->duplicate_count));
}

static json_t *describe(const found *f) {
    if (f->info.samples == BYOL_SAMPLES_SOUNDS) return describe_sounds(f);
    return json_pack("{s:I, s:I, s:i, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "count",
                     (json_int_t)f->survey.count, "readable", (json_int_t)f->survey.readable,
                     "channels", f->info.channels, "gray", (json_int_t)f->survey.gray, "height",
                     span(f->survey.height), "width", span(f->survey.width), "classes",
                     cli_class_counts(f->source, f->class_counts), "unreadable", unreadable(f),
                     "duplicates",
                     cli_duplicates(f->source, f->survey.duplicates, f->survey.duplicate_count),
                     "mean", triple(f->mean), "std", triple(f->std));
}

/* ---- the whole ---- */

static byol_status look(const arguments *args, found *f, byol_error *error) {
    cli_progress progress;
    byol_source_describe(f->source, &f->info);
    bool are_sounds = f->info.samples == BYOL_SAMPLES_SOUNDS;
    cli_progress_begin(&progress, "reading", are_sounds ? "sounds" : "images");
    byol_status status = byol_source_survey(f->source, args->threads, &f->survey, cli_progress_hook,
                                            &progress, error);
    cli_progress_end(&progress);
    if (status == BYOL_OK && !are_sounds)
        status = byol_source_statistics(f->source, args->threads, f->mean, f->std, error);
    if (status != BYOL_OK) return status;
    return cli_count_classes(f->source, &f->class_counts, error);
}

/* Prints what was found in a source of images or sounds, and makes the object for scripts. */
static byol_status tell_images(const arguments *args, const byol_source *source, json_t **result,
                               byol_error *error) {
    found f = {.source = source};
    if (args->tokenizer != NULL)
        return cli_error(error, BYOL_ERROR_INVALID,
                         "--tokenizer is for texts, but %.500s holds none", args->source);
    byol_status status = look(args, &f, error);
    if (status == BYOL_OK) {
        print(&f);
        *result = describe(&f);
    }
    free(f.class_counts);
    byol_survey_release(&f.survey);
    return status;
}

int cmd_data(int argc, char **argv) {
    arguments args = {0};
    if (!cli_parse(&parser, argc, argv, &args)) return EXIT_DONE;
    cli_catch_interrupts();
    byol_source *source = NULL;
    byol_source_info info = {0};
    json_t *result = NULL;
    byol_error error = {0};
    byol_status status = byol_source_open(&source, args.source, &error);
    if (status == BYOL_OK) byol_source_describe(source, &info);
    if (status == BYOL_OK)
        status = info.samples == BYOL_SAMPLES_TEXTS
                     ? cli_tell_texts(source, args.tokenizer, &result, &error)
                     : tell_images(&args, source, &result, &error);
    byol_source_free(source);
    return cli_conclude(status, result, &error);
}
