#include "text/words.h"

#include <string.h>

#include "base/error.h"
#include "text/characters.h"

typedef bool (*kind)(int32_t character);

/* Where the run of characters ends that begins at `at` and is of the kind (or is not). */
static size_t run_end(const char *text, size_t length, size_t at, kind of, bool is) {
    while (at < length) {
        int32_t c;
        size_t size = byol__utf8_read(text + at, &c);
        if (of(c) != is) break;
        at += size;
    }
    return at;
}

/* ---- The cuts: each says where the next piece begins, and returns where it ends ---- */

static size_t next_by_space(const char *text, size_t length, size_t *start) {
    *start = run_end(text, length, *start, byol__is_space, true);
    return run_end(text, length, *start, byol__is_space, false);
}

static size_t next_by_punctuation(const char *text, size_t length, size_t *start) {
    int32_t c;
    size_t size = byol__utf8_read(text + *start, &c);
    if (byol__is_punctuation(c)) return *start + size;
    return run_end(text, length, *start + size, byol__is_punctuation, false);
}

static bool is_symbol(int32_t c) { return !byol__is_word(c) && !byol__is_space(c); }

static size_t next_by_words(const char *text, size_t length, size_t *start) {
    *start = run_end(text, length, *start, byol__is_space, true);
    if (*start == length) return length;
    int32_t c;
    byol__utf8_read(text + *start, &c);
    return run_end(text, length, *start, byol__is_word(c) ? byol__is_word : is_symbol, true);
}

/* The length of 's, 't, 're, 've, 'm, 'll or 'd at `text`, or 0. */
static size_t contraction(const char *text, size_t length) {
    if (length < 2 || text[0] != '\'') return 0;
    if (strchr("stmd", text[1]) != NULL && text[1] != '\0') return 2;
    if (length < 3) return 0;
    bool two = (text[1] == 'r' && text[2] == 'e') || (text[1] == 'v' && text[2] == 'e') ||
               (text[1] == 'l' && text[2] == 'l');
    return two ? 3 : 0;
}

static bool is_other(int32_t c) {
    return !byol__is_space(c) && !byol__is_letter(c) && !byol__is_number(c);
}

/* White space up to a word, whose own space it leaves; all of it at the end of the text. */
static size_t spaces(const char *text, size_t length, size_t start) {
    size_t end = run_end(text, length, start, byol__is_space, true);
    if (end == length) return end;
    int32_t c;
    size_t last = end - byol__utf8_read_back(text, end, &c);
    return last > start ? last : end;
}

/* 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
static size_t next_by_gpt2(const char *text, size_t length, size_t *start) {
    size_t short_form = contraction(text + *start, length - *start);
    if (short_form > 0) return *start + short_form;
    size_t first = *start + (text[*start] == ' '); // behind the optional space
    if (first == length) return length;
    int32_t c;
    byol__utf8_read(text + first, &c);
    if (byol__is_space(c)) return spaces(text, length, *start);
    kind of = byol__is_letter(c)   ? byol__is_letter
              : byol__is_number(c) ? byol__is_number
                                   : is_other;
    return run_end(text, length, first, of, true);
}

static size_t (*const next_piece[])(const char *text, size_t length, size_t *start) = {
    [BYOL__CUT_SPACE] = next_by_space,
    [BYOL__CUT_PUNCTUATION] = next_by_punctuation,
    [BYOL__CUT_WORDS] = next_by_words,
    [BYOL__CUT_GPT2] = next_by_gpt2,
};

/* ---- One cut after the other ---- */

typedef struct cutting {
    const byol__cutter *cutter;
    const byol__word_sink *sink;
    byol_text_buffer *room;
    byol_error *error;
} cutting;

static byol_status cut_from(const cutting *c, int step, const char *text, size_t length);

static byol_status cut_with_space(const cutting *c, int step, const char *text, size_t length) {
    if (text[0] == ' ') return cut_from(c, step + 1, text, length);
    c->room->length = 0;
    BYOL__TRY(byol__text_append(c->room, " ", 1, c->error));
    BYOL__TRY(byol__text_append(c->room, text, length, c->error));
    return cut_from(c, step + 1, c->room->bytes, c->room->length);
}

static byol_status cut_from(const cutting *c, int step, const char *text, size_t length) {
    if (length == 0) return BYOL_OK;
    if (step == c->cutter->count) return c->sink->word(c->sink->context, text, length, c->error);
    byol__cut cut = c->cutter->cut[step];
    if (cut == BYOL__PREFIX_SPACE) return cut_with_space(c, step, text, length);
    for (size_t start = 0, end; start < length; start = end) {
        end = next_piece[cut](text, length, &start);
        BYOL__TRY(cut_from(c, step + 1, text + start, end - start));
    }
    return BYOL_OK;
}

byol_status byol__cut_words(const byol__cutter *cutter, byol_text_buffer *room, const char *text,
                            size_t length, const byol__word_sink *sink, byol_error *error) {
    return cut_from(&(cutting){cutter, sink, room, error}, 0, text, length);
}
