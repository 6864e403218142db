#include "eval/terms.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "text/characters.h"
#include "text/normalize.h"
#include "text/text_buffer.h"

/* ---- Counting ---- */

typedef struct counting {
    byol__string_table *vocabulary;
    bool grow;
    byol_text_buffer lower[2], characters; /* of the text in lower case */
    byol_text_buffer pair;                 /* the word before, ' ', this word */
    size_t before;                         /* length of the word before; 0: there is none */
    byol_text_buffer found;                /* uint32_t: the terms of the text, one for each time */
    byol_text_buffer index, values;        /* uint32_t and float: the matrix's entries */
} counting;

/* \w of Python's regular expressions, which is str.isalnum or '_'. */
static bool is_word(int32_t c) { return c == '_' || byol__is_letter(c) || byol__is_number(c); }

/* The next word in text[*at ..], at least two characters long; false: there is none. */
static bool next_word(const char *text, size_t length, size_t *at, size_t *start) {
    size_t characters = 0;
    for (*start = *at; *at < length;) {
        int32_t c;
        size_t bytes = byol__utf8_read(text + *at, &c);
        bool inside = is_word(c);
        if (!inside && characters >= 2) return true;
        *at += bytes;
        characters = inside ? characters + 1 : 0;
        if (!inside) *start = *at;
    }
    return characters >= 2;
}

static byol_status take_term(counting *c, const char *term, size_t length, byol_error *error) {
    uint32_t number;
    if (c->grow) {
        BYOL__TRY(byol__string_add(c->vocabulary, term, length, &number, error));
    } else {
        int64_t known = byol__string_find(c->vocabulary, term, length);
        if (known < 0) return BYOL_OK;
        number = (uint32_t)known;
    }
    return byol__text_append(&c->found, &number, sizeof number, error);
}

/* Takes the word, and the pair that it makes with the word before. */
static byol_status take_word(counting *c, const char *word, size_t length, byol_error *error) {
    BYOL__TRY(take_term(c, word, length, error));
    if (c->before > 0) {
        BYOL__TRY(byol__text_append(&c->pair, " ", 1, error));
        BYOL__TRY(byol__text_append(&c->pair, word, length, error));
        BYOL__TRY(take_term(c, c->pair.bytes, c->pair.length, error));
    }
    c->pair.length = 0;
    c->before = length;
    return byol__text_append(&c->pair, word, length, error);
}

static int compare_numbers(const void *a, const void *b) {
    const uint32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The text's terms become entries of its row. */
static byol_status take_row(counting *c, byol_error *error) {
    uint32_t *terms = c->found.bytes;
    size_t count = c->found.length / sizeof *terms;
    if (count > 0) qsort(terms, count, sizeof *terms, compare_numbers);
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && terms[end] == terms[i];) end++;
        float times = (float)(end - i);
        BYOL__TRY(byol__text_append(&c->index, &terms[i], sizeof terms[i], error));
        BYOL__TRY(byol__text_append(&c->values, &times, sizeof times, error));
    }
    return BYOL_OK;
}

static byol_status count_text(counting *c, const byol_source *source, size_t index,
                              byol_error *error) {
    const byol__normalizer lowercase = {.step = {BYOL__LOWERCASE}, .count = 1};
    const char *text;
    size_t length, at = 0, start;
    BYOL__TRY(byol_source_text(source, index, &text, &length, error));
    BYOL__TRY(
        byol__normalize(&lowercase, c->lower, &c->characters, text, length, &text, &length, error));
    c->before = c->pair.length = c->found.length = 0;
    while (next_word(text, length, &at, &start))
        BYOL__TRY(take_word(c, text + start, at - start, error));
    return take_row(c, error);
}

/* `ends` (count): where the row of each text ends. */
static byol_status count_texts(counting *c, const byol_source *source, size_t count, size_t *ends,
                               byol_error *error) {
    for (size_t i = 0; i < count; i++) {
        BYOL__TRY(count_text(c, source, i, error));
        ends[i] = c->index.length / sizeof(uint32_t);
    }
    return BYOL_OK;
}

static byol_status make_rows(byol__sparse *counts, const counting *c, const size_t *ends,
                             size_t count, byol_error *error) {
    BYOL__TRY(byol__sparse_create(counts, count, c->vocabulary->count,
                                  c->index.length / sizeof(uint32_t), error));
    memcpy(counts->starts + 1, ends, count * sizeof *ends);
    if (c->index.length > 0) {
        memcpy(counts->index, c->index.bytes, c->index.length);
        memcpy(counts->values, c->values.bytes, c->values.length);
    }
    return BYOL_OK;
}

byol_status byol__terms_count(byol__sparse *counts, byol__string_table *vocabulary, bool grow,
                              const byol_source *source, byol_error *error) {
    counting c = {.vocabulary = vocabulary, .grow = grow};
    byol_source_info info;
    size_t *ends;
    byol_source_describe(source, &info);
    *counts = (byol__sparse){0};
    BYOL__TRY(byol__alloc(&ends, info.count, sizeof *ends, "terms of the texts", error));
    byol_status status = count_texts(&c, source, info.count, ends, error);
    if (status == BYOL_OK) status = make_rows(counts, &c, ends, info.count, error);
    byol_text_buffer *buffers[] = {&c.lower[0], &c.lower[1], &c.characters, &c.pair,
                                   &c.found,    &c.index,    &c.values};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) byol__text_release(buffers[i]);
    byol__free(ends);
    return status;
}

/* ---- Weighing ---- */

static size_t row_of(const uint32_t *indices, size_t i) { return indices != NULL ? indices[i] : i; }

void byol__terms_idf(const byol__sparse *counts, const uint32_t *indices, size_t n, double *idf) {
    memset(idf, 0, counts->columns * sizeof *idf);
    for (size_t i = 0; i < n; i++) {
        size_t row = row_of(indices, i);
        for (size_t e = counts->starts[row]; e < counts->starts[row + 1]; e++)
            idf[counts->index[e]]++;
    }
    for (size_t t = 0; t < counts->columns; t++)
        if (idf[t] > 0) idf[t] = log((1 + (double)n) / (1 + idf[t])) + 1;
}

/* Weighs a row into out's entries from `first` on; returns where they end. */
static size_t weigh_row(byol__sparse *out, size_t first, const byol__sparse *counts, size_t row,
                        const double *idf, bool sublinear) {
    double square = 0;
    size_t end = first;
    for (size_t e = counts->starts[row]; e < counts->starts[row + 1]; e++) {
        double count = (double)counts->values[e], times = idf[counts->index[e]];
        if (times == 0) continue;
        double value = (sublinear ? 1 + log(count) : count) * times;
        square += value * value;
        out->index[end] = counts->index[e];
        out->values[end++] = (float)value;
    }
    double scale = square > 0 ? 1 / sqrt(square) : 0;
    for (size_t e = first; e < end; e++) out->values[e] = (float)((double)out->values[e] * scale);
    return end;
}

byol_status byol__terms_weigh(byol__sparse *out, const byol__sparse *counts,
                              const uint32_t *indices, size_t n, const double *idf, bool sublinear,
                              byol_error *error) {
    size_t entries = 0;
    for (size_t i = 0; i < n; i++) {
        size_t row = row_of(indices, i);
        entries += counts->starts[row + 1] - counts->starts[row];
    }
    BYOL__TRY(byol__sparse_create(out, n, counts->columns, entries, error));
    for (size_t i = 0; i < n; i++)
        out->starts[i + 1] =
            weigh_row(out, out->starts[i], counts, row_of(indices, i), idf, sublinear);
    return BYOL_OK;
}
