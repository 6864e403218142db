/* What knn, linear and finetune share: arguments, labelled images and reports. knn and linear also
 * share the comparison: the trained encoder, a randomly initialised one, raw pixels and gradients
 * (HOG), of texts their words, of sounds their spectra, all measured in the same way. */
#ifndef CLI_EVAL_H
#define CLI_EVAL_H

#include <stdbool.h>

#include "byol/eval.h"
#include "byol/source.h"
#include "cli.h"

/* A labelled source in random order, so that its first or last images are a fair sample. */
typedef struct cli_labelled {
    byol_source *whole, *source; /* the same images, in file order and in random order */
    uint32_t *order;
    int32_t *labels;
    size_t count;
    int channels, classes, decoded;
    char description[256];
} cli_labelled;

/* Opens a labelled source. `limit` 0: all images; `threads` 0: every processor. BYOL_ERROR_INVALID
 * where there are no labels. Zero-initialise, then release in any case. */
byol_status cli_labelled_open(cli_labelled *set, const char *spec, size_t limit, int threads,
                              byol_error *error);
void cli_labelled_release(cli_labelled *set);

/* BYOL_ERROR_MISMATCH where a label means different things in the two sets, as far as that is
 * known. */
byol_status cli_compare_classes(const cli_labelled *train, const cli_labelled *test,
                                byol_error *error);

/* The sources that a run is evaluated on: the given ones (may be NULL), or else eval.train or
 * data.train, and eval.test or the test split of the training images. */
void cli_eval_sources(const byol_config *config, const char *given_train, const char *given_test,
                      char train[BYOL_PATH_MAX], char test[BYOL_PATH_MAX]);

typedef struct cli_session cli_session;

typedef struct cli_eval {
    const char *method;               /* the name that the result is kept under: "knn" */
    const char *model, *train, *test; /* train and test may be NULL: from the run's configuration */
    size_t limit;
    int threads, passes; /* passes: augmented views of the training images, 1: none */
    int choice_given;    /* the user gave the hyper-parameter */
    /* mean: vectors are means over the centre view, its mirror image and `crops` crops. */
    int mean, crops;
    int no_baselines; /* knn, linear: the trained encoder alone */
    int has_seed;
    uint64_t seed;
    /* Called once all is measured, with the context of cli_eval_run and what --json will print;
     * NULL: there is nothing to do. */
    byol_status (*after)(const cli_session *session, const void *context, json_t *result,
                         byol_error *error);
} cli_eval;

/* Parses MODEL, --train, --test, --limit, --threads, --seed, --mean, --no-baselines into a
 * cli_eval. */
extern const struct argp cli_eval_argp;

/* An evaluation: the model and its images. */
struct cli_session {
    const cli_eval *options;
    byol_encoder *trained, *random; /* random: the same network before training */
    cli_labelled train, test;
    byol_sample_kind samples;
    int same_images; /* train and test hold the same images; a warning was given */
    cli_progress progress;
};

/* Loads what the options name. Zero-initialise, then close in any case. */
byol_status cli_session_open(cli_session *session, const cli_eval *options, byol_error *error);
void cli_session_close(cli_session *session);

/* Percent; NaN: not measured. */
typedef struct cli_accuracies {
    double trained, random_init, pixels, hog, mels, cepstra, tfidf, majority;
} cli_accuracies;

/* Keeps a result in the run folder, if the model is a run and has no result that says more.
 * `predicted`: a label for each test image. */
void cli_session_keep(const cli_session *session, const cli_accuracies *accuracies,
                      const char *choice_name, double choice, const int32_t *predicted);

/* ---- cli_report.c ---- */

typedef struct cli_report {
    int table;
    const char *csv; /* NULL: none */
} cli_report;

/* Parses --report and --csv into a cli_report. */
extern const struct argp cli_report_argp;

/* The argp children of knn, linear and finetune: both of the above, and the output options. */
extern const struct argp_child cli_eval_children[];

/* Compares predictions with the labels of `test`: prints the report, writes it and adds "report" to
 * the JSON object. */
byol_status cli_report_show(const cli_report *report, const cli_labelled *test, int classes,
                            const int32_t *predicted, json_t *object, byol_error *error);

/* ---- cli_eval.c again: knn and linear ---- */

typedef struct cli_row {
    double accuracy; /* percent */
    double choice;   /* the hyper-parameter that was chosen */
    int measured;
    /* (test count) predicted labels of the trained encoder; NULL for whatever is beside it. */
    int32_t *predicted;
} cli_row;

/* Measures one kind of features. `train` is an array of `passes` sets. */
typedef byol_status (*cli_measure)(const void *context, const byol_features *train, int passes,
                                   const byol_features *test, cli_row *row, cli_progress *progress,
                                   byol_error *error);

/* Measures all kinds and keeps the result (cli_session_keep). Prints the table ("accuracy",
 * `choice_name`), the report of the trained encoder and the JSON object. Returns the exit code. */
int cli_eval_run(const cli_eval *options, const char *choice_name, cli_measure measure,
                 const void *context, const cli_report *report);

/* Measures and keeps the result; prints neither table nor JSON. */
byol_status cli_eval_keep(const cli_eval *options, const char *choice_name, cli_measure measure,
                          const void *context, byol_error *error);

/* cli_eval_keep by nearest neighbours (cmd_knn.c). */
byol_status cli_knn_keep(const cli_eval *options, byol_error *error);

#endif
