/* Files as they are distributed: plain or compressed (gz, bz2, xz, zst), or members of a tar, read
 * front to back. */
#ifndef BYOL__UNPACK_H
#define BYOL__UNPACK_H

#include <stdbool.h>
#include <stddef.h>

#include "byol/status.h"

typedef struct byol__unpack {
    struct archive *archive;
    const char *path;   /* borrowed */
    bool is_tar;        /* else there is one member: the file itself */
    const char *member; /* name without folders; borrowed until the next member */
    size_t member_size; /* of a tar's member */
} byol__unpack;

/* Lets `archive` decompress the formats that we read, and run no programs for others. */
void byol__unpack_filters(struct archive *archive);

/* Compression and tar format are detected from the content. The first member is ready to be read.
 * An empty file is BYOL_ERROR_FORMAT. After success, call byol__unpack_close. */
byol_status byol__unpack_open(byol__unpack *unpack, const char *path, byol_error *error);
void byol__unpack_close(byol__unpack *unpack);

/* Goes on to the next member; `*more` is 0 if there is none. */
byol_status byol__unpack_next(byol__unpack *unpack, int *more, byol_error *error);

/* Reads `bytes` bytes, or as many as are left of the member; `*got` is how many. */
byol_status byol__unpack_read(byol__unpack *unpack, void *to, size_t bytes, size_t *got,
                              byol_error *error);

#endif
