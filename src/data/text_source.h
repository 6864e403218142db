/* The source of texts. All of them are in memory, back to back in one arena, and so are their
 * labels' words until they are numbers. The readers of the formats fill it. */
#ifndef BYOL__TEXT_SOURCE_H
#define BYOL__TEXT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/source_kind.h"
#include "data/text_file.h"

/* Bytes that grow. */
typedef struct byol__bytes {
    char *bytes;
    size_t length, capacity;
} byol__bytes;

typedef struct byol__text {
    size_t end;    /* in the arena; it begins where the text before it ends */
    size_t place;  /* its line in the file; where there are `names`, the beginning of its name */
    size_t word;   /* where the word of its label begins in `words` */
    int32_t label; /* -1: none */
} byol__text;

typedef struct byol__texts {
    byol_source base;
    char *file; /* owned: name of the file that all of them are lines of; NULL: there is none */
    byol__text *texts;
    size_t count, capacity;
    byol__bytes arena, words, names;
    bool labelled;
    char **class_names; /* owned, each of them too; NULL: they have none */
    int class_name_count;
} byol__texts;

/* A text as a reader finds it. */
typedef struct byol__found_text {
    const char *text, *label; /* no label: NULL */
    size_t length, label_length;
    size_t line; /* where it begins; 0: it is the whole file */
} byol__found_text;

/* An empty source. Its creator passes it to byol_source_free, on success and on failure alike.
 * `file` may be NULL. */
byol_status byol__texts_create(byol__texts **out, const char *kind, const char *file,
                               byol_error *error);

/* Appends a text. One of nothing but blanks is left out and counted; if it has a label, that is
 * BYOL_ERROR_FORMAT, and so is an empty label. `path` is for messages. */
byol_status byol__texts_take(byol__texts *texts, const char *path, const byol__found_text *found,
                             byol_error *error);

/* Gives the last text the name `name`; all of them or none. */
byol_status byol__texts_name_last(byol__texts *texts, const char *name, byol_error *error);

/* Numbers the labels of all[0]. The classes are the distinct words of all `count` sources in
 * strcmp's order; whole numbers, if all words are, in that of their values. */
byol_status byol__texts_label(byol__texts *const *all, size_t count, bool coarse,
                              byol_error *error);

/* The last step: fills in base.info. `what` is where they are from, `unit` what they were one each
 * of: "line" or "file". BYOL_ERROR_FORMAT if there are no texts. */
byol_status byol__texts_complete(byol__texts *texts, const char *what, const char *unit,
                                 byol_error *error);

/* ---- the readers: each appends all texts of a file ---- */

byol_status byol__texts_read_lines(byol__texts *texts, const byol__text_file *file,
                                   byol_error *error);
/* LABEL tab TEXT; if no line has a tab, one text a line; with a header, a table. */
byol_status byol__texts_read_tsv(byol__texts *texts, const byol__text_file *file,
                                 const byol__text_columns *columns, byol_error *error);
/* Rows of fields, under a header that names the columns. The separator is a comma, then fields may
 * be in quotes (RFC 4180), or a tab. The file's bytes are changed. */
byol_status byol__texts_read_table(byol__texts *texts, const byol__text_file *file, char separator,
                                   const byol__text_columns *columns, byol_error *error);
byol_status byol__texts_read_json(byol__texts *texts, const byol__text_file *file,
                                  const byol__text_columns *columns, byol_error *error);

#endif
