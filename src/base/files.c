#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"

bool byol__is_folder(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool byol__is_file(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

/* Sets `out` to the path to replace: `path`, or the target of a link. Fails if that is not
 * allowed. */
static byol_status resolve(const char *path, char out[PATH_MAX], byol_error *error) {
    struct stat info;
    snprintf(out, PATH_MAX, "%s", path);
    if (lstat(path, &info) != 0) return BYOL_OK; /* nothing there yet */
    if (S_ISLNK(info.st_mode) && realpath(path, out) == NULL)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "cannot write %s: it is a link that leads nowhere", path);
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return byol__fail(error, BYOL_ERROR_INVALID, "cannot write %s: %s; give the name of a file",
                          path,
                          S_ISDIR(info.st_mode) ? "it is a folder" : "it is not a regular file");
    return BYOL_OK;
}

byol_status byol__atomic_open(byol__atomic_file *file, const char *path, byol_error *error) {
    memset(file, 0, sizeof *file);
    BYOL__TRY(resolve(path, file->path, error));
    if (strlen(path) >= sizeof file->path ||
        (size_t)snprintf(file->temporary, sizeof file->temporary, "%s.tmp", file->path) >=
            sizeof file->temporary)
        return byol__fail(error, BYOL_ERROR_INVALID, "path is too long: %.200s...", path);
    file->stream = fopen(file->temporary, "wb");
    if (file->stream == NULL)
        return byol__fail(error, BYOL_ERROR_IO, "cannot write %s: %s", file->temporary,
                          strerror(errno));
    return BYOL_OK;
}

void byol__atomic_abandon(byol__atomic_file *file) {
    if (file->stream == NULL) return;
    fclose(file->stream);
    file->stream = NULL;
    unlink(file->temporary);
}

byol_status byol__atomic_fail(byol__atomic_file *file, int why, byol_error *error) {
    byol__atomic_abandon(file);
    return byol__fail(error, BYOL_ERROR_IO,
                      "cannot write %s: %s; what was there before is untouched", file->path,
                      strerror(why));
}

/* A rename is safe against a power cut only after the folder that holds the name is synced. */
static int sync_folder_of(const char *path) {
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        snprintf(folder, sizeof folder, ".");
    else
        slash[slash == folder] = '\0';
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return errno == EACCES ? 0 : -1; /* a folder may be writable but not readable */
    int failed = fsync(descriptor) != 0 && errno != EINVAL && errno != ENOTSUP, why = errno;
    close(descriptor);
    errno = why;
    return failed ? -1 : 0;
}

byol_status byol__atomic_commit(byol__atomic_file *file, byol_error *error) {
    int failed =
        ferror(file->stream) || fflush(file->stream) != 0 || fsync(fileno(file->stream)) != 0;
    int why = errno;
    if (fclose(file->stream) != 0 && !failed) {
        failed = 1;
        why = errno;
    }
    file->stream = NULL;
    if (!failed && rename(file->temporary, file->path) != 0) {
        failed = 1;
        why = errno;
    }
    if (!failed && sync_folder_of(file->path) != 0)
        return byol__fail(
            error, BYOL_ERROR_IO,
            "%s is written, but its folder could not be made safe against a power cut: %s",
            file->path, strerror(errno));
    if (!failed) return BYOL_OK;
    unlink(file->temporary);
    return byol__atomic_fail(file, why, error);
}

byol_status byol__make_folder(const char *path, byol_error *error) {
    char partial[PATH_MAX];
    if (*path == '\0' || strlen(path) >= sizeof partial)
        return byol__fail(error, BYOL_ERROR_INVALID, "not a folder name: '%.200s'", path);
    snprintf(partial, sizeof partial, "%s", path);
    for (char *c = partial + 1;; c++) {
        if (*c != '/' && *c != '\0') continue;
        char kept = *c;
        *c = '\0';
        if (mkdir(partial, 0777) != 0 && errno != EEXIST)
            return byol__fail(error, BYOL_ERROR_IO, "cannot create folder %s: %s", partial,
                              strerror(errno));
        if (kept == '\0') break;
        *c = kept;
    }
    if (!byol__is_folder(path))
        return byol__fail(error, BYOL_ERROR_IO, "%s is there but is not a folder", path);
    return BYOL_OK;
}

byol_status byol__read_file(const char *path, char **out, size_t *length, byol_error *error) {
    FILE *stream = fopen(path, "rb");
    if (stream == NULL)
        return byol__fail(error, errno == ENOENT ? BYOL_ERROR_NOT_FOUND : BYOL_ERROR_IO,
                          "cannot read %s: %s", path, strerror(errno));
    byol_status status = BYOL_OK;
    struct stat info;
    char *text = NULL;
    if (fstat(fileno(stream), &info) != 0 || !S_ISREG(info.st_mode))
        status = byol__fail(error, BYOL_ERROR_IO, "cannot read %s: not a regular file", path);
    if (status == BYOL_OK) status = byol__alloc(&text, (size_t)info.st_size + 1, 1, path, error);
    if (status == BYOL_OK && fread(text, 1, (size_t)info.st_size, stream) != (size_t)info.st_size)
        status = byol__fail(error, BYOL_ERROR_IO, "cannot read %s: %s", path, strerror(errno));
    fclose(stream);
    if (status != BYOL_OK) {
        byol__free(text);
        return status;
    }
    *out = text;
    *length = (size_t)info.st_size;
    return BYOL_OK;
}

byol_status byol__map_file(const char *path, const unsigned char **bytes, size_t *length,
                           byol_error *error) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return byol__fail(error, errno == ENOENT ? BYOL_ERROR_NOT_FOUND : BYOL_ERROR_IO,
                          "cannot read %s: %s", path, strerror(errno));
    byol_status status = BYOL_OK;
    struct stat info;
    *bytes = NULL;
    *length = 0;
    if (fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
        status = byol__fail(error, BYOL_ERROR_IO, "cannot read %s: not a regular file", path);
    } else if (info.st_size > 0) {
        void *mapped = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (mapped == MAP_FAILED) {
            status = byol__fail(error, BYOL_ERROR_IO, "cannot map %s: %s", path, strerror(errno));
        } else {
            *bytes = mapped;
            *length = (size_t)info.st_size;
        }
    }
    close(descriptor);
    return status;
}

void byol__unmap_file(const unsigned char *bytes, size_t length) {
    if (bytes != NULL) munmap((void *)bytes, length);
}
