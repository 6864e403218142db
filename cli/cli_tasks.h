/* What segment and detect share: arguments, the table of results, and what is kept with a run. */
#ifndef CLI_TASKS_H
#define CLI_TASKS_H

#include "byol/dense.h"
#include "byol/report.h"
#include "cli.h"

typedef struct cli_task {
    const char *name;                 /* "segment" */
    const char *model, *train, *test; /* the latter two are sources of the task */
    const char *predict;              /* a folder or file for the answers, or NULL */
    byol_task_options options;
    int size[2]; /* 0: the first picture's */
    int no_baselines, has_seed;
} cli_task;

/* Parses MODEL and the options of both tasks into a cli_task. */
extern const struct argp cli_task_argp;

/* Checks --out and --onnx before the work. Prints an error itself; returns an exit code. */
int cli_task_check(const cli_task *task);

/* Loads the model; with baselines also the same network with random weights. Owned:
 * byol_encoder_free, in any case. */
byol_status cli_task_encoders(cli_task *task, byol_encoder **trained, byol_encoder **untrained,
                              byol_error *error);

/* What is reported of a task; at most so many rows. */
enum { CLI_TASK_ROWS = 5, CLI_TASK_SHOWN = 8 };
typedef struct cli_task_result {
    const char *measures[BYOL_MEASURES];
    byol_task_row rows[CLI_TASK_ROWS]; /* the first is the trained encoder */
    size_t row_count;
    byol_task_row *classes;  /* (class_count), owned, of the trained encoder */
    char (*class_names)[64]; /* owned: what their names point to */
    size_t class_count;
    const char *train, *test; /* in words */
    size_t train_count, test_count;
    char how[256]; /* in words */
    const char *legend;
    char pictures[CLI_TASK_SHOWN][64]; /* files in the run folder */
    size_t picture_count;
} cli_task_result;

/* Makes rows for `count` classes, without values; `name_of` may give NULL. Owned: in any case
 * cli_task_release. */
typedef const char *(*cli_class_name)(const void *set, int label);
byol_status cli_task_classes(cli_task_result *result, size_t count, cli_class_name name_of,
                             const void *set, byol_error *error);
void cli_task_release(cli_task_result *result);

/* Names a network and says in words how it was trained. */
void cli_task_describe(const cli_task *task, const char *stages, int height, int width,
                       cli_task_result *result);
const char *cli_task_network(const cli_task *task, bool trained);

/* Prints the tables, keeps the result in the run folder, and warns where nothing was learned.
 * Returns the object for scripts. */
json_t *cli_task_conclude(const cli_task *task, const byol_encoder *trained,
                          const cli_task_result *result);

/* If picture `index` of `count` is among those that are shown, writes the path of its picture in
 * the run's folder, and notes it. False: it is not, or the model is no run. */
bool cli_task_shows(const cli_task *task, cli_task_result *result, size_t index, size_t count,
                    char path[BYOL_PATH_MAX]);

/* The path for the answer for picture `index` in `folder`: its name with another ending; with its
 * index before it where an earlier one has the same name. */
byol_status cli_task_answer_path(const char *folder, const byol_source *pictures, size_t index,
                                 const char *ending, char path[BYOL_PATH_MAX], byol_error *error);

#endif
