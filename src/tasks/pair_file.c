/* Files of pairs: lines "LABEL PATH PATH". */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "byol/verify.h"
#include "tasks/persons.h"

enum { PATH_BYTES = 4096 };

/* A pair as it stands in the file; the paths are owned. */
typedef struct raw_pair {
    char *path[2];
    bool same;
    size_t line;
} raw_pair;

typedef struct raw_pairs {
    raw_pair *item; /* owned, with malloc */
    size_t count, capacity;
    const char *name; /* of the file */
    char root[PATH_BYTES];
} raw_pairs;

/* ---- One line ---- */

/* Cuts the next word off `*at`: up to `stop` characters. NULL: there is none. */
static char *next_word(char **at, const char *stop) {
    char *word = *at + strspn(*at, stop);
    if (*word == '\0') return NULL;
    size_t length = strcspn(word, stop);
    *at = word + length + (word[length] != '\0');
    word[length] = '\0';
    return word;
}

static byol_status read_label(const raw_pairs *raw, size_t line, const char *word, bool *same,
                              byol_error *error) {
    *same = word[0] == '1';
    if ((word[0] == '0' || word[0] == '1') && word[1] == '\0') return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_FORMAT,
                      "%s, line %zu: the label is '%.40s'; it must be 1 (the same person) or 0 "
                      "(different ones)",
                      raw->name, line, word);
}

/* The whole path of a picture that exists. Owned: free(). */
static byol_status find_picture(const raw_pairs *raw, size_t line, const char *word, char **path,
                                byol_error *error) {
    char whole[2 * PATH_BYTES];
    snprintf(whole, sizeof whole, "%s%s", word[0] == '/' ? "" : raw->root, word);
    if (access(whole, R_OK) != 0)
        return byol__fail(error, errno == ENOENT ? BYOL_ERROR_NOT_FOUND : BYOL_ERROR_IO,
                          "%s, line %zu: cannot read %.700s: %s", raw->name, line, whole,
                          strerror(errno));
    *path = strdup(whole);
    return *path != NULL ? BYOL_OK : byol__fail(error, BYOL_ERROR_MEMORY, "no memory for pairs");
}

static byol_status add_pair(raw_pairs *raw, char *text, size_t line, byol_error *error) {
    const char *stop = strchr(text, '\t') != NULL ? "\t" : " ";
    char *words[4];
    for (int i = 0; i < 4; i++) words[i] = next_word(&text, stop);
    if (words[2] == NULL || words[3] != NULL)
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "%s, line %zu: it is not LABEL PATH PATH, with tabs or blanks between",
                          raw->name, line);
    if (raw->count == raw->capacity) {
        size_t more = raw->capacity > 0 ? 2 * raw->capacity : 1024;
        raw_pair *grown = realloc(raw->item, more * sizeof *grown);
        if (grown == NULL) return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for pairs");
        raw->item = grown;
        raw->capacity = more;
    }
    raw_pair *pair = &raw->item[raw->count++];
    *pair = (raw_pair){.line = line};
    BYOL__TRY(read_label(raw, line, words[0], &pair->same, error));
    BYOL__TRY(find_picture(raw, line, words[1], &pair->path[0], error));
    return find_picture(raw, line, words[2], &pair->path[1], error);
}

/* ---- The file ---- */

static byol_status read_lines(raw_pairs *raw, FILE *stream, byol_error *error) {
    char *text = NULL;
    size_t capacity = 0, line = 0;
    byol_status status = BYOL_OK;
    while (status == BYOL_OK && getline(&text, &capacity, stream) > 0) {
        text[strcspn(text, "\r\n")] = '\0';
        line++;
        if (text[strspn(text, " \t")] != '\0' && text[0] != '#')
            status = add_pair(raw, text, line, error);
    }
    if (status == BYOL_OK && ferror(stream))
        status = byol__fail(error, BYOL_ERROR_IO, "cannot read %s: %s", raw->name, strerror(errno));
    free(text);
    return status;
}

static byol_status read_file(raw_pairs *raw, const char *path, const char *root,
                             byol_error *error) {
    const char *slash = strrchr(path, '/');
    raw->name = path;
    if (root != NULL)
        snprintf(raw->root, sizeof raw->root, "%s/", root);
    else if (slash != NULL)
        snprintf(raw->root, sizeof raw->root, "%.*s", (int)(slash - path + 1), path);
    if (byol__is_folder(path))
        return byol__fail(error, BYOL_ERROR_IO, "cannot read %s: it is a folder", path);
    FILE *stream = fopen(path, "rb");
    if (stream == NULL)
        return byol__fail(error, errno == ENOENT ? BYOL_ERROR_NOT_FOUND : BYOL_ERROR_IO,
                          "cannot read %s: %s", path, strerror(errno));
    byol_status status = read_lines(raw, stream, error);
    fclose(stream);
    return status;
}

static void release_raw(raw_pairs *raw) {
    for (size_t i = 0; i < raw->count; i++)
        for (int k = 0; k < 2; k++) free(raw->item[i].path[k]);
    free(raw->item);
}

/* ---- Each picture once ---- */

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static byol_status list_files(byol_pairs *pairs, const raw_pairs *raw, byol_error *error) {
    char **all;
    size_t count = 2 * raw->count;
    BYOL__TRY(byol__alloc(&all, count, sizeof *all, "pictures of pairs", error));
    for (size_t i = 0; i < count; i++) all[i] = raw->item[i / 2].path[i % 2];
    qsort(all, count, sizeof *all, by_name);
    byol_status status =
        byol__alloc(&pairs->path, count, sizeof *pairs->path, "pictures of pairs", error);
    for (size_t i = 0; i < count && status == BYOL_OK; i++) {
        if (i > 0 && strcmp(all[i], all[i - 1]) == 0) continue;
        char *copy = strdup(all[i]);
        if (copy == NULL) status = byol__fail(error, BYOL_ERROR_MEMORY, "no memory for pairs");
        if (copy != NULL) pairs->path[pairs->files++] = copy;
    }
    byol__free(all);
    return status;
}

static uint32_t index_of(const byol_pairs *pairs, char *path) {
    char **found = bsearch(&path, pairs->path, pairs->files, sizeof *pairs->path, by_name);
    return (uint32_t)(found - pairs->path);
}

/* Pairs of a picture with itself go to a list of their own. */
static byol_status list_pairs(byol_pairs *pairs, const raw_pairs *raw, byol_error *error) {
    BYOL__TRY(byol__alloc(&pairs->pair, raw->count, sizeof *pairs->pair, "pairs", error));
    BYOL__TRY(byol__alloc(&pairs->self, raw->count, sizeof *pairs->self, "pairs", error));
    for (size_t i = 0; i < raw->count; i++) {
        const raw_pair *from = &raw->item[i];
        const byol_pair pair = {index_of(pairs, from->path[0]), index_of(pairs, from->path[1]),
                                from->same, from->line};
        if (pair.a == pair.b) {
            pairs->self[pairs->self_count++] = pair;
            continue;
        }
        pairs->same += pair.same;
        pairs->pair[pairs->count++] = pair;
    }
    if (pairs->same > 0 && pairs->same < pairs->count) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_INVALID,
                      "%s: of %zu pairs of two pictures, %zu are of the same person: it takes "
                      "pairs of both kinds, labelled 1 and 0",
                      raw->name, pairs->count, pairs->same);
}

byol_status byol_pairs_read(byol_pairs *pairs, const char *path, const char *root,
                            byol_error *error) {
    raw_pairs raw = {0};
    *pairs = (byol_pairs){0};
    byol_status status = read_file(&raw, path, root, error);
    if (status == BYOL_OK) status = list_files(pairs, &raw, error);
    if (status == BYOL_OK) status = list_pairs(pairs, &raw, error);
    if (status == BYOL_OK) status = byol__persons_find(pairs, error);
    release_raw(&raw);
    if (status != BYOL_OK) byol_pairs_release(pairs);
    return status;
}

void byol_pairs_release(byol_pairs *pairs) {
    for (size_t i = 0; i < pairs->files; i++) free(pairs->path[i]);
    byol__free(pairs->path);
    byol__free(pairs->pair);
    byol__free(pairs->self);
    byol__free(pairs->person);
    *pairs = (byol_pairs){0};
}

/* ---- Scores ---- */

void byol_pairs_cosines(const byol_pairs *pairs, const float *vectors, int dimension,
                        double *scores) {
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < pairs->count; i++) {
        const float *x = vectors + pairs->pair[i].a * (size_t)dimension,
                    *y = vectors + pairs->pair[i].b * (size_t)dimension;
        double xx = 0, yy = 0, xy = 0;
        for (int d = 0; d < dimension; d++) {
            xx += (double)x[d] * (double)x[d];
            yy += (double)y[d] * (double)y[d];
            xy += (double)x[d] * (double)y[d];
        }
        scores[i] = xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
    }
}

void byol_pairs_distances(const byol_pairs *pairs, const float *vectors, int dimension,
                          double *scores) {
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < pairs->count; i++) {
        const float *x = vectors + pairs->pair[i].a * (size_t)dimension,
                    *y = vectors + pairs->pair[i].b * (size_t)dimension;
        double sum = 0;
        for (int d = 0; d < dimension; d++)
            sum += ((double)x[d] - (double)y[d]) * ((double)x[d] - (double)y[d]);
        scores[i] = -sqrt(sum);
    }
}
