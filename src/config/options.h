/* The one table of options. Everything that reads, writes, checks or explains a configuration goes
 * through its rows. */
#ifndef BYOL__OPTIONS_H
#define BYOL__OPTIONS_H

#include <stddef.h>

#include "byol/config.h"

typedef enum byol__option_kind {
    BYOL__INTEGER, /* int */
    BYOL__SEED,    /* uint64_t */
    BYOL__NUMBER,  /* float */
    BYOL__TRIPLE,  /* float[3] */
    BYOL__SWITCH,  /* int, 0 or 1 */
    BYOL__CHOICE,  /* an enum that counts from 0 in the order of `choices` */
    BYOL__TEXT,    /* char[size]; one of `choices` where there are any */
} byol__option_kind;

typedef struct byol__option {
    const char *key;
    byol__option_kind kind;
    size_t offset, size;       /* of the field in byol_config */
    const char *default_value; /* NULL: comes from views.preset */
    const char *choices;       /* "sgd, lars"; NULL: none */
    double min, max;           /* numbers */
    const char *range;         /* the same in words; NULL: none */
    int or_zero;               /* 0 is allowed besides the range */
    const char *help;
} byol__option;

extern const byol__option byol__options[];
extern const size_t byol__options_count;

/* The encoders that there are; src/nets/networks.c has how each is built. */
#define BYOL__ENCODERS "resnet18, resnet34, resnet50, conv1, conv4, conv5"

enum { BYOL__VALUE_MAX = BYOL_PATH_MAX + 64 }; /* bytes of any value as text */

/* The row of `key`, or NULL. */
const byol__option *byol__option_find(const char *key);

/* One setting of a recipe; the last has no key. */
typedef struct byol__recipe_row {
    const char *key, *value;
} byol__recipe_row;

/* What the recipe `name` sets besides the defaults of what recipes set at all. */
const byol__recipe_row *byol__recipe_rows(const char *name);

/* `key` "views.flip" stands for that key of every view: the row of view `number` (from 1), or NULL.
 * The area of crops is what makes the small views of the third kind, so it is set for the first two
 * alone; count and size for none. */
const byol__option *byol__option_of_views(const char *key, int number);

/* 1 where `path` is the front part of some key: "encoder", "views.view1". */
int byol__option_group(const char *path);

/* The known key, or group where `groups` is set, that looks most like `key`, written to `nearest`.
 */
void byol__option_nearest(const char *key, int groups, char nearest[64]);

/* The value of a row as text that the setter reads back bit for bit. */
void byol__option_format(const byol_config *config, const byol__option *option,
                         char text[BYOL__VALUE_MAX]);

/* 1 where YAML can carry `text`: it is UTF-8. */
int byol__yaml_holds(const char *text);

#endif
