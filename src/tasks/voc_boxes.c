/* Boxes in the manner of Pascal VOC: an XML file for each picture, read by expat. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <expat.h>

#include "base/c_locale.h"
#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "tasks/box_set.h"

enum { DEPTH_MAX = 16, NAME_MAX_BYTES = 64, TEXT_MAX = 128 };

/* An object as the file tells it. */
typedef struct told {
    char name[TEXT_MAX];
    bool difficult;
    double corner[4]; /* xmin, ymin, xmax, ymax */
    unsigned has;     /* a bit for each corner */
} told;

/* One file while it is read. */
typedef struct reading {
    byol_boxes *boxes;
    const char *path;
    uint32_t picture;
    int height, width;           /* of the picture */
    int told_height, told_width; /* by the file; 0: it does not say */
    char element[DEPTH_MAX][NAME_MAX_BYTES];
    int depth;
    char text[TEXT_MAX];
    size_t length; /* of the text */
    told object;
    size_t objects;
    byol_status status;
    byol_error *error;
} reading;

static const char *const corners[4] = {"xmin", "ymin", "xmax", "ymax"};

/* Is the element that is open "annotation/a/b"? NULL ends the path early. */
static bool is_at(const reading *r, const char *a, const char *b, const char *c) {
    const char *const path[] = {"annotation", a, b, c};
    int length = 1;
    while (length < 4 && path[length] != NULL) length++;
    if (r->depth != length) return false;
    for (int i = 0; i < length; i++)
        if (strcmp(r->element[i], path[i]) != 0) return false;
    return true;
}

static void begin_element(void *context, const XML_Char *name, const XML_Char **attributes) {
    reading *r = context;
    (void)attributes;
    if (r->depth < DEPTH_MAX) snprintf(r->element[r->depth], NAME_MAX_BYTES, "%s", name);
    r->depth++;
    r->length = 0;
    r->text[0] = '\0';
    if (is_at(r, "object", NULL, NULL)) r->object = (told){0};
}

static void add_text(void *context, const XML_Char *text, int length) {
    reading *r = context;
    for (int i = 0; i < length && r->length + 1 < TEXT_MAX; i++)
        if (r->length > 0 || strchr(" \t\r\n", text[i]) == NULL) r->text[r->length++] = text[i];
    r->text[r->length] = '\0';
}

static void trim(reading *r) {
    while (r->length > 0 && strchr(" \t\r\n", r->text[r->length - 1]) != NULL)
        r->text[--r->length] = '\0';
}

static byol_status finish_object(reading *r) {
    const told *t = &r->object;
    byol_object object = {.picture = r->picture,
                          .x = (float)t->corner[0],
                          .y = (float)t->corner[1],
                          .width = (float)(t->corner[2] - t->corner[0]),
                          .height = (float)(t->corner[3] - t->corner[1]),
                          .crowd = t->difficult};
    r->objects++;
    if (t->name[0] == '\0' || t->has != 15)
        return byol__fail(r->error, BYOL_ERROR_FORMAT, "%.600s: object %zu has no %s", r->path,
                          r->objects,
                          t->name[0] == '\0' ? "name" : "whole box (xmin, ymin, xmax, ymax)");
    BYOL__TRY(byol__boxes_class(r->boxes, t->name, r->path, &object.label, r->error));
    return byol__boxes_add(r->boxes, object, r->height, r->width, r->path, r->error);
}

static void end_element(void *context, const XML_Char *name) {
    reading *r = context;
    trim(r);
    for (int i = 0; i < 4; i++)
        if (is_at(r, "object", "bndbox", corners[i])) {
            char *end;
            r->object.corner[i] = strtod(r->text, &end);
            if (end != r->text && *end == '\0') r->object.has |= 1u << i;
        }
    if (is_at(r, "object", "name", NULL))
        snprintf(r->object.name, sizeof r->object.name, "%s", r->text);
    if (is_at(r, "object", "difficult", NULL)) r->object.difficult = strcmp(r->text, "1") == 0;
    if (is_at(r, "size", "width", NULL)) r->told_width = atoi(r->text);
    if (is_at(r, "size", "height", NULL)) r->told_height = atoi(r->text);
    if (is_at(r, "object", NULL, NULL) && r->status == BYOL_OK) r->status = finish_object(r);
    if (r->depth == 1 && strcmp(name, "annotation") != 0 && r->status == BYOL_OK)
        r->status =
            byol__fail(r->error, BYOL_ERROR_FORMAT,
                       "%.600s tells of <%.60s>, not of an <annotation> with boxes", r->path, name);
    r->depth--;
    r->length = 0;
}

/* ---- One file ---- */

static byol_status check(reading *r) {
    bool differs = (r->told_width > 0 && r->told_width != r->width) ||
                   (r->told_height > 0 && r->told_height != r->height);
    if (differs)
        return byol__fail(r->error, BYOL_ERROR_FORMAT,
                          "%.500s says that its picture is %d x %d pixels (width, height); it is "
                          "%d x %d",
                          r->path, r->told_width, r->told_height, r->width, r->height);
    if (r->objects == 0)
        return byol__boxes_note(r->boxes, r->error,
                                "%.600s has no boxes: a picture without objects", r->path);
    return BYOL_OK;
}

static byol_status parse(reading *r, const unsigned char *bytes, size_t length) {
    XML_Parser parser = XML_ParserCreate(NULL);
    if (parser == NULL)
        return byol__fail(r->error, BYOL_ERROR_MEMORY, "no memory for an XML parser");
    XML_SetUserData(parser, r);
    XML_SetElementHandler(parser, begin_element, end_element);
    XML_SetCharacterDataHandler(parser, add_text);
    if (length > INT32_MAX)
        r->status = byol__fail(r->error, BYOL_ERROR_FORMAT, "%.600s is too long", r->path);
    else if (XML_Parse(parser, (const char *)bytes, (int)length, 1) != XML_STATUS_OK &&
             r->status == BYOL_OK)
        r->status = byol__fail(r->error, BYOL_ERROR_FORMAT, "%.600s, line %lu: %s", r->path,
                               (unsigned long)XML_GetCurrentLineNumber(parser),
                               XML_ErrorString(XML_GetErrorCode(parser)));
    XML_ParserFree(parser);
    return r->status == BYOL_OK ? check(r) : r->status;
}

static byol_status read_file(byol_boxes *boxes, const char *path, const char *picture,
                             uint32_t number, byol_error *error) {
    const unsigned char *bytes;
    size_t length;
    reading *r;
    BYOL__TRY(byol__alloc(&r, 1, sizeof *r, "boxes", error));
    r->boxes = boxes;
    r->path = path;
    r->picture = number;
    r->error = error;
    byol_status status = byol__boxes_picture_size(picture, &r->height, &r->width, error);
    if (status == BYOL_OK) status = byol__map_file(path, &bytes, &length, error);
    if (status == BYOL_OK) {
        status = parse(r, bytes, length);
        byol__unmap_file(bytes, length);
    }
    byol__free(r);
    return status;
}

/* ---- The folder ---- */

/* Classes in the order of the alphabet, whichever file came first. */
static byol_status sort_classes(byol_boxes *boxes, byol_error *error) {
    size_t count = boxes->names.count;
    int *rank;
    if (boxes->names_are_given || count == 0) return BYOL_OK;
    BYOL__TRY(byol__alloc(&rank, count, sizeof *rank, "classes", error));
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            rank[i] += strcmp(boxes->names.paths[j], boxes->names.paths[i]) < 0;
    for (size_t o = 0; o < boxes->info.objects; o++)
        boxes->objects[o].label = rank[boxes->objects[o].label];
    for (size_t i = 0; i < count; i++) /* each to its place, whose owner comes here */
        while (rank[i] != (int)i) {
            int to = rank[i];
            char *name = boxes->names.paths[to];
            boxes->names.paths[to] = boxes->names.paths[i];
            boxes->names.paths[i] = name;
            rank[i] = rank[to];
            rank[to] = to;
        }
    byol__free(rank);
    return BYOL_OK;
}

/* FOLDER/Annotations/NAME.xml and FOLDER/JPEGImages/NAME.jpg. */
static byol_status add_named(const char *folder, const char *name, byol__path_list *files,
                             byol__path_list *pictures, byol_error *error) {
    static const char *const endings[] = {".jpg", ".jpeg", ".JPG", ".png", ".webp", ".ppm", ".pgm"};
    char path[2 * BYOL__PATH_MAX];
    snprintf(path, sizeof path, "%s/Annotations/%s.xml", folder, name);
    if (!byol__is_file(path))
        return byol__fail(error, BYOL_ERROR_NOT_FOUND, "there is no file %.700s", path);
    BYOL__TRY(byol__path_list_add(files, path, error));
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        snprintf(path, sizeof path, "%s/JPEGImages/%s%s", folder, name, endings[i]);
        if (byol__is_file(path)) return byol__path_list_add(pictures, path, error);
    }
    return byol__fail(error, BYOL_ERROR_NOT_FOUND,
                      "%.300s/Annotations/%.100s.xml has no picture: there is no "
                      "%.300s/JPEGImages/%.100s.jpg (or .png, .webp, .ppm)",
                      folder, name, folder, name);
}

static byol_status list_split(const char *folder, const char *split, byol__path_list *files,
                              byol__path_list *pictures, byol_error *error) {
    char path[2 * BYOL__PATH_MAX];
    byol__path_list names = {0};
    snprintf(path, sizeof path, "%s/ImageSets/Main/%s.txt", folder, split);
    byol_status status = byol__path_list_lines(&names, path, error);
    for (size_t i = 0; i < names.count && status == BYOL_OK; i++) {
        names.paths[i][strcspn(names.paths[i], " \t")] = '\0'; /* a number may follow */
        status = add_named(folder, names.paths[i], files, pictures, error);
    }
    byol__path_list_release(&names);
    return status;
}

/* Pictures with a.xml beside a.jpg; of VOC's folder those of all splits. */
static byol_status list_all(const char *folder, const char *split, byol__path_list *files,
                            byol__path_list *pictures, byol_error *error) {
    char where[2 * BYOL__PATH_MAX], xml[BYOL__PATH_MAX], voc[2 * BYOL__PATH_MAX];
    snprintf(where, sizeof where, "%s/JPEGImages", folder);
    bool is_voc = byol__is_folder(where);
    if (!is_voc) snprintf(where, sizeof where, "%s%s%s", folder, *split != '\0' ? "/" : "", split);
    if (!byol__is_folder(where))
        return byol__fail(error, BYOL_ERROR_NOT_FOUND, "there is no folder %.700s", where);
    BYOL__TRY(byol__path_list_pictures(pictures, where, error));
    for (size_t i = 0; i < pictures->count; i++) {
        const char *picture = pictures->paths[i];
        if (is_voc)
            snprintf(voc, sizeof voc, "%s/Annotations%s", folder, picture + strlen(where));
        else
            snprintf(voc, sizeof voc, "%s", picture);
        byol__path_with_ending(voc, ".xml", xml);
        if (!byol__is_file(xml))
            return byol__fail(error, BYOL_ERROR_NOT_FOUND,
                              "%.450s has no boxes: there is no file %.450s", picture, xml);
        BYOL__TRY(byol__path_list_add(files, xml, error));
    }
    return BYOL_OK;
}

byol_status byol__boxes_read_voc(byol_boxes *boxes, byol__path_list *pictures, const char *folder,
                                 const char *split, byol_error *error) {
    char annotations[BYOL__PATH_MAX + 16];
    byol__path_list files = {0};
    snprintf(annotations, sizeof annotations, "%s/Annotations", folder);
    bool by_list = byol__is_folder(annotations) && *split != '\0';
    byol_status status = (by_list ? list_split : list_all)(folder, split, &files, pictures, error);
    /* Numbers have decimal points. */
    locale_t c_locale, before = byol__c_locale_enter(&c_locale);
    for (size_t i = 0; i < files.count && status == BYOL_OK; i++)
        status = read_file(boxes, files.paths[i], pictures->paths[i], (uint32_t)i, error);
    byol__c_locale_leave(before, c_locale);
    byol__path_list_release(&files);
    return status == BYOL_OK ? sort_classes(boxes, error) : status;
}
