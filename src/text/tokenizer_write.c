#include "text/tokenizer_write.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"

const char *const *byol__special_names(byol_tokenizer_model model) {
    static const char *const wordpiece[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    static const char *const bytes[] = {"<pad>", "<unk>", "<s>", "</s>", "<mask>"};
    return model == BYOL_TOKENIZER_BYTE_BPE ? bytes : wordpiece;
}

/* The functions of jansson pass a NULL on, so that it is enough to look at the end. */

static json_t *added_tokens(byol_tokenizer_model model) {
    const char *const *names = byol__special_names(model);
    json_t *list = json_array();
    for (int i = 0; i < BYOL__SPECIAL_COUNT; i++) {
        // as RoBERTa has it: a mask stands for a word with the space before it
        bool strip = model == BYOL_TOKENIZER_BYTE_BPE && i == BYOL__SPECIAL_COUNT - 1;
        json_t *token =
            json_pack("{si ss sb sb sb sb sb}", "id", i, "content", names[i], "single_word", 0,
                      "lstrip", strip, "rstrip", 0, "normalized", 0, "special", 1);
        if (json_array_append_new(list, token) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *vocabulary(const byol__string_table *tokens) {
    json_t *object = json_object();
    for (uint32_t i = 0; i < tokens->count; i++) {
        size_t length;
        if (json_object_set_new(object, byol__string(tokens, i, &length), json_integer(i)) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static json_t *merges(const byol__learn *learned) {
    const uint64_t *pairs = learned->merges.bytes;
    json_t *list = json_array();
    for (size_t i = 0; i < learned->merges.length / sizeof *pairs; i++) {
        size_t length;
        const char *left = byol__string(&learned->tokens, (uint32_t)(pairs[i] >> 32), &length);
        const char *right = byol__string(&learned->tokens, (uint32_t)pairs[i], &length);
        if (json_array_append_new(list, json_pack("[ss]", left, right)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *wordpiece_file(const byol_tokenizer_options *options, const byol__learn *learned) {
    const char *const *names = byol__special_names(options->model);
    json_t *normalizer =
        json_pack("{ss sb sb sn sb}", "type", "BertNormalizer", "clean_text", 1,
                  "handle_chinese_chars", 1, "strip_accents", "lowercase", options->lowercase);
    json_t *model = json_pack("{ss ss ss si so}", "type", "WordPiece", "unk_token", names[1],
                              "continuing_subword_prefix", "##", "max_input_chars_per_word", 100,
                              "vocab", vocabulary(&learned->tokens));
    return json_pack("{ss sn sn so so s{ss} s{ss s[si] s[si]} s{ss ss sb} so}", "version", "1.0",
                     "truncation", "padding", "added_tokens", added_tokens(options->model),
                     "normalizer", normalizer, "pre_tokenizer", "type", "BertPreTokenizer",
                     "post_processor", "type", "BertProcessing", "sep", names[3], 3, "cls",
                     names[2], 2, "decoder", "type", "WordPiece", "prefix", "##", "cleanup", 1,
                     "model", model);
}

static json_t *bytes_file(const byol_tokenizer_options *options, const byol__learn *learned) {
    const char *const *names = byol__special_names(options->model);
    json_t *normalizer = options->lowercase ? json_pack("{ss}", "type", "Lowercase") : json_null();
    json_t *model = json_pack("{ss sn sn sn sn sb sb sb so so}", "type", "BPE", "dropout",
                              "unk_token", "continuing_subword_prefix", "end_of_word_suffix",
                              "fuse_unk", 0, "byte_fallback", 0, "ignore_merges", 0, "vocab",
                              vocabulary(&learned->tokens), "merges", merges(learned));
    return json_pack("{ss sn sn so so s{ss sb sb sb} s{ss s[si] s[si] sb sb} s{ss sb sb sb} so}",
                     "version", "1.0", "truncation", "padding", "added_tokens",
                     added_tokens(options->model), "normalizer", normalizer, "pre_tokenizer",
                     "type", "ByteLevel", "add_prefix_space", options->prefix_space, "trim_offsets",
                     1, "use_regex", 1, "post_processor", "type", "RobertaProcessing", "sep",
                     names[3], 3, "cls", names[2], 2, "trim_offsets", 1, "add_prefix_space",
                     options->prefix_space, "decoder", "type", "ByteLevel", "add_prefix_space", 1,
                     "trim_offsets", 1, "use_regex", 1, "model", model);
}

byol_status byol__tokenizer_write(const byol_tokenizer_options *options, const byol__learn *learned,
                                  byol_text_buffer *json, byol_error *error) {
    json_t *file = options->model == BYOL_TOKENIZER_BYTE_BPE ? bytes_file(options, learned)
                                                             : wordpiece_file(options, learned);
    char *text = file != NULL ? json_dumps(file, JSON_INDENT(2)) : NULL;
    json_decref(file);
    if (text == NULL)
        return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for the text of a tokenizer.json");
    byol_status status = byol__text_append(json, text, strlen(text), error);
    if (status == BYOL_OK) status = byol__text_append(json, "\n", 1, error);
    free(text);
    return status;
}
