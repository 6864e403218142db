#include <string.h>

#include "base/error.h"
#include "text/characters.h"
#include "text/tokenizer_json.h"

static byol_status read_vocabulary(const json_t *json, byol__vocabulary *v, byol_error *error) {
    const json_t *tokens = json_object_get(json, "vocab");
    if (!json_is_object(tokens) || json_object_size(tokens) == 0)
        return byol__fail(error, BYOL_ERROR_FORMAT, "the model has no vocabulary ('vocab')");
    const char *token;
    json_t *id;
    json_object_foreach((json_t *)tokens, token, id) {
        if (!json_is_integer(id))
            return byol__fail(error, BYOL_ERROR_FORMAT, "the id of token '%s' is not a number",
                              token);
        BYOL__TRY(byol__vocabulary_add(v, token, strlen(token), json_integer_value(id), error));
    }
    v->of_model = v->tokens.count;
    return BYOL_OK;
}

/* The token that stands for what is unknown, if the model names one. */
static byol_status read_unknown(const json_t *model, byol_tokenizer *t, byol_error *error) {
    const char *token = byol__json_text(model, "unk_token", NULL);
    t->unknown = token == NULL ? -1 : byol_tokenizer_id(t, token);
    if (token != NULL && t->unknown < 0)
        return byol__fail(
            error, BYOL_ERROR_FORMAT,
            "the vocabulary does not have '%s', which is to stand for what is unknown", token);
    if (token == NULL && t->model == BYOL_TOKENIZER_WORDPIECE)
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "the model names no token for what is unknown ('unk_token')");
    return BYOL_OK;
}

static byol_status read_wordpiece(const json_t *json, byol_tokenizer *t, byol_error *error) {
    byol__wordpiece *model = &t->wordpiece;
    const char *prefix = byol__json_text(json, "continuing_subword_prefix", "##");
    const json_t *longest = json_object_get(json, "max_input_chars_per_word");
    model->prefix_length = strlen(prefix);
    if (model->prefix_length >= sizeof model->prefix)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED, "the prefix '%s' is longer than %zu bytes",
                          prefix, sizeof model->prefix - 1);
    memcpy(model->prefix, prefix, model->prefix_length + 1);
    model->prefix_hash = byol__hash(byol__hash_begin(), prefix, model->prefix_length);
    if (longest != NULL && json_integer_value(longest) < 1)
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "'max_input_chars_per_word' is not a number above 0");
    model->longest_word = longest == NULL ? 100 : (size_t)json_integer_value(longest);
    return BYOL_OK;
}

/* The two sides of a merge: "a b", or ["a", "b"] as newer files have it. */
static bool merge_sides(const json_t *merge, const char *side[2], size_t length[2]) {
    if (json_is_array(merge) && json_array_size(merge) == 2) {
        for (size_t i = 0; i < 2; i++) {
            const json_t *text = json_array_get(merge, i);
            side[i] = json_string_value(text);
            length[i] = json_string_length(text);
        }
        return side[0] != NULL && side[1] != NULL;
    }
    const char *text = json_string_value(merge), *space = text ? strchr(text, ' ') : NULL;
    if (space == NULL || strchr(space + 1, ' ') != NULL) return false;
    side[0] = text;
    side[1] = space + 1;
    length[0] = (size_t)(space - text);
    length[1] = strlen(side[1]);
    return true;
}

static byol_status token_of_merge(const byol__vocabulary *v, const char *token, size_t length,
                                  int32_t *id, byol_error *error) {
    *id = byol__vocabulary_find(v, token, length);
    if (*id >= 0) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_FORMAT, "it needs '%.*s', which is not in the vocabulary",
                      (int)(length < 200 ? length : 200), token);
}

static byol_status read_merge(const json_t *json, byol_tokenizer *t, int32_t rank,
                              byol_text_buffer *joined, byol_error *error) {
    const char *side[2];
    size_t length[2];
    int32_t id[2];
    byol__merge merge = {rank, -1};
    if (!merge_sides(json, side, length))
        return byol__fail(error, BYOL_ERROR_FORMAT, "it is not two tokens");
    joined->length = 0;
    BYOL__TRY(byol__text_reserve(joined, 1, 1, error)); // both sides may be empty
    for (int i = 0; i < 2; i++) {
        BYOL__TRY(token_of_merge(&t->vocabulary, side[i], length[i], &id[i], error));
        BYOL__TRY(byol__text_append(joined, side[i], length[i], error));
    }
    BYOL__TRY(token_of_merge(&t->vocabulary, joined->bytes, joined->length, &merge.id, error));
    uint32_t number, known = t->bpe.pairs.count;
    uint64_t key = byol__pair_key((uint32_t)id[0], (uint32_t)id[1]);
    BYOL__TRY(byol__pair_add(&t->bpe.pairs, key, &number, error));
    if (number == known) return byol__text_append(&t->bpe.merges, &merge, sizeof merge, error);
    ((byol__merge *)t->bpe.merges.bytes)[number] = merge; // of two the later counts
    return BYOL_OK;
}

static byol_status read_merges(const json_t *list, byol_tokenizer *t, byol_error *error) {
    if (!json_is_array(list))
        return byol__fail(error, BYOL_ERROR_FORMAT, "the model has no list 'merges'");
    byol_text_buffer joined = {0};
    byol_status status = BYOL_OK;
    int32_t rank = 0;
    for (size_t i = 0; i < json_array_size(list) && status == BYOL_OK; i++) {
        const json_t *merge = json_array_get(list, i);
        const char *text = json_string_value(merge);
        if (text != NULL && strncmp(text, "#version", 8) == 0) continue; // old files begin so
        status = read_merge(merge, t, rank++, &joined, error);
        if (status != BYOL_OK) byol__fail_within(error, status, "merge %zu", i);
    }
    byol__text_release(&joined);
    return status;
}

static byol_status read_bpe(const json_t *json, byol_tokenizer *t, byol_error *error) {
    const json_t *dropout = json_object_get(json, "dropout");
    const char *refused = NULL;
    if (json_is_number(dropout) && json_number_value(dropout) != 0.0) refused = "dropout";
    if (byol__json_truth(json, "byte_fallback", false)) refused = "byte_fallback";
    if (*byol__json_text(json, "continuing_subword_prefix", "") != '\0')
        refused = "continuing_subword_prefix";
    if (*byol__json_text(json, "end_of_word_suffix", "") != '\0') refused = "end_of_word_suffix";
    if (refused != NULL)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED, "BPE with '%s' is not known here",
                          refused);
    t->bpe.fuse_unknown = byol__json_truth(json, "fuse_unk", false);
    t->bpe.whole_words = byol__json_truth(json, "ignore_merges", false);
    for (int byte = 0; byte < 256; byte++) {
        char text[4];
        size_t length = byol__utf8_write(text, byol__byte_character((unsigned char)byte));
        t->bpe.byte_ids[byte] = byol__vocabulary_find(&t->vocabulary, text, length);
    }
    return read_merges(json_object_get(json, "merges"), t, error);
}

/* Old files do not say which model they have. */
static const char *model_type(const json_t *json) {
    const char *type = byol__json_text(json, "type", NULL);
    if (type != NULL) return type;
    return json_object_get(json, "merges") != NULL ? "BPE" : "WordPiece";
}

byol_status byol__read_model(const json_t *json, byol_tokenizer *t, bool bytes, byol_error *error) {
    if (!json_is_object(json))
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "there is no model in it; is it a tokenizer.json?");
    const char *type = model_type(json);
    bool bpe = strcmp(type, "BPE") == 0;
    if (!bpe && strcmp(type, "WordPiece") != 0) return byol__json_unknown("model", json, error);
    t->model = bpe ? BYOL_TOKENIZER_BYTE_BPE : BYOL_TOKENIZER_WORDPIECE;
    if (bpe != bytes)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED, "%s %s ByteLevel is not known here", type,
                          bytes ? "with the pre-tokenizer" : "without the pre-tokenizer");
    BYOL__TRY(read_vocabulary(json, &t->vocabulary, error));
    BYOL__TRY(read_unknown(json, t, error));
    return bpe ? read_bpe(json, t, error) : read_wordpiece(json, t, error);
}
