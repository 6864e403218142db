/* From a path to a source of texts: a file, a folder that holds a file for each split, or a folder
 * of files that are a text each. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/decode.h"
#include "data/picture_files.h"
#include "data/text_source.h"

bool byol__is_text_name(const char *name) {
    return byol__text_format_of(name, NULL) != BYOL__NO_TEXT;
}

/* ---- a file ---- */

static byol_status check_columns(const char *path, byol__text_format format,
                                 const byol__text_columns *columns, byol_error *error) {
    if (format != BYOL__TXT || (*columns->text == '\0' && *columns->label == '\0')) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_INVALID,
                      "%s has one text a line and no columns: leave out text= and label=", path);
}

static byol_status read_format(byol__texts *texts, const byol__text_file *file,
                               byol__text_format format, const byol__text_columns *columns,
                               byol_error *error) {
    switch (format) {
    case BYOL__TSV: return byol__texts_read_tsv(texts, file, columns, error);
    case BYOL__CSV: return byol__texts_read_table(texts, file, ',', columns, error);
    case BYOL__JSONL: return byol__texts_read_json(texts, file, columns, error);
    default: return byol__texts_read_lines(texts, file, error);
    }
}

/* All texts of a file, with the words of their labels. */
static byol_status read_file(byol__texts **out, const char *path, const byol__text_columns *columns,
                             byol_error *error) {
    static const char *const kinds[] = {"txt", "txt", "tsv", "csv", "jsonl"};
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    byol__text_format format = byol__text_format_of(name, NULL);
    byol__text_file file;
    byol__texts *texts;
    BYOL__TRY(check_columns(path, format, columns, error));
    BYOL__TRY(byol__text_file_read(&file, path, error));
    byol_status status = byol__texts_create(&texts, kinds[format], name, error);
    if (status == BYOL_OK) {
        status = read_format(texts, &file, format, columns, error);
        if (status == BYOL_OK)
            *out = texts;
        else
            byol_source_free(&texts->base);
    }
    byol__text_file_release(&file);
    return status;
}

/* Makes a source of all[0], whose classes are those of all. */
static byol_status finish(byol_source **out, byol__texts *const *all, size_t count,
                          const char *path, const byol__text_columns *columns, byol_error *error) {
    byol_status status = BYOL_OK;
    if (columns->coarse && !all[0]->labelled)
        status = byol__fail(error, BYOL_ERROR_INVALID,
                            "%s has no labels: classes=coarse has nothing to cut", path);
    if (status == BYOL_OK && all[0]->labelled)
        status = byol__texts_label(all, count, columns->coarse, error);
    if (status == BYOL_OK) status = byol__texts_complete(all[0], path, "line", error);
    if (status == BYOL_OK) *out = &all[0]->base;
    return status;
}

byol_status byol__texts_open_file(byol_source **out, const char *path,
                                  const byol__text_columns *columns, byol_error *error) {
    byol__texts *texts;
    BYOL__TRY(read_file(&texts, path, columns, error));
    byol_status status = finish(out, &texts, 1, path, columns, error);
    if (status != BYOL_OK) byol_source_free(&texts->base);
    return status;
}

/* ---- a file for each split ---- */

/* The files of texts that are in a folder, by name. */
typedef struct listing {
    const char *folder;
    struct dirent **files; /* owned, each of them too */
    int count;
} listing;

static int is_text_file(const struct dirent *entry) {
    return entry->d_name[0] != '.' && byol__is_text_name(entry->d_name);
}

static int by_bytes(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static byol_status list_files(listing *list, const char *folder, byol_error *error) {
    list->folder = folder;
    list->count = scandir(folder, &list->files, is_text_file, by_bytes);
    if (list->count >= 0) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_IO, "cannot read folder %s: %s", folder, strerror(errno));
}

static void release(listing *list) {
    for (int i = 0; i < list->count; i++) free(list->files[i]);
    free(list->files);
}

static int split_of(const listing *list, int i) {
    size_t stem;
    byol__text_format_of(list->files[i]->d_name, &stem);
    return byol__split_number(list->files[i]->d_name, stem);
}

/* The file called `split`, or by another name of it. NULL: there is none; *other is a second one,
 * or NULL. */
static const char *find_split(const listing *list, const char *split, const char **other) {
    int number = byol__split_number(split, strlen(split));
    for (int exact = 1; exact >= 0; exact--) {
        const char *found = NULL;
        *other = NULL;
        for (int i = 0; i < list->count; i++) {
            const char *name = list->files[i]->d_name;
            size_t stem;
            byol__text_format_of(name, &stem);
            bool is_same = stem == strlen(split) && strncmp(name, split, stem) == 0;
            bool means_it = !exact && number != BYOL__NO_SPLIT && split_of(list, i) == number;
            if (!is_same && !means_it) continue;
            if (found != NULL) *other = name;
            if (found == NULL) found = name;
        }
        if (found != NULL) return found;
    }
    return NULL;
}

static byol_status no_split(const listing *list, const char *split, byol_error *error) {
    char seen[BYOL__NAMES_SHOWN] = "";
    for (int i = 0; i < list->count; i++)
        if (split_of(list, i) != BYOL__NO_SPLIT)
            byol__list_name(seen, list->files[i]->d_name, strlen(list->files[i]->d_name));
    return byol__fail(error, BYOL_ERROR_NOT_FOUND, "%s has no split '%.50s'; there are: %s",
                      list->folder, split, seen);
}

/* Sets `*file` to the name of the split's file; NULL: the folder has no files for splits. */
static byol_status choose_file(const listing *list, const char *split, const char **file,
                               byol_error *error) {
    const char *other, *wanted = *split != '\0' ? split : "train";
    bool trains = find_split(list, "train", &other) != NULL;
    *file = find_split(list, wanted, &other);
    if (*file == NULL && trains &&
        byol__split_number(wanted, strlen(wanted)) ==
            BYOL__TEST) /* evaluated on one or the other */
        *file = find_split(list, "val", &other);
    if (*file == NULL && trains) return no_split(list, split, error);
    if (*file != NULL && other != NULL)
        return byol__fail(error, BYOL_ERROR_INVALID, "%s holds %s and %s: name one of the files",
                          list->folder, *file, other);
    return BYOL_OK;
}

/* Reads the files of the other splits for the words of their labels, so that a class has the same
 * number in each. */
static byol_status read_others(const listing *list, const char *chosen, byol__texts **all,
                               size_t *count, const byol__text_columns *columns,
                               byol_error *error) {
    char path[PATH_MAX];
    for (int i = 0; i < list->count && all[0]->labelled; i++) {
        const char *name = list->files[i]->d_name;
        if (strcmp(name, chosen) == 0 || split_of(list, i) == BYOL__NO_SPLIT) continue;
        snprintf(path, sizeof path, "%s/%s", list->folder, name);
        BYOL__TRY(read_file(&all[*count], path, columns, error));
        ++*count;
    }
    return BYOL_OK;
}

static byol_status open_split(byol_source **out, const listing *list, const char *chosen,
                              const byol__text_columns *columns, byol_error *error) {
    char path[PATH_MAX];
    byol__texts **all;
    size_t count = 0;
    snprintf(path, sizeof path, "%s/%s", list->folder, chosen);
    BYOL__TRY(byol__alloc(&all, (size_t)list->count, sizeof *all, "files of texts", error));
    byol_status status = read_file(&all[0], path, columns, error);
    count += status == BYOL_OK;
    if (status == BYOL_OK) status = read_others(list, chosen, all, &count, columns, error);
    if (status == BYOL_OK) status = finish(out, all, count, path, columns, error);
    for (size_t i = status == BYOL_OK ? 1 : 0; i < count; i++) byol_source_free(&all[i]->base);
    byol__free(all);
    return status;
}

/* ---- a file for each text ---- */

static int is_txt(const char *name) { return byol__text_format_of(name, NULL) == BYOL__TXT; }

/* A member of the tree: its label is that of its folder. */
static byol_status take_member(byol__texts *texts, const byol__pictures *tree, size_t index,
                               byol_error *error) {
    const byol__member *member = &tree->members[index];
    const char *name = tree->text + member->name;
    size_t before = texts->count;
    char path[PATH_MAX];
    struct stat info;
    byol__text_file file = {.bytes = NULL};
    snprintf(path, sizeof path, "%s%s", tree->root, name);
    if (stat(path, &info) != 0 || info.st_size > 0) /* an empty one is told of with the others */
        BYOL__TRY(byol__text_file_read(&file, path, error));
    byol__found_text found = {.text = file.bytes != NULL ? file.bytes : "", .length = file.length};
    while (found.length > 0 && strchr("\r\n", found.text[found.length - 1]) != NULL) found.length--;
    if (member->label >= 0) found.label = tree->class_names[member->label];
    if (member->label >= 0) found.label_length = strlen(found.label);
    byol_status status = byol__texts_take(texts, path, &found, error);
    byol__text_file_release(&file);
    if (status != BYOL_OK || texts->count == before) return status;
    texts->texts[before].label = member->label;
    return byol__texts_name_last(texts, name, error);
}

static byol_status take_tree(byol__texts *texts, byol__pictures *tree, const char *split,
                             byol_error *error) {
    tree->noun = "texts (.txt)";
    BYOL__TRY(byol__pictures_arrange(tree, split, error));
    for (size_t i = 0; i < tree->count; i++) BYOL__TRY(take_member(texts, tree, i, error));
    texts->base.info.classes = tree->base.info.classes;
    texts->class_names = tree->class_names;
    texts->class_name_count = tree->class_name_count;
    tree->class_names = NULL;
    tree->class_name_count = 0;
    return BYOL_OK;
}

static byol_status open_tree(byol_source **out, const char *folder, const char *split,
                             byol_error *error) {
    char what[PATH_MAX + 64];
    byol__pictures *tree;
    byol__texts *texts;
    BYOL__TRY(byol__pictures_create_tree(&tree, folder, is_txt, error));
    byol_status status = byol__texts_create(&texts, "folder", NULL, error);
    if (status == BYOL_OK) {
        status = take_tree(texts, tree, split, error);
        snprintf(what, sizeof what, "%s%s%s", folder, *split != '\0' ? ":" : "", split);
        if (status == BYOL_OK) status = byol__texts_complete(texts, what, "file", error);
        if (status == BYOL_OK)
            *out = &texts->base;
        else
            byol_source_free(&texts->base);
    }
    byol_source_free(&tree->base);
    return status;
}

/* ---- a folder ---- */

static bool holds(const char *folder, int (*is_wanted)(const char *name)) {
    byol__pictures *tree;
    if (byol__pictures_create_tree(&tree, folder, is_wanted, NULL) != BYOL_OK) return false;
    bool found = tree->count > 0;
    byol_source_free(&tree->base);
    return found;
}

static int is_text(const char *name) { return byol__is_text_name(name); }

bool byol__texts_are_in(const char *folder) {
    return !holds(folder, byol__is_picture_name) && holds(folder, is_text);
}

byol_status byol__texts_open_folder(byol_source **out, const char *folder, const char *split,
                                    const byol__text_columns *columns, byol_error *error) {
    listing list;
    const char *chosen;
    BYOL__TRY(list_files(&list, folder, error));
    byol_status status = choose_file(&list, split, &chosen, error);
    if (status == BYOL_OK && chosen != NULL)
        status = open_split(out, &list, chosen, columns, error);
    bool is_tree = status == BYOL_OK && chosen == NULL;
    release(&list);
    if (!is_tree) return status;
    if (*columns->text != '\0' || *columns->label != '\0' || columns->coarse)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "%s is a folder of texts without columns: leave them out", folder);
    return open_tree(out, folder, split, error);
}
