#include <stdbool.h>
#include <stdlib.h>

#include "base/c_locale.h"
#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "config/options.h"
#include "report/chart.h"
#include "report/html.h"
#include "report/page_frame.h"
#include "report/sections.h"

void byol_report_options_init(byol_report_options *options) { *options = (byol_report_options){0}; }

enum { SOUNDS_SHOWN = 9 }; /* with their views */

/* ---- One run ---- */

/* Pictures, texts or sounds. */
static byol_status write_samples(FILE *page, const byol__run_data *run_data,
                                 const byol_report_options *options, byol_error *error) {
    byol__exhibit exhibit = {0};
    byol_status status = BYOL_OK;
    bool has_texts = byol__run_data_has_texts(run_data),
         has_sounds = byol__takes_sounds(&run_data->config);
    if (options->note != NULL)
        byol__html(page, "<section><p class=\"note\">Without %s: %s</p></section>\n",
                   has_texts    ? "texts"
                   : has_sounds ? "sounds"
                                : "pictures",
                   options->note);
    if (options->data != NULL)
        status = has_texts    ? byol__section_text_views(page, run_data, options, error)
                 : has_sounds ? byol__section_sound_views(page, &run_data->config, options->data,
                                                          SOUNDS_SHOWN, NULL, NULL, error)
                              : byol__section_views(page, run_data, options->data, error);
    if (status == BYOL_OK && options->train != NULL) {
        status = byol__exhibit_open(&exhibit, run_data->path, options, error);
        if (status == BYOL_OK && has_texts) byol__section_text_neighbours(page, &exhibit);
        if (status == BYOL_OK && !has_texts)
            status = byol__section_neighbours(page, &exhibit, error);
        if (status == BYOL_OK && !has_texts && !has_sounds)
            status = byol__section_explain(page, run_data->path, &exhibit, options->threads, error);
        if (status == BYOL_OK) status = byol__section_map(page, &exhibit, options, error);
    }
    byol__exhibit_release(&exhibit);
    return status;
}

static byol_status write_one_run(FILE *page, const byol__run_data *run_data,
                                 const byol_report_options *options, byol_error *error) {
    byol__page_begin(page, "report", "Pre-training report", run_data->name);
    byol__section_summary(page, run_data);
    byol__section_worth(page, run_data);
    byol__section_tasks(page, run_data);
    BYOL__TRY(byol__section_curves(page, run_data, 1, error));
    BYOL__TRY(write_samples(page, run_data, options, error));
    BYOL__TRY(byol__section_confusion(page, run_data, options, error));
    BYOL__TRY(byol__section_verify(page, run_data, error));
    byol__section_system(page, run_data, 1);
    byol__section_settings(page, run_data);
    byol__page_end(page, "report");
    return BYOL_OK;
}

/* ---- Several runs ---- */

static byol_status write_comparison(FILE *page, const byol__run_data *run_data, size_t count,
                                    byol_error *error) {
    char title[64];
    snprintf(title, sizeof title, "%zu runs side by side", count);
    byol__page_begin(page, "report", "Comparison of runs", title);
    byol__section_comparison(page, run_data, count);
    byol__section_differences(page, run_data, count);
    BYOL__TRY(byol__section_curves(page, run_data, count, error));
    byol__section_system(page, run_data, count);
    byol__page_end(page, "report");
    return BYOL_OK;
}

/* ---- The file ---- */

static byol_status write_file(const byol__run_data *run_data, size_t count, const char *out,
                              const byol_report_options *options, byol_error *error) {
    byol__atomic_file file;
    BYOL__TRY(byol__atomic_open(&file, out, error));
    byol_status status = count == 1 ? write_one_run(file.stream, run_data, options, error)
                                    : write_comparison(file.stream, run_data, count, error);
    if (status == BYOL_OK) return byol__atomic_commit(&file, error);
    byol__atomic_abandon(&file);
    return status;
}

byol_status byol_report_write(const char *const *runs, size_t count, const char *out,
                              const byol_report_options *options, byol_error *error) {
    byol__run_data *run_data;
    byol_status status = BYOL_OK;
    if (count < 1 || count > BYOL__CHART_SERIES)
        return byol__fail(error, BYOL_ERROR_INVALID, "a report is of 1 to %d runs, not of %zu",
                          BYOL__CHART_SERIES, count);
    BYOL__TRY(byol__alloc(&run_data, count, sizeof *run_data, "the runs", error));
    for (size_t r = 0; r < count && status == BYOL_OK; r++)
        status = byol__run_data_read(&run_data[r], runs[r], error);
    /* Coordinates and style sheets need decimal points. */
    locale_t c_locale, before = byol__c_locale_enter(&c_locale);
    if (status == BYOL_OK) status = write_file(run_data, count, out, options, error);
    byol__c_locale_leave(before, c_locale);
    for (size_t r = 0; r < count; r++) byol__run_data_release(&run_data[r]);
    byol__free(run_data);
    return status;
}
