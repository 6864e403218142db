/* Files of JSON for people and other programs. */
#ifndef BYOL__JSON_FILE_H
#define BYOL__JSON_FILE_H

#include <jansson.h>

#include "byol/status.h"

/* Text that is not UTF-8 (a name that was cut, say) becomes "?": it must not lose the rest. */
json_t *byol__json_words(const char *text);

/* Writes `object` atomically, each level indented by `indent` spaces, and releases it. NULL (no
 * memory) fails. */
byol_status byol__json_write(const char *path, json_t *object, size_t indent, byol_error *error);

#endif
