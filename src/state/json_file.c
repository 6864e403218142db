#include "state/json_file.h"

#include "base/error.h"
#include "base/files.h"

json_t *byol__json_words(const char *text) {
    json_t *string = json_string(text);
    return string != NULL ? string : json_string("?");
}

byol_status byol__json_write(const char *path, json_t *object, size_t indent, byol_error *error) {
    byol__atomic_file file;
    byol_status status = byol__atomic_open(&file, path, error);
    if (status != BYOL_OK) {
        json_decref(object);
        return status;
    }
    int failed = json_dumpf(object, file.stream, JSON_INDENT(indent) | JSON_REAL_PRECISION(9)) != 0;
    json_decref(object);
    if (!failed) {
        fputc('\n', file.stream);
        return byol__atomic_commit(&file, error);
    }
    byol__atomic_abandon(&file);
    return byol__fail(error, BYOL_ERROR_IO, "cannot write %s", path);
}
