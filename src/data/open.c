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
#include "sound/sound_file.h"

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

/* A specification in its parts. */
typedef struct parts {
    char path[PATH_MAX], split[256];
    bool has_columns;
    byol__text_columns columns;
} parts;

/* Copies the value of "key=value" to `value` if the key is this one. */
static bool take_value(const char *item, size_t length, const char *key, char *value, size_t size) {
    size_t own = strlen(key);
    if (length <= own || length - own >= size || strncmp(item, key, own) != 0) return false;
    snprintf(value, size, "%.*s", (int)(length - own), item + own);
    return true;
}

/* "text=body,label=stars,classes=coarse". False, with nothing changed, if it is anything else. */
static bool take_columns(const char *text, byol__text_columns *out) {
    byol__text_columns columns = {.coarse = false};
    for (const char *item = text;; item++) {
        char kind[8] = "";
        size_t length = strcspn(item, ",");
        bool known = take_value(item, length, "text=", columns.text, sizeof columns.text) ||
                     take_value(item, length, "label=", columns.label, sizeof columns.label) ||
                     take_value(item, length, "classes=", kind, sizeof kind);
        if (!known || (*kind != '\0' && strcmp(kind, "coarse") != 0)) return false;
        columns.coarse |= *kind != '\0';
        item += length;
        if (*item == '\0') break;
    }
    *out = columns;
    return true;
}

/* Tries all of it as a path first, so that a path with a colon in it can be opened. */
static byol_status locate_split(const char *spec, parts *found, byol_error *error) {
    char name[PATH_MAX];
    if (find(spec, found->path)) return BYOL_OK;
    const char *colon = strrchr(spec, ':');
    if (strlen(spec) >= sizeof name || colon == NULL) return not_found(spec, error);
    snprintf(name, sizeof name, "%.*s", (int)(colon - spec), spec);
    snprintf(found->split, sizeof found->split, "%s", colon + 1);
    return find(name, found->path) ? BYOL_OK : not_found(name, error);
}

/* PATH, PATH:SPLIT, PATH:COLUMNS, PATH:SPLIT:COLUMNS. */
static byol_status locate(const char *spec, parts *found, byol_error *error) {
    char front[PATH_MAX];
    *found = (parts){.has_columns = false};
    const char *colon = strrchr(spec, ':');
    if (find(spec, found->path)) return BYOL_OK;
    if (colon == NULL || strlen(spec) >= sizeof front || !take_columns(colon + 1, &found->columns))
        return locate_split(spec, found, error);
    found->has_columns = true;
    snprintf(front, sizeof front, "%.*s", (int)(colon - spec), spec);
    return locate_split(front, found, error);
}

/* Pictures, or what is in a folder beside them: sounds, shards, or else texts. */
static byol_status open_tree(byol_source **out, const char *folder, const char *split,
                             const byol__text_columns *columns, byol_error *error) {
    char path[PATH_MAX];
    byol_error why = {0};
    byol_status status = byol__folder_open(out, folder, split, &why);
    int splits = *split != '\0' && is_there("%s/%s", folder, split, path) && byol__is_folder(path);
    if (status == BYOL_ERROR_NOT_FOUND && byol__sounds_are_in(folder))
        return byol__sounds_open_folder(out, folder, split, error);
    if (status == BYOL_ERROR_NOT_FOUND && byol__shards_are_in(splits ? path : folder))
        return byol__shards_open_folder(out, splits ? path : folder, splits ? "" : split, error);
    if (status == BYOL_ERROR_NOT_FOUND && byol__texts_are_in(folder))
        return byol__texts_open_folder(out, folder, split, columns, error);
    if (status != BYOL_OK && error != NULL) *error = why;
    return status;
}

static byol_status open_folder(byol_source **out, const char *folder, const char *split,
                               const byol__text_columns *columns, byol_error *error) {
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
    byol_status status = open_tree(out, folder, split, columns, error);
    if (status != BYOL_ERROR_NOT_FOUND || *split != '\0') return status;
    return byol__fail(
        error, BYOL_ERROR_NOT_FOUND,
        "no data set in folder %s: looked for pictures (JPEG, PNG, WebP, PGM, PPM) and sounds "
        "(WAV, "
        "FLAC, OGG, MP3) in it and below, "
        "train-images-idx3-ubyte and t10k-images-idx3-ubyte (or .gz), data_batch_1.bin .. and "
        "test_batch.bin (CIFAR-10), train.bin and test.bin (CIFAR-100), texts (train.tsv, .csv, "
        ".jsonl or .txt; .txt files in it and below)",
        folder);
}

enum { LOOK_BYTES = 4096 };

/* Of `length` bytes. After the path comes a tab and a label, or a blank and a number, or nothing.
 */
static bool begins_with_a_file(const char *line, size_t length) {
    char path[LOOK_BYTES + 1];
    while (length > 0 && strchr(" \t\r", line[length - 1]) != NULL) length--;
    snprintf(path, sizeof path, "%.*s", (int)length, line);
    char *tab = strchr(path, '\t'), *blank = strrchr(path, ' ');
    if (tab != NULL)
        *tab = '\0';
    else if (blank != NULL && blank[1 + strspn(blank + 1, "0123456789")] == '\0')
        *blank = '\0';
    return byol__is_picture_name(path) || byol__is_sound_name(path);
}

/* Do these bytes list pictures or sounds, and are no texts? The first line that says something
 * decides; if there are only comments, it is a list with nothing in it. */
static bool names_files(const char *bytes, size_t length) {
    bool has_comments = false;
    for (size_t at = 0; at < length;) {
        const char *newline = memchr(bytes + at, '\n', length - at);
        size_t line = newline != NULL ? (size_t)(newline - bytes) - at : length - at;
        size_t blanks = 0;
        while (blanks < line && strchr(" \t\r", bytes[at + blanks]) != NULL) blanks++;
        if (blanks < line && bytes[at] != '#') return begins_with_a_file(bytes + at, line);
        has_comments |= blanks < line;
        at += line + 1;
    }
    return has_comments && length < LOOK_BYTES;
}

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
    return length > 0 && (!byol__is_text_name(path) || names_files((const char *)bytes, length));
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
        if (*kind == 'c' || byol__is_picture_name(file->member) ||
            byol__is_sound_name(file->member))
            return BYOL_OK;
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
                             const byol__text_columns *columns, byol_error *error) {
    unsigned char front[LOOK_BYTES];
    size_t length = look_at_front(path, front);
    bool is_npy = byol__npy_begins(front, length), lists = is_list(path, front, length);
    bool is_picture = byol__is_picture_name(path) && byol__begins_as_picture(front, length);
    bool is_text = !is_npy && !lists && !is_picture && byol__is_text_name(path);
    bool is_sound = !is_npy && !lists && !is_picture && byol__is_sound_name(path);
    if (!is_npy && !lists && !is_picture && !is_text && !is_sound)
        return open_archive_or_idx(out, path, split, error);
    if (*split != '\0')
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "%s is one file and has no split '%.50s': leave it out%s", path, split,
                          is_text ? ", or name columns: text=NAME,label=NAME" : "");
    if (is_npy) return byol__npy_open(out, path, error);
    if (is_sound) return byol__sounds_open_file(out, path, error);
    if (is_text) return byol__texts_open_file(out, path, columns, error);
    const char *const paths[] = {path};
    return is_picture ? byol_source_from_files(out, paths, 1, error)
                      : byol__list_open(out, path, error);
}

byol_status byol_source_open(byol_source **out, const char *spec, byol_error *error) {
    parts found;
    if (strchr(spec, '{') != NULL && !find(spec, found.path))
        return byol__shards_open_braces(out, spec, error);
    BYOL__TRY(locate(spec, &found, error));
    byol_source *source = NULL;
    BYOL__TRY(byol__is_folder(found.path)
                  ? open_folder(&source, found.path, found.split, &found.columns, error)
                  : open_file(&source, found.path, found.split, &found.columns, error));
    if (found.has_columns && source->info.samples != BYOL_SAMPLES_TEXTS) {
        const char *held = byol__samples_noun(source->info.samples);
        byol_source_free(source);
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "%s holds %s: it has no columns to name, leave them out", found.path,
                          held);
    }
    *out = source;
    return BYOL_OK;
}
