/* Opening and reading sources in tests; after cmocka.h. */
#ifndef TEST_OPENED_H
#define TEST_OPENED_H

#include <string.h>

#include "byol/source.h"

static inline byol_source *opens(const char *spec) {
    byol_source *source;
    byol_error error = {0};
    if (byol_source_open(&source, spec, &error) != BYOL_OK) fail_msg("%s: %s", spec, error.text);
    return source;
}

static inline void fails(const char *spec, byol_status wanted, const char *words) {
    byol_source *source;
    byol_error error = {0};
    assert_int_equal(byol_source_open(&source, spec, &error), wanted);
    if (strstr(error.text, words) == NULL) fail_msg("'%s' lacks '%s'", error.text, words);
}

static inline byol_source_info described(const byol_source *source) {
    byol_source_info info;
    byol_source_describe(source, &info);
    return info;
}

/* Owned: byol_picture_release. */
static inline byol_picture picture_of(const byol_source *source, size_t index) {
    byol_picture picture = {0};
    byol_error error = {0};
    if (byol_source_image(source, index, NULL, &picture, &error) != BYOL_OK)
        fail_msg("%s", error.text);
    return picture;
}

#endif
