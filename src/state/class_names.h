/* The names of a classifier's classes, which travel with its weights as text: a JSON list of names,
 * null for a class that has only its number. */
#ifndef BYOL__CLASS_NAMES_H
#define BYOL__CLASS_NAMES_H

#include "byol/status.h"

enum { BYOL__CLASSES_MAX = 1 << 20 };

typedef struct byol__class_names {
    char **name; /* (count), owned; NULL: this class has no name */
    int count;
} byol__class_names;

/* The list as text. `name` (count); it, or some of it, may be NULL. `*json` is owned: free(). */
byol_status byol__class_names_pack(const char *const *name, int count, char **json,
                                   byol_error *error);

/* Reads the text that came from `path`. BYOL_ERROR_FORMAT where it is no such list. Owned:
 * byol__class_names_release. */
byol_status byol__class_names_parse(byol__class_names *names, const char *json, const char *path,
                                    byol_error *error);
void byol__class_names_release(byol__class_names *names);

#endif
