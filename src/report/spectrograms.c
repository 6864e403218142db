#include "report/spectrograms.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/png.h"
#include "input/input.h"
#include "input/sound_input.h"
#include "report/html.h"

/* ---- Painting ---- */

int byol__spectrogram_side(const byol_config *config) {
    return config->data.mels > config->data.frames ? config->data.mels : config->data.frames;
}

void byol__spectrogram_paint(const byol_config *config, const float *log_mels, uint8_t *pixels) {
    const float darkest = -2.5f, brightest = 2.5f; /* standard deviations */
    int side = byol__spectrogram_side(config), bands = config->data.mels,
        frames = config->data.frames;
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            int band = bands - 1 - y * bands / side, frame = x * frames / side;
            float value = log_mels[band * frames + frame];
            *pixels++ = byol__png_byte((value - darkest) / (brightest - darkest));
        }
}

/* ---- A source of pictures ---- */

typedef struct spectrograms {
    const byol_source *sounds;
    byol_config config;
    byol__mel *mel;
} spectrograms;

static byol_status paint_sound(const spectrograms *s, size_t index, float *log_mels,
                               uint8_t *pixels, byol_error *error) {
    const byol__preparation how = {.channels = 1,
                                   .mel = s->mel,
                                   .frames = s->config.data.frames,
                                   .place = 0.5f,
                                   .sound_mean = s->config.data.sound_mean,
                                   .sound_std = s->config.data.sound_std};
    byol__view_buffers buffers = {0};
    byol_status status =
        byol__input_of(s->sounds)->prepare(&how, s->sounds, index, &buffers, log_mels, error);
    byol__view_buffers_release(&buffers);
    if (status == BYOL_OK) byol__spectrogram_paint(&s->config, log_mels, pixels);
    return status;
}

static byol_status image(void *context, size_t index, int channels, byol_picture *picture,
                         byol_error *error) {
    const spectrograms *s = context;
    (void)channels; /* always asked for 1 */
    int side = byol__spectrogram_side(&s->config);
    size_t pixels = (size_t)side * (size_t)side;
    float *log_mels;
    uint8_t *room = byol_picture_reserve(picture, pixels, error);
    if (room == NULL) return BYOL_ERROR_MEMORY;
    byol_status status =
        byol__alloc_floats(&log_mels, (size_t)s->config.data.mels * (size_t)s->config.data.frames,
                           "a spectrogram", error);
    if (status == BYOL_OK) {
        status = paint_sound(s, index, log_mels, room, error);
        byol__free(log_mels);
    }
    picture->image = (byol_image){.pixels = room,
                                  .channels = 1,
                                  .height = side,
                                  .width = side,
                                  .channel_stride = pixels,
                                  .row_stride = (size_t)side,
                                  .pixel_stride = 1};
    return status;
}

static int32_t label(void *context, size_t index) {
    return byol_source_label(((const spectrograms *)context)->sounds, index);
}

static void name(void *context, size_t index, char *text, size_t size) {
    byol_source_name(((const spectrograms *)context)->sounds, index, text, size);
}

static void release(void *context) {
    byol__mel_free(((spectrograms *)context)->mel);
    byol__free(context);
}

byol_status byol__spectrograms_open(byol_source **out, const byol_source *sounds,
                                    const byol_config *config, byol_error *error) {
    byol_source_info info;
    spectrograms *s;
    byol_source_describe(sounds, &info);
    int side = byol__spectrogram_side(config);
    const byol_source_functions functions = {.count = info.count,
                                             .channels = 1,
                                             .height = side,
                                             .width = side,
                                             .classes = info.classes,
                                             .image = image,
                                             .label = label,
                                             .name = name,
                                             .release = release};
    byol_status status = byol__alloc(&s, 1, sizeof *s, "spectrograms", error);
    if (status != BYOL_OK) return status;
    *s = (spectrograms){.sounds = sounds, .config = *config};
    status = byol__mel_of_config(&s->mel, config, error);
    if (status == BYOL_OK) status = byol_source_from_functions(out, &functions, s, error);
    if (status != BYOL_OK) release(s);
    return status;
}

/* ---- Players ---- */

enum { PLAYED_RATE = 16000, PLAYED_SECONDS = 2, WAV_HEADER = 44 };

static void put_number(uint8_t *to, uint32_t value, int bytes) {
    for (int i = 0; i < bytes; i++) to[i] = (uint8_t)(value >> (8 * i));
}

/* WAV: 16 bits, one channel. */
static void put_header(uint8_t *wav, uint32_t rate, uint32_t samples) {
    memcpy(wav, "RIFF....WAVEfmt ", 16);
    put_number(wav + 4, WAV_HEADER - 8 + 2 * samples, 4);
    put_number(wav + 16, 16, 4); /* bytes of the format */
    put_number(wav + 20, 1, 2);  /* PCM */
    put_number(wav + 22, 1, 2);  /* channels */
    put_number(wav + 24, rate, 4);
    put_number(wav + 28, 2 * rate, 4); /* bytes a second */
    put_number(wav + 32, 2, 2);        /* bytes a sample */
    put_number(wav + 34, 16, 2);       /* bits */
    memcpy(wav + 36, "data", 4);
    put_number(wav + 40, 2 * samples, 4);
}

static void write_player(FILE *page, const byol_waveform *waveform, uint32_t rate) {
    size_t bytes = WAV_HEADER + 2 * waveform->count;
    uint8_t *wav = malloc(bytes);
    if (wav == NULL) return;
    put_header(wav, rate, (uint32_t)waveform->count);
    for (size_t i = 0; i < waveform->count; i++) {
        float x = waveform->samples[i];
        int16_t sample = (int16_t)(32767 * (x < -1 ? -1 : x > 1 ? 1 : x));
        put_number(wav + WAV_HEADER + 2 * i, (uint16_t)sample, 2);
    }
    byol__html(page, "<audio controls=\"controls\" preload=\"none\" src=\"");
    byol__html_bytes_of(page, "audio/wav", wav, bytes);
    byol__html(page, "\"></audio>");
    free(wav);
}

void byol__html_sound(FILE *page, const byol_source *source, size_t index) {
    byol_waveform waveform = {0};
    byol_source_info info;
    byol_source_describe(source, &info);
    int rate = info.rate < PLAYED_RATE ? info.rate : PLAYED_RATE;
    size_t most = (size_t)rate * PLAYED_SECONDS;
    if (byol_source_sound(source, index, rate, 0, most, &waveform, NULL) == BYOL_OK &&
        waveform.count > 0)
        write_player(page, &waveform, (uint32_t)rate);
    byol_waveform_release(&waveform);
}
