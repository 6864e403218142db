/* `byol data` of texts. */
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

static void print(const byol_source *source, const byol_source_info *info,
                  const byol_text_survey *survey, const size_t *class_counts) {
    FILE *stream = cli_tables();
    char count[32], skipped[32];
    if (stream == NULL) return;
    fprintf(stream, "%s\n", info->description);
    fprintf(stream, "  %-16s %s\n", "texts", cli_count(count, survey->count));
    fprintf(stream, "  %-16s %s\n", "empty, skipped", cli_count(skipped, info->skipped));
    print_lengths(stream, "bytes", survey->bytes);
    print_lengths(stream, "words", survey->words);
    cli_print_classes(stream, source, class_counts, "texts");
    cli_print_duplicates(stream, source, survey->duplicates, survey->duplicate_count);
}

static json_t *lengths(byol_lengths l) {
    return json_pack("{s:I, s:I, s:I, s:I}", "min", (json_int_t)l.min, "median",
                     (json_int_t)l.median, "p95", (json_int_t)l.p95, "max", (json_int_t)l.max);
}

byol_status cli_tell_texts(const byol_source *source, json_t **result, byol_error *error) {
    byol_source_info info;
    byol_text_survey survey;
    size_t *class_counts = NULL;
    byol_source_describe(source, &info);
    byol_status status = byol_source_survey_texts(source, &survey, error);
    if (status != BYOL_OK) return status;
    status = cli_count_classes(source, &class_counts, error);
    if (status == BYOL_OK) {
        print(source, &info, &survey, class_counts);
        *result = json_pack("{s:s, s:I, s:I, s:o, s:o, s:o, s:o}", "samples", "texts", "count",
                            (json_int_t)survey.count, "skipped", (json_int_t)info.skipped, "bytes",
                            lengths(survey.bytes), "words", lengths(survey.words), "classes",
                            cli_class_counts(source, class_counts), "duplicates",
                            cli_duplicates(source, survey.duplicates, survey.duplicate_count));
    }
    free(class_counts);
    byol_text_survey_release(&survey);
    return status;
}
