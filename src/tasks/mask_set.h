/* Pictures with masks, from the inside. */
#ifndef BYOL__MASK_SET_H
#define BYOL__MASK_SET_H

#include "byol/segment.h"
#include "tasks/path_list.h"

struct byol_masks {
    const byol_source *pictures;
    byol_source *owned;       /* the same, where it belongs to this; else NULL */
    byol__path_list files;    /* of masks */
    const uint8_t *in_memory; /* or (count, height, width) */
    byol__path_list names;    /* of classes, or empty */
    byol_masks_info info;
    char description[BYOL__PATH_MAX + 64];
};

/* mask_places.c: finds pictures and their masks, and the names of the classes. */
byol_status byol__masks_find(byol_masks *masked, byol__path_list *pictures, const char *spec,
                             byol_error *error);

/* What a mask is called in messages. */
const char *byol__masks_words(const byol_masks *masked, size_t index, char text[BYOL__PATH_MAX]);

#endif
