/* Are these the samples that the run was started with? */
#ifndef BYOL__FINGERPRINT_H
#define BYOL__FINGERPRINT_H

#include <stddef.h>

#include "byol/source.h"
#include "byol/status.h"

/* "50000 x 3 x 32 x 32, 0123456789abcdef": the shape, and a digest of some images spread over the
 * source. For picture files "3000 pictures, ...": a digest of their names and of some of their
 * bytes. For texts "3000 texts, ...": a digest of all of them. The same data give the same text,
 * wherever the files are. */
byol_status byol__fingerprint(const byol_source *source, char *text, size_t size,
                              byol_error *error);

#endif
