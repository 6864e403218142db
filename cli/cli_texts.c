/* `byol data` of texts. */
#include <stdbool.h>
#include <stdlib.h>

#include "cli_data.h"

static void print_lengths(FILE *stream, const char *what, byol_lengths l) {
    char min[32], median[32], p95[32], max[32];
    if (l.min == l.max)
        fprintf(stream, "  %-16s %s\n", what, cli_count(max, l.max));
    else
        fprintf(stream, "  %-16s %s .. %s, median %s, 95 %% up to %s\n", what,
                cli_count(min, l.min), cli_count(max, l.max), cli_count(median, l.median),
                cli_count(p95, l.p95));
}

/* All that is told of a source of texts. */
typedef struct found {
    const byol_source *source;
    byol_source_info info;
    byol_text_survey survey;
    size_t *class_counts;
    bool has_tokens;
    byol_token_survey tokens;
} found;

static double unknown_share(const found *f) {
    return f->tokens.count > 0 ? (double)f->tokens.unknown_count / (double)f->tokens.count : 0;
}

static void print_tokens(FILE *stream, const found *f) {
    char unknown[32], count[32];
    print_lengths(stream, "tokens", f->tokens.tokens);
    fprintf(stream, "  %-16s %.2g %% (%s of %s)\n", "unknown tokens", 100 * unknown_share(f),
            cli_count(unknown, f->tokens.unknown_count), cli_count(count, f->tokens.count));
}

static void print(const found *f) {
    FILE *stream = cli_tables();
    char count[32], skipped[32];
    if (stream == NULL) return;
    fprintf(stream, "%s\n", f->info.description);
    fprintf(stream, "  %-16s %s\n", "texts", cli_count(count, f->survey.count));
    fprintf(stream, "  %-16s %s\n", "empty, skipped", cli_count(skipped, f->info.skipped));
    print_lengths(stream, "bytes", f->survey.bytes);
    print_lengths(stream, "words", f->survey.words);
    if (f->has_tokens) print_tokens(stream, f);
    cli_print_classes(stream, f->source, f->class_counts, "texts");
    cli_print_duplicates(stream, f->source, f->survey.duplicates, f->survey.duplicate_count);
}

static json_t *lengths(byol_lengths l) {
    return json_pack("{s:I, s:I, s:I, s:I}", "min", (json_int_t)l.min, "median",
                     (json_int_t)l.median, "p95", (json_int_t)l.p95, "max", (json_int_t)l.max);
}

static json_t *describe(const found *f) {
    json_t *object =
        json_pack("{s:s, s:I, s:I, s:o, s:o, s:o, s:o}", "samples", "texts", "count",
                  (json_int_t)f->survey.count, "skipped", (json_int_t)f->info.skipped, "bytes",
                  lengths(f->survey.bytes), "words", lengths(f->survey.words), "classes",
                  cli_class_counts(f->source, f->class_counts), "duplicates",
                  cli_duplicates(f->source, f->survey.duplicates, f->survey.duplicate_count));
    if (!f->has_tokens) return object;
    json_object_set_new(object, "tokens", lengths(f->tokens.tokens));
    json_object_set_new(object, "token_count", json_integer((json_int_t)f->tokens.count));
    json_object_set_new(object, "unknown_count", json_integer((json_int_t)f->tokens.unknown_count));
    json_object_set_new(object, "unknown_share", json_real(unknown_share(f)));
    return object;
}

static byol_status count_tokens(found *f, const char *path, byol_error *error) {
    byol_tokenizer *tokenizer;
    byol_status status = byol_tokenizer_load(&tokenizer, path, error);
    if (status != BYOL_OK) return status;
    status = byol_source_survey_tokens(f->source, tokenizer, &f->tokens, error);
    byol_tokenizer_free(tokenizer);
    f->has_tokens = true;
    return status;
}

byol_status cli_tell_texts(const byol_source *source, const char *tokenizer, json_t **result,
                           byol_error *error) {
    found f = {.source = source};
    byol_source_describe(source, &f.info);
    byol_status status = byol_source_survey_texts(source, &f.survey, error);
    if (status == BYOL_OK && tokenizer != NULL) status = count_tokens(&f, tokenizer, error);
    if (status == BYOL_OK) status = cli_count_classes(source, &f.class_counts, error);
    if (status == BYOL_OK) {
        print(&f);
        *result = describe(&f);
    }
    free(f.class_counts);
    byol_text_survey_release(&f.survey);
    return status;
}
