#include "state/runfolder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <jansson.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"

void byol__run_path(const char *run, const char *name, char *path) {
    snprintf(path, BYOL__RUN_PATH_MAX, "%s/%s", run, name);
}

void byol__run_checkpoint_path(const char *run, uint64_t step, char *path) {
    snprintf(path, BYOL__RUN_PATH_MAX, "%s/checkpoints/step-%06" PRIu64 ".safetensors", run, step);
}

/* ---- Contents ---- */

static int newest_first(const void *a, const void *b) {
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x > y ? -1 : x < y;
}

/* True for "step-000123.safetensors" and the like, and for nothing else. */
static bool is_checkpoint(const char *name, uint64_t *step) {
    int end = 0;
    return sscanf(name, "step-%" SCNu64 ".safetensors%n", step, &end) == 1 && end > 0 &&
           name[end] == '\0';
}

/* The steps of all checkpoints, newest first. `*steps` is from malloc. */
static byol_status list_checkpoints(const char *run, uint64_t **steps, size_t *count,
                                    byol_error *error) {
    char path[BYOL__RUN_PATH_MAX];
    byol__run_path(run, "checkpoints", path);
    *steps = NULL;
    *count = 0;
    DIR *folder = opendir(path);
    if (folder == NULL && errno == ENOENT) return BYOL_OK;
    if (folder == NULL)
        return byol__fail(error, BYOL_ERROR_IO, "cannot read folder %s: %s", path, strerror(errno));
    uint64_t step;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (!is_checkpoint(entry->d_name, &step)) continue;
        uint64_t *more = realloc(*steps, (*count + 1) * sizeof **steps);
        if (more == NULL) {
            free(*steps);
            closedir(folder);
            return byol__fail(error, BYOL_ERROR_MEMORY,
                              "no memory for the list of checkpoints in %s", path);
        }
        *steps = more;
        more[(*count)++] = step;
    }
    closedir(folder);
    if (*count > 1) qsort(*steps, *count, sizeof **steps, newest_first);
    return BYOL_OK;
}

/* A failed start leaves only empty folders and a lock: that is no run. */
static bool holds_a_run(const char *run) {
    const char *const names[] = {"config.yaml", "metrics.jsonl", "encoder.safetensors"};
    char path[BYOL__RUN_PATH_MAX];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        byol__run_path(run, names[i], path);
        if (byol__is_file(path)) return true;
    }
    uint64_t *steps;
    size_t count;
    if (list_checkpoints(run, &steps, &count, NULL) != BYOL_OK)
        return false; /* entering the folder will report why */
    free(steps);
    return count > 0;
}

/* ---- Entering and leaving ---- */

/* The lock ends with the process, however it ends; the file stays. */
static byol_status lock_folder(byol__run_folder *folder, byol_error *error) {
    char path[BYOL__RUN_PATH_MAX];
    byol__run_path(folder->path, ".lock", path);
    folder->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (folder->lock < 0)
        return byol__fail(error, BYOL_ERROR_IO, "cannot write %s: %s", path, strerror(errno));
    if (flock(folder->lock, LOCK_EX | LOCK_NB) == 0) return BYOL_OK;
    byol_status status =
        errno == EWOULDBLOCK
            ? byol__fail(error, BYOL_ERROR_IO,
                         "another process is training in %s; stop it, or name another run folder",
                         folder->path)
            : byol__fail(error, BYOL_ERROR_IO, "cannot lock %s: %s", path, strerror(errno));
    byol__run_close(folder);
    return status;
}

/* True for "NAME.tmp" of a file that is written here. Other programs' files stay, and what another
 * process may be writing. */
static bool is_temporary(const char *name) {
    const char *const names[] = {"config.yaml", "metrics.jsonl", "encoder.safetensors",
                                 "summary.json"};
    char written[64];
    uint64_t step;
    size_t length = strlen(name);
    if (length < 5 || length >= sizeof written || strcmp(name + length - 4, ".tmp") != 0)
        return false;
    snprintf(written, sizeof written, "%.*s", (int)length - 4, name);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(written, names[i]) == 0) return true;
    return is_checkpoint(written, &step);
}

static byol_status remove_temporaries(const char *path, byol_error *error) {
    DIR *folder = opendir(path);
    if (folder == NULL)
        return byol__fail(error, BYOL_ERROR_IO, "cannot read folder %s: %s", path, strerror(errno));
    byol_status status = BYOL_OK;
    for (struct dirent *entry; status == BYOL_OK && (entry = readdir(folder)) != NULL;) {
        if (!is_temporary(entry->d_name)) continue;
        if (unlinkat(dirfd(folder), entry->d_name, 0) != 0)
            status = byol__fail(error, BYOL_ERROR_IO, "cannot remove %s/%s: %s", path,
                                entry->d_name, strerror(errno));
    }
    closedir(folder);
    return status;
}

static byol_status prepare(const byol__run_folder *folder, byol_error *error) {
    char checkpoints[BYOL__RUN_PATH_MAX];
    byol__run_path(folder->path, "checkpoints", checkpoints);
    BYOL__TRY(byol__make_folder(checkpoints, error));
    BYOL__TRY(remove_temporaries(folder->path, error));
    return remove_temporaries(checkpoints, error);
}

byol_status byol__run_open(byol__run_folder *folder, const char *path, bool resume,
                           byol_error *error) {
    folder->lock = -1;
    if (strlen(path) >= sizeof folder->path)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "path of the run folder is too long: %.200s...", path);
    snprintf(folder->path, sizeof folder->path, "%s", path);
    if (!resume && holds_a_run(path))
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "%s already holds a run: resume it, or name another run folder", path);
    folder->is_new = access(path, F_OK) != 0;
    BYOL__TRY(byol__make_folder(path, error));
    BYOL__TRY(lock_folder(folder, error));
    byol_status status = prepare(folder, error);
    if (status != BYOL_OK) byol__run_close(folder);
    return status;
}

/* What a start made that failed before there was anything to keep. */
static void remove_empty(const byol__run_folder *folder) {
    char path[BYOL__RUN_PATH_MAX];
    byol__run_path(folder->path, "checkpoints", path);
    (void)rmdir(path);
    byol__run_path(folder->path, ".lock", path);
    (void)unlink(path);
    (void)rmdir(folder->path); /* holds something else: it stays */
}

void byol__run_close(byol__run_folder *folder) {
    if (folder->lock < 0) return;
    if (folder->is_new && !holds_a_run(folder->path)) remove_empty(folder);
    close(folder->lock);
    folder->lock = -1;
}

byol_status byol__run_write_config(const byol__run_folder *folder, const byol_config *config,
                                   byol_error *error) {
    char path[BYOL__RUN_PATH_MAX];
    byol__run_path(folder->path, "config.yaml", path);
    byol__atomic_file file;
    BYOL__TRY(byol__atomic_open(&file, path, error));
    byol_status status = byol_config_write(config, file.stream, error);
    if (status == BYOL_OK) return byol__atomic_commit(&file, error);
    byol__atomic_abandon(&file);
    return status;
}

/* ---- Checkpoints ---- */

/* Skips damaged checkpoints only: a disk that does not answer is no reason to start from an older
 * state. */
static byol_status open_first_whole(const char *run, const uint64_t *steps, size_t count,
                                    byol__safetensors **out, byol__origin *origin,
                                    byol__damaged damaged, void *context, byol_error *error) {
    for (size_t i = 0; i < count; i++) {
        char path[BYOL__RUN_PATH_MAX];
        byol_error why = {0};
        byol__run_checkpoint_path(run, steps[i], path);
        byol_status status = byol__checkpoint_open(out, path, origin, &why);
        if (status != BYOL_ERROR_FORMAT) {
            if (status != BYOL_OK && error != NULL) *error = why;
            return status;
        }
        if (damaged != NULL) damaged(context, why.text);
    }
    return byol__fail(
        error, BYOL_ERROR_FORMAT,
        "%s: none of the %zu checkpoints is whole; to start again from nothing, remove this folder",
        run, count);
}

byol_status byol__run_open_newest(const char *run, byol__safetensors **out, byol__origin *origin,
                                  byol__damaged damaged, void *context, byol_error *error) {
    uint64_t *steps;
    size_t count;
    BYOL__TRY(list_checkpoints(run, &steps, &count, error));
    byol_status status =
        count == 0 ? byol__fail(error, BYOL_ERROR_NOT_FOUND, "%s holds no checkpoint", run)
                   : open_first_whole(run, steps, count, out, origin, damaged, context, error);
    free(steps);
    return status;
}

byol_status byol__run_set_aside(const byol__run_folder *folder, uint64_t step, byol_error *error) {
    uint64_t *steps;
    size_t count;
    BYOL__TRY(list_checkpoints(folder->path, &steps, &count, error));
    byol_status status = BYOL_OK;
    for (size_t i = 0; i < count && steps[i] > step && status == BYOL_OK; i++) {
        char from[BYOL__RUN_PATH_MAX], to[BYOL__RUN_PATH_MAX + 16];
        byol__run_checkpoint_path(folder->path, steps[i], from);
        snprintf(to, sizeof to, "%s.damaged", from);
        if (rename(from, to) != 0)
            status =
                byol__fail(error, BYOL_ERROR_IO, "cannot rename %s: %s", from, strerror(errno));
    }
    free(steps);
    return status;
}

/* Is there a NAME.oldN already? */
static bool is_taken(const byol__run_folder *folder, const char *name, int number) {
    char path[BYOL__RUN_PATH_MAX], old[BYOL__RUN_PATH_MAX + 16];
    byol__run_path(folder->path, name, path);
    snprintf(old, sizeof old, "%s.old%d", path, number);
    return byol__is_file(old);
}

byol_status byol__run_keep_old(const byol__run_folder *folder, byol_error *error) {
    /* The encoder is last: if this is interrupted, the next start does the rest. */
    const char *const names[] = {"config.yaml", "metrics.jsonl", "summary.json", "evaluation.json",
                                 "encoder.safetensors"};
    enum { NAMES = sizeof names / sizeof *names };
    char path[BYOL__RUN_PATH_MAX], old[BYOL__RUN_PATH_MAX + 16];
    int number = 1;
    byol__run_path(folder->path, names[NAMES - 1], path);
    if (!byol__is_file(path)) return BYOL_OK;
    while (is_taken(folder, names[NAMES - 1], number)) number++;
    for (int i = 0; i < NAMES; i++) {
        byol__run_path(folder->path, names[i], path);
        snprintf(old, sizeof old, "%s.old%d", path, number);
        if (rename(path, old) != 0 && errno != ENOENT)
            return byol__fail(error, BYOL_ERROR_IO, "cannot rename %s: %s", path, strerror(errno));
    }
    return BYOL_OK;
}

byol_status byol__run_prune(const byol__run_folder *folder, int keep, byol_error *error) {
    uint64_t *steps;
    size_t count;
    BYOL__TRY(list_checkpoints(folder->path, &steps, &count, error));
    byol_status status = BYOL_OK;
    for (size_t i = (size_t)keep; i < count && status == BYOL_OK; i++) {
        char path[BYOL__RUN_PATH_MAX];
        byol__run_checkpoint_path(folder->path, steps[i], path);
        if (unlink(path) != 0)
            status =
                byol__fail(error, BYOL_ERROR_IO, "cannot remove %s: %s", path, strerror(errno));
    }
    free(steps);
    return status;
}

/* ---- The log ---- */

/* True for a whole JSON line of a step not after `step`. */
static int line_stays(const char *line, size_t length, uint64_t step) {
    json_t *object = json_loadb(line, length, 0, NULL);
    const json_t *number = json_object_get(object, "step");
    int stays = json_is_integer(number) && (uint64_t)json_integer_value(number) <= step;
    json_decref(object);
    return stays;
}

byol_status byol__run_truncate_log(const byol__run_folder *folder, uint64_t step,
                                   byol_error *error) {
    char path[BYOL__RUN_PATH_MAX], *text;
    size_t length;
    byol__run_path(folder->path, "metrics.jsonl", path);
    if (!byol__is_file(path)) return BYOL_OK;
    BYOL__TRY(byol__read_file(path, &text, &length, error));
    byol__atomic_file file;
    byol_status status = byol__atomic_open(&file, path, error);
    if (status == BYOL_OK) {
        for (const char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
            size_t size = (size_t)(end - line);
            if (line_stays(line, size, step)) fwrite(line, 1, size + 1, file.stream);
        }
        status = byol__atomic_commit(&file, error);
    }
    byol__free(text);
    return status;
}
