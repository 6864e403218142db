#include "state/class_names.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"
#include "base/memory.h"
#include "state/json_file.h"

byol_status byol__class_names_pack(const char *const *name, int count, char **json,
                                   byol_error *error) {
    json_t *list = json_array();
    for (int c = 0; c < count; c++) {
        bool has_name = name != NULL && name[c] != NULL;
        json_array_append_new(list, has_name ? byol__json_words(name[c]) : json_null());
    }
    bool whole = json_array_size(list) == (size_t)count;
    *json = whole ? json_dumps(list, JSON_COMPACT) : NULL;
    json_decref(list);
    return *json != NULL ? BYOL_OK
                         : byol__fail(error, BYOL_ERROR_MEMORY, "no memory for names of classes");
}

static byol_status read_list(byol__class_names *names, const json_t *list, const char *path,
                             byol_error *error) {
    size_t count = json_array_size(list), index;
    const json_t *item;
    if (count == 0 || count > BYOL__CLASSES_MAX)
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "%s: byol.classes is no list of 1 .. %d names of classes", path,
                          BYOL__CLASSES_MAX);
    BYOL__TRY(byol__alloc(&names->name, count, sizeof *names->name, "names of classes", error));
    names->count = (int)count;
    json_array_foreach(list, index, item) {
        if (json_is_null(item)) continue;
        const char *text = json_string_value(item);
        if (text == NULL)
            return byol__fail(error, BYOL_ERROR_FORMAT,
                              "%s: name %zu in byol.classes is neither a text nor null", path,
                              index);
        names->name[index] = strdup(text);
        if (names->name[index] == NULL)
            return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for names of classes");
    }
    return BYOL_OK;
}

byol_status byol__class_names_parse(byol__class_names *names, const char *json, const char *path,
                                    byol_error *error) {
    *names = (byol__class_names){0};
    json_t *list = json_loads(json, 0, NULL);
    byol_status status = read_list(names, list, path, error);
    json_decref(list);
    if (status != BYOL_OK) byol__class_names_release(names);
    return status;
}

void byol__class_names_release(byol__class_names *names) {
    for (int c = 0; c < names->count; c++) free(names->name[c]);
    byol__free(names->name);
    *names = (byol__class_names){0};
}
