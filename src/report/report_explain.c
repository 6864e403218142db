#include "base/memory.h"
#include "byol/explain.h"
#include "report/html.h"
#include "report/near.h"
#include "report/sections.h"

enum { PAIRS_SHOWN = 4 };

/* Two samples that are alike, and room for one's map and drawing. */
typedef struct pair {
    byol_explainer *explainer;
    const byol_source *source[2];
    size_t index[2];
    float *map;
    uint8_t *rgb;
    int height;
} pair;

/* Picture `which` of the pair, and what its likeness with the other hangs on. */
static byol_status write_picture(FILE *page, pair *p, int which, byol_error *error) {
    int other = 1 - which;
    byol_status status =
        byol_explainer_likeness(p->explainer, p->source[which], p->index[which], p->source[other],
                                p->index[other], p->map, NULL, error);
    if (status == BYOL_OK)
        status = byol_explainer_draw(p->explainer, p->source[which], p->index[which], p->map,
                                     p->rgb, error);
    if (status != BYOL_OK) return status;
    byol__html(page,
               "<img class=\"photo\" style=\"aspect-ratio:2\" alt=\"A picture, and the map of its "
               "likeness over it\" width=\"%d\" height=\"%d\" src=\"",
               2 * p->height, p->height);
    byol__html_picture(page, p->rgb, 3, p->height, 2 * p->height);
    byol__html(page, "\"/>");
    return BYOL_OK;
}

static byol_status write_pair(FILE *page, pair *p, const byol__exhibit *exhibit, size_t asked,
                              byol_error *error) {
    byol__near best;
    if (byol__find_near(exhibit, BYOL__LEARNED, asked, 1, &best) == 0) return BYOL_OK;
    p->source[0] = exhibit->asked.source;
    p->source[1] = exhibit->bank.source;
    p->index[0] = asked;
    p->index[1] = best.index;
    byol__html(page, "<figure>");
    byol_status status = BYOL_OK;
    for (int which = 0; which < 2 && status == BYOL_OK; which++)
        status = write_picture(page, p, which, error);
    byol__html(page, "<figcaption>cosine %.3f</figcaption></figure>\n", (double)best.cosine);
    return status;
}

static byol_status write_pairs(FILE *page, pair *p, const byol__exhibit *exhibit,
                               byol_error *error) {
    size_t chosen[PAIRS_SHOWN];
    int shown = byol__choose_asked(&exhibit->asked, PAIRS_SHOWN, chosen);
    byol_status status = BYOL_OK;
    byol__html(page, "<section id=\"explain\">\n<h2>What a likeness hangs on</h2>\n<p "
                     "class=\"intro\">A picture and its nearest neighbour. Beside each: which part "
                     "of it the likeness with the other hangs on, from violet (not at all) to "
                     "yellow (most). It shows where the network looked, not whether it was right "
                     "to.</p>\n<div class=\"gallery\">\n");
    for (int i = 0; i < shown && status == BYOL_OK; i++)
        status = write_pair(page, p, exhibit, chosen[i], error);
    byol__html(page, "</div>\n</section>\n");
    return status;
}

byol_status byol__section_explain(FILE *page, const char *run, const byol__exhibit *exhibit,
                                  int threads, byol_error *error) {
    pair p = {0};
    byol_error why = {0};
    byol_status status = byol_explainer_load(&p.explainer, run, threads, &why);
    if (status == BYOL_ERROR_UNSUPPORTED) return BYOL_OK; /* a network without maps */
    if (status != BYOL_OK) {
        if (error != NULL) *error = why;
        return status;
    }
    p.height = byol_explainer_height(p.explainer);
    size_t side = (size_t)byol_explainer_side(p.explainer), height = (size_t)p.height;
    status = byol__alloc_floats(&p.map, side * side, "a map", error);
    if (status == BYOL_OK) status = byol__alloc(&p.rgb, height * height * 6, 1, "a map", error);
    if (status == BYOL_OK) status = write_pairs(page, &p, exhibit, error);
    byol__free(p.map);
    byol__free(p.rgb);
    byol_explainer_free(p.explainer);
    return status;
}
