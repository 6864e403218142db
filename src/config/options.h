/* The one table of options. Everything that reads, writes, checks or explains a configuration goes
 * through its rows. */
#ifndef BYOL__OPTIONS_H
#define BYOL__OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "byol/config.h"

typedef enum byol__option_kind {
    BYOL__INTEGER, /* int */
    BYOL__SEED,    /* uint64_t */
    BYOL__NUMBER,  /* float */
    BYOL__TRIPLE,  /* float[3] */
    BYOL__SWITCH,  /* bool */
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
    const char *range;         /* the range in words; NULL: none */
    bool or_zero;              /* 0 is allowed besides the range */
    const char *help;
} byol__option;

extern const byol__option byol__options[];
extern const size_t byol__options_count;

/* All encoders; src/nets/networks.c builds them. */
#define BYOL__ENCODERS "resnet18, resnet34, resnet50, conv1, conv4, conv5, vit, transformer, audio"

/* Whether an encoder of this name reads tokens of texts; else it reads images. */
bool byol__encoder_takes_texts(const char *name);

/* Whether a network of this configuration, which is settled for its data, reads log-mels of sounds:
 * (1, data.mels, data.frames). */
bool byol__takes_sounds(const byol_config *config);

enum { BYOL__VALUE_MAX = BYOL_PATH_MAX + 64 }; /* bytes of any value as text */

/* The row of `key`, or NULL. */
const byol__option *byol__option_find(const char *key);

/* One setting of a recipe; the last has no key. */
typedef struct byol__recipe_row {
    const char *key, *value;
} byol__recipe_row;

/* The rows that recipe `name` sets. Everything else that a recipe may set gets its default. */
const byol__recipe_row *byol__recipe_rows(const char *name);

/* A `key` such as "views.flip" sets that option for every view. Returns the row of view `number`
 * (from 1), or NULL. The crop area is what makes views of the third kind small, so it is set for
 * the first two only; count and size for none. */
const byol__option *byol__option_of_views(const char *key, int number);

/* 1 if `path` is the leading part of some key: "encoder", "views.view1". */
int byol__option_group(const char *path);

/* Writes the known key (if `groups`, the known group) that is most like `key` to `nearest`. */
void byol__option_nearest(const char *key, int groups, char nearest[64]);

/* Formats the value of an option as text that the setter reads back bit for bit. */
void byol__option_format(const byol_config *config, const byol__option *option,
                         char text[BYOL__VALUE_MAX]);

/* 1 if YAML can hold `text`: it is UTF-8. */
int byol__yaml_holds(const char *text);

#endif
