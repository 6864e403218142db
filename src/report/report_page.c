#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/c_locale.h"
#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "byol/version.h"
#include "report/assets.h"
#include "report/chart.h"
#include "report/html.h"
#include "report/sections.h"

void byol_report_options_init(byol_report_options *options) { *options = (byol_report_options){0}; }

/* ---- Frame ---- */

/* The policy forbids what the page never does: to load anything at all. */
static void write_head(FILE *page, const char *title) {
    byol__html(page,
               "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta "
               "name=\"viewport\" "
               "content=\"width=device-width, initial-scale=1\"/>\n<meta "
               "http-equiv=\"Content-Security-Policy\" "
               "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src "
               "'unsafe-inline'\"/>\n"
               "<meta name=\"color-scheme\" content=\"light dark\"/>\n<meta name=\"generator\" "
               "content=\"byol %s\"/>\n<link "
               "rel=\"icon\" href=\"data:,\"/>\n<title>%s - byol report</title>\n<style>\n",
               BYOL_VERSION, title);
    fwrite(byol__report_css, 1, byol__report_css_size, page);
    byol__html(page, "</style>\n</head>\n<body>\n");
}

static void write_title(FILE *page, const char *kind, const char *title) {
    char date[32];
    time_t now = time(NULL);
    struct tm parts;
    gmtime_r(&now, &parts);
    strftime(date, sizeof date, "%Y-%m-%d", &parts);
    byol__html(page,
               "<header>\n<p class=\"over\">%s</p>\n<h1>%s</h1>\n<p class=\"small\">Written on %s "
               "by byol %s.</p>\n"
               "</header>\n<main>\n",
               kind, title, date, BYOL_VERSION);
}

static void write_foot(FILE *page) {
    byol__html(page, "</main>\n<footer><p class=\"small\">Made by <code>byol report</code>. This "
                     "page is one file and loads "
                     "nothing.</p></footer>\n<script>\n");
    fwrite(byol__report_js, 1, byol__report_js_size, page);
    byol__html(page, "</script>\n</body>\n</html>\n");
}

/* ---- One run ---- */

static byol_status write_pictures(FILE *page, const byol__told *told,
                                  const byol_report_options *options, byol_error *error) {
    byol__exhibit exhibit = {0};
    byol_status status = BYOL_OK;
    if (options->note != NULL)
        byol__html(page, "<section><p class=\"note\">Without pictures: %s</p></section>\n",
                   options->note);
    if (options->data != NULL) status = byol__section_views(page, told, options->data, error);
    if (status == BYOL_OK && options->train != NULL) {
        status = byol__exhibit_open(&exhibit, told->path, options, error);
        if (status == BYOL_OK) status = byol__section_neighbours(page, &exhibit, error);
        if (status == BYOL_OK) status = byol__section_map(page, &exhibit, options, error);
    }
    byol__exhibit_release(&exhibit);
    return status;
}

static byol_status write_one_run(FILE *page, const byol__told *told,
                                 const byol_report_options *options, byol_error *error) {
    write_head(page, told->name);
    write_title(page, "Pre-training report", told->name);
    byol__section_summary(page, told);
    byol__section_worth(page, told);
    BYOL__TRY(byol__section_curves(page, told, 1, error));
    BYOL__TRY(write_pictures(page, told, options, error));
    BYOL__TRY(byol__section_confusion(page, told, options, error));
    byol__section_system(page, told, 1);
    byol__section_settings(page, told);
    write_foot(page);
    return BYOL_OK;
}

/* ---- Several runs ---- */

static byol_status write_comparison(FILE *page, const byol__told *told, size_t count,
                                    byol_error *error) {
    char title[64];
    snprintf(title, sizeof title, "%zu runs side by side", count);
    write_head(page, title);
    write_title(page, "Comparison of runs", title);
    byol__section_comparison(page, told, count);
    byol__section_differences(page, told, count);
    BYOL__TRY(byol__section_curves(page, told, count, error));
    byol__section_system(page, told, count);
    write_foot(page);
    return BYOL_OK;
}

/* ---- The file ---- */

static byol_status write_file(const byol__told *told, size_t count, const char *out,
                              const byol_report_options *options, byol_error *error) {
    byol__atomic_file file;
    BYOL__TRY(byol__atomic_open(&file, out, error));
    byol_status status = count == 1 ? write_one_run(file.stream, told, options, error)
                                    : write_comparison(file.stream, told, count, error);
    if (status == BYOL_OK) return byol__atomic_commit(&file, error);
    byol__atomic_abandon(&file);
    return status;
}

byol_status byol_report_write(const char *const *runs, size_t count, const char *out,
                              const byol_report_options *options, byol_error *error) {
    byol__told *told;
    byol_status status = BYOL_OK;
    if (count < 1 || count > BYOL__CHART_SERIES)
        return byol__fail(error, BYOL_ERROR_INVALID, "a report is of 1 to %d runs, not of %zu",
                          BYOL__CHART_SERIES, count);
    BYOL__TRY(byol__alloc(&told, count, sizeof *told, "the runs", error));
    for (size_t r = 0; r < count && status == BYOL_OK; r++)
        status = byol__told_read(&told[r], runs[r], error);
    locale_t c_locale,
        before = byol__c_locale_enter(&c_locale); /* coordinates and style sheets have points */
    if (status == BYOL_OK) status = write_file(told, count, out, options, error);
    byol__c_locale_leave(before, c_locale);
    for (size_t r = 0; r < count; r++) byol__told_release(&told[r]);
    byol__free(told);
    return status;
}
