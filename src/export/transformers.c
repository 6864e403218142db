/* A folder that Hugging Face's transformers loads: weights have BertModel's names already, so what
 * is added are the files that describe the model and its tokenizer. */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"
#include "base/files.h"
#include "byol/export.h"
#include "byol/tokenizer.h"
#include "config/options.h"
#include "encoder/encoder_internal.h"
#include "nets/nets.h"
#include "state/json_file.h"

enum { PATH_SIZE = BYOL_PATH_MAX + 64, MLP_RATIO = 4, TOKEN_KINDS = 2 };

static byol_status check(const byol_config *config, byol_error *error) {
    if (!byol__encoder_takes_texts(config->encoder.name))
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED,
                          "a folder for transformers is made of encoder.name transformer, not of "
                          "%s: write FILE.safetensors or FILE.onnx",
                          config->encoder.name);
    if (config->encoder.attention == BYOL_ATTENTION_LOWRANK || config->encoder.out > 0)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED,
                          "BertModel has no attention of low rank and no last linear layer: write "
                          "FILE.onnx");
    if (config->encoder.norm == BYOL_NORM_PRE)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED,
                          "BertModel has its norms behind each sum, not before each branch "
                          "(encoder.norm pre): write FILE.onnx");
    return BYOL_OK;
}

static json_t *model_config(const byol_config *config) {
    static const char *const names[] = {"class", "mean", "max"};
    return json_pack(
        "{s:[s], s:s, s:i, s:i, s:i, s:i, s:i, s:s, s:i, s:i, s:f, s:i, s:f, s:f, s:s}",
        "architectures", "BertModel", "model_type", "bert", "vocab_size", config->data.vocabulary,
        "hidden_size", config->encoder.width, "num_hidden_layers", config->encoder.depth,
        "num_attention_heads", byol_config_heads(config), "intermediate_size",
        MLP_RATIO * config->encoder.width, "hidden_act", "gelu", "max_position_embeddings",
        config->data.length, "type_vocab_size", TOKEN_KINDS, "layer_norm_eps", 1e-12,
        "pad_token_id", 0, "hidden_dropout_prob", (double)config->encoder.dropout,
        "attention_probs_dropout_prob", 0.0, "byol_pool", names[config->encoder.pool]);
}

/* What stands in the vocabulary for a special token; NULL: it has none. */
static json_t *token_of(const byol_tokenizer *tokenizer, int32_t id) {
    return id < 0 ? json_null() : json_string(byol_tokenizer_token(tokenizer, id));
}

static json_t *tokenizer_config(const byol_tokenizer *tokenizer, int length) {
    byol_tokenizer_info info;
    byol_tokenizer_describe(tokenizer, &info);
    return json_pack(
        "{s:s, s:i, s:o, s:o, s:o, s:o, s:o}", "tokenizer_class", "PreTrainedTokenizerFast",
        "model_max_length", length, "pad_token", token_of(tokenizer, info.special.pad), "unk_token",
        token_of(tokenizer, info.special.unk), "cls_token", token_of(tokenizer, info.special.cls),
        "sep_token", token_of(tokenizer, info.special.sep), "mask_token",
        token_of(tokenizer, info.special.mask));
}

byol_status byol_export_transformers(const byol_encoder *encoder, const char *folder,
                                     byol_error *error) {
    const byol_config *config = byol_encoder_config(encoder);
    const byol_tokenizer *tokenizer = byol__encoder_preparation(encoder).tokenizer;
    char path[PATH_SIZE];
    BYOL__TRY(check(config, error));
    BYOL__TRY(byol__make_folder(folder, error));
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    BYOL__TRY(byol_export_safetensors(encoder, path, NULL, error));
    snprintf(path, sizeof path, "%s/tokenizer.json", folder);
    BYOL__TRY(byol_tokenizer_save(tokenizer, path, error));
    snprintf(path, sizeof path, "%s/tokenizer_config.json", folder);
    BYOL__TRY(byol__json_write(path, tokenizer_config(tokenizer, config->data.length), 2, error));
    snprintf(path, sizeof path, "%s/config.json", folder);
    return byol__json_write(path, model_config(config), 2, error);
}
