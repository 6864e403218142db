#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "report/html.h"
#include "report/sections.h"
#include "report/tsne.h"

enum {
    WIDTH = 1000,
    HEIGHT_MIN = 500,
    HEIGHT_MAX = 1000,
    MARGIN = 24,
    SHAPES = 4,
    THUMBNAIL = 32,
    THUMBNAIL_SHOWN = 64,
    COLUMNS = 40,
    FEWEST = 12,
    EXCERPT = 200
};

/* ---- Shapes: colour alone cannot distinguish classes ---- */

static void write_shapes(FILE *page) {
    static const char *const shapes[SHAPES] = {
        "<circle r=\"7\"/>", "<rect x=\"-6.5\" y=\"-6.5\" width=\"13\" height=\"13\"/>",
        "<path d=\"M0 -9L8.5 6H-8.5Z\"/>", "<path d=\"M0 -9.5L9.5 0L0 9.5L-9.5 0Z\"/>"};
    fputs("<defs>", page);
    for (int s = 0; s < SHAPES; s++) fprintf(page, "<g id=\"shape%d\">%s</g>", s, shapes[s]);
    fputs("</defs>", page);
}

static int colour_of(int32_t label) { return label < 0 ? 0 : label % BYOL__HTML_COLOURS; }
static int shape_of(int32_t label) { return label < 0 ? 0 : label / BYOL__HTML_COLOURS % SHAPES; }

/* ---- Points ---- */

/* Turns the longest extent to the horizontal, because pages are wide. */
static void turn(float *points, size_t count) {
    double xx = 0, xy = 0, yy = 0;
    for (size_t i = 0; i < count; i++) {
        double x = (double)points[2 * i], y = (double)points[2 * i + 1];
        xx += x * x;
        xy += x * y;
        yy += y * y;
    }
    double angle = 0.5 * atan2(2 * xy, xx - yy);
    float c = (float)cos(angle), s = (float)sin(angle);
    for (size_t i = 0; i < count; i++) {
        float x = points[2 * i], y = points[2 * i + 1];
        points[2 * i] = c * x + s * y;
        points[2 * i + 1] = c * y - s * x;
    }
}

/* Fits both axes, with the same scale, into a drawing WIDTH wide. Returns its height. */
static int fit(float *points, size_t count) {
    float low[2] = {points[0], points[1]}, high[2] = {points[0], points[1]};
    for (size_t k = 0; k < 2 * count; k++) {
        low[k % 2] = fminf(low[k % 2], points[k]);
        high[k % 2] = fmaxf(high[k % 2], points[k]);
    }
    float across = fmaxf(high[0] - low[0], 1e-20f), down = fmaxf(high[1] - low[1], 1e-20f);
    float scale =
        fminf((float)(WIDTH - 2 * MARGIN) / across, (float)(HEIGHT_MAX - 2 * MARGIN) / down);
    int height = (int)lrintf(scale * down) + 2 * MARGIN;
    if (height < HEIGHT_MIN) height = HEIGHT_MIN;
    for (size_t i = 0; i < count; i++) {
        points[2 * i] = WIDTH / 2 + scale * (points[2 * i] - (low[0] + high[0]) / 2);
        points[2 * i + 1] =
            (float)height / 2 + scale * (points[2 * i + 1] - (low[1] + high[1]) / 2);
    }
    return height;
}

/* A text stands at its point; pictures are thumbnails. */
static void write_points(FILE *page, const byol__exhibit *exhibit, const float *points) {
    const byol__shown *shown = &exhibit->asked;
    char text[EXCERPT];
    byol__html(page, "<g class=\"points\">");
    for (size_t i = 0; i < shown->count; i++) {
        int32_t label = byol_source_label(shown->source, i);
        byol__html(page, "<use href=\"#shape%d\" class=\"c%d\" data-l=\"%d\" x=\"%.1f\" y=\"%.1f\"",
                   shape_of(label), colour_of(label), label, (double)points[2 * i],
                   (double)points[2 * i + 1]);
        byol_source_excerpt(shown->source, i, text, sizeof text);
        if (exhibit->has_texts) byol__html(page, " data-t=\"%s\"", text);
        byol__html(page, "/>");
    }
    byol__html(page, "</g>");
}

/* ---- Thumbnails: one picture holds them all ---- */

static byol_status write_sheet(FILE *page, const byol__exhibit *exhibit, byol_error *error) {
    const byol__shown *shown = &exhibit->asked;
    const byol_source *pictures = byol__shown_pictures(shown);
    int side = byol__picture_side(pictures, 8, THUMBNAIL),
        rows = ((int)shown->count + COLUMNS - 1) / COLUMNS;
    size_t channels = (size_t)exhibit->channels, line = (size_t)side * channels,
           width = COLUMNS * line;
    uint8_t *sheet = NULL, *one = NULL;
    byol_status status = byol__alloc(&sheet, (size_t)(rows * side) * width, 1, "thumbnails", error);
    if (status == BYOL_OK) status = byol__alloc(&one, (size_t)side * line, 1, "a thumbnail", error);
    for (size_t i = 0; i < shown->count && status == BYOL_OK; i++) {
        uint8_t *corner = sheet + i / COLUMNS * (size_t)side * width + i % COLUMNS * line;
        status = byol__picture_center(pictures, i, exhibit->channels, side, one, error);
        for (size_t y = 0; y < (size_t)side; y++) memcpy(corner + y * width, one + y * line, line);
    }
    if (status == BYOL_OK) {
        byol__html(page, "<style>.thumb{--columns:%d;background-image:url(", COLUMNS);
        byol__html_picture(page, sheet, exhibit->channels, rows * side, COLUMNS * side);
        byol__html(page, ")}</style>");
    }
    byol__free(sheet);
    byol__free(one);
    return status;
}

/* ---- The section ---- */

static void write_legend(FILE *page, const byol__exhibit *exhibit, int classes) {
    char name[64];
    if (classes == 0) return;
    byol__html(
        page,
        "<div class=\"legend\" role=\"group\" aria-label=\"Classes: choose one to see it alone\">");
    for (int32_t label = 0; label < classes; label++)
        byol__html(page,
                   "<button type=\"button\" aria-pressed=\"false\" data-l=\"%d\"><svg "
                   "viewBox=\"-11 -11 22 22\" "
                   "aria-hidden=\"true\"><use href=\"#shape%d\" class=\"c%d\"/></svg>%s</button>",
                   label, shape_of(label), colour_of(label),
                   byol__label_words(exhibit->asked.of, exhibit->bank.of, label, name));
    byol__html(page, "</div>");
}

/* What is shown at the point that one points at. */
static void write_card(FILE *page, const byol__exhibit *exhibit) {
    const byol_source *of = byol__shown_pictures(&exhibit->asked);
    if (exhibit->has_texts)
        byol__html(page, "<div class=\"card words\" hidden=\"hidden\"><p></p> <span></span></div>");
    else
        byol__html(page,
                   "<div class=\"card\" hidden=\"hidden\"><div class=\"thumb "
                   "%s\"></div><span></span></div>",
                   byol__picture_class(byol__picture_side(of, 8, THUMBNAIL_SHOWN)));
    byol__html(page, "</div>");
}

static byol_status write_map(FILE *page, const byol__exhibit *exhibit, const float *points,
                             int height, byol_error *error) {
    const byol__shown *shown = &exhibit->asked;
    byol_source_info info;
    char count[48];
    const char *sample = exhibit->has_texts ? "text" : exhibit->has_sounds ? "sound" : "image";
    byol_source_describe(shown->of, &info);
    byol__html(
        page,
        "<section id=\"map\">\n<h2>Map of the vectors</h2>\n<p class=\"intro\">%s %ss, laid out "
        "by t-SNE so that those with like vectors lie together. Point at one to %s it. "
        "%sDistances between far groups mean little.</p>\n",
        byol__html_count(count, shown->count), sample, exhibit->has_texts ? "read" : "see",
        info.classes > 0 ? "Colours and shapes are the labels, which training never saw. " : "");
    byol_status status = exhibit->has_texts ? BYOL_OK : write_sheet(page, exhibit, error);
    if (status != BYOL_OK) return status;
    byol__html(page,
               "<div class=\"map\"><div class=\"field\"><svg viewBox=\"0 0 %d %d\" "
               "style=\"aspect-ratio:%d/%d\" "
               "tabindex=\"0\" role=\"img\" "
               "aria-label=\"Map of %zu %ss. Arrow keys go from %s to %s.\">",
               WIDTH, height, WIDTH, height, shown->count, sample, sample, sample);
    write_shapes(page);
    write_points(page, exhibit, points);
    byol__html(page, "<circle class=\"ring\" r=\"14\" cx=\"-99\" cy=\"-99\"/></svg>");
    write_card(page, exhibit);
    write_legend(page, exhibit, info.classes <= 100 ? info.classes : 0);
    byol__html(page, "<p class=\"said\" aria-live=\"polite\"></p></div>\n</section>\n");
    return BYOL_OK;
}

byol_status byol__section_map(FILE *page, const byol__exhibit *exhibit,
                              const byol_report_options *options, byol_error *error) {
    size_t count = exhibit->asked.count;
    float *points;
    if (count < FEWEST) return BYOL_OK;
    byol_status status = byol__alloc(&points, 2 * count, sizeof *points, "the map", error);
    if (status != BYOL_OK) return status;
    byol__report_stage(options, "drawing the map");
    status =
        byol__tsne(exhibit->asked.vectors[BYOL__LEARNED], count, exhibit->dimension[BYOL__LEARNED],
                   points, options->progress, options->context, error);
    if (status == BYOL_OK) {
        turn(points, count);
        status = write_map(page, exhibit, points, fit(points, count), error);
    }
    byol__free(points);
    return status;
}
