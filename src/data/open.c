/* From a specification to a source: finds where it is, and what it is. */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/files.h"
#include "data/decode.h"
#include "data/source_kind.h"
#include "data/unpack.h"

static const char SYSTEM_FOLDER[] =
    "/usr/share/datasets"; /* where Debian's dataset-* packages put theirs */

/* Folders that the archive of a data set unpacks to. */
static const char *const SUBFOLDERS[] = {"cifar-10-batches-bin", "cifar-100-binary"};

static bool is_there(const char *format, const char *folder, const char *name,
                     char path[PATH_MAX]) {
    int length = snprintf(path, PATH_MAX, format, folder, name);
    return length > 0 && length < PATH_MAX && access(path, F_OK) == 0;
}

/* Looks for `name` as a path, then below $BYOL_DATA, then (a bare name only) where the system has
 * data sets. */
static bool find(const char *name, char path[PATH_MAX]) {
    const char *folder = getenv("BYOL_DATA");
    if (*name == '\0') return false;
    if (is_there("%s%s", "", name, path)) return true;
    if (*name == '/') return false;
    if (folder != NULL && *folder != '\0' && is_there("%s/%s", folder, name, path)) return true;
    return strchr(name, '/') == NULL && is_there("%s/%s", SYSTEM_FOLDER, name, path);
}

static byol_status not_found(const char *name, byol_error *error) {
    const char *folder = getenv("BYOL_DATA");
    if (strcmp(name, "fashion-mnist") == 0)
        return byol__fail(
            error, BYOL_ERROR_NOT_FOUND,
            "fashion-mnist is not installed: looked in %s/fashion-mnist; 'apt install "
            "dataset-fashion-mnist' puts it there, or give the folder that holds it",
            SYSTEM_FOLDER);
    return byol__fail(
        error, BYOL_ERROR_NOT_FOUND,
        "there is no data at '%.300s': no such path here%s%.200s; give a path, or fashion-mnist",
        name, folder != NULL ? " nor below " : "", folder != NULL ? folder : "");
}

/* Tries all of `spec` as a path first, so that a path with a colon in it can be opened. */
static byol_status locate(const char *spec, char path[PATH_MAX], const char **split,
                          byol_error *error) {
    char name[PATH_MAX];
    *split = "";
    if (find(spec, path)) return BYOL_OK;
    const char *colon = strrchr(spec, ':');
    if (strlen(spec) >= sizeof name || colon == NULL) return not_found(spec, error);
    snprintf(name, sizeof name, "%.*s", (int)(colon - spec), spec);
    *split = colon + 1;
    return find(name, path) ? BYOL_OK : not_found(name, error);
}

static byol_status open_folder(byol_source **out, const char *folder, const char *split,
                               byol_error *error) {
    char path[PATH_MAX], found[PATH_MAX] = "";
    if (byol__idx_is_in(folder)) return byol__idx_open_folder(out, folder, split, error);
    if (byol__cifar_is_in(folder)) return byol__cifar_open(out, folder, split, error);
    for (size_t i = 0; i < sizeof SUBFOLDERS / sizeof *SUBFOLDERS; i++) {
        if (!is_there("%s/%s", folder, SUBFOLDERS[i], path) || !byol__cifar_is_in(path)) continue;
        if (*found != '\0')
            return byol__fail(error, BYOL_ERROR_INVALID, "%s holds %s and %s: say which", folder,
                              SUBFOLDERS[0], SUBFOLDERS[1]);
        memcpy(found, path, sizeof found);
    }
    if (*found != '\0') return byol__cifar_open(out, found, split, error);
    byol_error why = {0};
    byol_status status = byol__folder_open(out, folder, split, &why);
    int splits = *split != '\0' && is_there("%s/%s", folder, split, path) && byol__is_folder(path);
    if (status == BYOL_ERROR_NOT_FOUND && byol__shards_are_in(splits ? path : folder))
        return byol__shards_open_folder(out, splits ? path : folder, splits ? "" : split, error);
    if (status != BYOL_OK && error != NULL) *error = why;
    if (status != BYOL_ERROR_NOT_FOUND || *split != '\0') return status;
    return byol__fail(
        error, BYOL_ERROR_NOT_FOUND,
        "no data set in folder %s: looked for pictures (JPEG, PNG, WebP, PGM, PPM) in it and "
        "below, "
        "train-images-idx3-ubyte and t10k-images-idx3-ubyte (or .gz), data_batch_1.bin .. and "
        "test_batch.bin (CIFAR-10), train.bin and test.bin (CIFAR-100)",
        folder);
}

enum { LOOK_BYTES = 4096 };

/* A list contains text (no zeros and no other control characters) and has the extension of one. */
static bool is_list(const char *path, const unsigned char *bytes, size_t length) {
    static const char *const extensions[] = {".txt", ".lst", ".list", ".tsv"};
    const char *dot = strrchr(path, '.');
    int is_called = 0;
    for (size_t i = 0; dot != NULL && i < sizeof extensions / sizeof *extensions; i++)
        is_called |= strcmp(dot, extensions[i]) == 0;
    if (!is_called) return false;
    for (size_t i = 0; i < length; i++)
        if (bytes[i] < 32 && bytes[i] != '\t' && bytes[i] != '\n' && bytes[i] != '\r') return false;
    return length > 0;
}

static size_t look_at_front(const char *path, unsigned char *bytes) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) return 0;
    size_t length = fread(bytes, 1, LOOK_BYTES, file);
    fclose(file);
    return length;
}

/* Sets `*kind` by the first members of a tar: 'c' for CIFAR, 's' for pictures. */
static byol_status look_into_tar(byol__unpack *file, int *kind, byol_error *error) {
    enum { MEMBERS_MAX = 1000 };
    *kind = 's';
    for (int i = 0, more = 1; more && i < MEMBERS_MAX; i++) {
        if (byol__cifar_is_name(file->member)) *kind = 'c';
        if (*kind == 'c' || byol__is_picture_name(file->member)) return BYOL_OK;
        BYOL__TRY(byol__unpack_next(file, &more, error));
    }
    return BYOL_OK;
}

static byol_status open_archive_or_idx(byol_source **out, const char *path, const char *split,
                                       byol_error *error) {
    byol__unpack file;
    int kind = 0;
    BYOL__TRY(byol__unpack_open(&file, path, error));
    bool is_tar = file.is_tar;
    byol_status status = is_tar ? look_into_tar(&file, &kind, error) : BYOL_OK;
    byol__unpack_close(&file);
    BYOL__TRY(status);
    char *const paths[] = {(char *)path};
    if (is_tar && kind == 's') return byol__shards_open(out, paths, 1, path, split, error);
    if (is_tar) return byol__cifar_open(out, path, split, error);
    if (*split != '\0')
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "%s is one file and has no split '%.50s': leave it out", path, split);
    return byol__idx_open_file(out, path, error);
}

static byol_status open_file(byol_source **out, const char *path, const char *split,
                             byol_error *error) {
    unsigned char front[LOOK_BYTES];
    size_t length = look_at_front(path, front);
    bool is_npy = byol__npy_begins(front, length), lists = is_list(path, front, length);
    bool is_picture = byol__is_picture_name(path) && byol__begins_as_picture(front, length);
    if (!is_npy && !lists && !is_picture) return open_archive_or_idx(out, path, split, error);
    if (*split != '\0')
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "%s is one file and has no split '%.50s': leave it out", path, split);
    if (is_npy) return byol__npy_open(out, path, error);
    const char *const paths[] = {path};
    return is_picture ? byol_source_from_files(out, paths, 1, error)
                      : byol__list_open(out, path, error);
}

byol_status byol_source_open(byol_source **out, const char *spec, byol_error *error) {
    char path[PATH_MAX];
    const char *split;
    if (strchr(spec, '{') != NULL && !find(spec, path))
        return byol__shards_open_braces(out, spec, error);
    BYOL__TRY(locate(spec, path, &split, error));
    return byol__is_folder(path) ? open_folder(out, path, split, error)
                                 : open_file(out, path, split, error);
}
