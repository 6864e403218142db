#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "text/characters.h"
#include "text/tokenizer_parts.h"

static const char *text_of(const byol__added_tokens *added, const byol__added_token *token) {
    return (const char *)added->texts.bytes + token->start;
}

static unsigned char first_byte(const byol__added_tokens *added, const byol__added_token *token) {
    return (unsigned char)text_of(added, token)[0];
}

byol_status byol__added_add(byol__added_tokens *added, const byol__added_token *token,
                            const char *text, size_t length, byol_error *error) {
    if (length == 0) return BYOL_OK;
    byol__added_token own = *token;
    own.start = added->texts.length;
    own.length = length;
    BYOL__TRY(byol__text_append(&added->texts, text, length, error));
    BYOL__TRY(byol__text_append(&added->tokens, &own, sizeof own, error));
    added->count++;
    return BYOL_OK;
}

static int by_first_byte_and_length(const void *a, const void *b, void *context) {
    const byol__added_token *x = a, *y = b;
    unsigned char first_x = first_byte(context, x), first_y = first_byte(context, y);
    if (first_x != first_y) return first_x < first_y ? -1 : 1;
    return x->length > y->length ? -1 : x->length < y->length;
}

void byol__added_order(byol__added_tokens *added) {
    byol__added_token *token = added->tokens.bytes;
    if (added->count > 0)
        qsort_r(token, added->count, sizeof *token, by_first_byte_and_length, added);
    for (size_t i = 0; i < added->count; i++) added->first[first_byte(added, &token[i]) + 1]++;
    for (int i = 1; i < 257; i++) added->first[i] += added->first[i - 1];
}

void byol__added_release(byol__added_tokens *added) {
    byol__text_release(&added->tokens);
    byol__text_release(&added->texts);
}

/* The longest token that stands at `text`, or NULL. */
static const byol__added_token *token_at(const byol__added_tokens *added, const char *text,
                                         size_t length) {
    const byol__added_token *tokens = added->tokens.bytes;
    const unsigned char byte = (unsigned char)text[0];
    for (size_t i = added->first[byte]; i < added->first[byte + 1]; i++)
        if (tokens[i].length <= length &&
            memcmp(text_of(added, &tokens[i]), text, tokens[i].length) == 0)
            return &tokens[i];
    return NULL;
}

static bool is_single_word(const char *text, size_t length, size_t start, size_t end) {
    int32_t c;
    if (start > 0) {
        byol__utf8_read_back(text, start, &c);
        if (byol__is_word(c)) return false;
    }
    if (end < length) {
        byol__utf8_read(text + end, &c);
        if (byol__is_word(c)) return false;
    }
    return true;
}

static size_t without_spaces_before(const char *text, size_t from, size_t end) {
    int32_t c;
    while (end > from) {
        size_t size = byol__utf8_read_back(text, end, &c);
        if (!byol__is_space(c)) break;
        end -= size;
    }
    return end;
}

static size_t behind_spaces(const char *text, size_t length, size_t at) {
    int32_t c;
    while (at < length) {
        size_t size = byol__utf8_read(text + at, &c);
        if (!byol__is_space(c)) break;
        at += size;
    }
    return at;
}

static byol_status text_piece(const char *text, size_t start, size_t end, byol__piece_sink sink,
                              void *context, byol_error *error) {
    if (start >= end) return BYOL_OK;
    return sink(context, text, &(byol__piece){start, end, NULL}, error);
}

byol_status byol__added_split(const byol__added_tokens *added, const char *text, size_t length,
                              byol__piece_sink sink, void *context, byol_error *error) {
    size_t done = 0;
    for (size_t at = 0; at < length && added->count > 0;) {
        const byol__added_token *token = token_at(added, text + at, length - at);
        if (token == NULL) {
            at++;
            continue;
        }
        size_t start = at, end = at += token->length;
        if (token->single_word && !is_single_word(text, length, start, end)) continue;
        if (token->left_strip) start = without_spaces_before(text, done, start);
        if (token->right_strip) end = behind_spaces(text, length, end);
        BYOL__TRY(text_piece(text, done, start, sink, context, error));
        BYOL__TRY(sink(context, text, &(byol__piece){start, end, token}, error));
        done = end;
    }
    return text_piece(text, done, length, sink, context, error);
}
