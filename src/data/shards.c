/* Tar files of pictures: WebDataset shards (samples of one name with several extensions: 0001.jpg,
 * 0001.cls, 0001.json) and folders of pictures that were packed as they are.
 *
 * A plain tar is indexed when it is opened: where each member lies. From then on, any picture is
 * one pread at any time. So an epoch is shuffled as a whole, and the resume position is a number,
 * as for any other source. A compressed tar has no random access. It is unpacked once, to an
 * unnamed file in $TMPDIR (or /var/tmp) that disappears with the process. Streaming it through a
 * shuffle buffer instead would unpack it once an epoch, mix worse, and make the buffer part of
 * every checkpoint. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>
#include <jansson.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "data/decode.h"
#include "data/picture_files.h"
#include "data/source_kind.h"
#include "data/unpack.h"
#include "sound/sound_file.h"

enum {
    INDEX_BYTES =
        1 << 14, /* read at once while looking for headers; data between them is skipped */
    UNPACK_BYTES = 1 << 18, /* read at once while unpacking */
    LABEL_BYTES = 1 << 16,  /* a label file is smaller */
};

/* An index being built. */
typedef struct index {
    byol__pictures *pictures;
    struct archive *archive;
    int32_t shard;
    bool unpack; /* this shard is compressed: its members are copied out */
    const char *path;
    char key[PATH_MAX]; /* of the current sample: its path up to the first dot of its name */
    size_t first;       /* its first picture, if any: members from here on are of this sample */
    char word[256];     /* its label, if that came before the picture; "": none */
    size_t labelled;
} index_state;

/* ---- the samples of one shard ---- */

static byol_status damaged(const index_state *state, byol_error *error) {
    const char *why = archive_error_string(state->archive);
    return byol__fail(error, BYOL_ERROR_FORMAT,
                      "%s cannot be read as a tar (%s): it is truncated or damaged", state->path,
                      why != NULL ? why : "no reason given");
}

/* "a/b/0001.seg.png" -> "a/b/0001" and "seg.png" */
static const char *split_name(const char *name, size_t *key_length) {
    const char *slash = strrchr(name, '/'), *base = slash != NULL ? slash + 1 : name;
    const char *dot = strchr(base, '.');
    *key_length = dot != NULL ? (size_t)(dot - name) : strlen(name);
    return dot != NULL ? dot + 1 : "";
}

/* The label in a .json: its "cls", "label" or "class", a number or a name. */
static void label_of_json(const char *text, size_t length, char word[256]) {
    static const char *const keys[] = {"cls", "label", "class"};
    json_t *object = json_loadb(text, length, 0, NULL);
    for (size_t i = 0; i < sizeof keys / sizeof *keys && *word == '\0'; i++) {
        const json_t *value = json_object_get(object, keys[i]);
        if (json_is_integer(value))
            snprintf(word, 256, "%lld", (long long)json_integer_value(value));
        if (json_is_string(value)) snprintf(word, 256, "%.255s", json_string_value(value));
    }
    json_decref(object);
}

static byol_status read_label(index_state *state, bool is_json, size_t size, byol_error *error) {
    char text[LABEL_BYTES];
    if (size >= sizeof text) return BYOL_OK; /* a description, not a label */
    la_ssize_t got = archive_read_data(state->archive, text, sizeof text - 1);
    if (got < 0) return damaged(state, error);
    while (got > 0 && isspace((unsigned char)text[got - 1])) got--;
    text[got] = '\0';
    if (is_json)
        label_of_json(text, (size_t)got, state->word);
    else
        snprintf(state->word, sizeof state->word, "%.255s", text);
    return BYOL_OK;
}

/* The label and the pictures of a sample may come in any order. */
static byol_status join_label(index_state *state, byol_error *error) {
    byol__pictures *pictures = state->pictures;
    for (size_t i = state->first; i < pictures->count && *state->word != '\0'; i++) {
        if (pictures->members[i].word != 0) continue;
        state->labelled++;
        BYOL__TRY(byol__pictures_set_word(pictures, i, state->word, error));
    }
    return BYOL_OK;
}

static byol_status copy_out(index_state *state, uint64_t *size, byol_error *error) {
    char block[UNPACK_BYTES];
    la_ssize_t got;
    *size = 0;
    while ((got = archive_read_data(state->archive, block, sizeof block)) > 0) {
        for (la_ssize_t done = 0; done < got;) {
            ssize_t written = write(state->pictures->unpacked, block + done, (size_t)(got - done));
            if (written < 0 && errno == EINTR) continue;
            if (written < 0)
                return byol__fail(error, BYOL_ERROR_IO,
                                  "cannot unpack %s to a temporary file: %s; unpack it yourself, "
                                  "or set TMPDIR to where "
                                  "there is room",
                                  state->path, strerror(errno));
            done += written;
        }
        *size += (uint64_t)got;
    }
    return got < 0 ? damaged(state, error) : BYOL_OK;
}

static byol_status add_picture(index_state *state, const char *name, uint64_t offset, uint64_t size,
                               byol_error *error) {
    byol__pictures *pictures = state->pictures;
    BYOL__TRY(byol__pictures_add(pictures, name, error));
    byol__member *member = &pictures->members[pictures->count - 1];
    member->holder = state->shard;
    member->offset = offset;
    member->size = size;
    return join_label(state, error);
}

static byol_status take_picture(index_state *state, const char *name, uint64_t size,
                                byol_error *error) {
    uint64_t offset =
        (uint64_t)archive_filter_bytes(state->archive, 0); /* the header has just been read */
    if (state->unpack) {
        offset = state->pictures->unpacked_bytes;
        BYOL__TRY(copy_out(state, &size, error));
        state->pictures->unpacked_bytes += size;
    }
    return add_picture(state, name, offset, size, error);
}

static const char *without_dot(const char *name) {
    while (strncmp(name, "./", 2) == 0) name += 2;
    return name;
}

/* If tar meets a file again by another name, it writes a link to the first, without the bytes. */
static byol_status take_link(index_state *state, const char *name, const char *target,
                             byol_error *error) {
    const byol__pictures *pictures = state->pictures;
    for (size_t i = pictures->count; i > 0 && pictures->members[i - 1].holder == state->shard;
         i--) {
        const byol__member *member = &pictures->members[i - 1];
        if (strcmp(pictures->text + member->name, without_dot(target)) == 0)
            return add_picture(state, name, member->offset, member->size, error);
    }
    return BYOL_OK; /* a link to something that is no picture */
}

/* Pictures or sounds, whichever comes first. */
static bool is_wanted(byol__pictures *pictures, const char *name) {
    bool is_sound = byol__is_sound_name(name);
    if (!is_sound && !byol__is_picture_name(name)) return false;
    if (pictures->count == 0 && is_sound) byol__pictures_hold_sounds(pictures);
    return is_sound == (pictures->base.info.samples == BYOL_SAMPLES_SOUNDS);
}

static byol_status take_entry(index_state *state, struct archive_entry *entry, byol_error *error) {
    const char *name = archive_entry_pathname(entry), *target = archive_entry_hardlink(entry);
    int is_file =
        archive_entry_filetype(entry) == AE_IFREG && archive_entry_sparse_count(entry) == 0;
    if (name == NULL || (!is_file && target == NULL)) return BYOL_OK;
    name = without_dot(name);
    size_t key_length, size = (size_t)archive_entry_size(entry);
    const char *slash = strrchr(name, '/'), *extension = split_name(name, &key_length);
    if (strlen(name) >= PATH_MAX || (slash != NULL ? slash[1] : name[0]) == '.') return BYOL_OK;
    if (strlen(state->key) != key_length || strncmp(state->key, name, key_length) != 0) {
        snprintf(state->key, sizeof state->key, "%.*s", (int)key_length, name);
        state->first = state->pictures->count;
        state->word[0] = '\0';
    }
    bool is_json = strcmp(extension, "json") == 0;
    if (is_json || strcmp(extension, "cls") == 0) {
        if (*state->word == '\0') BYOL__TRY(read_label(state, is_json, size, error));
        return join_label(state, error);
    }
    if (!is_wanted(state->pictures, name)) return BYOL_OK;
    return target != NULL ? take_link(state, name, target, error)
                          : take_picture(state, name, size, error);
}

static byol_status read_shard(index_state *state, byol_error *error) {
    state->archive = archive_read_new();
    if (state->archive == NULL)
        return byol__fail(error, BYOL_ERROR_MEMORY, "no memory to read %s", state->path);
    byol__unpack_filters(state->archive);
    archive_read_support_format_tar(state->archive);
    byol_status status = BYOL_OK;
    size_t block = state->unpack ? UNPACK_BYTES : INDEX_BYTES;
    if (archive_read_open_filename(state->archive, state->path, block) != ARCHIVE_OK)
        status = damaged(state, error);
    while (status == BYOL_OK) {
        struct archive_entry *entry;
        int result = archive_read_next_header(state->archive, &entry);
        if (result == ARCHIVE_EOF) break;
        status = result < ARCHIVE_WARN ? damaged(state, error) : take_entry(state, entry, error);
    }
    archive_read_free(state->archive);
    return status;
}

/* ---- all shards ---- */

/* A plain tar has the tar magic in its place. Anything else that libarchive reads as a tar is
 * compressed. */
static int is_plain_tar(const char *path) {
    char header[512];
    FILE *file = fopen(path, "rb");
    bool is_tar = file != NULL && fread(header, 1, sizeof header, file) == sizeof header &&
                  memcmp(header + 257, "ustar", 5) == 0;
    if (file != NULL) fclose(file);
    return is_tar;
}

static int open_unnamed(void) {
    const char *folder = getenv("TMPDIR");
    char path[PATH_MAX];
    if (folder == NULL || *folder == '\0') folder = "/var/tmp"; /* /tmp may live in memory */
    int descriptor = open(folder, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    if (descriptor >= 0) return descriptor;
    snprintf(path, sizeof path, "%s/byol-XXXXXX", folder); /* for file systems without O_TMPFILE */
    descriptor = mkostemp(path, O_CLOEXEC);
    if (descriptor >= 0) unlink(path);
    return descriptor;
}

static byol_status add_shard(byol__pictures *pictures, const char *path, byol_error *error) {
    byol__shard *grown = realloc(pictures->shards, (pictures->shard_count + 1) * sizeof *grown);
    if (grown == NULL)
        return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for the list of shards");
    pictures->shards = grown;
    grown[pictures->shard_count] = (byol__shard){.path = strdup(path)};
    if (grown[pictures->shard_count].path == NULL)
        return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for the list of shards");
    pictures->shard_count++;
    return BYOL_OK;
}

/* One file for the members of all compressed shards: descriptors are limited. */
static byol_status open_unpacked(byol__pictures *pictures, const char *path, byol_error *error) {
    if (pictures->unpacked < 0) pictures->unpacked = open_unnamed();
    if (pictures->unpacked >= 0) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_IO,
                      "cannot unpack %s: no temporary file: %s; set TMPDIR to a folder with room",
                      path, strerror(errno));
}

static byol_status index_shard(byol__pictures *pictures, const char *path, size_t *labelled,
                               byol_error *error) {
    index_state *state;
    BYOL__TRY(add_shard(pictures, path, error));
    byol__shard *shard = &pictures->shards[pictures->shard_count - 1];
    shard->unpacked = !is_plain_tar(path);
    if (shard->unpacked) BYOL__TRY(open_unpacked(pictures, path, error));
    BYOL__TRY(byol__alloc(&state, 1, sizeof *state, "index of a shard", error));
    *state = (index_state){.pictures = pictures,
                           .shard = (int32_t)(pictures->shard_count - 1),
                           .unpack = shard->unpacked,
                           .path = path,
                           .first = pictures->count};
    byol_status status = read_shard(state, error);
    *labelled += state->labelled;
    byol__free(state);
    return status;
}

/* Without label files, the paths in the tar are treated as those of a folder. */
static byol_status label_shards(byol__pictures *pictures, const char *split, size_t labelled,
                                byol_error *error) {
    if (labelled == 0) return byol__pictures_arrange(pictures, split, error);
    if (*split != '\0')
        return byol__fail(error, BYOL_ERROR_NOT_FOUND,
                          "%s: shards with labels of their own have no split '%.50s'",
                          pictures->root, split);
    if (labelled == pictures->count) return byol__pictures_label_as_written(pictures, error);
    return byol__fail(error, BYOL_ERROR_FORMAT,
                      "%s: %zu of %zu %s have labels (.cls, .json): all or none must",
                      pictures->root, labelled, pictures->count,
                      pictures->base.info.samples == BYOL_SAMPLES_SOUNDS ? "sounds" : "pictures");
}

/* byol pack writes class names beside the shards. */
static byol_status name_classes(byol__pictures *pictures, const char *shard, byol_error *error) {
    char path[PATH_MAX];
    const char *slash = strrchr(shard, '/');
    snprintf(path, sizeof path, "%.*sclasses.txt", slash != NULL ? (int)(slash + 1 - shard) : 0,
             shard);
    return byol__is_file(path) ? byol__pictures_name_classes(pictures, path, error) : BYOL_OK;
}

byol_status byol__shards_open(byol_source **out, char *const *paths, size_t count, const char *spec,
                              const char *split, byol_error *error) {
    byol__pictures *pictures;
    size_t labelled = 0;
    BYOL__TRY(byol__pictures_create(&pictures, "shards", spec, error));
    byol_status status = BYOL_OK;
    for (size_t i = 0; i < count && status == BYOL_OK; i++)
        status = index_shard(pictures, paths[i], &labelled, error);
    if (status == BYOL_OK && pictures->count == 0)
        status = byol__fail(error, BYOL_ERROR_NOT_FOUND,
                            "there are no pictures or sounds in %s, and no CIFAR data", spec);
    if (status == BYOL_OK) status = label_shards(pictures, split, labelled, error);
    if (status == BYOL_OK && labelled > 0 && pictures->class_names == NULL)
        status = name_classes(pictures, paths[0], error);
    if (status == BYOL_OK) status = byol__pictures_complete(pictures, spec, error);
    if (status == BYOL_OK)
        *out = &pictures->base;
    else
        byol_source_free(&pictures->base);
    return status;
}

/* ---- names of shards ---- */

int byol__is_shard_name(const char *name) {
    static const char *const endings[] = {".tar",     ".tar.gz", ".tgz",
                                          ".tar.zst", ".tar.xz", ".tar.bz2"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t length = strlen(name), ending = strlen(endings[i]);
        if (length > ending && strcmp(name + length - ending, endings[i]) == 0) return 1;
    }
    return 0;
}

enum { SHARDS_MAX = 1000000, DIGITS_MAX = 18 }; /* so many digits fit into 64 bits */

typedef struct path_list {
    char **paths;
    size_t count, capacity;
} path_list;

static byol_status append_path(path_list *list, const char *path, byol_error *error) {
    if (list->count == SHARDS_MAX)
        return byol__fail(error, BYOL_ERROR_INVALID, "more than %d shards, up to %.200s",
                          SHARDS_MAX, path);
    if (list->count == list->capacity) {
        size_t capacity = 2 * list->capacity + 64;
        char **grown = realloc(list->paths, capacity * sizeof *grown);
        if (grown == NULL)
            return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for the list of shards");
        list->paths = grown;
        list->capacity = capacity;
    }
    if ((list->paths[list->count] = strdup(path)) == NULL)
        return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for the list of shards");
    list->count++;
    return BYOL_OK;
}

static void release_list(path_list *list) {
    for (size_t i = 0; i < list->count; i++) free(list->paths[i]);
    free(list->paths);
}

static int by_path(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int byol__shards_are_in(const char *folder) {
    DIR *stream = opendir(folder);
    int found = 0;
    if (stream == NULL) return 0;
    for (struct dirent *entry; !found && (entry = readdir(stream)) != NULL;)
        found = entry->d_name[0] != '.' && byol__is_shard_name(entry->d_name);
    closedir(stream);
    return found;
}

byol_status byol__shards_open_folder(byol_source **out, const char *folder, const char *split,
                                     byol_error *error) {
    path_list list = {0};
    DIR *stream = opendir(folder);
    if (stream == NULL)
        return byol__fail(error, BYOL_ERROR_IO, "cannot read folder %s: %s", folder,
                          strerror(errno));
    byol_status status = BYOL_OK;
    for (struct dirent *entry; status == BYOL_OK && (entry = readdir(stream)) != NULL;) {
        char path[PATH_MAX];
        if (entry->d_name[0] == '.' || !byol__is_shard_name(entry->d_name)) continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        status = append_path(&list, path, error);
    }
    closedir(stream);
    if (list.count > 0) qsort(list.paths, list.count, sizeof *list.paths, by_path);
    if (status == BYOL_OK)
        status = byol__shards_open(out, list.paths, list.count, folder, split, error);
    release_list(&list);
    return status;
}

static byol_status expand(path_list *list, const char *text, byol_error *error);

/* Reads the digits at `*at` and moves it behind them. Returns how many; 0: no number of 64 bits. */
static size_t read_digits(const char **at, uint64_t *value) {
    size_t digits = strspn(*at, "0123456789");
    *value = strtoull(*at, NULL, 10);
    *at += digits;
    return digits <= DIGITS_MAX ? digits : 0;
}

/* {000..099}, as the shell counts: with leading zeros if the first number has them. */
static byol_status expand_range(path_list *list, const char *text, const char *open,
                                const char *close, byol_error *error) {
    const char *at = open + 1;
    uint64_t first = 0, last = 0;
    size_t digits = read_digits(&at, &first), last_digits = 0;
    if (strncmp(at, "..", 2) == 0) {
        at += 2;
        last_digits = read_digits(&at, &last);
    }
    if (digits == 0 || last_digits == 0 || at != close || last < first)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "'%.200s': braces hold a range as in {000..099} or a list as in {a,b}",
                          text);
    int width = open[1] == '0' ? (int)digits : 1;
    for (uint64_t i = first; i <= last; i++) {
        char name[PATH_MAX];
        snprintf(name, sizeof name, "%.*s%0*" PRIu64 "%s", (int)(open - text), text, width, i,
                 close + 1);
        BYOL__TRY(expand(list, name, error));
    }
    return BYOL_OK;
}

static byol_status expand_choice(path_list *list, const char *text, const char *open,
                                 const char *close, byol_error *error) {
    for (const char *at = open + 1; at <= close;) {
        char name[PATH_MAX];
        size_t length = strcspn(at, ",}");
        snprintf(name, sizeof name, "%.*s%.*s%s", (int)(open - text), text, (int)length, at,
                 close + 1);
        BYOL__TRY(expand(list, name, error));
        at += length + 1;
    }
    return BYOL_OK;
}

static byol_status expand(path_list *list, const char *text, byol_error *error) {
    const char *open = strchr(text, '{'), *close = open != NULL ? strchr(open, '}') : NULL;
    if (strlen(text) >= PATH_MAX)
        return byol__fail(error, BYOL_ERROR_INVALID, "too long for paths: %.100s...", text);
    if (close == NULL) return append_path(list, text, error);
    if (memchr(open, ',', (size_t)(close - open)) != NULL)
        return expand_choice(list, text, open, close, error);
    return expand_range(list, text, open, close, error);
}

byol_status byol__shards_open_braces(byol_source **out, const char *spec, byol_error *error) {
    path_list list = {0};
    char pattern[PATH_MAX];
    const char *behind = strrchr(spec, '}'), *colon = strrchr(spec, ':');
    bool has_split = colon != NULL && colon > behind && strchr(colon, '/') == NULL;
    snprintf(pattern, sizeof pattern, "%.*s", has_split ? (int)(colon - spec) : (int)strlen(spec),
             spec);
    byol_status status = expand(&list, pattern, error);
    for (size_t i = 0; i < list.count && status == BYOL_OK; i++)
        if (!byol__is_file(list.paths[i]))
            status = byol__fail(error, BYOL_ERROR_NOT_FOUND, "there is no shard %s (of %.200s)",
                                list.paths[i], spec);
    if (status == BYOL_OK)
        status = byol__shards_open(out, list.paths, list.count, pattern, has_split ? colon + 1 : "",
                                   error);
    release_list(&list);
    return status;
}
