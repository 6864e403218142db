#include "data/unpack.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/error.h"

enum { READ_BYTES = 1 << 18 };

static byol_status damaged(const byol__unpack *unpack, byol_error *error) {
    const char *why = archive_error_string(unpack->archive);
    return byol__fail(error, BYOL_ERROR_FORMAT,
                      "%s cannot be unpacked (%s): it is truncated or damaged; get it again",
                      unpack->path, why != NULL ? why : "no reason given");
}

byol_status byol__unpack_next(byol__unpack *unpack, int *more, byol_error *error) {
    struct archive_entry *entry;
    int result = archive_read_next_header(unpack->archive, &entry);
    *more = result != ARCHIVE_EOF;
    if (result == ARCHIVE_EOF) return BYOL_OK;
    if (result < ARCHIVE_WARN) return damaged(unpack, error);
    const char *name = archive_entry_pathname(entry),
               *slash = name != NULL ? strrchr(name, '/') : NULL;
    unpack->member = name == NULL ? "" : slash != NULL ? slash + 1 : name;
    unpack->member_size = archive_entry_size_is_set(entry) ? (size_t)archive_entry_size(entry) : 0;
    unpack->is_tar =
        (archive_format(unpack->archive) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR;
    return BYOL_OK;
}

static byol_status check_file(const char *path, byol_error *error) {
    struct stat info;
    if (stat(path, &info) != 0 || access(path, R_OK) != 0)
        return byol__fail(error, errno == ENOENT ? BYOL_ERROR_NOT_FOUND : BYOL_ERROR_IO,
                          "cannot read %s: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return byol__fail(error, BYOL_ERROR_IO, "cannot read %s: not a regular file", path);
    if (info.st_size == 0)
        return byol__fail(error, BYOL_ERROR_FORMAT, "%s is empty (0 bytes): get it again", path);
    return BYOL_OK;
}

void byol__unpack_filters(struct archive *archive) {
    archive_read_support_filter_gzip(archive);
    archive_read_support_filter_bzip2(archive);
    archive_read_support_filter_xz(archive);
    archive_read_support_filter_zstd(archive);
}

byol_status byol__unpack_open(byol__unpack *unpack, const char *path, byol_error *error) {
    BYOL__TRY(check_file(path, error));
    *unpack = (byol__unpack){.archive = archive_read_new(), .path = path};
    if (unpack->archive == NULL)
        return byol__fail(error, BYOL_ERROR_MEMORY, "no memory to read %s", path);
    byol__unpack_filters(unpack->archive);
    archive_read_support_format_tar(unpack->archive);
    archive_read_support_format_raw(unpack->archive);
    archive_read_support_format_empty(unpack->archive); /* compressed, but nothing in it */
    byol_status status = BYOL_OK;
    int more = 1;
    if (archive_read_open_filename(unpack->archive, path, READ_BYTES) != ARCHIVE_OK)
        status = damaged(unpack, error);
    if (status == BYOL_OK) status = byol__unpack_next(unpack, &more, error);
    if (status == BYOL_OK && !more)
        status = byol__fail(error, BYOL_ERROR_FORMAT, "%s holds nothing: get it again", path);
    if (status != BYOL_OK) byol__unpack_close(unpack);
    return status;
}

void byol__unpack_close(byol__unpack *unpack) { archive_read_free(unpack->archive); }

byol_status byol__unpack_read(byol__unpack *unpack, void *to, size_t bytes, size_t *got,
                              byol_error *error) {
    *got = 0;
    while (*got < bytes) {
        la_ssize_t read = archive_read_data(unpack->archive, (char *)to + *got, bytes - *got);
        if (read < 0) return damaged(unpack, error);
        if (read == 0) break;
        *got += (size_t)read;
    }
    return BYOL_OK;
}
