/* What `byol data` tells of images and of texts alike, and of texts alone. */
#ifndef CLI_DATA_H
#define CLI_DATA_H

#include "byol/source.h"
#include "byol/survey.h"
#include "cli.h"

enum { CLI_NAMES_SHOWN = 10 }; /* --json names all */

/* ---- cli_data.c ---- */

/* How many readable samples each class has, (classes); owned: free. */
byol_status cli_count_classes(const byol_source *source, size_t **counts, byol_error *error);

/* `what` is the samples' name: "images". */
void cli_print_classes(FILE *stream, const byol_source *source, const size_t *counts,
                       const char *what);
void cli_print_duplicates(FILE *stream, const byol_source *source, const byol_duplicate *list,
                          size_t count);

json_t *cli_sample_name(const byol_source *source, size_t index);
json_t *cli_class_counts(const byol_source *source, const size_t *counts);
json_t *cli_duplicates(const byol_source *source, const byol_duplicate *list, size_t count);

/* ---- cli_texts.c ---- */

/* Prints what was found in a source of texts, and makes the object for scripts. `tokenizer` is a
 * tokenizer.json to count tokens by; NULL: none. */
byol_status cli_tell_texts(const byol_source *source, const char *tokenizer, json_t **result,
                           byol_error *error);

#endif
