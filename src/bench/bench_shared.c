#include "bench/bench_shared.h"

#include <stdio.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/philox.h"
#include "config/options.h"

byol_status byol__bench_images(uint8_t **pixels, size_t count, size_t size, byol_error *error) {
    BYOL__TRY(byol__alloc(pixels, count * size, 1, "synthetic images", error));
    byol__random random = byol__random_stream(1, BYOL__PURPOSE_BENCH, 0, 0, 0);
    for (size_t i = 0; i < count * size; i++) (*pixels)[i] = (uint8_t)byol__random_u32(&random);
    return BYOL_OK;
}

enum { WORDS = 5000, WORD_BYTES = 8 }; /* "w0 " .. "w4999 " */

static byol_status make_texts(byol__bench_data *data, size_t count, int words, byol_error *error) {
    size_t bytes = (size_t)words * WORD_BYTES;
    char *text;
    BYOL__TRY(byol__alloc(&data->memory, count, bytes, "synthetic texts", error));
    BYOL__TRY(byol__alloc(&data->texts, count, sizeof *data->texts, "synthetic texts", error));
    byol__random random = byol__random_stream(1, BYOL__PURPOSE_BENCH, 0, 0, 0);
    text = data->memory;
    for (size_t i = 0; i < count; i++, text += bytes) {
        size_t used = 0;
        for (int w = 0; w < words; w++)
            used += (size_t)snprintf(text + used, bytes - used, "w%u ",
                                     (unsigned)byol__random_below(&random, WORDS));
        data->texts[i] = text;
    }
    return byol_source_from_texts(&data->source, data->texts, NULL, NULL, count, error);
}

/* Noise, so long that it has just the frames of a unit. */
static byol_status make_sounds(byol__bench_data *data, size_t count, const byol_config *config,
                               byol_error *error) {
    size_t length = (size_t)(config->data.frames - 1) * (size_t)config->data.hop + 1;
    BYOL__TRY(byol__alloc(&data->memory, count * length, sizeof(float), "synthetic sounds", error));
    BYOL__TRY(byol__alloc(&data->sounds, count, sizeof *data->sounds, "synthetic sounds", error));
    BYOL__TRY(byol__alloc(&data->lengths, count, sizeof *data->lengths, "synthetic sounds", error));
    float *samples = data->memory;
    byol__random random = byol__random_stream(1, BYOL__PURPOSE_BENCH, 0, 0, 0);
    for (size_t i = 0; i < count * length; i++)
        samples[i] = byol__random_range(&random, -0.5f, 0.5f);
    for (size_t i = 0; i < count; i++) {
        data->sounds[i] = samples + i * length;
        data->lengths[i] = length;
    }
    return byol_source_from_waveforms(&data->source, data->sounds, data->lengths,
                                      config->data.sample_rate, NULL, count, error);
}

byol_status byol__bench_data_make(byol__bench_data *data, const byol_config *config, size_t count,
                                  int channels, int side, byol_error *error) {
    uint8_t *pixels = NULL;
    if (byol__encoder_takes_texts(config->encoder.name))
        return make_texts(data, count, config->data.length, error);
    if (byol__takes_sounds(config)) return make_sounds(data, count, config, error);
    BYOL__TRY(
        byol__bench_images(&pixels, count, (size_t)channels * (size_t)side * (size_t)side, error));
    data->memory = pixels;
    return byol_source_from_memory(&data->source, pixels, NULL, count, channels, side, side, error);
}

void byol__bench_data_release(byol__bench_data *data) {
    byol_source_free(data->source);
    byol__free(data->texts);
    byol__free(data->sounds);
    byol__free(data->lengths);
    byol__free(data->memory);
}

bool byol__bench_cancelled(const byol_bench_options *options, double seconds) {
    double share = seconds < options->seconds ? seconds / options->seconds : 1;
    return options->progress != NULL &&
           options->progress(options->context, (uint64_t)(share * 1000), 1000) != 0;
}
