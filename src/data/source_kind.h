/* The inside of a source: a description and a table of functions. Each kind of source embeds
 * byol_source as its first member. */
#ifndef BYOL__SOURCE_KIND_H
#define BYOL__SOURCE_KIND_H

#include <stdatomic.h>
#include <stdbool.h>

#include "byol/source.h"

/* The most pixels along a side of an image: its size after scaling to a view must fit an int. */
enum { BYOL__SIDE_MAX = 1 << 20 };

/* A request for an image: byol_image_request, with a free choice of the size. */
typedef struct byol__decode_request {
    int channels; /* 0: as the source says */
    /* By which factor an image of height x width may be decoded smaller: 1, 2, 4, 8. NULL: not at
     * all. */
    int (*reduction)(const void *context, int height, int width);
    const void *context;
} byol__decode_request;

/* A request for a sound, or for a part of it. */
typedef struct byol__sound_request {
    int rate; /* samples a second; 0: the file's own */
    /* Which part of `length` samples at that rate is read: sets begin and count. NULL: all. */
    void (*part)(void *context, uint64_t length, uint64_t *begin, uint64_t *count);
    void *context;
} byol__sound_request;

typedef struct byol__source_methods {
    /* Of a source of images; else NULL. */
    byol_status (*image)(const byol_source *source, size_t index,
                         const byol__decode_request *request, byol_picture *picture,
                         byol_error *error);
    /* Of a source of texts; else NULL. The index is below count. */
    byol_status (*text)(const byol_source *source, size_t index, const char **text, size_t *length,
                        byol_error *error);
    /* Of a source of sounds; else NULL. The index is below count. */
    byol_status (*sound)(const byol_source *source, size_t index,
                         const byol__sound_request *request, byol_waveform *waveform,
                         byol_error *error);
    int32_t (*label)(const byol_source *source, size_t index);
    const char *(*class_name)(const byol_source *source, int32_t label);
    void (*release)(byol_source *source); /* frees what the kind holds, not the struct */
    /* These may be NULL. */
    void (*name)(const byol_source *source, size_t index, char *name, size_t size);
    int (*unreadable)(const byol_source *source,
                      size_t index); /* for a source that is made of another */
    /* Reads the bytes that image `index` is stored as into picture->bytes[0]. */
    byol_status (*bytes)(const byol_source *source, size_t index, byol_picture *picture,
                         size_t *length, byol_error *error);
    /* XXH3 of the source's content, without reading all of it. Every kind with `bytes` has it,
     * because its images may have any size. */
    byol_status (*digest)(const byol_source *source, uint64_t *digest, byol_error *error);
} byol__source_methods;

struct byol_source {
    const byol__source_methods *methods;
    byol_source_info info;
    char description[512]; /* what info.description points to */
    atomic_uchar
        *unreadable; /* (count), owned, for sources that decode: has image i failed? Else NULL */
};

/* What the samples are: "images", "texts", "sounds"; one of them: "image", "text", "sound". */
const char *byol__samples_noun(byol_sample_kind samples);
const char *byol__sample_noun(byol_sample_kind samples);

/* BYOL_ERROR_INVALID where `source` holds texts or sounds. `what` is what needs images: "packing".
 */
byol_status byol__need_images(const byol_source *source, const char *what, byol_error *error);

/* byol_source_image with a free choice of the size. */
byol_status byol__source_read(const byol_source *source, size_t index,
                              const byol__decode_request *request, byol_picture *picture,
                              byol_error *error);

/* byol_source_sound with a part that is chosen once the length is known. */
byol_status byol__source_sound(const byol_source *source, size_t index,
                               const byol__sound_request *request, byol_waveform *waveform,
                               byol_error *error);

/* Sets `*classes` to the highest label + 1, or to 0 if `labels` is NULL. BYOL_ERROR_INVALID where
 * one is below 0. */
byol_status byol__count_classes(const int32_t *labels, size_t count, int *classes,
                                byol_error *error);

/* How many of `count` images may be unreadable if data.max_unreadable is `share`: at least one,
 * unless `share` is 0. */
size_t byol__unreadable_allowed(double share, size_t count);

/* Makes picture->bytes[which] at least `bytes` long. Its content is lost when it grows. */
byol_status byol__picture_reserve(byol_picture *picture, int which, size_t bytes,
                                  byol_error *error);

/* The largest reduction that leaves the shorter side at least `short_side` pixels; 1 if that is
 * zero. */
int byol__reduction_for(int short_side, int height, int width);

/* Each opens what is at `path` or `folder` and selects `split` (empty: not given). */
byol_status byol__idx_open_folder(byol_source **out, const char *folder, const char *split,
                                  byol_error *error);
byol_status byol__idx_open_file(byol_source **out, const char *path, byol_error *error);
/* A folder of .bin files, or the archive that they are distributed in. */
byol_status byol__cifar_open(byol_source **out, const char *path, const char *split,
                             byol_error *error);

/* A folder of pictures, with or without folders for classes and splits in it. */
byol_status byol__folder_open(byol_source **out, const char *folder, const char *split,
                              byol_error *error);
/* The same for sounds; a file that is one. */
byol_status byol__sounds_open_folder(byol_source **out, const char *folder, const char *split,
                                     byol_error *error);
bool byol__sounds_are_in(const char *folder);
byol_status byol__sounds_open_file(byol_source **out, const char *path, byol_error *error);
/* A text file: one path per line (relative to the file's folder), then optionally a tab and a
 * label. */
byol_status byol__list_open(byol_source **out, const char *path, byol_error *error);
/* Tar files of pictures or sounds, plain or compressed, one after another; `spec` names them all.
 */
byol_status byol__shards_open(byol_source **out, char *const *paths, size_t count, const char *spec,
                              const char *split, byol_error *error);
/* All tar files of a folder, in the order of their names. */
byol_status byol__shards_open_folder(byol_source **out, const char *folder, const char *split,
                                     byol_error *error);
int byol__shards_are_in(const char *folder);
int byol__is_shard_name(const char *name);
/* "shards/{000..099}.tar", "{a,b}.tar", with an optional :split. */
byol_status byol__shards_open_braces(byol_source **out, const char *spec, byol_error *error);
byol_status byol__npy_open(byol_source **out, const char *path, byol_error *error);

/* Where the texts are in the files of a source, as its specification says. */
typedef struct byol__text_columns {
    char text[256], label[256]; /* names of columns; empty: by the usual names */
    bool coarse;                /* the class is what stands before the first colon of a label */
} byol__text_columns;

/* A file of texts, plain or compressed: one a line, LABEL tab TEXT, CSV or JSON lines, by its
 * name. */
byol_status byol__texts_open_file(byol_source **out, const char *path,
                                  const byol__text_columns *columns, byol_error *error);
bool byol__is_text_name(const char *name);
/* A folder that holds train.tsv, test.tsv or the like, or .txt files with a text each. */
byol_status byol__texts_open_folder(byol_source **out, const char *folder, const char *split,
                                    const byol__text_columns *columns, byol_error *error);
/* Does it hold files of texts and no pictures? */
bool byol__texts_are_in(const char *folder);

/* Are these the first bytes of a .npy file? */
bool byol__npy_begins(const unsigned char *bytes, size_t length);

/* Does `folder` hold such data? */
bool byol__idx_is_in(const char *folder);
int byol__cifar_is_in(const char *folder);
bool byol__cifar_is_name(const char *name); /* of one of its files */

#endif
