/* What knn, linear and finetune share: arguments, labelled images and reports; and for the first
 * two, the trained encoder beside a randomly initialised one, raw pixels and gradients (HOG),
 * measured alike. */
#ifndef CLI_EVAL_H
#define CLI_EVAL_H

#include "byol/eval.h"
#include "byol/source.h"
#include "cli.h"

/* A labelled source in random order, so that its front or its end is a fair sample. */
typedef struct cli_labelled {
    byol_source *whole, *source; /* the same images, in the file's order and in ours */
    uint32_t *order;
    int32_t *labels;
    size_t count;
    int channels, classes, decoded;
    char description[256];
} cli_labelled;

/* `limit` 0: all images; `threads` 0: every processor. BYOL_ERROR_INVALID where there are no
 * labels. Zero-initialise, then release in any case. */
byol_status cli_labelled_open(cli_labelled *set, const char *spec, size_t limit, int threads,
                              byol_error *error);
void cli_labelled_release(cli_labelled *set);

/* BYOL_ERROR_MISMATCH where a label does not mean the same in both, as far as that is known. */
byol_status cli_compare_classes(const cli_labelled *train, const cli_labelled *test,
                                byol_error *error);

/* Where a run is evaluated: what is given (may be NULL), or else eval.train or data.train,
 * eval.test or the test split of the training images. */
void cli_eval_sources(const byol_config *config, const char *given_train, const char *given_test,
                      char train[BYOL_PATH_MAX], char test[BYOL_PATH_MAX]);

typedef struct cli_eval {
    const char *method;               /* what the result is kept as: "knn" */
    const char *model, *train, *test; /* train and test may be NULL: from the run's configuration */
    size_t limit;
    int threads, passes; /* passes: augmented views of the training images, 1: none */
    int choice_given;    /* the hyper-parameter was not chosen by us */
    int mean, crops;  /* mean: vectors are means over the centre view, its mirror image and `crops`
                         crops */
    int no_baselines; /* knn, linear: the trained encoder alone */
    int has_seed;
    uint64_t seed;
} cli_eval;

/* Parses MODEL, --train, --test, --limit, --threads, --seed, --mean, --no-baselines into a
 * cli_eval. */
extern const struct argp cli_eval_argp;

/* What is evaluated, on what. */
typedef struct cli_session {
    const cli_eval *options;
    byol_encoder *trained, *random; /* random: the same network as it was before training */
    cli_labelled train, test;
    int same_images; /* train and test hold the same ones: it was warned of */
    cli_progress progress;
} cli_session;

/* Loads what the options name. Zero-initialise, then close in any case. */
byol_status cli_session_open(cli_session *session, const cli_eval *options, byol_error *error);
void cli_session_close(cli_session *session);

/* Percent; NaN: not measured. */
typedef struct cli_accuracies {
    double trained, random_init, pixels, hog;
} cli_accuracies;

/* Keeps a result in the run folder, if the model is one and has no result that says more.
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

/* What knn, linear and finetune have in common: both of the above, and how results are put out. */
extern const struct argp_child cli_eval_children[];

/* Compares predictions with the labels of `test`: prints, writes and adds "report" to the JSON
 * object. */
byol_status cli_report_show(const cli_report *report, const cli_labelled *test, int classes,
                            const int32_t *predicted, json_t *object, byol_error *error);

/* ---- cli_eval.c again: knn and linear ---- */

typedef struct cli_row {
    double accuracy; /* percent */
    double choice;   /* the hyper-parameter that was chosen */
    int measured;
    int32_t *predicted; /* (test count) room for the predicted labels, or NULL */
} cli_row;

/* Measures one kind of features: `train` is an array of `passes` sets. */
typedef byol_status (*cli_measure)(const void *context, const byol_features *train, int passes,
                                   const byol_features *test, cli_row *row, cli_progress *progress,
                                   byol_error *error);

/* Runs all kinds, keeps the result (cli_session_keep), prints the table ("accuracy",
 * `choice_name`), the report of the trained encoder and the JSON object. Returns the exit code. */
int cli_eval_run(const cli_eval *options, const char *choice_name, cli_measure measure,
                 const void *context, const cli_report *report);

/* Keeps the result, and that is all. */
byol_status cli_eval_keep(const cli_eval *options, const char *choice_name, cli_measure measure,
                          const void *context, byol_error *error);

/* cli_eval_keep by nearest neighbours (cmd_knn.c). */
byol_status cli_knn_keep(const cli_eval *options, byol_error *error);

#endif
