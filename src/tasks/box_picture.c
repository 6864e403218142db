/* Boxes for people, and as COCO's results. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"
#include "base/memory.h"
#include "state/json_file.h"
#include "tasks/box_set.h"
#include "tasks/task_png.h"

/* A frame of two pixels' breadth. */
static void draw_box(uint8_t *rgb, int stride, int height, int width, const byol_object *o) {
    uint8_t colour[3];
    int x0 = (int)o->x, y0 = (int)o->y, x1 = (int)ceilf(o->x + o->width) - 1,
        y1 = (int)ceilf(o->y + o->height) - 1;
    byol__task_colour(o->label + 1, colour);
    for (int y = y0; y <= y1; y++)
        for (int x = x0; x <= x1; x++) {
            bool edge = y < y0 + 2 || y > y1 - 2 || x < x0 + 2 || x > x1 - 2;
            if (edge && x >= 0 && y >= 0 && x < width && y < height)
                memcpy(rgb + ((size_t)y * (size_t)stride + (size_t)x) * 3, colour, 3);
        }
}

static byol_status draw(const byol_boxes *boxes, size_t index, const byol_image *image,
                        const byol_object *found, size_t count, float least, const char *path,
                        byol_error *error) {
    uint8_t *rgb;
    int height = image->height, width = image->width, stride = 2 * width;
    uint8_t *second;
    BYOL__TRY(byol__alloc(&rgb, (size_t)height * 3, (size_t)stride, "a picture", error));
    second = rgb + (size_t)width * 3;
    byol__task_copy(image, rgb, stride);
    byol__task_copy(image, second, stride);
    for (size_t i = 0; i < boxes->info.objects; i++)
        if (boxes->objects[i].picture == index)
            draw_box(rgb, stride, height, width, &boxes->objects[i]);
    for (size_t i = 0; i < count; i++)
        if (found[i].score >= least) draw_box(second, stride, height, width, &found[i]);
    byol_status status = byol__task_png_write(path, rgb, 3, height, stride, error);
    byol__free(rgb);
    return status;
}

byol_status byol_boxes_show(const byol_boxes *boxes, size_t index, const byol_object *found,
                            size_t count, float least, const char *path, byol_error *error) {
    byol_picture picture = {0};
    byol_status status = byol_source_image(boxes->pictures, index, NULL, &picture, error);
    if (status == BYOL_OK)
        status = draw(boxes, index, &picture.image, found, count, least, path, error);
    byol_picture_release(&picture);
    return status;
}

/* ---- Results ---- */

static json_t *describe(const byol_boxes *boxes, const byol_object *o) {
    char name[BYOL__PATH_MAX];
    byol_source_name(boxes->pictures, o->picture, name, sizeof name);
    const char *slash = strrchr(name, '/'), *category = byol_boxes_class_name(boxes, o->label);
    int64_t picture = boxes->picture_ids != NULL ? boxes->picture_ids[o->picture] : o->picture,
            class = boxes->class_ids != NULL ? boxes->class_ids[o->label] : o->label + 1;
    return json_pack("{s:I, s:I, s:[f,f,f,f], s:f, s:o, s:o}", "image_id", (json_int_t)picture,
                     "category_id", (json_int_t) class, "bbox", (double)o->x, (double)o->y,
                     (double)o->width, (double)o->height, "score", (double)o->score, "file_name",
                     byol__json_words(slash == NULL ? name : slash + 1), "category",
                     category == NULL ? json_null() : byol__json_words(category));
}

byol_status byol_detections_write(const char *path, const byol_boxes *boxes,
                                  const byol_object *found, size_t count, byol_error *error) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        if (json_array_append_new(list, describe(boxes, &found[i])) != 0) {
            json_decref(list);
            return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for %zu detections", count);
        }
    return byol__json_write(path, list, 0, error);
}
