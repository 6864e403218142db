/* The source of picture files: from a folder, a list or tar shards. They are read and decoded on
 * request, by the caller's thread. Only their names and places are held in memory. */
#ifndef BYOL__PICTURE_FILES_H
#define BYOL__PICTURE_FILES_H

#include <stdbool.h>

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

/* A file that holds many pictures. */
typedef struct byol__shard {
    char *path;    /* owned */
    bool unpacked; /* its members are in the source's file of unpacked ones; else `path` is opened
                     to read them */
} byol__shard;

typedef struct byol__pictures {
    byol_source base;
    byol__source_methods methods; /* of images, until it is said that these are sounds */
    const char *noun;             /* of what is in the files, for messages: "pictures (JPEG, ..)" */
    char *root;                   /* owned; names of separate files are relative to it */
    byol__member *members;
    size_t count, capacity;
    char *text; /* names, one after the other; begins with a NUL, so that no name is at 0 */
    size_t text_length, text_capacity;
    byol__shard *shards;
    size_t shard_count;
    int unpacked; /* descriptor of an unnamed file: the members of all compressed shards; -1: there
                     are none */
    uint64_t unpacked_bytes;
    char **class_names; /* or NULL; the names are owned */
    int class_name_count;
} byol__pictures;

/* An empty source. Its creator passes it to byol_source_free, on success and on failure alike. */
byol_status byol__pictures_create(byol__pictures **out, const char *kind, const char *root,
                                  byol_error *error);

/* Reads the bytes of member `index` into picture->bytes[0]. */
byol_status byol__member_bytes(const byol__pictures *pictures, size_t index, byol_picture *picture,
                               size_t *length, byol_error *error);

/* The path of a member that is a file of its own; `size` is PATH_MAX. BYOL_ERROR_UNSUPPORTED: it is
 * too long. */
byol_status byol__member_path(const byol__pictures *pictures, size_t index, char *path, size_t size,
                              byol_error *error);

/* Puts the member's name before the text of a failure. */
byol_status byol__member_named(const byol__pictures *pictures, size_t index, byol_status status,
                               byol_error *error);

/* sound_source.c: its members are sounds. To be called before the last step. */
void byol__pictures_hold_sounds(byol__pictures *pictures);

/* Appends a separate file. */
byol_status byol__pictures_add(byol__pictures *pictures, const char *name, byol_error *error);

/* A source with the files in `folder` and below whose names are wanted; the same rules. */
byol_status byol__pictures_create_tree(byol__pictures **out, const char *folder,
                                       int (*is_wanted)(const char *name), byol_error *error);

/* Which split a folder or file of this name holds: the same number for names of one meaning; -1 if
 * it is no name of a split. */
int byol__split_number(const char *name, size_t length);
enum { BYOL__NO_SPLIT = -1, BYOL__TRAIN, BYOL__TEST, BYOL__VALIDATION };

/* Sets the class of member `index` to `word`. */
byol_status byol__pictures_set_word(byol__pictures *pictures, size_t index, const char *word,
                                    byol_error *error);

/* Takes the lines of the file at `path` as the classes, unless some labels exceed them. */
byol_status byol__pictures_name_classes(byol__pictures *pictures, const char *path,
                                        byol_error *error);

/* Makes labels from the members' words. The classes are the distinct words in strcmp's order. */
byol_status byol__pictures_label(byol__pictures *pictures, byol_error *error);

/* The same for words that may be numbers. If all are, they are the labels; classes have no
 * names. */
byol_status byol__pictures_label_as_written(byol__pictures *pictures, byol_error *error);

/* For trees of files: sorts by name, keeps the members of `split` ("": train if the tree is made of
 * splits, else all) and labels them by their folder. The rules are in docs/data.md.
 * BYOL_ERROR_NOT_FOUND if the split has none. */
byol_status byol__pictures_arrange(byol__pictures *pictures, const char *split, byol_error *error);

/* The last step: looks at some of the pictures and fills in base.info. The description begins with
 * `what`. BYOL_ERROR_FORMAT if none of those can be read, BYOL_ERROR_NOT_FOUND if there are no
 * pictures. */
byol_status byol__pictures_complete(byol__pictures *pictures, const char *what, byol_error *error);
/* The same of sounds, which byol__pictures_complete calls. */
byol_status byol__sounds_complete(byol__pictures *pictures, const char *what, byol_error *error);

enum { BYOL__PROBES = 64 }; /* files that are looked at in the last step */

#endif
