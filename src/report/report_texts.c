/* The views and the nearest neighbours of texts. */
#include "encoder/encoder_internal.h"
#include "report/html.h"
#include "report/near.h"
#include "report/sections.h"
#include "report/text_views.h"

enum { VIEWS_SHOWN = 6, ASKED_SHOWN = 8, NEIGHBOURS = 5, EXCERPT = 320 };

/* ---- Views ---- */

static byol_status write_views(FILE *page, const byol__run_data *run_data, const byol_source *data,
                               const byol_tokenizer *tokenizer, byol_error *error) {
    byol__text_views views;
    byol_source_info info;
    byol_source_describe(data, &info);
    size_t shown = info.count < VIEWS_SHOWN ? info.count : VIEWS_SHOWN;
    byol_status status = byol__text_views_open(&views, &run_data->config, tokenizer, error);
    for (size_t i = 0; i < shown && status == BYOL_OK; i++)
        status = byol__text_views_write(&views, page, data, i * info.count / shown, error);
    byol__text_views_release(&views);
    return status;
}

byol_status byol__section_text_views(FILE *page, const byol__run_data *run_data,
                                     const byol_report_options *options, byol_error *error) {
    byol_encoder *encoder;
    byol__weights weights;
    byol_status status = byol_encoder_load(&encoder, run_data->path, options->threads, error);
    if (status != BYOL_OK) return status;
    byol__encoder_weights(encoder, &weights);
    byol__html(page, "<section id=\"views\">\n<h2>Views</h2>\n<p class=\"intro\">What the network "
                     "sees in training: a text as its tokens, and the views of it that were made "
                     "in the first epoch, without padding. A view should still tell what the text "
                     "is about.</p>\n");
    status = write_views(page, run_data, options->data, weights.origin->tokenizer, error);
    byol__html(page, "</section>\n");
    byol_encoder_free(encoder);
    return status;
}

/* ---- Nearest neighbours ---- */

static void write_text(FILE *page, const byol__exhibit *exhibit, const byol__shown *from,
                       size_t index) {
    char text[EXCERPT], name[64];
    byol_source_excerpt(from->source, index, text, sizeof text);
    byol__label_words(from->of, exhibit->bank.of, byol_source_label(from->source, index), name);
    if (name[0] != '\0') byol__html(page, "<span class=\"label\">%s</span> ", name);
    byol__html(page, "%s", text);
}

/* A list: what is nearest to the asked text by one eye. */
static void write_neighbours(FILE *page, const byol__exhibit *exhibit, byol__eye eye,
                             size_t asked) {
    static const char *const lookers[BYOL__EYES] = {"", "by random weights", "by words (TF-IDF)"};
    byol__near best[NEIGHBOURS];
    int found = byol__find_near(exhibit, eye, asked, NEIGHBOURS, best);
    int32_t wanted = byol_source_label(exhibit->asked.source, asked);
    if (eye != BYOL__LEARNED) byol__html(page, "<p class=\"looker\">%s</p>", lookers[eye]);
    byol__html(page, "<ol>");
    for (int n = 0; n < found; n++) {
        int32_t label = byol_source_label(exhibit->bank.source, best[n].index);
        byol__html(page, "<li class=\"near%s\"><span class=\"cosine\">%.3f</span> ",
                   wanted >= 0 && label != wanted ? " other" : "", (double)best[n].cosine);
        write_text(page, exhibit, &exhibit->bank, best[n].index);
        byol__html(page, "</li>");
    }
    byol__html(page, "</ol>\n");
}

static void write_intro(FILE *page, const byol__exhibit *exhibit) {
    char count[48];
    byol__html(page,
               "<section id=\"neighbours\">\n<h2>Nearest neighbours</h2>\n<p class=\"intro\">A "
               "text, and what is most like it among %s training texts, by the cosine of their "
               "vectors.",
               byol__html_count(count, exhibit->bank.count));
    if (byol_source_label(exhibit->asked.source, 0) >= 0)
        byol__html(page, " Labels that differ are crossed out.");
    if (exhibit->eyes > 1)
        byol__html(page, " Below: what is most like it to the same network with random weights, "
                         "and by the words that they share alone. Without labels nobody can count "
                         "who is right. Look for what the first list has understood and the others "
                         "have not; where the lists are much the same, little has been learned "
                         "that words do not show.");
    byol__html(page, "</p>\n");
}

void byol__section_text_neighbours(FILE *page, const byol__exhibit *exhibit) {
    size_t chosen[ASKED_SHOWN];
    int shown = byol__choose_asked(&exhibit->asked, ASKED_SHOWN, chosen);
    write_intro(page, exhibit);
    for (int i = 0; i < shown; i++) {
        byol__html(page, "<div class=\"near-texts\"><p class=\"asked\">");
        write_text(page, exhibit, &exhibit->asked, chosen[i]);
        byol__html(page, "</p>\n");
        for (int eye = 0; eye < exhibit->eyes; eye++)
            write_neighbours(page, exhibit, (byol__eye)eye, chosen[i]);
        byol__html(page, "</div>\n");
    }
    byol__html(page, "</section>\n");
}
