#include "tasks/path_list.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "data/decode.h"

void byol__path_list_release(byol__path_list *list) {
    for (size_t i = 0; i < list->count; i++) free(list->paths[i]);
    free(list->paths);
    *list = (byol__path_list){0};
}

byol_status byol__path_list_add(byol__path_list *list, const char *path, byol_error *error) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 64 : 2 * list->capacity;
        char **grown = realloc(list->paths, capacity * sizeof *grown);
        if (grown == NULL) return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for file names");
        list->paths = grown;
        list->capacity = capacity;
    }
    list->paths[list->count] = strdup(path);
    if (list->paths[list->count] == NULL)
        return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for file names");
    list->count++;
    return BYOL_OK;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names that begin with a dot are skipped. */
byol_status byol__path_list_pictures(byol__path_list *list, const char *folder, byol_error *error) {
    char *roots[] = {(char *)(uintptr_t)folder, NULL};
    FTS *tree = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, NULL);
    if (tree == NULL)
        return byol__fail(error, BYOL_ERROR_IO, "cannot read folder %s: %s", folder,
                          strerror(errno));
    byol_status status = BYOL_OK;
    size_t before = list->count;
    for (FTSENT *entry; status == BYOL_OK && (entry = fts_read(tree)) != NULL;) {
        if (entry->fts_name[0] == '.' && entry->fts_level > FTS_ROOTLEVEL)
            fts_set(tree, entry, FTS_SKIP);
        else if (entry->fts_info == FTS_F && byol__is_picture_name(entry->fts_name))
            status = byol__path_list_add(list, entry->fts_path, error);
    }
    fts_close(tree);
    if (list->count > before)
        qsort(list->paths + before, list->count - before, sizeof *list->paths, by_name);
    return status;
}

byol_status byol__path_split(const char *spec, char path[BYOL__PATH_MAX],
                             char split[BYOL__SPLIT_MAX], byol_error *error) {
    const char *colon = strrchr(spec, ':');
    size_t length = strlen(spec);
    split[0] = '\0';
    if (colon != NULL && strchr(colon, '/') == NULL && !byol__is_folder(spec) &&
        !byol__is_file(spec)) {
        length = (size_t)(colon - spec);
        if (snprintf(split, BYOL__SPLIT_MAX, "%s", colon + 1) >= BYOL__SPLIT_MAX)
            return byol__fail(error, BYOL_ERROR_INVALID, "%.600s: the split's name is too long",
                              spec);
    }
    while (length > 1 && spec[length - 1] == '/') length--;
    if (length + 512 >= BYOL__PATH_MAX)
        return byol__fail(error, BYOL_ERROR_INVALID, "a path of %zu bytes is too long", length);
    snprintf(path, BYOL__PATH_MAX, "%.*s", (int)length, spec);
    if (!byol__is_folder(path) && !byol__is_file(path))
        return byol__fail(error, BYOL_ERROR_NOT_FOUND, "there is no file or folder %.700s", path);
    return BYOL_OK;
}

void byol__path_with_ending(const char *path, const char *ending, char out[BYOL__PATH_MAX]) {
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    size_t length =
        dot == NULL || (slash != NULL && dot < slash) ? strlen(path) : (size_t)(dot - path);
    snprintf(out, BYOL__PATH_MAX, "%.*s%s", (int)length, path, ending);
}

byol_status byol__path_list_lines(byol__path_list *list, const char *path, byol_error *error) {
    char *text, *rest = NULL;
    size_t length;
    BYOL__TRY(byol__read_file(path, &text, &length, error));
    byol_status status = BYOL_OK;
    for (char *line = strtok_r(text, "\r\n", &rest); line != NULL && status == BYOL_OK;
         line = strtok_r(NULL, "\r\n", &rest)) {
        size_t end = strlen(line);
        while (end > 0 && (line[end - 1] == ' ' || line[end - 1] == '\t')) line[--end] = '\0';
        line += strspn(line, " \t");
        if (*line != '\0') status = byol__path_list_add(list, line, error);
    }
    byol__free(text);
    return status;
}
