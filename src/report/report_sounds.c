/* Sounds as spectrograms, beside the two views of each that training sees first. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "input/input.h"
#include "input/sound_input.h"
#include "report/html.h"
#include "report/sections.h"
#include "report/spectrograms.h"

enum { PICTURES = 3 };

/* What the views of one sound are made in. */
typedef struct studio {
    const byol_config *config;
    const byol_source *data;
    byol__view_list views;
    byol__mel *mel;
    byol__view_buffers buffers;
    float *log_mels;
    uint8_t *pixels;
} studio;

static void write_spectrogram(FILE *page, const studio *s, const char *words) {
    int side = byol__spectrogram_side(s->config);
    byol__spectrogram_paint(s->config, s->log_mels, s->pixels);
    byol__html(page, "<img class=\"photo\" alt=\"%s\" width=\"%d\" height=\"%d\" src=\"", words,
               side, side);
    byol__html_picture(page, s->pixels, 1, side, side);
    byol__html(page, "\"/>");
}

/* `which` 0: the unit that all views are of. */
static byol_status make(studio *s, const byol__sample_key *key, int which, byol_error *error) {
    size_t floats = (size_t)s->config->data.mels * (size_t)s->config->data.frames;
    if (which > 0)
        return byol__input_of(s->data)->make(&s->views, which - 1, key, &s->buffers, s->log_mels,
                                             error);
    memcpy(s->log_mels, s->buffers.units, floats * sizeof *s->log_mels);
    return BYOL_OK;
}

static byol_status write_views(FILE *page, studio *s, size_t index, byol_error *error) {
    static const char *const words[PICTURES] = {"A sound as it is", "View 1", "View 2"};
    const byol__sample_key key = {s->config->train.seed, 0, (uint32_t)index};
    byol_status status =
        byol__input_of(s->data)->read(s->data, index, &s->views, &key, &s->buffers, error);
    if (status != BYOL_OK) return byol_source_unreadable(s->data, index) ? BYOL_OK : status;
    byol__html(page, "<figure class=\"views\">");
    for (int which = 0; which < PICTURES && status == BYOL_OK; which++) {
        status = make(s, &key, which, error);
        byol__html(page, "<div>");
        if (status == BYOL_OK) write_spectrogram(page, s, words[which]);
        byol__html(page, "</div>");
    }
    byol__html_sound(page, s->data, index);
    byol__html(page, "</figure>\n");
    return status;
}

static byol_status open_studio(studio *s, byol_error *error) {
    size_t floats = (size_t)s->config->data.mels * (size_t)s->config->data.frames,
           side = (size_t)byol__spectrogram_side(s->config);
    byol__view_list_make(&s->views, s->config);
    byol_status status = byol__mel_of_config(&s->mel, s->config, error);
    s->views.mel = s->mel;
    if (status == BYOL_OK)
        status = byol__alloc_floats(&s->log_mels, floats, "a spectrogram", error);
    return status == BYOL_OK ? byol__alloc(&s->pixels, side * side, 1, "a spectrogram", error)
                             : status;
}

/* The sounds are spread evenly over the source. */
static byol_status write_all(FILE *page, studio *s, size_t shown, byol_progress progress,
                             void *context, byol_error *error) {
    byol_source_info info;
    byol_source_describe(s->data, &info);
    for (size_t i = 0; i < shown; i++) {
        if (progress != NULL && progress(context, i, shown) != 0)
            return byol__fail(error, BYOL_ERROR_CANCELLED, "stopped");
        BYOL__TRY(write_views(page, s, i * info.count / shown, error));
    }
    return BYOL_OK;
}

byol_status byol__section_sound_views(FILE *page, const byol_config *config,
                                      const byol_source *data, size_t count, byol_progress progress,
                                      void *context, byol_error *error) {
    byol_source_info info;
    studio s = {.config = config, .data = data};
    byol_source_describe(data, &info);
    byol_status status = open_studio(&s, error);
    byol__html(page, "<section id=\"views\">\n<h2>Views</h2>\n<p class=\"intro\">What the network "
                     "sees in training: a part of a sound, time from left to right and low "
                     "frequencies below, and the two views of it that are made in the first "
                     "epoch. A view should still tell what the sound is of.</p>\n"
                     "<div class=\"gallery\">\n");
    if (status == BYOL_OK)
        status =
            write_all(page, &s, info.count < count ? info.count : count, progress, context, error);
    byol__html(page, "</div>\n</section>\n");
    byol__view_buffers_release(&s.buffers);
    byol__mel_free(s.mel);
    byol__free(s.log_mels);
    byol__free(s.pixels);
    return status;
}
