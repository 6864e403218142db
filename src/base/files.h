/* Files that are never half written, and folders. */
#ifndef BYOL__FILES_H
#define BYOL__FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "byol/status.h"

/* A file that appears under its name only when it is complete. It is written as `path`.tmp, synced
 * and renamed; then the folder is synced. If `path` is a symbolic link, its target is replaced and
 * the link stays. Anything but a regular file (a device, a folder) is refused: a rename would put a
 * file in its place. */
typedef struct byol__atomic_file {
    FILE *stream;
    char path[4096];
    char temporary[4096];
} byol__atomic_file;

/* BYOL_ERROR_INVALID: the path is too long, or names something other than a regular file.
 * BYOL_ERROR_IO: it cannot be written. */
byol_status byol__atomic_open(byol__atomic_file *file, const char *path, byol_error *error);
/* Flushes, syncs, renames. On failure the temporary is removed and the old file at `path` is
 * untouched, unless only the sync of the folder failed: then the new file is in place. */
byol_status byol__atomic_commit(byol__atomic_file *file, byol_error *error);
void byol__atomic_abandon(byol__atomic_file *file); /* removes the temporary */
/* Abandons it because of `why`, an errno: fails with BYOL_ERROR_IO and says so. */
byol_status byol__atomic_fail(byol__atomic_file *file, int why, byol_error *error);

/* Creates a folder and its parents. Not an error if it exists. */
byol_status byol__make_folder(const char *path, byol_error *error);

bool byol__is_folder(const char *path);
bool byol__is_file(const char *path);

/* Maps a regular file to read it. An empty one has no bytes: NULL. Owned: byol__unmap_file.
 * BYOL_ERROR_NOT_FOUND or BYOL_ERROR_IO. */
byol_status byol__map_file(const char *path, const unsigned char **bytes, size_t *length,
                           byol_error *error);
void byol__unmap_file(const unsigned char *bytes, size_t length); /* NULL is fine */

/* Reads a whole file. `*out` is owned (byol__free) and has a NUL after its `*length` bytes. */
byol_status byol__read_file(const char *path, char **out, size_t *length, byol_error *error);

#endif
