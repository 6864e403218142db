/* Texts in JSON lines: an object a line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "base/error.h"
#include "data/text_source.h"

/* The keys of the texts and of the labels, from the first object on. */
typedef struct keys {
    const char *text, *label; /* NULL: there are no labels */
    char found[2][256];       /* as the first object spells them */
} keys;

typedef struct place {
    const char *path, *line;
    size_t number, length;
} place;

static const char *kind_of(const json_t *value) {
    switch (json_typeof(value)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return "a string";
    case JSON_INTEGER:
    case JSON_REAL: return "a number";
    case JSON_NULL: return "null";
    default: return "true or false";
    }
}

static void list_keys(char list[BYOL__NAMES_SHOWN], json_t *object) {
    const char *key;
    json_t *value;
    list[0] = '\0';
    json_object_foreach(object, key, value) byol__list_name(list, key, strlen(key));
    if (list[0] == '\0') snprintf(list, BYOL__NAMES_SHOWN, "none");
}

/* ---- which keys ---- */

/* The object's first key that has one of the usual names, kept in `found`. */
static const char *find_usual(json_t *object, const char *const *usual, char found[256]) {
    const char *key;
    json_t *value;
    for (int i = 0; usual[i] != NULL; i++) {
        json_object_foreach(object, key, value) {
            if (strcasecmp(key, usual[i]) != 0) continue;
            snprintf(found, 256, "%s", key);
            return found;
        }
    }
    return NULL;
}

static byol_status choose_keys(keys *k, json_t *first, const byol__text_columns *columns,
                               const place *at, byol_error *error) {
    char seen[BYOL__NAMES_SHOWN];
    k->text =
        *columns->text != '\0' ? columns->text : find_usual(first, byol__text_names, k->found[0]);
    k->label = *columns->label != '\0' ? columns->label
                                       : find_usual(first, byol__label_names, k->found[1]);
    if (k->text != NULL) return BYOL_OK;
    list_keys(seen, first);
    return byol__no_column(at->path, at->number, "", seen, error);
}

/* ---- a line ---- */

static byol_status parse(const place *at, json_t **object, byol_error *error) {
    char excerpt[BYOL__EXCERPT];
    json_error_t why;
    *object = json_loadb(at->line, at->length, JSON_DECODE_ANY, &why);
    byol__text_excerpt(excerpt, at->line, at->length);
    if (*object == NULL)
        return byol__fail(error, BYOL_ERROR_FORMAT, "%.500s:%zu:%d: not JSON: %.160s: '%s'",
                          at->path, at->number, why.column, why.text, excerpt);
    if (json_is_object(*object)) return BYOL_OK;
    byol__fail(error, BYOL_ERROR_FORMAT,
               "%.500s:%zu: a line must be a JSON object, here is %s: '%s'", at->path, at->number,
               kind_of(*object), excerpt);
    json_decref(*object);
    return BYOL_ERROR_FORMAT;
}

static byol_status find_value(const place *at, json_t *object, const char *key, json_t **value,
                              byol_error *error) {
    char seen[BYOL__NAMES_SHOWN];
    *value = json_object_get(object, key);
    if (*value != NULL) return BYOL_OK;
    list_keys(seen, object);
    return byol__fail(error, BYOL_ERROR_FORMAT,
                      "%.500s:%zu: there is no column '%.100s'; there are: %s", at->path,
                      at->number, key, seen);
}

static byol_status wrong_kind(const place *at, const char *key, const json_t *value,
                              const char *wanted, byol_error *error) {
    return byol__fail(error, BYOL_ERROR_FORMAT, "%.500s:%zu: column '%.100s' is %s, not %s",
                      at->path, at->number, key, kind_of(value), wanted);
}

/* A label that is no string is what JSON writes for it: 3, 0.5, true. `*owned` is to be freed. */
static byol_status read_label(const place *at, json_t *value, const char *key,
                              byol__found_text *found, char **owned, byol_error *error) {
    if (json_is_object(value) || json_is_array(value) || json_is_null(value))
        return wrong_kind(at, key, value, "a word or a number", error);
    found->label = json_string_value(value);
    if (found->label == NULL) found->label = *owned = json_dumps(value, JSON_ENCODE_ANY);
    if (found->label == NULL) return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for a label");
    found->label_length = strlen(found->label);
    return BYOL_OK;
}

static byol_status take_object(byol__texts *texts, const place *at, json_t *object, const keys *k,
                               byol_error *error) {
    json_t *text, *label;
    byol__found_text found = {.line = at->number};
    char *owned = NULL;
    BYOL__TRY(find_value(at, object, k->text, &text, error));
    if (!json_is_string(text)) return wrong_kind(at, k->text, text, "a string", error);
    found.text = json_string_value(text);
    found.length = json_string_length(text);
    if (k->label != NULL) {
        BYOL__TRY(find_value(at, object, k->label, &label, error));
        BYOL__TRY(read_label(at, label, k->label, &found, &owned, error));
    }
    byol_status status = byol__texts_take(texts, at->path, &found, error);
    free(owned);
    return status;
}

byol_status byol__texts_read_json(byol__texts *texts, const byol__text_file *file,
                                  const byol__text_columns *columns, byol_error *error) {
    const char *end = file->bytes + file->length;
    keys k = {.text = NULL};
    place at = {.path = file->path, .line = file->bytes};
    for (const char *next; at.line < end; at.line = next) {
        const char *newline = memchr(at.line, '\n', (size_t)(end - at.line));
        next = newline != NULL ? newline + 1 : end;
        at.length = (size_t)((newline != NULL ? newline : end) - at.line);
        at.number++;
        if (byol__is_blank(at.line, at.length)) {
            texts->base.info.skipped++;
            continue;
        }
        json_t *object;
        BYOL__TRY(parse(&at, &object, error));
        byol_status status =
            k.text == NULL ? choose_keys(&k, object, columns, &at, error) : BYOL_OK;
        if (status == BYOL_OK) status = take_object(texts, &at, object, &k, error);
        json_decref(object);
        BYOL__TRY(status);
    }
    return BYOL_OK;
}
