#include <string.h>

#include "base/error.h"
#include "text/characters.h"
#include "text/tokenizer_parts.h"

/* Replaces every `from` in the text by `to`, which is not longer. */
static size_t replace_all(char *text, size_t length, const char *from, const char *to) {
    size_t from_length = strlen(from), to_length = strlen(to), out = 0;
    for (size_t at = 0; at < length;) {
        if (length - at >= from_length && memcmp(text + at, from, from_length) == 0) {
            memcpy(text + out, to, to_length);
            out += to_length;
            at += from_length;
        } else {
            text[out++] = text[at++];
        }
    }
    return out;
}

/* As Hugging Face's WordPiece decoder does, token by token. */
static size_t clean_up(char *text, size_t length) {
    static const char *const replacement[][2] = {
        {" .", "."},   {" ?", "?"},     {" !", "!"},    {" ,", ","},
        {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},  {" do not", " don't"},
        {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
    for (size_t i = 0; i < sizeof replacement / sizeof *replacement; i++)
        length = replace_all(text, length, replacement[i][0], replacement[i][1]);
    return length;
}

static byol_status put_wordpiece(const byol_tokenizer *t, bool first, const char *token,
                                 size_t length, byol_text_buffer *out, byol_error *error) {
    const byol__wordpiece *model = &t->wordpiece;
    size_t start = out->length;
    bool continues =
        length >= model->prefix_length && memcmp(token, model->prefix, model->prefix_length) == 0;
    size_t skipped = !first && continues ? model->prefix_length : 0;
    if (!first && !continues) BYOL__TRY(byol__text_append(out, " ", 1, error));
    BYOL__TRY(byol__text_append(out, token + skipped, length - skipped, error));
    if (t->cleanup) out->length = start + clean_up((char *)out->bytes + start, out->length - start);
    return BYOL_OK;
}

/* A token that is not made of the 256 characters stands for itself. */
static byol_status put_bytes(const char *token, size_t length, byol_text_buffer *out,
                             byol_error *error) {
    size_t start = out->length;
    for (size_t at = 0; at < length;) {
        int32_t c;
        at += byol__utf8_read(token + at, &c);
        int byte = byol__character_byte(c);
        if (byte < 0) {
            out->length = start;
            return byol__text_append(out, token, length, error);
        }
        BYOL__TRY(byol__text_append(out, &(char){(char)byte}, 1, error));
    }
    return BYOL_OK;
}

static byol_status put_token(const byol_tokenizer *t, bool first, int32_t id, byol_text_buffer *out,
                             byol_error *error) {
    size_t length;
    const char *token = byol__vocabulary_token(&t->vocabulary, id, &length);
    if (token == NULL)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "id %d is not in the vocabulary; it has ids from 0 to %zu", (int)id,
                          t->vocabulary.size - 1);
    if (t->decoder == BYOL__BYTES) return put_bytes(token, length, out, error);
    if (t->decoder == BYOL__WORDPIECE) return put_wordpiece(t, first, token, length, out, error);
    if (!first) BYOL__TRY(byol__text_append(out, " ", 1, error));
    return byol__text_append(out, token, length, error);
}

/* Copies, with U+FFFD for what is not UTF-8. */
static byol_status make_valid(const byol_text_buffer *from, byol_text_buffer *out,
                              byol_error *error) {
    const char *text = from->bytes;
    out->length = 0;
    for (size_t at = 0; at < from->length;) {
        size_t valid = byol__utf8_valid(text + at, from->length - at);
        BYOL__TRY(byol__text_append(out, text + at, valid, error));
        at += valid;
        if (at == from->length) break;
        BYOL__TRY(byol__text_append(out, "\xEF\xBF\xBD", 3, error));
        at += byol__utf8_broken(text + at, from->length - at);
    }
    return BYOL_OK;
}

static bool is_special(const byol_tokenizer *t, int32_t id) {
    const int32_t *ids = t->special_ids.bytes;
    for (size_t i = 0; i < t->special_ids.length / sizeof *ids; i++)
        if (ids[i] == id) return true;
    return false;
}

byol_status byol_tokenizer_decode(const byol_tokenizer *tokenizer, const int32_t *ids, size_t count,
                                  bool special, byol_tokenizer_scratch *scratch, const char **text,
                                  size_t *length, byol_error *error) {
    byol_text_buffer *out = &scratch->buffer[0], *valid = &scratch->buffer[1];
    bool first = true;
    out->length = 0;
    for (size_t i = 0; i < count; i++) {
        if (!special && is_special(tokenizer, ids[i])) continue;
        BYOL__TRY(put_token(tokenizer, first, ids[i], out, error));
        first = false;
    }
    if (tokenizer->decoder == BYOL__BYTES) {
        BYOL__TRY(make_valid(out, valid, error));
        out = valid;
    }
    *length = out->length;
    BYOL__TRY(byol__text_append(out, "", 1, error));
    *text = out->bytes;
    return BYOL_OK;
}
