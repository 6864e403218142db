/* CIFAR-10 and CIFAR-100 in their binary form (Krizhevsky, 2009). The files hold records: one label
 * byte (CIFAR-100: the coarse label, then the fine one, which is used) and 3 x 32 x 32 pixels,
 * planar. They are in a folder, or in the .tar.gz of their distribution. The pixels are not copied:
 * each file is a block of the source. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "data/images.h"
#include "data/source_kind.h"
#include "data/unpack.h"

enum { SIDE = 32, PIXELS = 3 * SIDE * SIDE, TEST = 0, BATCH_MAX = 63, MEMBER_MAX = 1 << 30 };

/* The two data sets. `test`, `train`: names of their files; CIFAR-10's training files are numbered.
 */
typedef struct family {
    const char *kind, *name, *names_file, *test, *train;
    int classes, label_bytes;
} family;

static const family CIFAR10 = {
    "cifar10", "CIFAR-10", "batches.meta.txt", "test_batch.bin", "data_batch_%d.bin", 10, 1};
static const family CIFAR100 = {
    "cifar100", "CIFAR-100", "fine_label_names.txt", "test.bin", "train.bin", 100, 2};

/* The family of a file called `name` (NULL: none of ours) and its batch: TEST, or from 1. */
static const family *recognise(const char *name, int *batch) {
    int length = 0;
    *batch = TEST;
    if (strcmp(name, CIFAR10.test) == 0) return &CIFAR10;
    if (strcmp(name, CIFAR100.test) == 0) return &CIFAR100;
    if (sscanf(name, "data_batch_%2d.bin%n", batch, &length) == 1 && length > 0 &&
        name[length] == '\0' && *batch >= 1 && *batch <= BATCH_MAX)
        return &CIFAR10;
    *batch = 1;
    return strcmp(name, CIFAR100.train) == 0 ? &CIFAR100 : NULL;
}

/* ---- which files are requested ---- */

typedef enum choice { ANYTHING, TRAIN_ONLY, TEST_ONLY, LISTED } choice;

typedef struct split_choice {
    choice choice;
    uint64_t batches; /* LISTED: a bit for each */
} split_choice;

static byol_status parse_split(const char *split, split_choice *out, byol_error *error) {
    *out = (split_choice){ANYTHING, 0};
    if (*split == '\0') return BYOL_OK;
    if (strcmp(split, "train") == 0) out->choice = TRAIN_ONLY;
    if (strcmp(split, "test") == 0) out->choice = TEST_ONLY;
    if (out->choice != ANYTHING) return BYOL_OK;
    out->choice = LISTED;
    for (const char *c = split;; c++) {
        char *end;
        long batch = *c >= '0' && *c <= '9' ? strtol(c, &end, 10) : 0;
        if (batch < 1 || batch > BATCH_MAX || (*end != ',' && *end != '\0'))
            return byol__fail(error, BYOL_ERROR_INVALID,
                              "no split '%.50s': there are train, test and, for CIFAR-10, lists of "
                              "batches as in 1,2,3",
                              split);
        out->batches |= UINT64_C(1) << batch;
        if (*end == '\0') return BYOL_OK;
        c = end;
    }
}

static bool is_wanted(const split_choice *wanted, const family *of, int batch) {
    switch (wanted->choice) {
    case ANYTHING: return true;
    case TRAIN_ONLY: return batch != TEST;
    case TEST_ONLY: return batch == TEST;
    case LISTED: return of == &CIFAR10 && batch != TEST && (wanted->batches >> batch & 1);
    }
    return false;
}

/* ---- reading them ---- */

typedef struct data_file {
    char *bytes; /* owned; a NUL follows */
    size_t length;
} data_file;

/* What was found at `path`. */
typedef struct data_files {
    const char *path;
    split_choice wanted;
    const family *family;             /* of the data files that are there; NULL: none */
    int mixed;                        /* both families are there */
    char seen[512];                   /* names of the data files that are there, for errors */
    data_file batches[BATCH_MAX + 1]; /* the requested files, at their batch number */
    data_file names10, names100;      /* the files of class names */
} data_files;

static void files_release(data_files *files) {
    for (int i = 0; i <= BATCH_MAX; i++) byol__free(files->batches[i].bytes);
    byol__free(files->names10.bytes);
    byol__free(files->names100.bytes);
}

/* Notes that there is a file called `name`. `*place` is where its content goes; NULL: not
 * needed. */
static byol_status claim_place(data_files *files, const char *name, data_file **place,
                               byol_error *error) {
    int batch;
    const family *of = recognise(name, &batch);
    *place = NULL;
    if (strcmp(name, CIFAR10.names_file) == 0) *place = &files->names10;
    if (strcmp(name, CIFAR100.names_file) == 0) *place = &files->names100;
    if (of != NULL) {
        size_t used = strlen(files->seen);
        snprintf(files->seen + used, sizeof files->seen - used, "%s%s", used > 0 ? ", " : "", name);
        files->mixed |= files->family != NULL && files->family != of;
        files->family = of;
        if (!files->mixed && is_wanted(&files->wanted, of, batch)) *place = &files->batches[batch];
    }
    if (*place == NULL || (*place)->bytes == NULL) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_FORMAT, "%s holds %s twice", files->path, name);
}

static byol_status read_from_folder(data_files *files, const char *name, byol_error *error) {
    char path[PATH_MAX];
    data_file *place;
    snprintf(path, sizeof path, "%s/%s", files->path, name);
    BYOL__TRY(claim_place(files, name, &place, error));
    return place == NULL ? BYOL_OK : byol__read_file(path, &place->bytes, &place->length, error);
}

static byol_status read_folder(data_files *files, byol_error *error) {
    DIR *folder = opendir(files->path);
    if (folder == NULL)
        return byol__fail(error, BYOL_ERROR_IO, "cannot read folder %s: %s", files->path,
                          strerror(errno));
    byol_status status = BYOL_OK;
    for (struct dirent *entry; status == BYOL_OK && (entry = readdir(folder)) != NULL;)
        status = read_from_folder(files, entry->d_name, error);
    closedir(folder);
    return status;
}

static byol_status read_member(data_files *files, byol__unpack *archive, byol_error *error) {
    data_file *place;
    BYOL__TRY(claim_place(files, archive->member, &place, error));
    if (place == NULL) return BYOL_OK;
    if (archive->member_size > MEMBER_MAX)
        return byol__fail(error, BYOL_ERROR_FORMAT, "%s is damaged: its %s would have %zu bytes",
                          files->path, archive->member, archive->member_size);
    BYOL__TRY(byol__alloc(&place->bytes, archive->member_size + 1, 1, files->path, error));
    BYOL__TRY(
        byol__unpack_read(archive, place->bytes, archive->member_size, &place->length, error));
    if (place->length == archive->member_size) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_FORMAT,
                      "%s is truncated: expected %zu bytes of %s, found %zu; get it again",
                      files->path, archive->member_size, archive->member, place->length);
}

static byol_status read_archive(data_files *files, byol_error *error) {
    byol__unpack archive;
    BYOL__TRY(byol__unpack_open(&archive, files->path, error));
    byol_status status = BYOL_OK;
    for (int more = archive.is_tar; status == BYOL_OK && more;) {
        status = read_member(files, &archive, error);
        if (status == BYOL_OK) status = byol__unpack_next(&archive, &more, error);
    }
    byol__unpack_close(&archive);
    return status;
}

/* ---- making the source ---- */

static void drop(data_file *file) {
    byol__free(file->bytes);
    file->bytes = NULL;
}

/* Are all requested files there? Adds the number of files to `*count`. */
static byol_status check_files(data_files *files, size_t *count, byol_error *error) {
    if (files->family == NULL)
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "%s holds no CIFAR data: looked for data_batch_1.bin .., test_batch.bin "
                          "(CIFAR-10), train.bin "
                          "and test.bin (CIFAR-100)",
                          files->path);
    if (files->mixed)
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "%s holds CIFAR-10 and CIFAR-100 (%s): give each a folder of its own",
                          files->path, files->seen);
    for (int i = 0; i <= BATCH_MAX; i++) {
        *count += files->batches[i].bytes != NULL;
        if (files->wanted.choice == LISTED && (files->wanted.batches >> i & 1) &&
            files->batches[i].bytes == NULL)
            return byol__fail(error, BYOL_ERROR_NOT_FOUND,
                              "there is no data_batch_%d.bin in %s: found %s", i, files->path,
                              files->seen);
    }
    if (*count == 0)
        return byol__fail(error, BYOL_ERROR_NOT_FOUND, "there is no %s split in %s: found %s",
                          files->wanted.choice == TEST_ONLY ? "test" : "train", files->path,
                          files->seen);
    if (files->wanted.choice == ANYTHING && *count > 1 && files->batches[TEST].bytes != NULL) {
        drop(&files->batches[TEST]); /* train, if there is one */
        --*count;
    }
    return BYOL_OK;
}

static byol_status check_length(const data_files *files, int batch, size_t record_bytes,
                                byol_error *error) {
    char name[32];
    size_t length = files->batches[batch].length;
    if (length > 0 && length % record_bytes == 0) return BYOL_OK;
    snprintf(name, sizeof name, batch == TEST ? files->family->test : files->family->train, batch);
    return byol__fail(error, BYOL_ERROR_FORMAT,
                      "%s of %s is truncated: expected a multiple of %zu bytes (one image), found "
                      "%zu; get it again",
                      name, files->path, record_bytes, length);
}

/* Moves the files into the blocks of `images`, in the order of their numbers. The test batch, if
 * there is one, comes first. */
static byol_status take_blocks(byol__images *images, data_files *files, byol_error *error) {
    byol__block *block = images->blocks;
    images->image_offset = files->family->label_bytes;
    images->record_bytes = images->image_offset + PIXELS;
    for (int i = 0; i <= BATCH_MAX; i++) {
        data_file *file = &files->batches[i];
        if (file->bytes == NULL) continue;
        BYOL__TRY(check_length(files, i, images->record_bytes, error));
        *block =
            (byol__block){(uint8_t *)file->bytes, file->length / images->record_bytes, file->bytes};
        images->base.info.count += block++->count;
        file->bytes = NULL;
    }
    return BYOL_OK;
}

static byol_status take_labels(byol__images *images, const data_files *files, byol_error *error) {
    size_t index = 0;
    BYOL__TRY(byol__alloc(&images->owned_labels, images->base.info.count, sizeof(int32_t), "labels",
                          error));
    images->labels = images->owned_labels;
    for (const byol__block *block = images->blocks; index < images->base.info.count; block++)
        for (size_t i = 0; i < block->count; i++) {
            int label = block->records[i * images->record_bytes + images->image_offset - 1];
            if (label >= files->family->classes)
                return byol__fail(error, BYOL_ERROR_FORMAT,
                                  "%s is damaged or no %s: image %zu has label %d, expected 0 .. "
                                  "%d; get it again",
                                  files->path, files->family->name, index, label,
                                  files->family->classes - 1);
            images->owned_labels[index++] = label;
        }
    return BYOL_OK;
}

static byol_status fill(byol__images *images, data_files *files, byol_error *error) {
    char what[PATH_MAX + 64];
    byol_source_info *info = &images->base.info;
    info->channels = 3;
    info->height = info->width = SIDE;
    info->classes = files->family->classes;
    BYOL__TRY(take_blocks(images, files, error));
    BYOL__TRY(take_labels(images, files, error));
    data_file *names = files->family == &CIFAR10 ? &files->names10 : &files->names100;
    if (names->bytes != NULL) {
        char *text = names->bytes;
        names->bytes = NULL;
        BYOL__TRY(byol__images_take_names(images, text, error));
    }
    snprintf(what, sizeof what, "%s in %s", files->family->name, files->path);
    byol__images_describe(images, what);
    return BYOL_OK;
}

static byol_status create(byol_source **out, data_files *files, byol_error *error) {
    size_t count = 0;
    byol__images *images;
    BYOL__TRY(check_files(files, &count, error));
    BYOL__TRY(byol__images_create(&images, files->family->kind, count, error));
    byol_status status = fill(images, files, error);
    if (status == BYOL_OK)
        *out = &images->base;
    else
        byol_source_free(&images->base);
    return status;
}

byol_status byol__cifar_open(byol_source **out, const char *path, const char *split,
                             byol_error *error) {
    data_files files = {.path = path};
    BYOL__TRY(parse_split(split, &files.wanted, error));
    byol_status status =
        byol__is_folder(path) ? read_folder(&files, error) : read_archive(&files, error);
    if (status == BYOL_OK) status = create(out, &files, error);
    files_release(&files);
    return status;
}

bool byol__cifar_is_name(const char *name) {
    int batch;
    return recognise(name, &batch) != NULL;
}

int byol__cifar_is_in(const char *folder) {
    DIR *stream = opendir(folder);
    int found = 0, batch;
    if (stream == NULL) return 0;
    for (struct dirent *entry; !found && (entry = readdir(stream)) != NULL;)
        found = recognise(entry->d_name, &batch) != NULL;
    closedir(stream);
    return found;
}
