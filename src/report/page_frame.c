#include "report/page_frame.h"

#include <time.h>

#include "byol/version.h"
#include "report/assets.h"
#include "report/html.h"

/* The policy forbids what the page never does: loading anything. */
static void write_head(FILE *page, const char *command, const char *title) {
    byol__html(page,
               "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta "
               "name=\"viewport\" "
               "content=\"width=device-width, initial-scale=1\"/>\n<meta "
               "http-equiv=\"Content-Security-Policy\" "
               "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src "
               "'unsafe-inline'\"/>\n"
               "<meta name=\"color-scheme\" content=\"light dark\"/>\n<meta name=\"generator\" "
               "content=\"byol %s\"/>\n<link "
               "rel=\"icon\" href=\"data:,\"/>\n<title>%s - byol %s</title>\n<style>\n",
               BYOL_VERSION, title, command);
    fwrite(byol__report_css, 1, byol__report_css_size, page);
    byol__html(page, "</style>\n</head>\n<body>\n");
}

void byol__page_begin(FILE *page, const char *command, const char *kind, const char *title) {
    char date[32];
    time_t now = time(NULL);
    struct tm parts;
    gmtime_r(&now, &parts);
    strftime(date, sizeof date, "%Y-%m-%d", &parts);
    write_head(page, command, title);
    byol__html(page,
               "<header>\n<p class=\"over\">%s</p>\n<h1>%s</h1>\n<p class=\"small\">Written on %s "
               "by byol %s.</p>\n"
               "</header>\n<main>\n",
               kind, title, date, BYOL_VERSION);
}

void byol__page_end(FILE *page, const char *command) {
    byol__html(page,
               "</main>\n<footer><p class=\"small\">Made by <code>byol %s</code>. This page is one "
               "file and loads nothing.</p></footer>\n<script>\n",
               command);
    fwrite(byol__report_js, 1, byol__report_js_size, page);
    byol__html(page, "</script>\n</body>\n</html>\n");
}
