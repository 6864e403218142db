/* Folders of pictures, nested to any depth, and text files that list pictures or sounds. */
#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "data/decode.h"
#include "data/picture_files.h"
#include "data/source_kind.h"
#include "sound/sound_file.h"

/* ---- folders ---- */

static byol_status visit(byol__pictures *pictures, FTSENT *entry,
                         int (*is_wanted)(const char *name), byol_error *error) {
    switch (entry->fts_info) {
    case FTS_DNR:
    case FTS_ERR:
        return byol__fail(error, BYOL_ERROR_IO, "cannot read folder %s: %s", entry->fts_path,
                          strerror(entry->fts_errno));
    case FTS_F:
    case FTS_NS:     /* what cannot be read now is counted when it is used */
    case FTS_SLNONE: /* a link to nowhere */
        if (!is_wanted(entry->fts_name)) return BYOL_OK;
        return byol__pictures_add(pictures, entry->fts_path + strlen(pictures->root), error);
    default: return BYOL_OK;
    }
}

/* Links are followed. A folder that contains itself through a link is seen once (FTS_DC). Names
 * that begin with a dot are skipped. So is an archiver's __MACOSX: it holds no pictures, whatever
 * the names in it say. */
static byol_status add_tree(byol__pictures *pictures, const char *folder,
                            int (*is_wanted)(const char *name), byol_error *error) {
    char *roots[] = {(char *)folder, NULL};
    FTS *tree = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, NULL);
    if (tree == NULL)
        return byol__fail(error, BYOL_ERROR_IO, "cannot read folder %s: %s", folder,
                          strerror(errno));
    byol_status status = BYOL_OK;
    for (FTSENT *entry; status == BYOL_OK && (entry = fts_read(tree)) != NULL;) {
        int hidden = entry->fts_name[0] == '.' || strcmp(entry->fts_name, "__MACOSX") == 0;
        if (hidden && entry->fts_level > FTS_ROOTLEVEL)
            fts_set(tree, entry, FTS_SKIP);
        else
            status = visit(pictures, entry, is_wanted, error);
    }
    fts_close(tree);
    return status;
}

byol_status byol__pictures_create_tree(byol__pictures **out, const char *folder,
                                       int (*is_wanted)(const char *name), byol_error *error) {
    char root[PATH_MAX + 1];
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/') length--;
    snprintf(root, sizeof root, "%.*s%s", (int)length, folder,
             folder[length - 1] == '/' ? "" : "/");
    BYOL__TRY(byol__pictures_create(out, "folder", root, error));
    byol_status status = add_tree(*out, root, is_wanted, error);
    if (status != BYOL_OK) byol_source_free(&(*out)->base);
    return status;
}

byol_status byol__folder_open(byol_source **out, const char *folder, const char *split,
                              byol_error *error) {
    char what[PATH_MAX + 64];
    byol__pictures *pictures;
    BYOL__TRY(byol__pictures_create_tree(&pictures, folder, byol__is_picture_name, error));
    byol_status status = byol__pictures_arrange(pictures, split, error);
    snprintf(what, sizeof what, "%s%s%s", folder, *split != '\0' ? ":" : "", split);
    if (status == BYOL_OK) status = byol__pictures_complete(pictures, what, error);
    if (status == BYOL_OK)
        *out = &pictures->base;
    else
        byol_source_free(&pictures->base);
    return status;
}

/* ---- lists ---- */

/* The first line says of which kind they are. */
static void note_kind(byol__pictures *pictures) {
    const byol__member *first = &pictures->members[0];
    if (pictures->count > 0 && byol__is_sound_name(pictures->text + first->name))
        byol__pictures_hold_sounds(pictures);
}

/* Cuts off the label behind a path: after a tab, or a whole number after the last blank. NULL if
 * there is none. */
static char *cut_label(char *line) {
    char *at = strchr(line, '\t');
    if (at == NULL) {
        at = strrchr(line, ' ');
        if (at == NULL || at[1] == '\0' || at[1 + strspn(at + 1, "0123456789")] != '\0')
            return NULL;
    }
    *at++ = '\0';
    return at + strspn(at, " \t");
}

static byol_status take_lines(byol__pictures *pictures, char *text, const char *path,
                              size_t *labelled, byol_error *error) {
    size_t number = 0;
    for (char *line = text, *next; line != NULL; line = next) {
        next = strchr(line, '\n');
        if (next != NULL) *next++ = '\0';
        number++;
        size_t length = strlen(line);
        while (length > 0 && strchr(" \t\r", line[length - 1]) != NULL) line[--length] = '\0';
        if (length == 0 || *line == '#') continue;
        char *label = cut_label(line);
        if (strlen(line) >= PATH_MAX)
            return byol__fail(error, BYOL_ERROR_FORMAT, "%s:%zu: not a path: more than %d bytes",
                              path, number, PATH_MAX);
        BYOL__TRY(byol__pictures_add(pictures, line, error));
        if (label == NULL || *label == '\0') continue;
        ++*labelled;
        BYOL__TRY(byol__pictures_set_word(pictures, pictures->count - 1, label, error));
    }
    return BYOL_OK;
}

static byol_status read_list(byol__pictures *pictures, const char *path, char *text,
                             byol_error *error) {
    size_t labelled = 0;
    BYOL__TRY(take_lines(pictures, text, path, &labelled, error));
    note_kind(pictures);
    if (labelled > 0 && labelled < pictures->count)
        return byol__fail(
            error, BYOL_ERROR_FORMAT,
            "%s gives labels to %zu of its %zu %s: to all or to none (PATH, tab, LABEL)", path,
            labelled, pictures->count,
            pictures->base.info.samples == BYOL_SAMPLES_SOUNDS ? "sounds" : "pictures");
    return labelled > 0 ? byol__pictures_label_as_written(pictures, error) : BYOL_OK;
}

byol_status byol__list_open(byol_source **out, const char *path, byol_error *error) {
    const char *slash = strrchr(path, '/');
    char root[PATH_MAX], *text;
    size_t length;
    byol__pictures *pictures;
    snprintf(root, sizeof root, "%.*s", slash != NULL ? (int)(slash + 1 - path) : 0, path);
    BYOL__TRY(byol__read_file(path, &text, &length, error));
    byol_status status = byol__pictures_create(&pictures, "list", root, error);
    if (status == BYOL_OK) {
        status = read_list(pictures, path, text, error);
        if (status == BYOL_OK && pictures->count == 0)
            status =
                byol__fail(error, BYOL_ERROR_NOT_FOUND, "%s lists no pictures or sounds", path);
        if (status == BYOL_OK) status = byol__pictures_complete(pictures, path, error);
        if (status == BYOL_OK)
            *out = &pictures->base;
        else
            byol_source_free(&pictures->base);
    }
    byol__free(text);
    return status;
}

/* ---- named one by one ---- */

byol_status byol_source_from_files(byol_source **out, const char *const *paths, size_t count,
                                   byol_error *error) {
    char what[PATH_MAX];
    byol__pictures *pictures;
    if (count == 0) return byol__fail(error, BYOL_ERROR_INVALID, "no picture is named");
    BYOL__TRY(byol__pictures_create(&pictures, count == 1 ? "picture" : "list", "", error));
    byol_status status = BYOL_OK;
    for (size_t i = 0; i < count && status == BYOL_OK; i++)
        status = byol__pictures_add(pictures, paths[i], error);
    snprintf(what, sizeof what, "%s%s", paths[0], count > 1 ? " and others" : "");
    if (status == BYOL_OK) status = byol__pictures_complete(pictures, what, error);
    if (status == BYOL_OK)
        *out = &pictures->base;
    else
        byol_source_free(&pictures->base);
    return status;
}
