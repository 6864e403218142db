/* How long the texts of a source are, and which are the same. */
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "byol/survey.h"
#include "data/same_content.h"
#include "data/text_file.h"

static size_t count_words(const char *text, size_t length) {
    size_t words = 0;
    bool within = false;
    for (size_t i = 0; i < length; i++) {
        bool is_blank = byol__is_blank(text + i, 1);
        words += !is_blank && !within;
        within = !is_blank;
    }
    return words;
}

static int by_value(const void *a, const void *b) {
    const size_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Sorts the values. There is at least one. */
static byol_lengths lengths_of(size_t *values, size_t count) {
    qsort(values, count, sizeof *values, by_value);
    size_t p95 = (count * 19 + 19) / 20 - 1; /* the smallest that 95 % do not exceed */
    return (byol_lengths){values[0], values[count / 2], values[p95], values[count - 1]};
}

typedef struct measuring {
    size_t *bytes, *words;   /* (count) */
    byol__content *contents; /* (count) */
} measuring;

static byol_status measure(const byol_source *source, measuring *m, byol_text_survey *survey,
                           byol_error *error) {
    BYOL__TRY(byol__alloc(&m->bytes, survey->count, sizeof *m->bytes, "lengths", error));
    BYOL__TRY(byol__alloc(&m->words, survey->count, sizeof *m->words, "lengths", error));
    BYOL__TRY(byol__alloc(&m->contents, survey->count, sizeof *m->contents, "contents", error));
    for (size_t i = 0; i < survey->count; i++) {
        const char *text;
        BYOL__TRY(byol_source_text(source, i, &text, &m->bytes[i], error));
        m->words[i] = count_words(text, m->bytes[i]);
        m->contents[i] = (byol__content){XXH3_128bits(text, m->bytes[i]), i};
    }
    survey->bytes = lengths_of(m->bytes, survey->count);
    survey->words = lengths_of(m->words, survey->count);
    return byol__find_same_content(m->contents, survey->count, &survey->duplicates,
                                   &survey->duplicate_count, error);
}

byol_status byol_source_survey_texts(const byol_source *source, byol_text_survey *survey,
                                     byol_error *error) {
    byol_source_info info;
    measuring m = {.bytes = NULL};
    byol_source_describe(source, &info);
    if (info.samples != BYOL_SAMPLES_TEXTS || info.count == 0)
        return byol__fail(error, BYOL_ERROR_INVALID, "there are no texts to measure: %s",
                          info.description);
    *survey = (byol_text_survey){.count = info.count};
    byol_status status = measure(source, &m, survey, error);
    byol__free(m.bytes);
    byol__free(m.words);
    byol__free(m.contents);
    if (status != BYOL_OK) byol_text_survey_release(survey);
    return status;
}

void byol_text_survey_release(byol_text_survey *survey) {
    if (survey == NULL) return;
    byol__free(survey->duplicates);
    *survey = (byol_text_survey){0};
}
