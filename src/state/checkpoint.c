#include "state/checkpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "config/options.h"

enum {
    FORMAT_VERSION = 1,
    TENSOR_NAME_MAX = BYOL__PARAM_NAME_MAX + 32,
    METADATA_ALWAYS = 11, /* pairs that every file has */
    METADATA_MAX = METADATA_ALWAYS + 2,
};

/* ---- Writing ---- */

static byol_status config_as_text(const byol_config *config, char **out, byol_error *error) {
    size_t length;
    FILE *stream = open_memstream(out, &length);
    if (stream == NULL)
        return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for the configuration's text");
    byol_status status = byol_config_write(config, stream, error);
    if (fclose(stream) != 0 && status == BYOL_OK)
        status = byol__fail(error, BYOL_ERROR_MEMORY, "no memory for the configuration's text");
    if (status != BYOL_OK) {
        free(*out);
        *out = NULL;
    }
    return status;
}

/* How many rows of its table an arena has: sections come in their order. */
static int arena_rows(const byol__arena *arena) {
    int count = 0;
    while (count < arena->table->count && arena->table->rows[count].section <= arena->last) count++;
    return count;
}

static void list_tensors(const byol__arena *arenas, size_t count, byol__tensor *tensors,
                         char (*names)[TENSOR_NAME_MAX]) {
    size_t listed = 0;
    for (size_t a = 0; a < count; a++) {
        int rows = arena_rows(&arenas[a]);
        for (int r = 0; r < rows; r++, listed++) {
            const byol__param *row = &arenas[a].table->rows[r];
            snprintf(names[listed], sizeof names[listed], "%s%s", arenas[a].prefix, row->name);
            tensors[listed] = (byol__tensor){
                .name = names[listed], .data = arenas[a].values + row->offset, .ndims = row->ndims};
            memcpy(tensors[listed].dims, row->dims, sizeof row->dims);
        }
    }
}

static byol_status write_tensors(const char *path, const byol__tensor *tensors, size_t count,
                                 const byol__origin *origin, byol_error *error) {
    char format[16], step[24], batches[24], channels[16], seed[24], *config;
    snprintf(format, sizeof format, "%d", FORMAT_VERSION);
    snprintf(step, sizeof step, "%" PRIu64, origin->step);
    snprintf(batches, sizeof batches, "%" PRIu64, origin->batches);
    snprintf(channels, sizeof channels, "%d", origin->channels);
    snprintf(seed, sizeof seed, "%" PRIu64, origin->config.train.seed);
    size_t length;
    const char *tokenizer =
        origin->tokenizer == NULL ? NULL : byol_tokenizer_json(origin->tokenizer, &length);
    BYOL__TRY(config_as_text(&origin->config, &config, error));
    byol__metadata metadata[METADATA_MAX] = {
        {"format", "pt"}, /* what transformers asks for: names and shapes are PyTorch's */
        {"byol.format", format},
        {"byol.step", step},
        {"byol.batches", batches},
        {"byol.channels", channels},
        {"byol.seed", seed},
        {"byol.data", origin->data},
        {"byol.config", config},
        {"byol.monitor", origin->monitor},
        {"byol.losses", origin->losses},
        {"byol.pacing", origin->pacing},
    };
    size_t pairs = METADATA_ALWAYS;
    if (tokenizer != NULL) metadata[pairs++] = (byol__metadata){"byol.tokenizer", tokenizer};
    if (origin->classes != NULL)
        metadata[pairs++] = (byol__metadata){"byol.classes", origin->classes};
    byol_status status = byol__safetensors_write(path, tensors, count, metadata, pairs, error);
    free(config);
    return status;
}

byol_status byol__checkpoint_write(const char *path, const byol__arena *arenas, size_t count,
                                   const byol__origin *origin, byol_error *error) {
    size_t total = 0;
    for (size_t a = 0; a < count; a++) total += (size_t)arena_rows(&arenas[a]);
    byol__tensor *tensors = NULL;
    char(*names)[TENSOR_NAME_MAX] = NULL;
    byol_status status = byol__alloc(&tensors, total, sizeof *tensors, "list of tensors", error);
    if (status == BYOL_OK)
        status = byol__alloc(&names, total, sizeof *names, "names of tensors", error);
    if (status == BYOL_OK) {
        list_tensors(arenas, count, tensors, names);
        status = write_tensors(path, tensors, total, origin, error);
    }
    byol__free(tensors);
    byol__free(names);
    return status;
}

/* ---- Reading ---- */

/* A decimal number that is the whole text; otherwise `*good` becomes false. */
static uint64_t read_number(const byol__safetensors *file, const char *key, int *good) {
    const char *text = byol__safetensors_metadata(file, key);
    char *end = NULL;
    errno = 0;
    unsigned long long value = text != NULL ? strtoull(text, &end, 10) : 0;
    if (text == NULL || end == text || *end != '\0' || errno != 0) *good = 0;
    return value;
}

/* Older files may lack it. */
static void read_words(const byol__safetensors *file, const char *key, char *words, size_t size) {
    const char *text = byol__safetensors_metadata(file, key);
    snprintf(words, size, "%s", text != NULL ? text : "");
}

/* An encoder of texts has a tokenizer and no channels; buffers are sized by either. */
static byol_status check_kind(const byol__safetensors *file, const char *path,
                              const byol__origin *origin, byol_error *error) {
    bool of_texts = byol__encoder_takes_texts(origin->config.encoder.name);
    bool has_tokenizer = byol__safetensors_metadata(file, "byol.tokenizer") != NULL;
    bool fits_sounds = !byol__takes_sounds(&origin->config) || origin->channels == 1;
    if (of_texts == has_tokenizer && of_texts == (origin->channels == 0) && fits_sounds)
        return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_FORMAT,
                      "%s: encoder.name %s, %d channels and %s tokenizer do not go together", path,
                      origin->config.encoder.name, origin->channels, has_tokenizer ? "a" : "no");
}

static byol_status read_origin(const byol__safetensors *file, const char *path,
                               byol__origin *origin, byol_error *error) {
    int good = 1;
    uint64_t format = read_number(file, "byol.format", &good);
    const char *config = byol__safetensors_metadata(file, "byol.config");
    const char *data = byol__safetensors_metadata(file, "byol.data");
    if (!good || config == NULL || data == NULL)
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "%s is not a checkpoint or encoder of byol: its metadata lack byol.*",
                          path);
    if (format > FORMAT_VERSION)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED,
                          "%s has format version %" PRIu64
                          ", this library reads up to %d; a newer byol is needed",
                          path, format, FORMAT_VERSION);
    origin->step = read_number(file, "byol.step", &good);
    origin->batches = read_number(file, "byol.batches", &good);
    uint64_t channels = read_number(file, "byol.channels", &good);
    /* A source has no other numbers of channels, and buffers are sized for these. */
    if (!good || (channels != 0 && channels != 1 && channels != 3))
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "%s: byol.step, byol.batches or byol.channels is not a proper number",
                          path);
    origin->channels = (int)channels;
    origin->tokenizer = NULL;
    origin->classes = NULL;
    snprintf(origin->data, sizeof origin->data, "%s", data);
    read_words(file, "byol.monitor", origin->monitor, sizeof origin->monitor);
    read_words(file, "byol.losses", origin->losses, sizeof origin->losses);
    read_words(file, "byol.pacing", origin->pacing, sizeof origin->pacing);
    byol_config_init(&origin->config);
    /* Files without a recipe are from before there were recipes. */
    BYOL__TRY(byol_config_set(&origin->config, "recipe", "byol", error));
    byol_status status = byol_config_parse(&origin->config, config, strlen(config), path, error);
    if (status == BYOL_ERROR_INVALID) status = BYOL_ERROR_FORMAT;
    return status == BYOL_OK ? check_kind(file, path, origin, error) : status;
}

byol_status byol__checkpoint_tokenizer(const byol__safetensors *file, const char *path,
                                       byol_tokenizer **out, byol_error *error) {
    const char *json = byol__safetensors_metadata(file, "byol.tokenizer");
    *out = NULL;
    return json == NULL ? BYOL_OK : byol_tokenizer_parse(out, json, strlen(json), path, error);
}

byol_status byol__checkpoint_open(byol__safetensors **out, const char *path, byol__origin *origin,
                                  byol_error *error) {
    byol__safetensors *file;
    BYOL__TRY(byol__safetensors_open(&file, path, error));
    byol_status status = read_origin(file, path, origin, error);
    if (status != BYOL_OK) {
        byol__safetensors_close(file);
        return status;
    }
    *out = file;
    return BYOL_OK;
}

const char *byol__checkpoint_prefix(const byol__safetensors *file, const byol__param *row,
                                    float *arena) {
    static const char prefix[] = "online.";
    char name[TENSOR_NAME_MAX];
    snprintf(name, sizeof name, "%s%s", prefix, row->name);
    return byol__safetensors_read(file, name, row->dims, row->ndims, arena + row->offset, NULL) ==
                   BYOL_OK
               ? prefix
               : "";
}

byol_status byol__checkpoint_read(const byol__safetensors *file, const byol__arena *arenas,
                                  size_t count, byol_error *error) {
    for (size_t a = 0; a < count; a++) {
        int rows = arena_rows(&arenas[a]);
        for (int r = 0; r < rows; r++) {
            const byol__param *row = &arenas[a].table->rows[r];
            char name[TENSOR_NAME_MAX];
            snprintf(name, sizeof name, "%s%s", arenas[a].prefix, row->name);
            BYOL__TRY(byol__safetensors_read(file, name, row->dims, row->ndims,
                                             arenas[a].values + row->offset, error));
        }
    }
    return BYOL_OK;
}
