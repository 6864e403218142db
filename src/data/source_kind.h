/* What a source is inside: a description and four functions. A kind of source embeds byol_source as its first member.
 */
#ifndef BYOL__SOURCE_KIND_H
#define BYOL__SOURCE_KIND_H

#include "byol/source.h"

typedef struct byol__source_methods {
    byol_status (*image)(const byol_source *source, size_t index, byol_image *image, byol_error *error);
    int32_t (*label)(const byol_source *source, size_t index);
    const char *(*class_name)(const byol_source *source, int32_t label);
    void (*release)(byol_source *source); /* what the kind holds; not the struct itself */
} byol__source_methods;

struct byol_source {
    const byol__source_methods *methods;
    byol_source_info info;
    char description[512]; /* what info.description points to */
};

/* Each opens what is at `path`, of which `split` (empty: not said) is wanted. */
byol_status byol__idx_open_folder(byol_source **out, const char *folder, const char *split, byol_error *error);
byol_status byol__idx_open_file(byol_source **out, const char *path, byol_error *error);
/* A folder of .bin files, or the archive that they are distributed in. */
byol_status byol__cifar_open(byol_source **out, const char *path, const char *split, byol_error *error);

/* Is there anything in `folder` for it? */
int byol__idx_is_in(const char *folder);
int byol__cifar_is_in(const char *folder);

#endif
