/* Output files: checked before the work, and visible only when they are complete. */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

static byol_status fail(const char *path, const char *why, byol_error *error) {
    return cli_error(error, BYOL_ERROR_IO,
                     "cannot write %.700s: %s; what was there before is untouched", path, why);
}

bool cli_is_folder(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* ---- Before the work ---- */

static bool folder_can_be_written(const char *path) {
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (slash == NULL) return access(".", W_OK | X_OK) == 0;
    if ((size_t)(slash - path) >= sizeof folder) return false;
    snprintf(folder, sizeof folder, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    return access(folder, W_OK | X_OK) == 0;
}

bool cli_ends_with(const char *path, const char *ending) {
    size_t length = strlen(path), last = strlen(ending);
    return length > last && strcmp(path + length - last, ending) == 0;
}

int cli_check_output(const char *flag, const char *path, const char *ending) {
    struct stat info;
    if (ending != NULL && !cli_ends_with(path, ending))
        return cli_usage(
            "%s: what is written is a %s file, and '%s' has another name: let it end in %s", flag,
            ending, path, ending);
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return cli_usage("%s: %s is %s; give the name of a file", flag, path,
                         S_ISDIR(info.st_mode) ? "a folder" : "not a regular file");
    if (!folder_can_be_written(path))
        return cli_usage("%s: the folder of %s cannot be written to", flag, path);
    return EXIT_DONE;
}

/* ---- Writing ---- */

byol_status cli_file_begin(cli_file *file, const char *path, byol_error *error) {
    struct stat info;
    if ((size_t)snprintf(file->path, sizeof file->path, "%s", path) >= sizeof file->path)
        return fail(path, strerror(ENAMETOOLONG), error);
    /* A link stays; the file it leads to is replaced. */
    if (lstat(path, &info) == 0 && S_ISLNK(info.st_mode) && realpath(path, file->path) == NULL)
        return fail(path, "it is a link that leads nowhere", error);
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return fail(path, "it is not a regular file", error);
    if ((size_t)snprintf(file->temporary, sizeof file->temporary, "%s.tmp", file->path) >=
        sizeof file->temporary)
        return fail(path, strerror(ENAMETOOLONG), error);
    file->stream = fopen(file->temporary, "wb");
    return file->stream != NULL ? BYOL_OK : fail(path, strerror(errno), error);
}

byol_status cli_file_finish(cli_file *file, byol_error *error) {
    int good =
        !ferror(file->stream) && fflush(file->stream) == 0 && fsync(fileno(file->stream)) == 0;
    int why = errno;
    if (fclose(file->stream) != 0 && good) {
        good = 0;
        why = errno;
    }
    if (good && rename(file->temporary, file->path) != 0) {
        good = 0;
        why = errno;
    }
    if (good) return BYOL_OK;
    unlink(file->temporary);
    return fail(file->path, strerror(why), error);
}

void cli_file_abandon(cli_file *file) {
    fclose(file->stream);
    unlink(file->temporary);
}
