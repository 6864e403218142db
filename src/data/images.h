/* A source of images of one size in memory (or mapped), in one or more blocks of equal records. */
#ifndef BYOL__IMAGES_H
#define BYOL__IMAGES_H

#include "data/source_kind.h"

typedef struct byol__block {
    const uint8_t *records;
    size_t count;
    void *owned; /* byol__free'd with the source; NULL: borrowed */
} byol__block;

/* Its creator fills in the fields, `base.info` too. byol_source_free releases what it holds, on
 * success and on failure alike. */
typedef struct byol__images {
    byol_source base;
    byol__block *blocks; /* owned */
    size_t block_count;
    size_t record_bytes, image_offset; /* a record is record_bytes long, its pixels (c, h, w) begin
                                          at image_offset */
    int interleaved;                   /* the pixels are (h, w, c) */
    const unsigned char *mapping;      /* of mapping_bytes, unmapped with the source; NULL: none */
    size_t mapping_bytes;
    const int32_t *labels; /* base.info.count, or NULL */
    int32_t *owned_labels;
    const char *const *names; /* of the classes, or NULL */
    int32_t name_count;
    const char **owned_names;
    char *owned_text; /* that the names point into */
} byol__images;

/* An empty source with space for `block_count` blocks. */
byol_status byol__images_create(byol__images **out, const char *kind, size_t block_count,
                                byol_error *error);

/* Call it last. Sets base.info.short_side and base.info.description: `what`, then count, shape and
 * classes. */
void byol__images_describe(byol__images *images, const char *what);

/* Takes the lines of `text` (NUL-terminated, owned from now on) as names of the classes. */
byol_status byol__images_take_names(byol__images *images, char *text, byol_error *error);

#endif
