/* Packing: from any source to tar shards that read fast (WebDataset's layout). */
#ifndef BYOL_PACK_H
#define BYOL_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "byol/source.h"
#include "byol/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct byol_pack_options {
    size_t shard_size; /* images in a shard; default 5000 */
    /* Short side in pixels: larger images are shrunk to it and stored as JPEG; 0: all are left as
     * they are. */
    int resize;
    int quality; /* of those JPEGs, 1 .. 100; default 95 */
    int threads; /* 0: as many as OpenMP has */
} byol_pack_options;

BYOL_API void byol_pack_options_init(byol_pack_options *options);

typedef struct byol_pack_result {
    size_t images, unreadable, shards;
    uint64_t bytes;
} byol_pack_result;

/* Writes FOLDER/000000.tar .., each under its name only when it is complete. Sample 00000017 is
 * 00000017.jpg (or the format the image was stored in; images in memory become PGM or PPM) and,
 * where there are labels, 00000017.cls, its label. FOLDER/names.csv is written when all shards are.
 * It gives the name of each sample in the source (00000017.jpg,"cats/17.jpg"). FOLDER/classes.txt
 * has the names of the classes, where all have one. Images that cannot be read are left out. The
 * folder is created; BYOL_ERROR_INVALID where it holds shards. `progress` may be NULL. */
BYOL_API byol_status byol_pack(const byol_source *source, const char *folder,
                               const byol_pack_options *options, byol_pack_result *result,
                               byol_progress progress, void *context, byol_error *error);

#ifdef __cplusplus
}
#endif

#endif
