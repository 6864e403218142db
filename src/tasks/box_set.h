/* Pictures with boxes, from the inside. */
#ifndef BYOL__BOX_SET_H
#define BYOL__BOX_SET_H

#include "byol/detect.h"
#include "tasks/path_list.h"

struct byol_boxes {
    const byol_source *pictures;
    byol_source *owned; /* the same, where it belongs to this; else NULL */
    byol_object *objects;
    size_t capacity; /* of objects */
    byol__path_list names, notes;
    bool names_are_given;             /* no class may be added */
    int64_t *picture_ids, *class_ids; /* of COCO's file; NULL: numbers */
    byol_boxes_info info;
    char description[BYOL__PATH_MAX + 64];
};

/* ---- For the readers ---- */

/* The number of the class called `name`; a new one where that is allowed. BYOL_ERROR_MISMATCH:
 * `where` names a class that is not in the list. */
byol_status byol__boxes_class(byol_boxes *boxes, const char *name, const char *where, int *label,
                              byol_error *error);

/* Appends an object, cut at the edges of its picture of height x width; notes one that has no area
 * there. `where` is the file. */
byol_status byol__boxes_add(byol_boxes *boxes, byol_object object, int height, int width,
                            const char *where, byol_error *error);

byol_status byol__boxes_note(byol_boxes *boxes, byol_error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* voc_boxes.c: reads a folder of XML files; appends its pictures to `pictures`. */
byol_status byol__boxes_read_voc(byol_boxes *boxes, byol__path_list *pictures, const char *folder,
                                 const char *split, byol_error *error);

/* coco_boxes.c: reads a file of JSON. */
byol_status byol__boxes_read_coco(byol_boxes *boxes, byol__path_list *pictures, const char *path,
                                  byol_error *error);

/* The height and width of the picture at `path`, from its header. */
byol_status byol__boxes_picture_size(const char *path, int *height, int *width, byol_error *error);

#endif
