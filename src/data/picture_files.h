/* The source of picture files: files of a folder, of a list or of tar shards, read and decoded when
 * they are asked for, by whoever asks. Only their names and places are held in memory. */
#ifndef BYOL__PICTURE_FILES_H
#define BYOL__PICTURE_FILES_H

#include "data/source_kind.h"

enum { BYOL__OWN_FILE = -1 };

/* One picture. */
typedef struct byol__member {
    size_t name; /* where its name begins in `text` */
    size_t word; /* where the name of its class begins there; 0: it has none */
    size_t word_length;
    int32_t label;   /* -1: none */
    int32_t holder;  /* the shard that holds it, or BYOL__OWN_FILE */
    uint64_t offset; /* in the shard */
    uint64_t size;   /* bytes in the shard */
} byol__member;

/* A file that holds many. */
typedef struct byol__shard {
    char *path;   /* owned */
    int unpacked; /* its members lie in the source's file of unpacked ones; else `path` is opened
                     when they are read */
} byol__shard;

typedef struct byol__pictures {
    byol_source base;
    char *root; /* owned; names of files of their own are relative to it */
    byol__member *members;
    size_t count, capacity;
    char *text; /* names, one after the other; begins with a NUL, so that no name is at 0 */
    size_t text_length, text_capacity;
    byol__shard *shards;
    size_t shard_count;
    int unpacked; /* descriptor of a file without a name: the members of all compressed shards; -1:
                     there are none */
    uint64_t unpacked_bytes;
    char **class_names; /* or NULL; the names are owned */
    int class_name_count;
} byol__pictures;

/* An empty one. Whoever makes it leaves it to byol_source_free on success and on failure alike. */
byol_status byol__pictures_create(byol__pictures **out, const char *kind, const char *root,
                                  byol_error *error);

/* Appends a file of its own. */
byol_status byol__pictures_add(byol__pictures *pictures, const char *name, byol_error *error);

/* Says that `word` is the class of member `index`. */
byol_status byol__pictures_set_word(byol__pictures *pictures, size_t index, const char *word,
                                    byol_error *error);

/* Takes the lines of the file at `path` as the classes, unless there are labels beyond them. */
byol_status byol__pictures_name_classes(byol__pictures *pictures, const char *path,
                                        byol_error *error);

/* Makes labels of the members' words: the classes are the different words in the order of strcmp.
 */
byol_status byol__pictures_label(byol__pictures *pictures, byol_error *error);

/* The same for words that may be numbers: where all are, they are the labels themselves, and
 * classes have no names. */
byol_status byol__pictures_label_as_written(byol__pictures *pictures, byol_error *error);

/* For trees of files: sorts by name, keeps the members of `split` ("": train where the tree is made
 * of splits, else all) and labels them by their folder. The rules are in docs/data.md.
 * BYOL_ERROR_NOT_FOUND where the split has none.
 */
byol_status byol__pictures_arrange(byol__pictures *pictures, const char *split, byol_error *error);

/* The last step: looks at some of the pictures and fills in base.info. `what` begins the
 * description. BYOL_ERROR_FORMAT where none of those can be read, BYOL_ERROR_NOT_FOUND where there
 * are none at all. */
byol_status byol__pictures_complete(byol__pictures *pictures, const char *what, byol_error *error);

#endif
