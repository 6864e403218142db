#include "train/run_tokenizer.h"

#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/files.h"
#include "input/input.h"
#include "state/checkpoint.h"
#include "state/runfolder.h"

/* The tokenizer of the weights at `path`, a run or a file; NULL: they have none. */
static byol_status tokenizer_of(const char *path, byol_tokenizer **out, byol_error *error) {
    char encoder[BYOL__RUN_PATH_MAX];
    byol__safetensors *file;
    if (byol__is_folder(path)) {
        byol__run_path(path, "encoder.safetensors", encoder);
        path = encoder;
    }
    BYOL__TRY(byol__safetensors_open(&file, path, error));
    byol_status status = byol__checkpoint_tokenizer(file, path, out, error);
    byol__safetensors_close(file);
    return status;
}

/* Weights to begin with know their own tokens only. */
static byol_status check_start(const byol_tokenizer *tokenizer, const char *path,
                               byol_error *error) {
    byol_tokenizer *other = NULL;
    if (strcmp(path, "random") == 0 || strcmp(path, "copy") == 0) return BYOL_OK;
    BYOL__TRY(tokenizer_of(path, &other, error));
    size_t length;
    bool same = other == NULL || strcmp(byol_tokenizer_json(tokenizer, &length),
                                        byol_tokenizer_json(other, &length)) == 0;
    byol_tokenizer_free(other);
    if (same) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_MISMATCH,
                      "%s was trained with another tokenizer: leave data.tokenizer empty, or name "
                      "the tokenizer.json of that run",
                      path);
}

byol_status byol__tokenizer_begin(byol_tokenizer **out, const byol_source *source,
                                  byol_config *config, byol__hear hear, void *context,
                                  byol_error *error) {
    byol_tokenizer_info info;
    if (config->data.tokenizer[0] == '\0' && strcmp(config->encoder.init, "random") != 0)
        BYOL__TRY(tokenizer_of(config->encoder.init, out, error));
    if (*out == NULL) BYOL__TRY(byol__tokenizer_make(out, source, config, error));
    byol_tokenizer_describe(*out, &info);
    config->data.vocabulary = (int)info.vocabulary;
    BYOL__TRY(byol__tokenizer_check(*out, config, error));
    BYOL__TRY(check_start(*out, config->encoder.init, error));
    BYOL__TRY(check_start(*out, config->target.init, error));
    bool masks = false;
    for (int kind = 0; kind < BYOL_VIEW_KINDS; kind++)
        masks = masks || (config->views.count[kind] > 0 && config->views.text[kind].mask > 0);
    if (masks && info.special.mask < 0)
        hear(context, "the tokenizer has no mask token: views.*.mask has no effect");
    return BYOL_OK;
}
