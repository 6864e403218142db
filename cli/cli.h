/* What the commands share. The command line uses only include/byol. People read standard error (and
 * the tables); scripts read the one JSON object that --json prints on standard output. */
#ifndef CLI_H
#define CLI_H

#include <argp.h>
#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "byol/config.h"
#include "byol/encoder.h"
#include "byol/source.h"
#include "byol/status.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

/* A command gets its own arguments; argv[0] is "byol NAME". It returns the exit code. */
typedef struct cli_command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
    const char *group; /* that it begins; NULL: it belongs to the one before */
} cli_command;

int cmd_views(int argc, char **argv);
int cmd_pretrain(int argc, char **argv);
int cmd_knn(int argc, char **argv);
int cmd_linear(int argc, char **argv);
int cmd_finetune(int argc, char **argv);
int cmd_predict(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_segment(int argc, char **argv);
int cmd_detect(int argc, char **argv);
int cmd_embed(int argc, char **argv);
int cmd_search(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_data(int argc, char **argv);
int cmd_pack(int argc, char **argv);
int cmd_tokenizer(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_options(int argc, char **argv);

extern const cli_command cli_commands[]; /* ends with a name NULL */

/* ---- cli_describe.c: man pages and completion ---- */

/* Parses arguments as argp_parse does. Every command calls it first. Returns 0 if the command is
 * only being described and must return at once. */
int cli_parse(const struct argp *parser, int argc, char **argv, void *input);

/* Writes byol.1, byol-COMMAND.1, byol.bash, _byol (zsh) and byol.fish into `folder`. Returns the
 * exit code. */
int cli_describe(const char *folder, const cli_command *commands);

#ifndef CLI_DESCRIBE
#pragma GCC poison argp_parse
#endif

/* ---- cli_output.c: results and error messages ---- */

typedef struct cli_output {
    int json, quiet;
    int terminal; /* standard error is a terminal that can redraw a line */
    int colour;
} cli_output;
extern cli_output cli_out;

/* --json and --quiet, for a command's argp children. */
extern const struct argp cli_output_argp;
/* The argp children of a command that has no others. */
extern const struct argp_child cli_output_children[];

/* Prints the error on standard error and returns the exit code for `status`. */
int cli_fail(byol_status status, const byol_error *error);
/* Puts the text into `error` and returns `status`. */
byol_status cli_error(byol_error *error, byol_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* As cli_fail, for mistakes on the command line. */
int cli_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
void cli_warn(const char *text);
/* Prints a line for people; with --quiet, nothing. */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The stream for tables: standard output, or standard error if --json uses that. NULL: none (--json
 * --quiet). */
FILE *cli_tables(void);
/* Prints the object on standard output if --json asks for it, and releases it. Returns `code`, or
 * EXIT_FAILED where it could not be written. */
int cli_finish(json_t *object, int code);
/* The end of a command: cli_finish where `status` is BYOL_OK, else cli_fail. Releases `result`. */
int cli_conclude(byol_status status, json_t *result, const byol_error *error);
/* A name or a path as JSON. NULL becomes null, and so does text that is not UTF-8, which JSON
 * cannot hold. */
json_t *cli_text(const char *text);

/* What the samples of a source are called: "images" or "texts". Static. */
const char *cli_samples(const byol_source *source);

/* A field of a CSV file, in quotes where it needs them (RFC 4180). */
void cli_csv_field(FILE *stream, const char *text);

/* Escape codes for bold and plain text, or nothing if that stream has no colours. */
const char *cli_bold(FILE *stream);
const char *cli_plain(FILE *stream);

/* 1234567 -> "1,234,567" and 3221225472 -> "3.0 GiB"; 1.2e9 -> "1.20 G". */
const char *cli_count(char text[32], uint64_t count);
const char *cli_bytes(char text[32], uint64_t bytes);
const char *cli_scaled(char text[32], double value);
const char *cli_duration(char text[32], double seconds);

/* ---- cli_files.c: files that results go to ---- */

/* Checks before long work that a file of this name can be written and that it ends in `ending`
 * (NULL: any ending). Prints an error itself, which names the flag; returns an exit code. */
int cli_check_output(const char *flag, const char *path, const char *ending);

bool cli_is_folder(const char *path);
/* Does the name at `path` end in ".png", say, with something before it? */
bool cli_ends_with(const char *path, const char *ending);

/* A file that appears under its name only when it is complete. */
typedef struct cli_file {
    FILE *stream;
    char path[PATH_MAX], temporary[PATH_MAX]; /* the file that is replaced: where a link leads */
} cli_file;

byol_status cli_file_begin(cli_file *file, const char *path, byol_error *error);
byol_status cli_file_finish(cli_file *file, byol_error *error); /* closes it in any case */
void cli_file_abandon(cli_file *file);                          /* instead: nothing is left */

/* ---- cli_interrupt.c: Ctrl-C ---- */

/* Call once, before any other thread exists. SIGINT and SIGTERM then go to a separate thread that
 * waits for them, and no thread has a handler. The reason: a handler's frame is written below the
 * stack pointer, and oneDNN before 3.11.2 lets that pointer lead into the heap while it multiplies
 * matrices over more than 8192 (AVX-512: 2048) terms. The signal would overwrite what lies there
 * (https://github.com/uxlfoundation/oneDNN/issues/4845). Until cli_catch_interrupts is called,
 * these signals end the program. */
void cli_await_interrupts(void);
/* From now on the first SIGINT or SIGTERM is remembered and cli_interrupted() is 1; a second one
 * ends the program. A signal that was ignored when the program started stays ignored. */
void cli_catch_interrupts(void);
int cli_interrupted(void);

/* ---- cli_progress.c: progress of long work ---- */

typedef struct cli_progress {
    const char *what;
    const char *unit; /* of the rate: "images"; NULL: no rate is shown */
    double begin, last_drawn;
    double left; /* seconds left, if the caller knows; 0: estimated from what is done */
    bool drawn;
} cli_progress;

double cli_now(void);

void cli_progress_begin(cli_progress *progress, const char *what, const char *unit);
/* `rate` 0: computed from done and the time; `tail` stands at the end of the line. */
void cli_progress_draw(cli_progress *progress, double done, double total, double rate,
                       const char *tail);
void cli_progress_end(cli_progress *progress); /* takes the bar off the screen */
/* A byol_progress; the context is a cli_progress. Stops on Ctrl-C. */
int cli_progress_hook(void *context, uint64_t done, uint64_t total);

/* ---- cli_settings.c: configuration from a file, flags and --set ---- */

typedef struct cli_settings {
    struct cli_setting {
        const char *key;
        char *value;
        const char *flag; /* as it was written, for errors */
    } * list;
    size_t count;
} cli_settings;

/* An argp parser whose input is a cli_settings: the shorthand flags and --set. They are kept in
 * their order. */
const struct argp *cli_settings_argp(void);
/* Applies the defaults, then `file` (NULL: none), then the flags, and checks the result. Prints
 * errors itself; returns an exit code. */
int cli_settings_configure(const cli_settings *settings, const char *file, byol_config *config);
/* The same, on top of what is in `config` already. */
int cli_settings_override(const cli_settings *settings, const char *file, byol_config *config);
void cli_settings_release(cli_settings *settings);

/* Prints the settings as a table that marks those that differ from the defaults. */
void cli_settings_print(const byol_config *config, FILE *stream);

/* ---- cli_arguments.c: parsing shared by several commands; errors by argp_error ---- */

extern const char *const cli_layers[3]; /* by byol_layer */
byol_layer cli_layer(const char *flag, const char *text, struct argp_state *state);
long cli_whole_number(const char *flag, const char *text, long least, long most,
                      struct argp_state *state);
/* --threads: 0, every processor, or their number. */
int cli_threads(const char *text, struct argp_state *state);
/* --channels of images: 1 or 3. */
int cli_channels(const char *text, struct argp_state *state);
/* The index of `text` among `names`. */
int cli_choice(const char *flag, const char *text, const char *const *names, int count,
               struct argp_state *state);
/* "180x240", height and width, into `size`. */
void cli_picture_size(const char *text, int size[2], struct argp_state *state);
/* Keeps the one argument of a command; `what` is its name. */
void cli_only_argument(const char **place, const char *argument, const char *what,
                       struct argp_state *state);

#endif
