/* Texts as an input: tokens by text/, views by augment/token_view.c. */
#include <string.h>

#include "augment/token_view.h"
#include "base/error.h"
#include "base/memory.h"
#include "input/input.h"

/* Padding is behind a text's end only: a padding token that stands in it is an unknown word. */
static void keep_padding_out(const byol_tokenizer *tokenizer, int32_t *ids, size_t count) {
    byol_tokenizer_info info;
    byol_tokenizer_describe(tokenizer, &info);
    for (size_t i = 0; i < count && info.special.unk >= 0; i++)
        if (ids[i] == 0) ids[i] = info.special.unk;
}

/* ---- Training ---- */

static size_t view_elements(const byol_source_info *info, const byol__view_list *views, int view) {
    (void)info, (void)view;
    return (size_t)views->length;
}

/* Makes room for `count` ids, and as many for a view's scratch. */
static byol_status fit(byol__view_buffers *buffers, size_t count, byol_error *error) {
    if (count <= buffers->token_capacity) return BYOL_OK;
    byol__free(buffers->tokens);
    buffers->tokens = NULL;
    buffers->token_capacity = 0;
    BYOL__TRY(byol__alloc(&buffers->tokens, 2 * count, sizeof *buffers->tokens, "tokens of a text",
                          error));
    buffers->token_capacity = count;
    return BYOL_OK;
}

/* Few texts are longer than four views; the buffers grow where one is. A text of that many words
 * goes through the tokenizer here, so that its scratch has grown before a step is taken. */
static byol_status reserve(const byol_source_info *info, const byol__view_list *views,
                           byol__view_buffers *buffers, byol_error *error) {
    (void)info;
    size_t words = 4 * (size_t)views->length, count;
    char *text;
    BYOL__TRY(fit(buffers, words, error));
    BYOL__TRY(byol__alloc(&text, words, 2, "a text", error));
    for (size_t i = 0; i < words; i++) memcpy(text + 2 * i, "a ", 2);
    byol_status status =
        byol_tokenizer_encode(views->tokenizer, text, 2 * words, false, &buffers->text,
                              buffers->tokens, buffers->token_capacity, &count, error);
    byol__free(text);
    return status;
}

/* Bytes tell nearly as well as tokens which texts are long. */
static byol_status length_of(const byol_source *source, size_t index, uint32_t *length,
                             byol_error *error) {
    const char *text;
    size_t bytes;
    BYOL__TRY(byol_source_text(source, index, &text, &bytes, error));
    *length = bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
    return BYOL_OK;
}

static byol_status read(const byol_source *source, size_t index, const byol__view_list *views,
                        const byol__sample_key *key, byol__view_buffers *buffers,
                        byol_error *error) {
    (void)key;
    const char *text;
    size_t length, count;
    BYOL__TRY(byol_source_text(source, index, &text, &length, error));
    BYOL__TRY(byol_tokenizer_encode(views->tokenizer, text, length, false, &buffers->text,
                                    buffers->tokens, buffers->token_capacity, &count, error));
    if (count > buffers->token_capacity) {
        BYOL__TRY(fit(buffers, count, error));
        BYOL__TRY(byol_tokenizer_encode(views->tokenizer, text, length, false, &buffers->text,
                                        buffers->tokens, count, &count, error));
    }
    buffers->token_count = count;
    keep_padding_out(views->tokenizer, buffers->tokens, count);
    return BYOL_OK;
}

static byol_status make(const byol__view_list *views, int view, const byol__sample_key *key,
                        byol__view_buffers *buffers, void *dst, byol_error *error) {
    (void)error;
    byol_tokenizer_info info;
    byol_tokenizer_describe(views->tokenizer, &info);
    byol__random random = byol__random_stream(key->seed, BYOL__PURPOSE_VIEW, key->epoch, key->index,
                                              (uint32_t)view),
                 window = byol__random_stream(key->seed, BYOL__PURPOSE_VIEW, key->epoch, key->index,
                                              BYOL_VIEWS_MAX); /* the same for all views */
    byol__token_view(&views->text[view], &info.special, buffers->tokens, buffers->token_count,
                     &random, &window, buffers->tokens + buffers->token_capacity, dst,
                     (size_t)views->length);
    return BYOL_OK;
}

/* ---- Evaluation ---- */

/* A random view for pass how->pass, from the stream that a picture's has. */
static byol_status prepare_view(const byol__preparation *how, const byol_source *source,
                                size_t index, byol__view_buffers *buffers, void *dst,
                                byol_error *error) {
    byol__view_list views = {.count = 1, .length = how->length, .tokenizer = how->tokenizer};
    const byol__sample_key key = {how->seed, how->pass, (uint32_t)index};
    views.text[0] = how->text;
    BYOL__TRY(fit(buffers, 4 * (size_t)how->length, error));
    BYOL__TRY(read(source, index, &views, &key, buffers, error));
    return make(&views, 0, &key, buffers, dst, error);
}

/* The text's beginning, or a view of it. */
static byol_status prepare(const byol__preparation *how, const byol_source *source, size_t index,
                           byol__view_buffers *buffers, void *dst, byol_error *error) {
    const char *text;
    size_t length, count, room = (size_t)how->length;
    if (how->augmented) return prepare_view(how, source, index, buffers, dst, error);
    BYOL__TRY(byol_source_text(source, index, &text, &length, error));
    memset(dst, 0, room * sizeof(int32_t));
    BYOL__TRY(byol_tokenizer_encode(how->tokenizer, text, length, true, &buffers->text, dst, room,
                                    &count, error));
    keep_padding_out(how->tokenizer, dst, count < room ? count : room);
    return BYOL_OK;
}

/* ---- A run ---- */

static byol_status settle(const byol_source *source, const byol_config *began, byol_config *config,
                          byol_error *error) {
    (void)source, (void)error;
    if (began != NULL) config->data.vocabulary = began->data.vocabulary;
    return BYOL_OK;
}

const byol__input_kind byol__text_input = {
    .name = "text",
    .dtype = BYOL__I32,
    .view_elements = view_elements,
    .reserve = reserve,
    .length = length_of,
    .read = read,
    .make = make,
    .prepare = prepare,
    .settle = settle,
};

/* ---- The tokenizer ---- */

static byol_status next_text(void *context, size_t index, const char **text, size_t *length,
                             byol_error *error) {
    return byol_source_text(context, index, text, length, error);
}

byol_status byol__tokenizer_make(byol_tokenizer **out, const byol_source *source,
                                 const byol_config *config, byol_error *error) {
    byol_source_info info;
    byol_tokenizer_options options;
    byol_source_describe(source, &info);
    byol_tokenizer_options_init(&options);
    options.vocabulary = config->data.vocabulary;
    if (config->data.byte_level) {
        options.model = BYOL_TOKENIZER_BYTE_BPE;
        options.lowercase = false;
    }
    const byol_texts texts = {info.count, next_text, (void *)(uintptr_t)source};
    if (config->data.tokenizer[0] != '\0')
        return byol_tokenizer_load(out, config->data.tokenizer, error);
    return byol_tokenizer_train(out, &options, &texts, NULL, NULL, error);
}

byol_status byol__tokenizer_check(const byol_tokenizer *tokenizer, const byol_config *config,
                                  byol_error *error) {
    byol_tokenizer_info info;
    byol_tokenizer_describe(tokenizer, &info);
    if (info.special.pad != 0)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED,
                          info.special.pad < 0
                              ? "the tokenizer has no padding token; a network takes 0 for it"
                              : "the tokenizer's padding has number %d; a network takes 0 for it",
                          info.special.pad);
    if (info.added_before != (size_t)(info.special.cls >= 0) ||
        info.added_after != (size_t)(info.special.sep >= 0))
        return byol__fail(
            error, BYOL_ERROR_UNSUPPORTED,
            "the tokenizer puts %zu tokens before a text and %zu behind it; they must "
            "be its class token and its separator",
            info.added_before, info.added_after);
    if (info.vocabulary > (size_t)config->data.vocabulary)
        return byol__fail(error, BYOL_ERROR_MISMATCH,
                          "the tokenizer has %zu tokens, the network %d", info.vocabulary,
                          config->data.vocabulary);
    return BYOL_OK;
}
