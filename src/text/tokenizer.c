#include "byol/tokenizer.h"

#include <string.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "text/characters.h"
#include "text/tokenizer_parts.h"

/* ---- What there is ---- */

void byol_tokenizer_describe(const byol_tokenizer *tokenizer, byol_tokenizer_info *info) {
    *info = (byol_tokenizer_info){
        .model = tokenizer->model,
        .vocabulary = tokenizer->vocabulary.size,
        .special = tokenizer->special,
        .added_before = tokenizer->before_count,
        .added_after = tokenizer->after_count,
    };
}

int32_t byol_tokenizer_id(const byol_tokenizer *tokenizer, const char *token) {
    return byol__vocabulary_find(&tokenizer->vocabulary, token, strlen(token));
}

const char *byol_tokenizer_token(const byol_tokenizer *tokenizer, int32_t id) {
    size_t length;
    return byol__vocabulary_token(&tokenizer->vocabulary, id, &length);
}

/* ---- Files ---- */

void byol_tokenizer_free(byol_tokenizer *tokenizer) {
    if (tokenizer == NULL) return;
    byol__text_release(&tokenizer->json);
    byol__vocabulary_release(&tokenizer->vocabulary);
    byol__text_release(&tokenizer->special_ids);
    byol__id_pairs_release(&tokenizer->bpe.pairs);
    byol__text_release(&tokenizer->bpe.merges);
    byol__added_release(&tokenizer->plain);
    byol__added_release(&tokenizer->normal);
    byol__free(tokenizer);
}

byol_status byol_tokenizer_parse(byol_tokenizer **out, const char *json, size_t length,
                                 const char *name, byol_error *error) {
    byol_tokenizer *tokenizer;
    *out = NULL;
    BYOL__TRY(byol__alloc(&tokenizer, 1, sizeof *tokenizer, "a tokenizer", error));
    byol_status status = byol__text_append(&tokenizer->json, json, length, error);
    if (status == BYOL_OK) status = byol__text_append(&tokenizer->json, "", 1, error);
    if (status == BYOL_OK) status = byol__tokenizer_read(tokenizer, json, length, error);
    if (status != BYOL_OK) {
        byol_tokenizer_free(tokenizer);
        return byol__fail_within(error, status, "%s", name);
    }
    *out = tokenizer;
    return BYOL_OK;
}

byol_status byol_tokenizer_load(byol_tokenizer **out, const char *path, byol_error *error) {
    char *json;
    size_t length;
    *out = NULL;
    BYOL__TRY(byol__read_file(path, &json, &length, error));
    byol_status status = byol_tokenizer_parse(out, json, length, path, error);
    byol__free(json);
    return status;
}

const char *byol_tokenizer_json(const byol_tokenizer *tokenizer, size_t *length) {
    *length = tokenizer->json.length - 1;
    return tokenizer->json.bytes;
}

byol_status byol_tokenizer_save(const byol_tokenizer *tokenizer, const char *path,
                                byol_error *error) {
    byol__atomic_file file;
    BYOL__TRY(byol__atomic_open(&file, path, error));
    // what is not written is noticed by the stream, which commit asks
    fwrite(tokenizer->json.bytes, 1, tokenizer->json.length - 1, file.stream);
    return byol__atomic_commit(&file, error);
}

/* ---- Encoding ---- */

void byol_tokenizer_scratch_release(byol_tokenizer_scratch *scratch) {
    if (scratch == NULL) return;
    for (size_t i = 0; i < sizeof scratch->buffer / sizeof *scratch->buffer; i++)
        byol__text_release(&scratch->buffer[i]);
}

typedef struct encoding {
    const byol_tokenizer *tokenizer;
    byol_tokenizer_scratch *scratch;
    byol__ids ids;
} encoding;

static byol_status encode_word(void *context, const char *word, size_t length, byol_error *error) {
    encoding *e = context;
    if (e->tokenizer->model == BYOL_TOKENIZER_BYTE_BPE)
        return byol__bpe_encode(e->tokenizer, e->scratch, word, length, &e->ids, error);
    byol__wordpiece_encode(e->tokenizer, word, length, &e->ids);
    return BYOL_OK;
}

static byol_status encode_normal_piece(void *context, const char *text, const byol__piece *piece,
                                       byol_error *error) {
    encoding *e = context;
    if (piece->token != NULL) {
        byol__ids_put(&e->ids, piece->token->id);
        return BYOL_OK;
    }
    return byol__cut_words(&e->tokenizer->cutter, &e->scratch->buffer[BYOL__PREFIXED],
                           text + piece->start, piece->end - piece->start,
                           &(byol__word_sink){encode_word, e}, error);
}

static byol_status encode_piece(void *context, const char *text, const byol__piece *piece,
                                byol_error *error) {
    encoding *e = context;
    if (piece->token != NULL) return encode_normal_piece(context, text, piece, error);
    byol_text_buffer *buffer = e->scratch->buffer;
    const char *normal;
    size_t length;
    BYOL__TRY(byol__normalize(&e->tokenizer->normalizer, &buffer[BYOL__NORMAL],
                              &buffer[BYOL__CHARACTERS], text + piece->start,
                              piece->end - piece->start, &normal, &length, error));
    return byol__added_split(&e->tokenizer->normal, normal, length, encode_normal_piece, e, error);
}

static byol_status check_text(const char *text, size_t length, byol_error *error) {
    size_t valid = byol__utf8_valid(text, length);
    if (valid == length) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_FORMAT,
                      "byte %zu of the text, 0x%02X, is not UTF-8; convert the text first", valid,
                      (unsigned)(unsigned char)text[valid]);
}

byol_status byol_tokenizer_encode(const byol_tokenizer *tokenizer, const char *text, size_t length,
                                  bool special, byol_tokenizer_scratch *scratch, int32_t *ids,
                                  size_t capacity, size_t *count, byol_error *error) {
    size_t before = special ? tokenizer->before_count : 0;
    size_t after = special ? tokenizer->after_count : 0;
    if (capacity > 0 && capacity < before + after)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "room for %zu ids is too little: %zu of them are special tokens that "
                          "stand around a text",
                          capacity, before + after);
    BYOL__TRY(check_text(text, length, error));
    encoding e = {tokenizer, scratch, {ids, capacity > after ? capacity - after : 0, 0}};
    for (size_t i = 0; i < before; i++) byol__ids_put(&e.ids, tokenizer->before[i]);
    BYOL__TRY(byol__added_split(&tokenizer->plain, text, length, encode_piece, &e, error));
    *count = e.ids.count + after;
    // the text's end is cut off, what stands behind it is not
    if (e.ids.count > e.ids.room) e.ids.count = e.ids.room;
    e.ids.room = capacity;
    for (size_t i = 0; i < after; i++) byol__ids_put(&e.ids, tokenizer->after[i]);
    return BYOL_OK;
}
