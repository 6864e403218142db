/* Files as they are distributed: plain or packed (gz, bz2, xz, zst), or members of a tar, read
 * front to back. */
#ifndef BYOL__UNPACK_H
#define BYOL__UNPACK_H

#include <stddef.h>

#include "byol/status.h"

typedef struct byol__unpack {
    struct archive *archive;
    const char *path;   /* borrowed */
    int is_tar;         /* else there is one member: the file itself */
    const char *member; /* name without folders; borrowed until the next member */
    size_t member_size; /* of a tar's member */
} byol__unpack;

/* Has `archive` unpack what we read, and run no programs for the rest. */
void byol__unpack_filters(struct archive *archive);

/* What is compressed, and whether it is a tar, is seen from the content. The first member is ready
 * to be read; an empty file is BYOL_ERROR_FORMAT. On success byol__unpack_close is due. */
byol_status byol__unpack_open(byol__unpack *unpack, const char *path, byol_error *error);
void byol__unpack_close(byol__unpack *unpack);

/* Goes on to the next member; `*more` is 0 where there is none. */
byol_status byol__unpack_next(byol__unpack *unpack, int *more, byol_error *error);

/* Reads `bytes` bytes, or as many as are left of the member: `*got`. */
byol_status byol__unpack_read(byol__unpack *unpack, void *to, size_t bytes, size_t *got,
                              byol_error *error);

#endif
