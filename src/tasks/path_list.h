/* Lists of files that belong together: pictures, and what lies beside each of them. */
#ifndef BYOL__PATH_LIST_H
#define BYOL__PATH_LIST_H

#include <stddef.h>

#include "byol/status.h"

typedef struct byol__path_list {
    char **paths; /* owned */
    size_t count, capacity;
} byol__path_list; /* zero-initialise */

void byol__path_list_release(byol__path_list *list);

byol_status byol__path_list_add(byol__path_list *list, const char *path, byol_error *error);

/* Appends the pictures in `folder` and below, sorted by name. */
byol_status byol__path_list_pictures(byol__path_list *list, const char *folder, byol_error *error);

/* "PATH:SPLIT" in two: a colon behind the last slash, unless the whole is a file or folder.
 * `split` is "" where there is none. BYOL_ERROR_INVALID if it is too long. */
enum { BYOL__PATH_MAX = 4096, BYOL__SPLIT_MAX = 64 };
byol_status byol__path_split(const char *spec, char path[BYOL__PATH_MAX],
                             char split[BYOL__SPLIT_MAX], byol_error *error);

/* Replaces the ending of `path` ("a/b.jpg", ".png" -> "a/b.png"). */
void byol__path_with_ending(const char *path, const char *ending, char out[BYOL__PATH_MAX]);

/* Non-empty lines of a text file, without blanks at their ends. */
byol_status byol__path_list_lines(byol__path_list *list, const char *path, byol_error *error);

#endif
