#include "text/characters.h"
#include "text/tokenizer_parts.h"

/* The id of the longest token that the word's rest begins with, or -1; `*used` is its length. One
 * pass: the hash of each beginning comes out of that of the one before. */
static int32_t longest_piece(const byol_tokenizer *tokenizer, bool continues, const char *rest,
                             size_t length, size_t *used) {
    const byol__wordpiece *model = &tokenizer->wordpiece;
    const byol__string_table *tokens = &tokenizer->vocabulary.tokens;
    const size_t prefix = continues ? model->prefix_length : 0;
    uint64_t hash = continues ? model->prefix_hash : byol__hash_begin();
    int64_t best = -1;
    for (size_t end = 1; end <= length && prefix + end <= tokens->longest; end++) {
        hash = byol__hash_byte(hash, rest[end - 1]);
        if (end < length && byol__utf8_continues(rest[end])) continue;
        int64_t found = byol__string_find_joined(tokens, hash, model->prefix, prefix, rest, end);
        if (found < 0 || found >= tokenizer->vocabulary.of_model) continue;
        best = found;
        *used = end;
    }
    return best < 0 ? -1 : ((const int32_t *)tokenizer->vocabulary.ids.bytes)[best];
}

static bool is_too_long(const char *word, size_t length, size_t longest) {
    size_t characters = 0;
    for (size_t i = 0; i < length && characters <= longest; i++)
        characters += !byol__utf8_continues(word[i]);
    return characters > longest;
}

/* A word of which one part is not known is unknown as a whole. */
void byol__wordpiece_encode(const byol_tokenizer *tokenizer, const char *word, size_t length,
                            byol__ids *out) {
    size_t before = out->count;
    bool known = !is_too_long(word, length, tokenizer->wordpiece.longest_word);
    for (size_t at = 0, used = 0; known && at < length; at += used) {
        int32_t id = longest_piece(tokenizer, at > 0, word + at, length - at, &used);
        known = id >= 0;
        if (known) byol__ids_put(out, id);
    }
    if (known) return;
    out->count = before;
    byol__ids_put(out, tokenizer->unknown);
}
