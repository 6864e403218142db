/* Boxes from a file of COCO's: images, categories, annotations. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "tasks/box_set.h"

static byol_status lacks(const char *path, const char *what, byol_error *error) {
    return byol__fail(error, BYOL_ERROR_FORMAT,
                      "%.600s is no file of COCO's: %s (it has lists called images, categories and "
                      "annotations)",
                      path, what);
}

/* An entry of a list and its id. */
typedef struct known {
    int64_t id;
    uint32_t index;
    int height, width; /* of a picture */
} known;

static int by_id(const void *a, const void *b) {
    const known *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static const known *find(const known *list, size_t count, int64_t id) {
    const known key = {.id = id};
    return count == 0 ? NULL : bsearch(&key, list, count, sizeof *list, by_id);
}

/* ---- Pictures ---- */

/* The file beside the JSON, or in images/ beside it. */
static byol_status find_file(const char *path, const char *name, char out[2 * BYOL__PATH_MAX],
                             byol_error *error) {
    const char *slash = strrchr(path, '/');
    int length = slash == NULL ? 0 : (int)(slash - path) + 1;
    snprintf(out, 2 * BYOL__PATH_MAX, "%.*s%.1000s", length, path, name);
    if (byol__is_file(out)) return BYOL_OK;
    snprintf(out, 2 * BYOL__PATH_MAX, "%.*simages/%.1000s", length, path, name);
    if (byol__is_file(out)) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_NOT_FOUND,
                      "%.500s names the picture %.300s, which is neither beside it nor in images/ "
                      "beside it",
                      path, name);
}

static byol_status read_picture(byol_boxes *boxes, byol__path_list *pictures, const char *path,
                                const json_t *entry, known *picture, byol_error *error) {
    char file[2 * BYOL__PATH_MAX];
    const char *name = json_string_value(json_object_get(entry, "file_name"));
    const json_t *id = json_object_get(entry, "id");
    if (name == NULL || !json_is_integer(id))
        return lacks(path, "an image has no id or no file_name", error);
    BYOL__TRY(find_file(path, name, file, error));
    BYOL__TRY(byol__boxes_picture_size(file, &picture->height, &picture->width, error));
    json_int_t width = json_integer_value(json_object_get(entry, "width")),
               height = json_integer_value(json_object_get(entry, "height"));
    if ((width > 0 && width != picture->width) || (height > 0 && height != picture->height))
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "%.400s says that %.300s is %d x %d pixels (width, height); it is %d x "
                          "%d",
                          path, name, (int)width, (int)height, picture->width, picture->height);
    picture->id = json_integer_value(id);
    picture->index = (uint32_t)pictures->count;
    boxes->picture_ids[pictures->count] = picture->id;
    return byol__path_list_add(pictures, file, error);
}

static byol_status read_pictures(byol_boxes *boxes, byol__path_list *pictures, const char *path,
                                 const json_t *list, known *found, byol_error *error) {
    for (size_t i = 0; i < json_array_size(list); i++)
        BYOL__TRY(read_picture(boxes, pictures, path, json_array_get(list, i), &found[i], error));
    qsort(found, json_array_size(list), sizeof *found, by_id);
    return BYOL_OK;
}

/* ---- Classes ---- */

/* In the order of their ids. */
static byol_status read_classes(const char *path, const json_t *list, known *found,
                                byol_error *error) {
    size_t count = json_array_size(list);
    for (size_t i = 0; i < count; i++) {
        const json_t *entry = json_array_get(list, i), *id = json_object_get(entry, "id");
        if (!json_is_integer(id) || !json_is_string(json_object_get(entry, "name")))
            return lacks(path, "a category has no id or no name", error);
        found[i] = (known){.id = json_integer_value(id), .index = (uint32_t)i};
    }
    qsort(found, count, sizeof *found, by_id);
    return BYOL_OK;
}

static byol_status class_of(byol_boxes *boxes, const char *path, const json_t *list,
                            const known *classes, const json_t *id, int *label, byol_error *error) {
    const known *class = find(classes, json_array_size(list), json_integer_value(id));
    if (!json_is_integer(id) || class == NULL)
        return lacks(path, "an annotation is of a category that is not listed", error);
    const json_t *name = json_object_get(json_array_get(list, class->index), "name");
    BYOL__TRY(byol__boxes_class(boxes, json_string_value(name), path, label, error));
    return BYOL_OK;
}

/* Without a given list, all categories are classes, whether or not there are objects of them. */
static byol_status add_classes(byol_boxes *boxes, const char *path, const json_t *list,
                               const known *classes, byol_error *error) {
    size_t count = json_array_size(list);
    for (size_t i = 0; i < count && !boxes->names_are_given; i++) {
        int label;
        const json_t *entry = json_array_get(list, classes[i].index);
        BYOL__TRY(byol__boxes_class(boxes, json_string_value(json_object_get(entry, "name")), path,
                                    &label, error));
    }
    boxes->names_are_given = true;
    BYOL__TRY(byol__alloc(&boxes->class_ids, boxes->names.count + 1, sizeof *boxes->class_ids,
                          "classes", error));
    for (size_t k = 0; k < boxes->names.count; k++) {
        boxes->class_ids[k] = (int64_t)k + 1;
        for (size_t i = 0; i < count; i++) {
            const json_t *entry = json_array_get(list, classes[i].index);
            const char *name = json_string_value(json_object_get(entry, "name"));
            if (strcmp(name, boxes->names.paths[k]) == 0) boxes->class_ids[k] = classes[i].id;
        }
    }
    return BYOL_OK;
}

/* ---- Annotations ---- */

static byol_status read_box(byol_boxes *boxes, const char *path, const json_t *entry,
                            const known *picture, int label, byol_error *error) {
    const json_t *box = json_object_get(entry, "bbox");
    double value[4];
    for (size_t k = 0; k < 4; k++) {
        if (json_array_size(box) != 4 || !json_is_number(json_array_get(box, k)))
            return lacks(path, "an annotation's bbox is not four numbers", error);
        value[k] = json_number_value(json_array_get(box, k));
    }
    const byol_object object = {.picture = picture->index,
                                .label = label,
                                .x = (float)value[0],
                                .y = (float)value[1],
                                .width = (float)value[2],
                                .height = (float)value[3],
                                .crowd =
                                    json_integer_value(json_object_get(entry, "iscrowd")) != 0};
    char where[BYOL__PATH_MAX + 48];
    snprintf(where, sizeof where, "%s, annotation %lld", path,
             (long long)json_integer_value(json_object_get(entry, "id")));
    return byol__boxes_add(boxes, object, picture->height, picture->width, where, error);
}

static byol_status read_annotations(byol_boxes *boxes, const char *path, const json_t *root,
                                    const known *pictures, const known *classes,
                                    byol_error *error) {
    const json_t *list = json_object_get(root, "annotations"),
                 *categories = json_object_get(root, "categories");
    size_t count = json_array_size(json_object_get(root, "images"));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        int label;
        const known *picture =
            find(pictures, count, json_integer_value(json_object_get(entry, "image_id")));
        if (picture == NULL)
            return lacks(path, "an annotation is of an image that is not listed", error);
        BYOL__TRY(class_of(boxes, path, categories, classes, json_object_get(entry, "category_id"),
                           &label, error));
        BYOL__TRY(read_box(boxes, path, entry, picture, label, error));
    }
    return BYOL_OK;
}

/* ---- The file ---- */

static byol_status read_lists(byol_boxes *boxes, byol__path_list *files, const char *path,
                              const json_t *root, known *pictures, known *classes,
                              byol_error *error) {
    const json_t *images = json_object_get(root, "images"),
                 *categories = json_object_get(root, "categories");
    BYOL__TRY(byol__alloc(&boxes->picture_ids, json_array_size(images) + 1,
                          sizeof *boxes->picture_ids, "pictures", error));
    BYOL__TRY(read_pictures(boxes, files, path, images, pictures, error));
    BYOL__TRY(read_classes(path, categories, classes, error));
    BYOL__TRY(add_classes(boxes, path, categories, classes, error));
    return read_annotations(boxes, path, root, pictures, classes, error);
}

byol_status byol__boxes_read_coco(byol_boxes *boxes, byol__path_list *files, const char *path,
                                  byol_error *error) {
    json_error_t why;
    json_t *root = json_load_file(path, 0, &why);
    if (root == NULL)
        return byol__fail(error, BYOL_ERROR_FORMAT, "%.600s, line %d: %s", path, why.line,
                          why.text);
    const char *const lists[] = {"images", "categories", "annotations"};
    byol_status status = BYOL_OK;
    for (int i = 0; i < 3 && status == BYOL_OK; i++)
        if (!json_is_array(json_object_get(root, lists[i])))
            status = lacks(path, "a list is missing", error);
    known *pictures = NULL, *classes = NULL;
    if (status == BYOL_OK)
        status = byol__alloc(&pictures, json_array_size(json_object_get(root, "images")) + 1,
                             sizeof *pictures, "pictures", error);
    if (status == BYOL_OK)
        status = byol__alloc(&classes, json_array_size(json_object_get(root, "categories")) + 1,
                             sizeof *classes, "classes", error);
    if (status == BYOL_OK) status = read_lists(boxes, files, path, root, pictures, classes, error);
    byol__free(pictures);
    byol__free(classes);
    json_decref(root);
    return status;
}
