/* What the readers of texts share: a whole file in memory, checked, and words for messages. */
#ifndef BYOL__TEXT_FILE_H
#define BYOL__TEXT_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "byol/status.h"

typedef enum byol__text_format {
    BYOL__NO_TEXT,
    BYOL__TXT,
    BYOL__TSV,
    BYOL__CSV,
    BYOL__JSONL
} byol__text_format;

/* The format by the extension, in upper or lower case, before that of a compression. `*stem`, if it
 * is not NULL, is how many bytes of the name come before both. */
byol__text_format byol__text_format_of(const char *name, size_t *stem);

typedef struct byol__text_file {
    const char *path; /* borrowed */
    char *bytes;      /* (length), in `memory` behind a byte order mark */
    size_t length;
    char *memory; /* owned */
} byol__text_file;

/* Reads and unpacks the whole file. BYOL_ERROR_FORMAT, with line and column, if it is not UTF-8 or
 * holds a NUL; if it is empty, too. After success, call byol__text_file_release. */
byol_status byol__text_file_read(byol__text_file *file, const char *path, byol_error *error);
void byol__text_file_release(byol__text_file *file);

/* How many bytes from the beginning are UTF-8 without NULs. */
size_t byol__text_valid(const char *text, size_t length);

/* The number of characters in UTF-8. */
size_t byol__text_characters(const char *text, size_t length);

bool byol__is_blank(const char *text, size_t length); /* nothing but blanks and ends of lines */

/* Writes the beginning of a text, which is UTF-8, to `size` bytes (at least 8) as one line. What
 * stands for blanks, ends of lines and other controls is single spaces. "..." stands behind what
 * was cut. */
void byol__text_line(char *out, size_t size, const char *text, size_t length);

/* The same for a message. Returns `out`. */
enum { BYOL__EXCERPT = 48 };
const char *byol__text_excerpt(char out[BYOL__EXCERPT], const char *text, size_t length);

/* ---- columns ---- */

/* The usual names of a column of texts or of labels, the likeliest first; they end with a NULL. */
extern const char *const byol__text_names[], *const byol__label_names[];

/* BYOL_ERROR_INVALID: line `line` of the file has no column `wanted` (empty: none for texts that is
 * known); `seen` are those that it has. */
byol_status byol__no_column(const char *path, size_t line, const char *wanted, const char *seen,
                            byol_error *error);

/* Appends a name in quotes to a list for a message; what does not fit is left out. */
enum { BYOL__NAMES_SHOWN = 256 };
void byol__list_name(char list[BYOL__NAMES_SHOWN], const char *name, size_t length);

#endif
