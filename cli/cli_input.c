/* "-": paths of pictures on standard input. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_vectors.h"

static byol_status fail(const char *what, byol_error *error) {
    snprintf(error->text, sizeof error->text, "paths on standard input: %.500s: %s", what, strerror(errno));
    return BYOL_IO;
}

/* Copies the lines, relative paths made absolute: a list's own count from the folder it lies in. */
static int copy_lines(FILE *to) {
    char here[PATH_MAX], *line = NULL;
    size_t capacity = 0;
    if (getcwd(here, sizeof here) == NULL) return -1;
    while (getline(&line, &capacity, stdin) > 0) {
        if (*line != '/' && *line != '\n' && *line != '#') fprintf(to, "%s/", here);
        fputs(line, to);
    }
    free(line);
    return ferror(stdin) || ferror(to) ? -1 : 0;
}

/* The library reads lists from files, so the lines go through one. */
static byol_status open_standard_input(byol_source **out, byol_error *error) {
    const char *folder = getenv("TMPDIR");
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/byol-XXXXXX.txt", folder != NULL && *folder != '\0' ? folder : "/tmp");
    int descriptor = mkstemps(path, 4);
    if (descriptor < 0) return fail(path, error);
    FILE *list = fdopen(descriptor, "w");
    int good = list != NULL && copy_lines(list) == 0;
    if (list != NULL) good = fclose(list) == 0 && good;
    byol_status status = good ? byol_source_open(out, path, error) : fail(path, error);
    unlink(path);
    return status;
}

byol_status cli_source_open(byol_source **out, const char *spec, byol_error *error) {
    return strcmp(spec, "-") == 0 ? open_standard_input(out, error) : byol_source_open(out, spec, error);
}
