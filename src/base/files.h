/* Files that are never half written, and folders. */
#ifndef BYOL__FILES_H
#define BYOL__FILES_H

#include <stddef.h>
#include <stdio.h>

#include "byol/status.h"

/* A file that appears under its name only when it is complete: written as `path`.tmp, synced,
 * renamed, the folder synced. Where `path` is a symbolic link, the file that it leads to is
 * replaced and the link stays; what is not a regular file (a device, a folder) is refused: a rename
 * would put a file in its place. */
typedef struct byol__atomic_file {
    FILE *stream;
    char path[4096];
    char temporary[4096];
} byol__atomic_file;

/* BYOL_ERROR_INVALID: the path is too long, or of something that is not a regular file;
 * BYOL_ERROR_IO: it cannot be written. */
byol_status byol__atomic_open(byol__atomic_file *file, const char *path, byol_error *error);
/* Flushes, syncs, renames. On failure the temporary is removed, what stood at `path` before is
 * untouched. */
byol_status byol__atomic_commit(byol__atomic_file *file, byol_error *error);
void byol__atomic_abandon(byol__atomic_file *file); /* removes the temporary */

/* Creates a folder and its parents; fine if it is there already. */
byol_status byol__make_folder(const char *path, byol_error *error);

int byol__is_folder(const char *path);
int byol__is_file(const char *path);

/* Reads a whole file. `*out` is owned (byol__free) and has a NUL after its `*length` bytes. */
byol_status byol__read_file(const char *path, char **out, size_t *length, byol_error *error);

#endif
