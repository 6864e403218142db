/* How long the texts of a source are, which are the same, and what a tokenizer makes of them. */
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

static byol_status need_texts(const byol_source *source, size_t *count, byol_error *error) {
    byol_source_info info;
    byol_source_describe(source, &info);
    *count = info.count;
    if (info.samples == BYOL_SAMPLES_TEXTS && info.count > 0) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_INVALID, "there are no texts to measure: %s",
                      info.description);
}

byol_status byol_source_survey_texts(const byol_source *source, byol_text_survey *survey,
                                     byol_error *error) {
    measuring m = {.bytes = NULL};
    size_t count;
    BYOL__TRY(need_texts(source, &count, error));
    *survey = (byol_text_survey){.count = count};
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

/* ---- Tokens ---- */

/* One text after the other, as tokens. */
typedef struct encoding {
    const byol_tokenizer *tokenizer;
    byol_tokenizer_scratch scratch;
    int32_t unknown; /* -1: the tokenizer knows every text */
    int32_t *ids;    /* (capacity) */
    size_t capacity;
} encoding;

static byol_status encode(encoding *e, const char *text, size_t length, size_t *count,
                          byol_error *error) {
    BYOL__TRY(byol_tokenizer_encode(e->tokenizer, text, length, false, &e->scratch, e->ids,
                                    e->capacity, count, error));
    if (*count <= e->capacity) return BYOL_OK;
    byol__free(e->ids);
    e->ids = NULL;
    e->capacity = 0;
    BYOL__TRY(byol__alloc(&e->ids, 2 * *count, sizeof *e->ids, "tokens of a text", error));
    e->capacity = 2 * *count;
    return byol_tokenizer_encode(e->tokenizer, text, length, false, &e->scratch, e->ids,
                                 e->capacity, count, error);
}

static byol_status count_tokens(encoding *e, const byol_source *source, size_t texts,
                                size_t *lengths, byol_token_survey *survey, byol_error *error) {
    for (size_t i = 0; i < texts; i++) {
        const char *text;
        size_t length;
        BYOL__TRY(byol_source_text(source, i, &text, &length, error));
        BYOL__TRY(encode(e, text, length, &lengths[i], error));
        survey->count += lengths[i];
        for (size_t k = 0; k < lengths[i] && e->unknown >= 0; k++)
            survey->unknown_count += e->ids[k] == e->unknown;
    }
    survey->tokens = lengths_of(lengths, texts);
    return BYOL_OK;
}

byol_status byol_source_survey_tokens(const byol_source *source, const byol_tokenizer *tokenizer,
                                      byol_token_survey *survey, byol_error *error) {
    byol_tokenizer_info info;
    size_t count, *lengths;
    BYOL__TRY(need_texts(source, &count, error));
    BYOL__TRY(byol__alloc(&lengths, count, sizeof *lengths, "lengths", error));
    byol_tokenizer_describe(tokenizer, &info);
    encoding e = {.tokenizer = tokenizer, .unknown = info.special.unk};
    *survey = (byol_token_survey){0};
    byol_status status = count_tokens(&e, source, count, lengths, survey, error);
    byol_tokenizer_scratch_release(&e.scratch);
    byol__free(e.ids);
    byol__free(lengths);
    return status;
}
