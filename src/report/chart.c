#include "report/chart.h"

#include <math.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/memory.h"
#include "report/html.h"

enum { STRETCHES = 240, SIDE = 1000, TICKS_MAX = 12 };

/* One series as drawn: (count) stretches. */
typedef struct drawn {
    size_t count;
    struct {
        double x, mean, low, high;
    } point[STRETCHES];
} drawn;

typedef struct span {
    double low, high;
} span;

static void widen(span *s, double value) {
    if (value < s->low) s->low = value;
    if (value > s->high) s->high = value;
}

/* ---- From values to stretches ---- */

static bool is_drawn(const byol__series *series, size_t i) {
    return isfinite(series->x[i]) && isfinite(series->y[i]);
}

static void gather(const byol__series *series, drawn *out) {
    size_t known = 0, taken = 0;
    for (size_t i = 0; i < series->count; i++) known += is_drawn(series, i);
    size_t stretches = known < STRETCHES ? known : STRETCHES;
    double x = 0, y = 0, in_stretch = 0;
    span range = {INFINITY, -INFINITY};
    out->count = 0;
    for (size_t i = 0; i < series->count; i++) {
        if (!is_drawn(series, i)) continue;
        x += series->x[i];
        y += series->y[i];
        in_stretch++;
        widen(&range, series->y[i]);
        taken++;
        if (taken * stretches / known == out->count) continue; /* the stretch is not full */
        out->point[out->count].x = x / in_stretch;
        out->point[out->count].mean = y / in_stretch;
        out->point[out->count].low = range.low;
        out->point[out->count].high = range.high;
        out->count++;
        x = y = in_stretch = 0;
        range = (span){INFINITY, -INFINITY};
    }
}

/* ---- Axes ---- */

/* 1, 2 or 5 times a power of ten, so that about `wanted` steps fill `length`. */
static double nice_step(double length, int wanted) {
    double rough = length / wanted, power = pow(10, floor(log10(rough))), digit = rough / power;
    return power * (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10);
}

/* Widens the span to whole steps. */
static double round_out(span *s, int wanted) {
    if (!(s->high > s->low)) {
        double room = fabs(s->low) > 0 ? fabs(s->low) * 0.1 : 1;
        *s = (span){s->low - room, s->high + room};
    }
    double step = nice_step(s->high - s->low, wanted);
    s->low = floor(s->low / step + 1e-9) * step;
    s->high = ceil(s->high / step - 1e-9) * step;
    return step;
}

static double place(span s, double value) { return (value - s.low) / (s.high - s.low); }

static double tidy(double value, double step) { return fabs(value) < step * 1e-6 ? 0 : value; }

static void write_ticks(FILE *page, span s, double step, const char *side, const char *unit) {
    byol__html(page, "<div class=\"ticks %s\" aria-hidden=\"true\">", side);
    for (int i = 0; i <= TICKS_MAX && s.low + i * step <= s.high + step * 1e-6; i++)
        byol__html(page, "<span style=\"--p:%.2f%%\">%g%s</span>", 100 * place(s, s.low + i * step),
                   tidy(s.low + i * step, step), unit);
    byol__html(page, "</div>");
}

static void write_grid(FILE *page, span s, double step) {
    byol__html(page, "<path class=\"grid\" d=\"");
    for (int i = 0; i <= TICKS_MAX && s.low + i * step <= s.high + step * 1e-6; i++)
        byol__html(page, "M0 %.1fH%d", SIDE * (1 - place(s, s.low + i * step)), SIDE);
    byol__html(page, "\"/>");
}

/* ---- Lines ---- */

static void write_band(FILE *page, const drawn *line, span x, span y, int number) {
    byol__html(page, "<path class=\"band s%d\" d=\"M", number % BYOL__HTML_COLOURS);
    for (size_t i = 0; i < line->count; i++)
        byol__html(page, "%.1f %.1f ", SIDE * place(x, line->point[i].x),
                   SIDE * (1 - place(y, line->point[i].high)));
    for (size_t i = line->count; i > 0; i--)
        byol__html(page, "%.1f %.1f ", SIDE * place(x, line->point[i - 1].x),
                   SIDE * (1 - place(y, line->point[i - 1].low)));
    byol__html(page, "Z\"/>");
}

/* The numbers are stored in the line's element, so that they can be read off. */
static void write_line(FILE *page, const drawn *line, span x, span y, int number) {
    char series[16];
    byol__html(page, "<path class=\"line %s\" data-x=\"", byol__html_series(series, number));
    for (size_t i = 0; i < line->count; i++)
        byol__html(page, "%s%.5g", i > 0 ? " " : "", line->point[i].x);
    byol__html(page, "\" data-y=\"");
    for (size_t i = 0; i < line->count; i++)
        byol__html(page, "%s%.4g", i > 0 ? " " : "", line->point[i].mean);
    byol__html(page, "\" d=\"");
    for (size_t i = 0; i < line->count; i++)
        byol__html(page, "%s%.1f %.1f", i > 0 ? "L" : "M", SIDE * place(x, line->point[i].x),
                   SIDE * (1 - place(y, line->point[i].mean)));
    byol__html(page, "\"/>");
}

/* Marks are lines of length 0 with round ends: they stay round when the drawing is stretched. */
static void write_marks(FILE *page, const drawn *line, span x, span y, int number) {
    byol__html(page, "<path class=\"mark s%d\" d=\"", number % BYOL__HTML_COLOURS);
    for (size_t i = 0; i < line->count; i++)
        byol__html(page, "M%.1f %.1fh0", SIDE * place(x, line->point[i].x),
                   SIDE * (1 - place(y, line->point[i].mean)));
    byol__html(page, "\"/>");
}

/* ---- The figure ---- */

static void write_caption(FILE *page, const byol__chart *chart, const drawn *lines) {
    char series[16];
    byol__html(page,
               "<figcaption><div class=\"top\"><h3>%s</h3><span class=\"at\">at the "
               "end</span></div><p class=\"keys\">",
               chart->title);
    for (int s = 0; s < chart->series_count; s++) {
        if (lines[s].count == 0) continue;
        byol__html(page, "<span class=\"key %s\"><i></i>%s <b>%.4g</b>%s</span> ",
                   byol__html_series(series, s), chart->series[s].name,
                   lines[s].point[lines[s].count - 1].mean, chart->unit);
    }
    byol__html(page, "</p></figcaption>");
}

static void write_plot(FILE *page, const byol__chart *chart, const drawn *lines, span x, span y) {
    double y_step = round_out(&y, 4), x_step = nice_step(x.high - x.low, 5);
    span x_ticks = {ceil(x.low / x_step - 1e-9) * x_step, x.high};
    byol__html(page, "<div class=\"plot\">");
    write_ticks(page, y, y_step, "up", chart->unit);
    byol__html(page,
               "<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" aria-hidden=\"true\" "
               "data-low=\"%g\" "
               "data-high=\"%g\">",
               SIDE, SIDE, x.low, x.high);
    write_grid(page, y, y_step);
    for (int l = 0; l < chart->level_count; l++)
        byol__html(page, "<path class=\"level\" d=\"M0 %.1fH%d\"/>",
                   SIDE * (1 - place(y, chart->levels[l].value)), SIDE);
    for (int s = 0; s < chart->series_count && chart->series_count == 1; s++)
        if (lines[s].count == STRETCHES) write_band(page, &lines[s], x, y, s);
    for (int s = 0; s < chart->series_count; s++)
        if (lines[s].count > 0) write_line(page, &lines[s], x, y, s);
    for (int s = 0; s < chart->series_count; s++)
        if (chart->marks ? lines[s].count > 0 : lines[s].count == 1)
            write_marks(page, &lines[s], x, y, s);
    byol__html(page, "<path class=\"cross\" d=\"M-9 0V%d\"/></svg>", SIDE);
    for (int l = 0; l < chart->level_count; l++)
        byol__html(page, "<span class=\"levelname\" style=\"--p:%.2f%%\">%s</span>",
                   100 * place(y, chart->levels[l].value), chart->levels[l].name);
    byol__html(page, "<div class=\"ticks along\" aria-hidden=\"true\">");
    for (double tick = x_ticks.low; tick <= x_ticks.high + x_step * 1e-6; tick += x_step)
        byol__html(page, "<span style=\"--p:%.2f%%\">%g</span>", 100 * place(x, tick),
                   tidy(tick, x_step));
    byol__html(page, "</div></div>");
}

static void write_figure(FILE *page, const byol__chart *chart, const drawn *lines, span x, span y) {
    const char *along = chart->along != NULL ? chart->along : "epoch";
    byol__html(page,
               "<figure class=\"chart\" data-along=\"%s\" tabindex=\"0\" role=\"group\" "
               "aria-label=\"%s by %s:",
               along, chart->title, along);
    for (int s = 0; s < chart->series_count; s++)
        if (lines[s].count > 0)
            byol__html(page, " %s from %.4g to %.4g%s.", chart->series[s].name,
                       lines[s].point[0].mean, lines[s].point[lines[s].count - 1].mean,
                       chart->unit);
    byol__html(page, " Left and right arrow keys read the values.\">");
    write_caption(page, chart, lines);
    write_plot(page, chart, lines, x, y);
    byol__html(page, "<p class=\"about\">%s</p></figure>\n", chart->about);
}

byol_status byol__chart_write(FILE *page, const byol__chart *chart, byol_error *error) {
    drawn *lines;
    span x = {INFINITY, -INFINITY}, y = {INFINITY, -INFINITY};
    size_t longest = 0;
    BYOL__TRY(byol__alloc(&lines, BYOL__CHART_SERIES, sizeof *lines, "a chart", error));
    for (int s = 0; s < chart->series_count; s++) {
        gather(&chart->series[s], &lines[s]);
        for (size_t i = 0; i < lines[s].count; i++) {
            widen(&x, lines[s].point[i].x);
            widen(&y, lines[s].point[i].low);
            widen(&y, lines[s].point[i].high);
        }
        if (lines[s].count > longest) longest = lines[s].count;
    }
    if (longest > 0) {
        for (int l = 0; l < chart->level_count; l++) widen(&y, chart->levels[l].value);
        if (chart->from_zero) widen(&y, 0);
        widen(&x, 0);
        write_figure(page, chart, lines, x, y);
    }
    byol__free(lines);
    return BYOL_OK;
}
