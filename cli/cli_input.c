/* "-": paths of pictures on standard input. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli_vectors.h"

typedef struct lines {
    char **line; /* owned, each of them too */
    size_t count, capacity;
} lines;

static int keep(lines *all, const char *text) {
    if (all->count == all->capacity) {
        size_t more = all->capacity > 0 ? 2 * all->capacity : 256;
        char **grown = realloc(all->line, more * sizeof *grown);
        if (grown == NULL) return -1;
        all->line = grown;
        all->capacity = more;
    }
    all->line[all->count] = strdup(text);
    return all->line[all->count++] != NULL ? 0 : -1;
}

/* Every line is a path, whatever characters it has; empty lines are skipped. */
static int read_lines(lines *all) {
    char *line = NULL;
    size_t capacity = 0;
    int failed = 0;
    for (ssize_t length; !failed && (length = getline(&line, &capacity, stdin)) > 0;) {
        if (line[length - 1] == '\n') line[length - 1] = '\0';
        if (*line != '\0') failed = keep(all, line) != 0;
    }
    free(line);
    return failed || ferror(stdin) ? -1 : 0;
}

static byol_status open_standard_input(byol_source **out, byol_error *error) {
    lines all = {0};
    byol_status status = BYOL_OK;
    if (read_lines(&all) != 0) {
        status = cli_error(error, BYOL_ERROR_IO, "paths on standard input: %s", strerror(errno));
    } else if (all.count == 0) {
        status = cli_error(error, BYOL_ERROR_NOT_FOUND,
                           "standard input names no pictures: give a path a line");
    } else {
        status = byol_source_from_files(out, (const char *const *)all.line, all.count, error);
    }
    for (size_t i = 0; i < all.count; i++) free(all.line[i]);
    free(all.line);
    return status;
}

byol_status cli_source_open(byol_source **out, const char *spec, byol_error *error) {
    return strcmp(spec, "-") == 0 ? open_standard_input(out, error)
                                  : byol_source_open(out, spec, error);
}
