/* The sections of the page, in their order. Each writes a <section>, or nothing if it has nothing
 * to show. */
#ifndef BYOL__SECTIONS_H
#define BYOL__SECTIONS_H

#include <stdio.h>

#include "report/exhibit.h"
#include "report/run_data.h"

/* report_summary.c: what was trained, whether it went well and how good it is, in words and in a
 * table. */
void byol__section_summary(FILE *page, const byol__run_data *run_data);
void byol__section_worth(FILE *page, const byol__run_data *run_data);

/* report_curves.c: the curves of one run, or of several in the same charts. */
byol_status byol__section_curves(FILE *page, const byol__run_data *run_data, size_t count,
                                 byol_error *error);

/* report_gallery.c: originals with both views; pictures with their nearest neighbours. */
byol_status byol__section_views(FILE *page, const byol__run_data *run_data, const byol_source *data,
                                byol_error *error);
byol_status byol__section_neighbours(FILE *page, const byol__exhibit *exhibit, byol_error *error);

/* report_explain.c: what some pictures' likeness with their nearest neighbours hangs on, by the
 * encoder of `run`; nothing for networks without feature maps. */
byol_status byol__section_explain(FILE *page, const char *run, const byol__exhibit *exhibit,
                                  int threads, byol_error *error);

/* report_texts.c: the same of texts. The views need options->data and the tokenizer of the run's
 * weights. */
byol_status byol__section_text_views(FILE *page, const byol__run_data *run_data,
                                     const byol_report_options *options, byol_error *error);
void byol__section_text_neighbours(FILE *page, const byol__exhibit *exhibit);

/* report_sounds.c: of at most `count` sounds the spectrograms with both views of each, and players.
 * `progress` (of sounds) may be NULL. */
byol_status byol__section_sound_views(FILE *page, const byol_config *config,
                                      const byol_source *data, size_t count, byol_progress progress,
                                      void *context, byol_error *error);

/* report_map.c */
byol_status byol__section_map(FILE *page, const byol__exhibit *exhibit,
                              const byol_report_options *options, byol_error *error);

/* report_confusion.c: which class is predicted as which, with the names from the test or the
 * training images. */
byol_status byol__section_confusion(FILE *page, const byol__run_data *run_data,
                                    const byol_report_options *options, byol_error *error);

/* report_verify.c: how well pairs of pictures are told apart, and the ROC curves. */
byol_status byol__section_verify(FILE *page, const byol__run_data *run_data, byol_error *error);

/* report_tasks.c: segmentation and detection, beside simpler ways; by class; pictures. */
void byol__section_tasks(FILE *page, const byol__run_data *run_data);

/* report_facts.c: cost and machine; settings. */
void byol__section_system(FILE *page, const byol__run_data *run_data, size_t count);
void byol__section_settings(FILE *page, const byol__run_data *run_data);

/* report_compare.c: several runs side by side, best first; the settings in which they differ. */
void byol__section_comparison(FILE *page, const byol__run_data *run_data, size_t count);
void byol__section_differences(FILE *page, const byol__run_data *run_data, size_t count);

#endif
