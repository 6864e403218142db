/* Sources: where images come from. */
#ifndef BYOL_SOURCE_H
#define BYOL_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "byol/status.h"
#include "byol/views.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct byol_source byol_source;

typedef struct byol_source_info {
    const char *kind;        /* "idx", "cifar10", "cifar100", "memory"; static */
    const char *description; /* one line for people: what was found and where; borrowed from the source */
    size_t count;            /* images */
    int channels, height, width;
    int classes; /* 0 where there are no labels */
} byol_source_info;

/* Opens `spec`: a path or the name of a known data set (fashion-mnist), with an optional split: "fashion-mnist:train",
 * "path/to/cifar-10:test", "images-idx3-ubyte.gz". What a path holds is found out by looking at it. Without a split:
 * train, or all there is where there are none. For CIFAR folders a comma-separated list of batches is a split too:
 * "dir:1,2,3,4" takes data_batch_1 .. 4.
 *
 * Errors: BYOL_NOT_FOUND (what was looked for, where, and how to get it), BYOL_FORMAT (truncated or corrupt: file,
 * expected and found size), BYOL_IO. `*out` is owned: byol_source_free. */
BYOL_API byol_status byol_source_open(byol_source **out, const char *spec, byol_error *error);

/* Images that the caller holds: `pixels` is (count, channels, height, width) bytes, borrowed until byol_source_free;
 * `labels` is `count` numbers 0 .. classes-1, borrowed, or NULL. `channels` is 1 or 3. */
BYOL_API byol_status byol_source_from_memory(byol_source **out, const uint8_t *pixels, const int32_t *labels,
                                             size_t count, int channels, int height, int width, byol_error *error);

/* Samples indices[0 .. count-1] of another source, which is borrowed and must outlive this one; the indices are copied.
 */
BYOL_API byol_status byol_source_subset(byol_source **out, const byol_source *of, const uint32_t *indices, size_t count,
                                        byol_error *error);

BYOL_API void byol_source_free(byol_source *source);

BYOL_API void byol_source_describe(const byol_source *source, byol_source_info *info);

/* Image `index` (below count). The pixels are borrowed from the source. Safe from several threads at once. */
BYOL_API byol_status byol_source_image(const byol_source *source, size_t index, byol_image *image, byol_error *error);

/* Label of image `index`, or -1 where there are none. */
BYOL_API int32_t byol_source_label(const byol_source *source, size_t index);

/* Name of class `label` where the data set has names, or NULL. Borrowed. */
BYOL_API const char *byol_source_class_name(const byol_source *source, int32_t label);

#ifdef __cplusplus
}
#endif

#endif
