/* IDX, the format of MNIST: 0 0 type rank, the dimensions as big-endian 32-bit numbers, then the
 * values. */
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "data/images.h"
#include "data/source_kind.h"
#include "data/unpack.h"

enum { TYPE_BYTE = 8, RANK_MAX = 4, SIDE_MAX = 1 << 16 };

static const char *const FASHION_MNIST[] = {"T-shirt/top", "Trouser",   "Pullover", "Dress",
                                            "Coat",        "Sandal",    "Shirt",    "Sneaker",
                                            "Bag",         "Ankle boot"};

typedef struct idx {
    int rank;
    size_t dims[RANK_MAX];
    uint8_t *values; /* owned */
} idx;

static byol_status truncated(const char *path, size_t expected, size_t found, byol_error *error) {
    return byol__fail(error, BYOL_ERROR_FORMAT,
                      "%s is truncated: expected %zu bytes (unpacked), found %zu; get it again",
                      path, expected, found);
}

/* Deflate cannot compress by more than 1032 to 1 (zlib's own documentation). A header that claims
 * more is refused, so that a damaged one cannot make us allocate terabytes. */
static byol_status check_promise(const char *path, size_t bytes, byol_error *error) {
    struct stat info;
    if (stat(path, &info) != 0 || bytes / 1032 <= (size_t)info.st_size) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_FORMAT,
                      "%s is truncated or damaged: expected %zu bytes by its header, found a file "
                      "of %zu; get it again",
                      path, bytes, (size_t)info.st_size);
}

static byol_status read_header(byol__unpack *file, idx *out, size_t *header_bytes,
                               size_t *value_bytes, byol_error *error) {
    uint8_t magic[4], dims[4 * RANK_MAX];
    size_t got;
    BYOL__TRY(byol__unpack_read(file, magic, sizeof magic, &got, error));
    if (got < sizeof magic) return truncated(file->path, sizeof magic, got, error);
    if (magic[0] != 0 || magic[1] != 0 || magic[2] != TYPE_BYTE || magic[3] < 1 ||
        magic[3] > RANK_MAX)
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "%s is no IDX file of bytes: it begins with %02x %02x %02x %02x, "
                          "expected 00 00 08 03 for "
                          "images and 00 00 08 01 for labels",
                          file->path, magic[0], magic[1], magic[2], magic[3]);
    out->rank = magic[3];
    *header_bytes = sizeof magic + 4 * (size_t)out->rank;
    BYOL__TRY(byol__unpack_read(file, dims, 4 * (size_t)out->rank, &got, error));
    if (got < 4 * (size_t)out->rank)
        return truncated(file->path, *header_bytes, sizeof magic + got, error);
    *value_bytes = 1;
    for (int i = 0; i < out->rank; i++) {
        const uint8_t *d = dims + 4 * i;
        out->dims[i] = (size_t)d[0] << 24 | (size_t)d[1] << 16 | (size_t)d[2] << 8 | d[3];
        if (out->dims[i] == 0 || (i > 0 && out->dims[i] > SIDE_MAX) ||
            __builtin_mul_overflow(*value_bytes, out->dims[i], value_bytes))
            return byol__fail(error, BYOL_ERROR_FORMAT,
                              "%s is damaged: its header says %zu for dimension %d", file->path,
                              out->dims[i], i);
    }
    return BYOL_OK;
}

static byol_status read_values(byol__unpack *file, idx *out, byol_error *error) {
    size_t header_bytes = 0, value_bytes = 0, got, extra;
    BYOL__TRY(read_header(file, out, &header_bytes, &value_bytes, error));
    BYOL__TRY(check_promise(file->path, header_bytes + value_bytes, error));
    BYOL__TRY(byol__alloc(&out->values, value_bytes, 1, file->path, error));
    byol_status status = byol__unpack_read(file, out->values, value_bytes, &got, error);
    if (status == BYOL_OK && got < value_bytes)
        status = truncated(file->path, header_bytes + value_bytes, header_bytes + got, error);
    char more;
    if (status == BYOL_OK) status = byol__unpack_read(file, &more, 1, &extra, error);
    if (status == BYOL_OK && extra != 0)
        status = byol__fail(
            error, BYOL_ERROR_FORMAT,
            "%s is too long: expected %zu bytes (unpacked) by its header, found more; get it again",
            file->path, header_bytes + value_bytes);
    if (status != BYOL_OK) byol__free(out->values);
    return status;
}

static byol_status idx_read(const char *path, idx *out, byol_error *error) {
    byol__unpack file;
    BYOL__TRY(byol__unpack_open(&file, path, error));
    byol_status status = read_values(&file, out, error);
    byol__unpack_close(&file);
    return status;
}

/* (n, h, w) or (n, c, h, w). */
static byol_status take_images(byol__images *images, const char *path, byol_error *error) {
    idx file;
    BYOL__TRY(idx_read(path, &file, error));
    images->blocks[0] =
        (byol__block){.records = file.values, .count = file.dims[0], .owned = file.values};
    size_t channels = file.rank == 4 ? file.dims[1] : 1;
    if (file.rank < 3 || (channels != 1 && channels != 3))
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "%s holds no images: expected 3 dimensions (count, height, width), or 4 "
                          "(count, channels, "
                          "height, width) with 1 or 3 channels; found %d",
                          path, file.rank);
    images->base.info.count = file.dims[0];
    images->base.info.channels = (int)channels;
    images->base.info.height = (int)file.dims[file.rank - 2];
    images->base.info.width = (int)file.dims[file.rank - 1];
    images->record_bytes = channels * file.dims[file.rank - 2] * file.dims[file.rank - 1];
    return BYOL_OK;
}

static byol_status take_label_values(byol__images *images, const char *path,
                                     const char *images_path, const idx *file, byol_error *error) {
    size_t count = images->base.info.count;
    if (file->rank != 1)
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "%s holds no labels: expected 1 dimension, found %d", path, file->rank);
    if (file->dims[0] != count)
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "%s has %zu labels but %s has %zu images: one of them is of another set",
                          path, file->dims[0], images_path, count);
    BYOL__TRY(
        byol__alloc(&images->owned_labels, count, sizeof *images->owned_labels, "labels", error));
    for (size_t i = 0; i < count; i++) {
        images->owned_labels[i] = file->values[i];
        if (file->values[i] >= images->base.info.classes)
            images->base.info.classes = file->values[i] + 1;
    }
    images->labels = images->owned_labels;
    return BYOL_OK;
}

static byol_status take_labels(byol__images *images, const char *path, const char *images_path,
                               byol_error *error) {
    idx file;
    BYOL__TRY(idx_read(path, &file, error));
    byol_status status = take_label_values(images, path, images_path, &file, error);
    byol__free(file.values);
    return status;
}

/* Finds `path` as it is, or with .gz; false if neither is there. */
static bool find_file(char path[PATH_MAX]) {
    size_t length = strlen(path);
    if (byol__is_file(path)) return true;
    if (length + sizeof ".gz" > PATH_MAX) return false;
    memcpy(path + length, ".gz", sizeof ".gz");
    return byol__is_file(path);
}

/* The labels are beside the images under the same name, with "labels-idx1" instead of
 * "images-idx3". */
static bool find_labels(const char *images_path, char path[PATH_MAX]) {
    static const char IMAGES[] = "images-idx", LABELS[] = "labels-idx1";
    const char *slash = strrchr(images_path, '/');
    const char *at = strstr(slash != NULL ? slash : images_path, IMAGES);
    if (at == NULL || at[sizeof IMAGES - 1] == '\0') return false;
    snprintf(path, PATH_MAX, "%.*s%s%s", (int)(at - images_path), images_path, LABELS,
             at + sizeof IMAGES);
    char *suffix = path + strlen(path) - (strlen(path) > 3 ? 3 : 0);
    if (strcmp(suffix, ".gz") == 0) *suffix = '\0';
    return find_file(path);
}

/* Nothing in the files says that they are Fashion-MNIST; their folder does. */
static bool is_fashion_mnist(const char *path) {
    return strcasestr(path, "fashion-mnist") != NULL || strcasestr(path, "fashionmnist") != NULL;
}

static byol_status fill(byol__images *images, const char *path, byol_error *error) {
    char labels_path[PATH_MAX];
    BYOL__TRY(take_images(images, path, error));
    if (find_labels(path, labels_path)) BYOL__TRY(take_labels(images, labels_path, path, error));
    int name_count = sizeof FASHION_MNIST / sizeof *FASHION_MNIST;
    if (is_fashion_mnist(path) && images->base.info.classes == name_count) {
        images->names = FASHION_MNIST;
        images->name_count = name_count;
    }
    byol__images_describe(images, path);
    return BYOL_OK;
}

byol_status byol__idx_open_file(byol_source **out, const char *path, byol_error *error) {
    byol__images *images;
    BYOL__TRY(byol__images_create(&images, "idx", 1, error));
    byol_status status = fill(images, path, error);
    if (status == BYOL_OK)
        *out = &images->base;
    else
        byol_source_free(&images->base);
    return status;
}

static const struct {
    const char *split, *prefix;
} SPLITS[] = {{"train", "train"}, {"test", "t10k"}};

static int find_images(const char *folder, const char *prefix, char path[PATH_MAX]) {
    for (int rank = 3; rank <= 4; rank++) {
        snprintf(path, PATH_MAX, "%s/%s-images-idx%d-ubyte", folder, prefix, rank);
        if (find_file(path)) return 1;
    }
    return 0;
}

bool byol__idx_is_in(const char *folder) {
    char path[PATH_MAX];
    return find_images(folder, "train", path) || find_images(folder, "t10k", path);
}

byol_status byol__idx_open_folder(byol_source **out, const char *folder, const char *split,
                                  byol_error *error) {
    char path[PATH_MAX];
    bool known = *split == '\0';
    for (size_t i = 0; i < sizeof SPLITS / sizeof *SPLITS; i++) {
        if (*split != '\0' && strcmp(split, SPLITS[i].split) != 0) continue;
        known = 1;
        if (find_images(folder, SPLITS[i].prefix, path))
            return byol__idx_open_file(out, path, error);
    }
    if (!known)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "%s has no split '%.50s': there are train and test", folder, split);
    return byol__fail(error, BYOL_ERROR_NOT_FOUND,
                      "no split '%s' in %s: looked for %s-images-idx3-ubyte and its .gz", split,
                      folder, strcmp(split, "test") == 0 ? "t10k" : "train");
}
