/* Sources: where images, texts and sounds come from. */
#ifndef BYOL_SOURCE_H
#define BYOL_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "byol/status.h"
#include "byol/views.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct byol_source byol_source;

/* What the samples of a source are. */
typedef enum byol_sample_kind {
    BYOL_SAMPLES_IMAGES,
    BYOL_SAMPLES_TEXTS,
    BYOL_SAMPLES_SOUNDS
} byol_sample_kind;

typedef struct byol_source_info {
    byol_sample_kind samples;
    /* Static. "idx", "cifar10", "cifar100", "memory", "npy", "functions"; for pictures that are
     * decoded "folder", "list", "picture", "shards"; for texts "txt", "tsv", "csv", "jsonl",
     * "folder", "memory"; for sounds "folder", "list", "sound", "shards", "memory". */
    const char *kind;
    /* One line for people: what was found and where; borrowed from the source. */
    const char *description;
    size_t count;      /* images, texts or sounds */
    int channels;      /* 1 or 3; texts: 0; sounds: 1, what they are mixed to */
    int height, width; /* 0 where the images have different sizes, and for texts and sounds */
    /* The shorter of the two; where sizes differ, the median of a sample of the images. */
    int short_side;
    int classes; /* 0 where there are no labels */
    /* Sounds: samples a second and length, the median of a sample of the files. */
    int rate;
    float seconds;
    /* Texts: how many empty lines (files, in a folder) were left out. They have no index. */
    size_t skipped;
    /* 1: images or sounds are files, decoded when they are asked for; some may turn out
     * unreadable. */
    bool decoded;
    /* 1: the presets' mean and std are meant for this data; 0: better measure them. */
    bool statistics_known;
} byol_source_info;

/* Opens `spec`: a path or the name of a known data set (fashion-mnist), with an optional split:
 * "fashion-mnist:train", "path/to/cifar-10:test", "images-idx3-ubyte.gz". The path is inspected to
 * find out what it holds: a folder of pictures, a text file that lists them, one picture, tar
 * shards (also as "shards/{000..099}.tar"), a .npy array of bytes, IDX, CIFAR-10 or -100; texts, as
 * .txt, .tsv, .csv or .jsonl or a folder of them, whose columns may be named:
 * "reviews.csv:text=body,label=stars"; sounds (WAV, FLAC, OGG, MP3 and others) as pictures:
 * folders, lists, files, shards (docs/data.md). Without a split: train, or everything where
 * there are no splits. For CIFAR folders a comma-separated list of batches is a split too:
 * "dir:1,2,3,4" takes data_batch_1 .. 4.
 *
 * Errors: BYOL_ERROR_NOT_FOUND (what was looked for, where, and how to get it), BYOL_ERROR_FORMAT
 * (truncated or corrupt: file, expected and found size; a text that is not UTF-8, a row that does
 * not fit: file, line and column), BYOL_ERROR_INVALID (no such split or column; more
 * than one thing it could be), BYOL_ERROR_UNSUPPORTED (an array of other numbers than bytes),
 * BYOL_ERROR_IO, BYOL_ERROR_MEMORY. `*out` is owned: byol_source_free. */
BYOL_API byol_status byol_source_open(byol_source **out, const char *spec, byol_error *error);

/* Images that the caller holds: `pixels` is (count, channels, height, width) bytes, borrowed until
 * byol_source_free; `labels` is `count` numbers 0 .. classes-1, borrowed, or NULL. `channels` is 1
 * or 3. */
BYOL_API byol_status byol_source_from_memory(byol_source **out, const uint8_t *pixels,
                                             const int32_t *labels, size_t count, int channels,
                                             int height, int width, byol_error *error);

/* Pictures in the given files, in this order, without labels. The names are copied. Only a few
 * files are read now, for their sizes. BYOL_ERROR_INVALID where `count` is 0. */
BYOL_API byol_status byol_source_from_files(byol_source **out, const char *const *paths,
                                            size_t count, byol_error *error);

/* Texts that the caller holds: UTF-8 without NULs, not empty. `lengths` in bytes; NULL: the texts
 * end with a NUL. `labels` is `count` numbers 0 .. classes-1, or NULL. All is copied.
 * BYOL_ERROR_INVALID names the text that is not as it should be. */
BYOL_API byol_status byol_source_from_texts(byol_source **out, const char *const *texts,
                                            const size_t *lengths, const int32_t *labels,
                                            size_t count, byol_error *error);

/* Sounds that the caller holds: `samples` are `count` arrays of lengths[i] floats in -1 .. 1, of
 * one channel at `rate` samples a second (1,000 to 384,000), borrowed until byol_source_free;
 * `labels` as above, copied. BYOL_ERROR_INVALID where a sound is NULL or has no sample, or for such
 * a rate. */
BYOL_API byol_status byol_source_from_waveforms(byol_source **out, const float *const *samples,
                                                const size_t *lengths, int rate,
                                                const int32_t *labels, size_t count,
                                                byol_error *error);

/* Samples indices[0 .. count-1] of another source, which is borrowed and must outlive this one. The
 * indices are copied. */
BYOL_API byol_status byol_source_subset(byol_source **out, const byol_source *of,
                                        const uint32_t *indices, size_t count, byol_error *error);

BYOL_API void byol_source_free(byol_source *source);

BYOL_API void byol_source_describe(const byol_source *source, byol_source_info *info);

/* Side of the views where data.image_size is 0: the images' height; for files that are decoded
 * their typical shorter side, at least 8 and at most 224. 0 for texts and sounds. */
BYOL_API int byol_source_view_size(const byol_source *source);

/* Holds one image at a time, for one thread. Zero-initialise it, read one image after the other
 * into it, then byol_picture_release. */
typedef struct byol_picture {
    /* Borrowed from this or from the source, until the next image is read or either is freed. */
    byol_image image;
    /* Owned: the encoded bytes, and the pixels; NULL where the source has them. */
    unsigned char *bytes[2];
    size_t capacity[2];
} byol_picture;

BYOL_API void byol_picture_release(byol_picture *picture); /* NULL is fine */

/* What a reader asks of an image. Only sources that decode (info.decoded) can follow it; others
 * give what they have. */
typedef struct byol_image_request {
    int channels; /* 1 or 3; 0: as the source says */
    /* The image may be decoded smaller (1/2, 1/4, 1/8) as long as its shorter side keeps at least
     * this many pixels; 0: in full size. */
    int short_side;
} byol_image_request;

/* Returns at least `bytes` bytes that belong to the picture and stay until its next image. For
 * functions that give images (byol_source_from_functions). NULL, with a message in `error`, if
 * there is no memory. */
BYOL_API uint8_t *byol_picture_reserve(byol_picture *picture, size_t bytes, byol_error *error);

/* A source of the caller's own: a camera, a database, another format. Zero-initialise it. */
typedef struct byol_source_functions {
    size_t count;
    int channels;      /* 1 or 3: what is given if nobody asks for other channels */
    int height, width; /* of every image; both 0 where they differ */
    int short_side;    /* where they differ: a typical shorter side */
    int classes;       /* labels are 0 .. classes-1; only with `label` */
    /* Distinguishes this data from other data: a run resumes only on the same data. */
    uint64_t identity;
    /* Sets picture->image to image `index` with `channels` channels. Its bytes are the caller's or
     * from byol_picture_reserve, and stay until the next image is read into the same picture.
     * Several threads call this at once, each with its own picture. The same index always gives the
     * same image. If it fails with BYOL_ERROR_FORMAT, _IO, _NOT_FOUND or _UNSUPPORTED, the image
     * counts as unreadable and is replaced or skipped. */
    byol_status (*image)(void *context, size_t index, int channels, byol_picture *picture,
                         byol_error *error);
    int32_t (*label)(void *context, size_t index);                      /* NULL: no labels */
    void (*name)(void *context, size_t index, char *name, size_t size); /* NULL: "image 17" */
    void (*release)(void *context);                                     /* NULL: nothing to do */
} byol_source_functions;

/* `functions` is copied. `context` is passed to each call, and to `release` by byol_source_free.
 * BYOL_ERROR_INVALID where the description is impossible. An image of another size than described
 * is BYOL_ERROR_FORMAT when it is read. */
BYOL_API byol_status byol_source_from_functions(byol_source **out,
                                                const byol_source_functions *functions,
                                                void *context, byol_error *error);

/* Reads image `index` (below count). `wanted` may be NULL. Safe from several threads at once, each
 * with its own picture. If the image cannot be read or decoded: BYOL_ERROR_FORMAT, BYOL_ERROR_IO,
 * BYOL_ERROR_NOT_FOUND or BYOL_ERROR_UNSUPPORTED (an animated WebP, more than 100 million pixels, a
 * file of more than 1 GiB). The error names the file, and byol_source_unreadable is then 1 for the
 * image. BYOL_ERROR_INVALID: there is no such index, or no such number of channels, or the source
 * holds texts. */
BYOL_API byol_status byol_source_image(const byol_source *source, size_t index,
                                       const byol_image_request *wanted, byol_picture *picture,
                                       byol_error *error);

/* Text `index` (below count): `*length` bytes of UTF-8, not necessarily with a NUL behind them,
 * borrowed until byol_source_free. Safe from several threads at once. BYOL_ERROR_INVALID: there is
 * no such index, or the source holds images. */
BYOL_API byol_status byol_source_text(const byol_source *source, size_t index, const char **text,
                                      size_t *length, byol_error *error);

/* Samples of one channel that one thread reads, one sound after another. Zero-initialise it, then
 * byol_waveform_release. */
typedef struct byol_waveform {
    float *samples; /* (count), in -1 .. 1 unless the file goes beyond; owned */
    size_t count, capacity;
    int file_rate, file_channels; /* of the sound as it is stored */
    float *blocks;                /* owned: what is read, before it is mixed and resampled */
    size_t block_capacity;
    byol_picture file; /* owned: a file's bytes, where it is part of a shard */
} byol_waveform;

BYOL_API void byol_waveform_release(byol_waveform *waveform); /* NULL is fine */

/* Reads sound `index` (below count): the mean of its channels, brought to `rate` samples a second
 * (1,000 to 384,000; 0: the file's own), from sample `begin` on, at most `count` (0: all). What is
 * behind the end is left out. Safe from several threads at once, each with its own waveform.
 * BYOL_ERROR_FORMAT (damaged, truncated, without samples), BYOL_ERROR_IO, BYOL_ERROR_NOT_FOUND or
 * BYOL_ERROR_UNSUPPORTED name the file, and byol_source_unreadable is then 1. BYOL_ERROR_INVALID:
 * there is no such index or rate, or the source holds no sounds. */
BYOL_API byol_status byol_source_sound(const byol_source *source, size_t index, int rate,
                                       size_t begin, size_t count, byol_waveform *waveform,
                                       byol_error *error);

/* 1 where an earlier read of image `index` failed. */
BYOL_API int byol_source_unreadable(const byol_source *source, size_t index);

/* Writes the name of image `index` ("cats/17.jpg"; "image 17" if it has none) or of a text (its
 * file and line, "reviews.csv:17"; "text 17"), cut to `size` bytes. */
BYOL_API void byol_source_name(const byol_source *source, size_t index, char *name, size_t size);

/* Writes the beginning of text `index` for people, as one line of at most `size` - 1 bytes (`size`
 * is at least 8): single spaces stand for blanks, ends of lines and control characters, and "..."
 * for what was cut. "" where there is no such text, as in a source of images. */
BYOL_API void byol_source_excerpt(const byol_source *source, size_t index, char *excerpt,
                                  size_t size);

/* Label of sample `index`, or -1 where there are none. */
BYOL_API int32_t byol_source_label(const byol_source *source, size_t index);

/* Name of class `label` where the data set has names, or NULL. Borrowed. */
BYOL_API const char *byol_source_class_name(const byol_source *source, int32_t label);

#ifdef __cplusplus
}
#endif

#endif
