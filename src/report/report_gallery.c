#include "base/memory.h"
#include "report/html.h"
#include "report/near.h"
#include "report/sections.h"
#include "report/spectrograms.h"

enum {
    VIEWS_SHOWN = 9,
    ASKED_SHOWN = 8,
    NEIGHBOURS = 8,
    NEIGHBOUR_SIDE = 96,
    ORIGINAL_SIDE = 160,
    SIDE_MIN = 8
};

static void write_picture(FILE *page, const uint8_t *pixels, int channels, int side, double aspect,
                          const char *words) {
    byol__html(page,
               "<img class=\"%s\" style=\"aspect-ratio:%.4f\" alt=\"%s\" width=\"%d\" "
               "height=\"%d\" src=\"",
               byol__picture_class(side), aspect, words, side, side);
    byol__html_picture(page, pixels, channels, side, side);
    byol__html(page, "\"/>");
}

/* ---- Views ---- */

static byol_status write_views(FILE *page, const byol__run_data *run_data, const byol_source *data,
                               size_t index, int channels, uint8_t *pixels, byol_error *error) {
    const byol_config *config = &run_data->config;
    int side = config->data.image_size,
        original = byol__picture_side(data, SIDE_MIN, ORIGINAL_SIDE);
    double aspect = 1;
    char words[64];
    byol_status status = byol__picture_whole(data, index, original, pixels, &aspect, error);
    if (status != BYOL_OK) return status;
    byol__html(page, "<figure class=\"views\"><div>");
    snprintf(words, sizeof words, "Image %zu as it is", index);
    write_picture(page, pixels, channels, original, aspect, words);
    byol__html(page, "</div>");
    for (int view = 0; view < 2 && status == BYOL_OK; view++) {
        status = byol__picture_view(data, index, config, view, pixels, error);
        snprintf(words, sizeof words, "Image %zu, view %d", index, view + 1);
        if (status == BYOL_OK) write_picture(page, pixels, channels, side, 1, words);
    }
    byol__html(page, "</figure>\n");
    return status;
}

byol_status byol__section_views(FILE *page, const byol__run_data *run_data, const byol_source *data,
                                byol_error *error) {
    byol_source_info info;
    uint8_t *pixels;
    byol_source_describe(data, &info);
    size_t shown = info.count < VIEWS_SHOWN ? info.count : VIEWS_SHOWN,
           side = (size_t)run_data->config.data.image_size;
    if (side < ORIGINAL_SIDE) side = ORIGINAL_SIDE;
    byol_status status =
        byol__alloc(&pixels, side * side * (size_t)info.channels, 1, "pictures", error);
    if (status != BYOL_OK) return status;
    byol__html(page, "<section id=\"views\">\n<h2>Views</h2>\n<p class=\"intro\">What the network "
                     "sees in training: an image "
                     "as it is, and the two views of it that were made in the first epoch. A view "
                     "should still tell what "
                     "the image is of.</p>\n<div class=\"gallery\">\n");
    for (size_t i = 0; i < shown && status == BYOL_OK; i++)
        status =
            write_views(page, run_data, data, i * info.count / shown, info.channels, pixels, error);
    byol__html(page, "</div>\n</section>\n");
    byol__free(pixels);
    return status;
}

/* ---- Nearest neighbours ---- */

static byol_status write_one(FILE *page, const byol__exhibit *exhibit, const byol__shown *from,
                             size_t index, const char *class, float likeness, int32_t wanted,
                             uint8_t *pixels, byol_error *error) {
    char name[64];
    const byol_source *pictures = byol__shown_pictures(from);
    int side = byol__picture_side(pictures, SIDE_MIN, NEIGHBOUR_SIDE);
    int32_t label = byol_source_label(from->source, index);
    byol_status status =
        byol__picture_center(pictures, index, exhibit->channels, side, pixels, error);
    if (status != BYOL_OK) return status;
    byol__label_words(from->of, exhibit->bank.of, label, name);
    int other = wanted >= 0 && label != wanted;
    byol__html(page, "<li class=\"%s%s\">", class, other ? " other" : "");
    write_picture(page, pixels, exhibit->channels, side, 1, name[0] != '\0' ? name : "image");
    if (exhibit->has_sounds) byol__html_sound(page, from->source, index);
    byol__html(page, "<span>%s</span>", name);
    if (likeness <= 1.001f)
        byol__html(page, "<span class=\"cosine\">%.3f</span>", (double)likeness);
    byol__html(page, "</li>");
    return BYOL_OK;
}

/* A row: the asked picture, or in its later rows the eye's name; then the nearest pictures. */
static byol_status write_neighbours(FILE *page, const byol__exhibit *exhibit, byol__eye eye,
                                    size_t asked, uint8_t *pixels, byol_error *error) {
    static const char *const lookers[BYOL__EYES] = {"", "by random weights", "by pixels"};
    const float no_likeness = 2;
    byol__near best[NEIGHBOURS];
    int found = byol__find_near(exhibit, eye, asked, NEIGHBOURS, best);
    int32_t label = byol_source_label(exhibit->asked.source, asked);
    byol_status status = BYOL_OK;
    byol__html(page, "<ol class=\"neighbours\">");
    if (eye == BYOL__LEARNED)
        status = write_one(page, exhibit, &exhibit->asked, asked, "asked", no_likeness, -1, pixels,
                           error);
    else
        byol__html(page, "<li class=\"looker\">%s</li>", lookers[eye]);
    for (int n = 0; n < found && status == BYOL_OK; n++)
        status = write_one(page, exhibit, &exhibit->bank, best[n].index, "near", best[n].cosine,
                           label, pixels, error);
    byol__html(page, "</ol>\n");
    return status;
}

byol_status byol__section_neighbours(FILE *page, const byol__exhibit *exhibit, byol_error *error) {
    size_t chosen[ASKED_SHOWN];
    uint8_t *pixels;
    char count[48];
    byol_status status =
        byol__alloc(&pixels, (size_t)NEIGHBOUR_SIDE * NEIGHBOUR_SIDE * 3, 1, "pictures", error);
    if (status != BYOL_OK) return status;
    int shown = byol__choose_asked(&exhibit->asked, ASKED_SHOWN, chosen);
    byol__html(page,
               "<section id=\"neighbours\">\n<h2>Nearest neighbours</h2>\n<p class=\"intro\">A "
               "%s, and what is most "
               "like it among %s training %s, by the cosine of their vectors.",
               exhibit->has_sounds ? "sound" : "picture",
               byol__html_count(count, exhibit->bank.count),
               exhibit->has_sounds ? "sounds" : "images");
    if (byol_source_label(exhibit->asked.source, 0) >= 0)
        byol__html(page, " Those of another class are crossed out.");
    if (exhibit->eyes > 1)
        byol__html(page, " Below: what is most like it to the same network with random weights, "
                         "and by pixels alone. Without "
                         "labels nobody can count who is right. Look for what the first row has "
                         "understood and the others "
                         "have not; where the rows are much the same, little has been learned that "
                         "pixels do not show.");
    byol__html(page, "</p>\n");
    for (int i = 0; i < shown * exhibit->eyes && status == BYOL_OK; i++)
        status = write_neighbours(page, exhibit, (byol__eye)(i % exhibit->eyes),
                                  chosen[i / exhibit->eyes], pixels, error);
    byol__html(page, "</section>\n");
    byol__free(pixels);
    return status;
}
