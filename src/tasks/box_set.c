#include "tasks/box_set.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "data/decode.h"

/* ---- For the readers ---- */

byol_status byol__boxes_note(byol_boxes *boxes, byol_error *error, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return byol__path_list_add(&boxes->notes, text, error);
}

/* "red, blue", as much as fits. */
static void list_names(const byol__path_list *names, char *text, size_t size) {
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < names->count && length < size; i++)
        length += (size_t)snprintf(text + length, size - length, "%s%s", i > 0 ? ", " : "",
                                   names->paths[i]);
}

byol_status byol__boxes_class(byol_boxes *boxes, const char *name, const char *where, int *label,
                              byol_error *error) {
    char known[256];
    for (size_t i = 0; i < boxes->names.count; i++)
        if (strcmp(boxes->names.paths[i], name) == 0) {
            *label = (int)i;
            return BYOL_OK;
        }
    if (boxes->names_are_given) {
        list_names(&boxes->names, known, sizeof known);
        return byol__fail(error, BYOL_ERROR_MISMATCH,
                          "%.400s: an object is of class '%.100s', which is not in the list: %s",
                          where, name, known);
    }
    *label = (int)boxes->names.count;
    return byol__path_list_add(&boxes->names, name, error);
}

static byol_status grow(byol_boxes *boxes, byol_error *error) {
    if (boxes->info.objects < boxes->capacity) return BYOL_OK;
    size_t capacity = boxes->capacity == 0 ? 256 : 2 * boxes->capacity;
    byol_object *grown = realloc(boxes->objects, capacity * sizeof *grown);
    if (grown == NULL) return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for boxes");
    boxes->objects = grown;
    boxes->capacity = capacity;
    return BYOL_OK;
}

static float within(float value, int most) {
    return value < 0 ? 0 : value > (float)most ? (float)most : value;
}

byol_status byol__boxes_add(byol_boxes *boxes, byol_object o, int height, int width,
                            const char *where, byol_error *error) {
    float x0 = within(o.x, width), x1 = within(o.x + o.width, width), y0 = within(o.y, height),
          y1 = within(o.y + o.height, height);
    if (!(x1 > x0 && y1 > y0)) /* also where one is NaN */
        return byol__boxes_note(
            boxes, error, "%.600s: the box at (%g, %g) of %g x %g pixels%s is skipped", where,
            (double)o.x, (double)o.y, (double)o.width, (double)o.height,
            o.width > 0 && o.height > 0 ? " lies outside its picture and" : " has no area and");
    BYOL__TRY(grow(boxes, error));
    o.x = x0;
    o.y = y0;
    o.width = x1 - x0;
    o.height = y1 - y0;
    boxes->objects[boxes->info.objects++] = o;
    return BYOL_OK;
}

byol_status byol__boxes_picture_size(const char *path, int *height, int *width, byol_error *error) {
    byol__picture_info info;
    const unsigned char *bytes;
    size_t length;
    BYOL__TRY(byol__map_file(path, &bytes, &length, error));
    byol_status status = byol__decode_header(bytes, length, &info, error);
    byol__unmap_file(bytes, length);
    if (status != BYOL_OK) return byol__fail_within(error, status, "%.600s", path);
    *height = info.height;
    *width = info.width;
    return BYOL_OK;
}

/* ---- Opening ---- */

static byol_status take_names(byol_boxes *boxes, const char *path, const byol_boxes *like,
                              byol_error *error) {
    char names[BYOL__PATH_MAX + 16];
    snprintf(names, sizeof names, "%s/classes.txt", path);
    if (like == NULL && byol__is_file(names))
        BYOL__TRY(byol__path_list_lines(&boxes->names, names, error));
    for (size_t i = 0; like != NULL && i < like->names.count; i++)
        BYOL__TRY(byol__path_list_add(&boxes->names, like->names.paths[i], error));
    boxes->names_are_given = boxes->names.count > 0;
    return BYOL_OK;
}

static int by_picture(const void *a, const void *b) {
    const byol_object *x = a, *y = b;
    return (x->picture > y->picture) - (x->picture < y->picture);
}

static byol_status complete(byol_boxes *boxes, const char *what, byol_error *error) {
    byol_source_info source;
    byol_picture picture = {0};
    byol_source_describe(boxes->pictures, &source);
    if (boxes->info.objects > 0)
        qsort(boxes->objects, boxes->info.objects, sizeof *boxes->objects, by_picture);
    boxes->info.count = source.count;
    boxes->info.channels = source.channels;
    boxes->info.notes = boxes->notes.count;
    byol_status status = byol_source_image(boxes->pictures, 0, NULL, &picture, error);
    boxes->info.height = picture.image.height;
    boxes->info.width = picture.image.width;
    byol_picture_release(&picture);
    snprintf(boxes->description, sizeof boxes->description, "%s: %zu pictures with %zu boxes", what,
             source.count, boxes->info.objects);
    return status;
}

static byol_status open(byol_boxes *boxes, byol__path_list *pictures, const char *spec,
                        const byol_boxes *like, byol_error *error) {
    char path[BYOL__PATH_MAX], split[BYOL__SPLIT_MAX];
    BYOL__TRY(byol__path_split(spec, path, split, error));
    BYOL__TRY(take_names(boxes, path, like, error));
    if (byol__is_folder(path))
        BYOL__TRY(byol__boxes_read_voc(boxes, pictures, path, split, error));
    else
        BYOL__TRY(byol__boxes_read_coco(boxes, pictures, path, error));
    if (pictures->count == 0)
        return byol__fail(error, BYOL_ERROR_NOT_FOUND, "%.700s: no pictures with boxes were found",
                          spec);
    BYOL__TRY(byol_source_from_files(&boxes->owned, (const char *const *)pictures->paths,
                                     pictures->count, error));
    boxes->pictures = boxes->owned;
    boxes->info.classes = (int)boxes->names.count;
    return complete(boxes, spec, error);
}

static byol_status create(byol_boxes **out, byol_error *error) {
    BYOL__TRY(byol__alloc(out, 1, sizeof **out, "pictures with boxes", error));
    (*out)->info.description = (*out)->description;
    return BYOL_OK;
}

byol_status byol_boxes_open(byol_boxes **out, const char *spec, const byol_boxes *like,
                            byol_error *error) {
    byol_boxes *boxes;
    byol__path_list pictures = {0};
    BYOL__TRY(create(&boxes, error));
    byol_status status = open(boxes, &pictures, spec, like, error);
    byol__path_list_release(&pictures);
    if (status == BYOL_OK)
        *out = boxes;
    else
        byol_boxes_free(boxes);
    return status;
}

static byol_status check_object(const byol_boxes *boxes, const byol_object *object, size_t count,
                                const char *where, byol_error *error) {
    if (object->picture < count && object->label >= 0 && object->label < boxes->info.classes)
        return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_INVALID,
                      "%s is in picture %u and of class %d; there are %zu pictures and %d classes, "
                      "from 0",
                      where, (unsigned)object->picture, object->label, count, boxes->info.classes);
}

/* Pictures are read for their sizes, each once where its objects follow one another. */
static byol_status copy(byol_boxes *boxes, const byol_object *objects, size_t count,
                        byol_picture *picture, byol_error *error) {
    byol_source_info source;
    char where[32];
    byol_source_describe(boxes->pictures, &source);
    for (size_t i = 0; i < count; i++) {
        snprintf(where, sizeof where, "object %zu", i);
        BYOL__TRY(check_object(boxes, &objects[i], source.count, where, error));
        if (i == 0 || objects[i].picture != objects[i - 1].picture)
            BYOL__TRY(byol_source_image(boxes->pictures, objects[i].picture, NULL, picture, error));
        BYOL__TRY(byol__boxes_add(boxes, objects[i], picture->image.height, picture->image.width,
                                  where, error));
    }
    return BYOL_OK;
}

byol_status byol_boxes_from_memory(byol_boxes **out, const byol_source *pictures,
                                   const byol_object *objects, size_t count, int classes,
                                   byol_error *error) {
    byol_boxes *boxes;
    byol_picture picture = {0};
    BYOL__TRY(create(&boxes, error));
    boxes->pictures = pictures;
    boxes->info.classes = classes;
    byol_status status = copy(boxes, objects, count, &picture, error);
    byol_picture_release(&picture);
    if (status == BYOL_OK) status = complete(boxes, "memory", error);
    if (status == BYOL_OK)
        *out = boxes;
    else
        byol_boxes_free(boxes);
    return status;
}

void byol_boxes_free(byol_boxes *boxes) {
    if (boxes == NULL) return;
    byol_source_free(boxes->owned);
    byol__path_list_release(&boxes->names);
    byol__path_list_release(&boxes->notes);
    free(boxes->objects);
    byol__free(boxes->picture_ids);
    byol__free(boxes->class_ids);
    byol__free(boxes);
}

/* ---- Using it ---- */

void byol_boxes_describe(const byol_boxes *boxes, byol_boxes_info *info) { *info = boxes->info; }

const byol_source *byol_boxes_pictures(const byol_boxes *boxes) { return boxes->pictures; }

const byol_object *byol_boxes_objects(const byol_boxes *boxes) { return boxes->objects; }

const char *byol_boxes_class_name(const byol_boxes *boxes, int label) {
    return label >= 0 && (size_t)label < boxes->names.count ? boxes->names.paths[label] : NULL;
}

const char *byol_boxes_note(const byol_boxes *boxes, size_t index) {
    return index < boxes->notes.count ? boxes->notes.paths[index] : "";
}
