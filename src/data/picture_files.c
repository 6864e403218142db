#include "data/picture_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "data/decode.h"
#include "data/span.h"

enum { FILE_BYTES_MAX = 1 << 30 };

/* ---- reading ---- */

static const char *name_of(const byol__pictures *pictures, size_t index) {
    return pictures->text + pictures->members[index].name;
}

static byol_status read_at(int descriptor, uint64_t offset, unsigned char *to, size_t length,
                           byol_error *error) {
    for (size_t done = 0; done < length;) {
        ssize_t got = pread(descriptor, to + done, length - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return byol__fail(error, BYOL_ERROR_IO, "%s", strerror(errno));
        if (got == 0) return byol__fail(error, BYOL_ERROR_FORMAT, "the file ends early");
        done += (size_t)got;
    }
    return BYOL_OK;
}

static byol_status cannot_open(byol_error *error) {
    return byol__fail(error, errno == ENOENT ? BYOL_ERROR_NOT_FOUND : BYOL_ERROR_IO, "%s",
                      strerror(errno));
}

static byol_status read_whole(int descriptor, byol_picture *picture, size_t *length,
                              byol_error *error) {
    struct stat info;
    if (fstat(descriptor, &info) != 0)
        return byol__fail(error, BYOL_ERROR_IO, "%s", strerror(errno));
    if (!S_ISREG(info.st_mode)) return byol__fail(error, BYOL_ERROR_IO, "not a regular file");
    if (info.st_size > FILE_BYTES_MAX)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED, "a file of more than 1 GiB");
    *length = (size_t)info.st_size;
    BYOL__TRY(byol__picture_reserve(picture, 0, *length, error));
    return read_at(descriptor, 0, picture->bytes[0], *length, error);
}

byol_status byol__member_path(const byol__pictures *pictures, size_t index, char *path, size_t size,
                              byol_error *error) {
    const char *name = name_of(pictures, index), *root = *name == '/' ? "" : pictures->root;
    if (snprintf(path, size, "%s%s", root, name) < (int)size) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_UNSUPPORTED, "its path is too long");
}

static byol_status read_own_file(const byol__pictures *pictures, size_t index,
                                 byol_picture *picture, size_t *length, byol_error *error) {
    char path[PATH_MAX];
    BYOL__TRY(byol__member_path(pictures, index, path, sizeof path, error));
    int descriptor =
        open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not make us wait */
    if (descriptor < 0) return cannot_open(error);
    byol_status status = read_whole(descriptor, picture, length, error);
    close(descriptor);
    return status;
}

static byol_status read_from_shard(const byol__pictures *pictures, const byol__member *member,
                                   byol_picture *picture, size_t *length, byol_error *error) {
    const byol__shard *shard = &pictures->shards[member->holder];
    if (member->size > FILE_BYTES_MAX)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED, "a file of more than 1 GiB");
    *length = (size_t)member->size;
    BYOL__TRY(byol__picture_reserve(picture, 0, *length, error));
    int descriptor = shard->unpacked ? pictures->unpacked : open(shard->path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return cannot_open(error);
    byol_status status = read_at(descriptor, member->offset, picture->bytes[0], *length, error);
    if (!shard->unpacked) close(descriptor);
    return status;
}

byol_status byol__member_bytes(const byol__pictures *pictures, size_t index, byol_picture *picture,
                               size_t *length, byol_error *error) {
    const byol__member *member = &pictures->members[index];
    return member->holder == BYOL__OWN_FILE
               ? read_own_file(pictures, index, picture, length, error)
               : read_from_shard(pictures, member, picture, length, error);
}

byol_status byol__member_named(const byol__pictures *pictures, size_t index, byol_status status,
                               byol_error *error) {
    const byol__member *member = &pictures->members[index];
    if (status == BYOL_OK) return status;
    if (member->holder == BYOL__OWN_FILE)
        return byol__fail_within(error, status, "%.600s", name_of(pictures, index));
    return byol__fail_within(error, status, "%.300s of %.300s", name_of(pictures, index),
                             pictures->shards[member->holder].path);
}

static byol_status image(const byol_source *source, size_t index,
                         const byol__decode_request *request, byol_picture *picture,
                         byol_error *error) {
    byol__decode_request wanted = *request;
    if (wanted.channels == 0) wanted.channels = source->info.channels;
    size_t length = 0;
    byol_status status =
        byol__member_bytes((const byol__pictures *)source, index, picture, &length, error);
    if (status == BYOL_OK)
        status = byol__decode(picture->bytes[0], length, &wanted, picture, error);
    return byol__member_named((const byol__pictures *)source, index, status, error);
}

static byol_status bytes(const byol_source *source, size_t index, byol_picture *picture,
                         size_t *length, byol_error *error) {
    return byol__member_named(
        (const byol__pictures *)source, index,
        byol__member_bytes((const byol__pictures *)source, index, picture, length, error), error);
}

/* ---- the other methods ---- */

static int32_t label(const byol_source *source, size_t index) {
    return ((const byol__pictures *)source)->members[index].label;
}

static const char *class_name(const byol_source *source, int32_t number) {
    const byol__pictures *pictures = (const byol__pictures *)source;
    return number >= 0 && number < pictures->class_name_count ? pictures->class_names[number]
                                                              : NULL;
}

static void name(const byol_source *source, size_t index, char *to, size_t size) {
    snprintf(to, size, "%s", name_of((const byol__pictures *)source, index));
}

/* Of all names, and of the bytes of some members. An unreadable member counts as empty. */
static byol_status digest(const byol_source *source, uint64_t *out, byol_error *error) {
    const byol__pictures *pictures = (const byol__pictures *)source;
    byol_picture picture = {0};
    uint64_t sum = 0;
    (void)error;
    for (size_t i = 0; i < pictures->count; i++) {
        const char *text = name_of(pictures, i);
        sum = XXH3_64bits_withSeed(text, strlen(text), sum);
    }
    size_t samples = pictures->count < BYOL__PROBES ? pictures->count : BYOL__PROBES;
    for (size_t i = 0; i < samples; i++) {
        size_t length = 0;
        if (byol__member_bytes(pictures, i * pictures->count / samples, &picture, &length, NULL) !=
            BYOL_OK)
            length = 0;
        sum =
            XXH3_64bits_withSeed(length > 0 ? picture.bytes[0] : (unsigned char *)"", length, sum);
    }
    byol_picture_release(&picture);
    *out = sum;
    return BYOL_OK;
}

static void release(byol_source *source) {
    byol__pictures *pictures = (byol__pictures *)source;
    if (pictures->unpacked >= 0) close(pictures->unpacked);
    for (size_t i = 0; i < pictures->shard_count; i++) free(pictures->shards[i].path);
    for (int i = 0; i < pictures->class_name_count; i++) free(pictures->class_names[i]);
    free(pictures->class_names);
    free(pictures->shards);
    free(pictures->members);
    free(pictures->text);
    free(pictures->root);
}

static const byol__source_methods METHODS = {.image = image,
                                             .label = label,
                                             .class_name = class_name,
                                             .release = release,
                                             .name = name,
                                             .bytes = bytes,
                                             .digest = digest};

/* ---- making one ---- */

static byol_status no_memory(const byol__pictures *pictures, byol_error *error) {
    return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for the names of the pictures in %s",
                      pictures->root);
}

byol_status byol__pictures_create(byol__pictures **out, const char *kind, const char *root,
                                  byol_error *error) {
    byol__pictures *pictures;
    BYOL__TRY(byol__alloc(&pictures, 1, sizeof *pictures, "source", error));
    pictures->methods = METHODS;
    pictures->base.methods = &pictures->methods;
    pictures->base.info.kind = kind;
    pictures->base.info.description = pictures->base.description;
    pictures->base.info.decoded = 1;
    pictures->unpacked = -1;
    pictures->noun = "pictures (JPEG, PNG, WebP, PGM, PPM)";
    pictures->root = strdup(root);
    if (pictures->root == NULL) {
        byol__free(pictures);
        return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for the source %s", root);
    }
    *out = pictures;
    return BYOL_OK;
}

/* Appends a text; `*at` is where it begins. */
static byol_status keep_text(byol__pictures *pictures, const char *text, size_t *at,
                             byol_error *error) {
    size_t length = strlen(text) + 1, needed = pictures->text_length + length + 1;
    if (needed > pictures->text_capacity) {
        char *grown = realloc(pictures->text, 2 * needed);
        if (grown == NULL) return no_memory(pictures, error);
        pictures->text = grown;
        pictures->text_capacity = 2 * needed;
    }
    if (pictures->text_length == 0) pictures->text[pictures->text_length++] = '\0';
    *at = pictures->text_length;
    memcpy(pictures->text + *at, text, length);
    pictures->text_length += length;
    return BYOL_OK;
}

byol_status byol__pictures_add(byol__pictures *pictures, const char *text, byol_error *error) {
    if (pictures->count == UINT32_MAX)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED, "more than %u pictures in %s", UINT32_MAX,
                          pictures->root);
    if (pictures->count == pictures->capacity) {
        size_t capacity = 2 * pictures->capacity + 64;
        byol__member *grown = realloc(pictures->members, capacity * sizeof *grown);
        if (grown == NULL) return no_memory(pictures, error);
        pictures->members = grown;
        pictures->capacity = capacity;
    }
    byol__member member = {.label = -1, .holder = BYOL__OWN_FILE};
    BYOL__TRY(keep_text(pictures, text, &member.name, error));
    pictures->members[pictures->count++] = member;
    return BYOL_OK;
}

byol_status byol__pictures_set_word(byol__pictures *pictures, size_t index, const char *word,
                                    byol_error *error) {
    byol__member *member = &pictures->members[index];
    member->word_length = strlen(word);
    return keep_text(pictures, word, &member->word, error);
}

/* ---- classes ---- */

typedef struct word {
    const char *text;
    size_t length;
} word;

static int compare_words(const void *a, const void *b) {
    const word *x = a, *y = b;
    size_t shorter = x->length < y->length ? x->length : y->length;
    int order = memcmp(x->text, y->text, shorter);
    return order != 0 ? order : (x->length > y->length) - (x->length < y->length);
}

static word word_of(const byol__pictures *pictures, const byol__member *member) {
    return (word){pictures->text + member->word, member->word_length};
}

static byol_status keep_class_names(byol__pictures *pictures, const word *classes, size_t count,
                                    byol_error *error) {
    pictures->class_names = calloc(count, sizeof *pictures->class_names);
    if (pictures->class_names == NULL) return no_memory(pictures, error);
    for (size_t i = 0; i < count; i++) {
        pictures->class_names[i] = strndup(classes[i].text, classes[i].length);
        if (pictures->class_names[i] == NULL) return no_memory(pictures, error);
        pictures->class_name_count++;
    }
    return BYOL_OK;
}

byol_status byol__pictures_label(byol__pictures *pictures, byol_error *error) {
    word *classes = malloc((pictures->count + 1) * sizeof *classes);
    size_t count = 0;
    if (classes == NULL) return no_memory(pictures, error);
    for (size_t i = 0; i < pictures->count; i++)
        classes[i] = word_of(pictures, &pictures->members[i]);
    qsort(classes, pictures->count, sizeof *classes, compare_words);
    for (size_t i = 0; i < pictures->count; i++)
        if (count == 0 || compare_words(&classes[count - 1], &classes[i]) != 0)
            classes[count++] = classes[i];
    for (size_t i = 0; i < pictures->count; i++) {
        word own = word_of(pictures, &pictures->members[i]);
        word *found = bsearch(&own, classes, count, sizeof *classes, compare_words);
        pictures->members[i].label = (int32_t)(found - classes);
    }
    byol_status status = keep_class_names(pictures, classes, count, error);
    free(classes);
    pictures->base.info.classes = (int)count;
    return status;
}

byol_status byol__pictures_label_as_written(byol__pictures *pictures, byol_error *error) {
    enum { CLASSES_MAX = 10 * 1000 * 1000 };
    long highest = -1;
    for (size_t i = 0; i < pictures->count; i++) {
        const char *text = pictures->text + pictures->members[i].word;
        char *end;
        long value = strtol(text, &end, 10);
        if (*end != '\0' || value < 0 || value >= CLASSES_MAX)
            return byol__pictures_label(pictures, error);
        pictures->members[i].label = (int32_t)value;
        if (value > highest) highest = value;
    }
    pictures->base.info.classes = (int)highest + 1;
    return BYOL_OK;
}

byol_status byol__pictures_name_classes(byol__pictures *pictures, const char *path,
                                        byol_error *error) {
    char *text;
    size_t length, lines = 1, count = 0;
    BYOL__TRY(byol__read_file(path, &text, &length, error));
    for (size_t i = 0; i < length; i++) lines += text[i] == '\n';
    word *names = calloc(lines, sizeof *names);
    byol_status status = names == NULL ? no_memory(pictures, error) : BYOL_OK;
    for (const char *line = text; status == BYOL_OK && *line != '\0';) {
        size_t end = strcspn(line, "\r\n");
        if (end > 0) names[count++] = (word){line, end};
        line += end + strspn(line + end, "\r\n");
    }
    if (status == BYOL_OK && count >= (size_t)pictures->base.info.classes) {
        status = keep_class_names(pictures, names, count, error);
        pictures->base.info.classes = (int)count; /* some may have no picture here */
    }
    free(names);
    byol__free(text);
    return status;
}

/* ---- the tree: splits and classes ---- */

static int by_name(const void *a, const void *b, void *text) {
    const byol__member *x = a, *y = b;
    return strcmp((const char *)text + x->name, (const char *)text + y->name);
}

/* Length of the first folder in the name from `word` on; 0 if it is a bare file name. */
static size_t first_folder(const byol__pictures *pictures, const byol__member *member) {
    const char *rest = pictures->text + member->word, *slash = strchr(rest, '/');
    return slash == NULL ? 0 : (size_t)(slash - rest);
}

/* Names of splits. Those in one row mean the same split. */
static const char *const splits[][4] = {
    {"train", "training"}, {"test", "testing"}, {"val", "valid", "validation", "dev"}};
enum { SPLITS = sizeof splits / sizeof *splits };

int byol__split_number(const char *name, size_t length) {
    for (int s = 0; s < SPLITS; s++)
        for (int i = 0; i < 4 && splits[s][i] != NULL; i++)
            if (strlen(splits[s][i]) == length && strncmp(splits[s][i], name, length) == 0)
                return s;
    return BYOL__NO_SPLIT;
}

static bool is_of_split(const byol__pictures *pictures, const byol__member *member,
                        const char *split) {
    const char *folder = pictures->text + member->word;
    size_t length = first_folder(pictures, member), wanted = strlen(split);
    if (length == 0) return false;
    int number = byol__split_number(split, wanted);
    return (length == wanted && strncmp(folder, split, length) == 0) ||
           (number != BYOL__NO_SPLIT && byol__split_number(folder, length) == number);
}

static size_t count_of_split(const byol__pictures *pictures, const char *split) {
    size_t count = 0;
    for (size_t i = 0; i < pictures->count; i++)
        count += is_of_split(pictures, &pictures->members[i], split);
    return count;
}

static int is_made_of_splits(const byol__pictures *pictures) {
    for (size_t i = 0; i < pictures->count; i++) {
        const byol__member *member = &pictures->members[i];
        if (byol__split_number(pictures->text + member->word, first_folder(pictures, member)) ==
            BYOL__NO_SPLIT)
            return 0;
    }
    return 1;
}

/* True if all names continue with the same folder. */
static bool shares_a_folder(const byol__pictures *pictures) {
    const byol__member *first = &pictures->members[0];
    size_t length = first_folder(pictures, first);
    for (size_t i = 0; i < pictures->count && length > 0; i++) {
        const byol__member *member = &pictures->members[i];
        if (first_folder(pictures, member) != length ||
            strncmp(pictures->text + member->word, pictures->text + first->word, length) != 0)
            return false;
    }
    return length > 0;
}

static void enter_folder(byol__pictures *pictures) {
    for (size_t i = 0; i < pictures->count; i++)
        pictures->members[i].word += first_folder(pictures, &pictures->members[i]) + 1;
}

static byol_status no_split(const byol__pictures *pictures, const char *split, byol_error *error) {
    char seen[256] = "";
    for (int s = 0; s < SPLITS; s++)
        if (count_of_split(pictures, splits[s][0]) > 0)
            snprintf(seen + strlen(seen), sizeof seen - strlen(seen), " %s", splits[s][0]);
    return byol__fail(error, BYOL_ERROR_NOT_FOUND,
                      "%s has no split '%.50s': there is no folder of that name with %s%s%s",
                      pictures->root, split, pictures->noun, *seen != '\0' ? "; there are:" : "",
                      seen);
}

/* Labels over all splits, so that a class has the same number in each. No labels if there is only
 * one folder, or if a picture is in none. */
static byol_status label_by_folder(byol__pictures *pictures, byol_error *error) {
    while (shares_a_folder(pictures)) enter_folder(pictures);
    for (size_t i = 0; i < pictures->count; i++) {
        pictures->members[i].word_length = first_folder(pictures, &pictures->members[i]);
        if (pictures->members[i].word_length == 0) return BYOL_OK;
    }
    return byol__pictures_label(pictures, error);
}

byol_status byol__pictures_arrange(byol__pictures *pictures, const char *split, byol_error *error) {
    if (pictures->count == 0)
        return byol__fail(error, BYOL_ERROR_NOT_FOUND, "there are no %s in %s", pictures->noun,
                          pictures->root);
    qsort_r(pictures->members, pictures->count, sizeof *pictures->members, by_name, pictures->text);
    for (size_t i = 0; i < pictures->count; i++)
        pictures->members[i].word = pictures->members[i].name;
    while (!is_made_of_splits(pictures) &&
           (*split == '\0' || count_of_split(pictures, split) == 0) && shares_a_folder(pictures))
        enter_folder(pictures);

    if (*split == '\0' && is_made_of_splits(pictures) && count_of_split(pictures, "train") > 0)
        split = "train";
    if (*split == '\0') return label_by_folder(pictures, error);
    if (byol__split_number(split, strlen(split)) == BYOL__TEST &&
        count_of_split(pictures, split) == 0)
        split = splits[BYOL__VALIDATION][0]; /* a data set has one or the other to evaluate on */
    if (count_of_split(pictures, split) == 0) return no_split(pictures, split, error);

    char *wanted = malloc(pictures->count);
    if (wanted == NULL) return no_memory(pictures, error);
    for (size_t i = 0; i < pictures->count; i++)
        wanted[i] = (char)is_of_split(pictures, &pictures->members[i], split);
    enter_folder(pictures);
    byol_status status = label_by_folder(pictures, error);
    size_t kept = 0;
    for (size_t i = 0; i < pictures->count; i++)
        if (wanted[i]) pictures->members[kept++] = pictures->members[i];
    pictures->count = kept;
    free(wanted);
    return status;
}

/* ---- the last step ---- */

/* Finds channels and typical size from the headers of pictures spread over the source. */
static byol_status probe(byol__pictures *pictures, int *height, int *width, byol_error *error) {
    byol_source_info *info = &pictures->base.info;
    int heights[BYOL__PROBES], widths[BYOL__PROBES], sides[BYOL__PROBES];
    size_t seen = 0, samples = pictures->count < BYOL__PROBES ? pictures->count : BYOL__PROBES;
    byol_error first = {0};
    byol_picture picture = {0};
    info->channels = 1;
    for (size_t i = 0; i < samples; i++) {
        size_t index = i * pictures->count / samples, length = 0;
        byol__picture_info header;
        byol_error why = {0};
        byol_status status = byol__member_bytes(pictures, index, &picture, &length, &why);
        if (status == BYOL_OK)
            status = byol__decode_header(picture.bytes[0], length, &header, &why);
        if (byol__member_named(pictures, index, status, &why) != BYOL_OK) {
            if (first.text[0] == '\0') first = why;
            continue;
        }
        if (header.channels > info->channels) info->channels = header.channels;
        heights[seen] = header.height;
        widths[seen] = header.width;
        sides[seen++] = header.height < header.width ? header.height : header.width;
    }
    byol_picture_release(&picture);
    if (seen == 0)
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "none of %zu pictures looked at can be read. The first: %.700s", samples,
                          first.text);
    *height = byol__span_of(heights, seen).median;
    *width = byol__span_of(widths, seen).median;
    info->short_side = byol__span_of(sides, seen).median;
    return BYOL_OK;
}

byol_status byol__pictures_complete(byol__pictures *pictures, const char *what, byol_error *error) {
    byol_source_info *info = &pictures->base.info;
    int height = 0, width = 0;
    bool are_sounds = info->samples == BYOL_SAMPLES_SOUNDS;
    if (pictures->count == 0)
        return byol__fail(error, BYOL_ERROR_NOT_FOUND, "there are no %s in %s",
                          are_sounds ? "sounds" : "pictures", pictures->root);
    info->count = pictures->count;
    BYOL__TRY(byol__alloc(&pictures->base.unreadable, info->count,
                          sizeof *pictures->base.unreadable, "source", error));
    if (are_sounds) return byol__sounds_complete(pictures, what, error);
    BYOL__TRY(probe(pictures, &height, &width, error));
    char classes[32] = "no labels";
    if (info->classes > 0) snprintf(classes, sizeof classes, "%d classes", info->classes);
    snprintf(pictures->base.description, sizeof pictures->base.description,
             "%.380s: %zu pictures, typically %d x %d, %s, %s", what, info->count, width, height,
             info->channels == 1 ? "gray" : "in colour", classes);
    return BYOL_OK;
}
