#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static byol_status fail_write(const char *path, int why, byol_error *error) {
    snprintf(error->text, sizeof error->text, "cannot write %.700s: %s; what was there before is untouched", path,
             strerror(why));
    return BYOL_IO;
}

/* Magic, version 1.0, length of the dictionary, dictionary, spaces and a newline up to a multiple of 64 bytes. */
static size_t make_header(unsigned char header[128], size_t rows, size_t columns) {
    static const unsigned char magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
    memset(header, ' ', 128);
    memcpy(header, magic, sizeof magic);
    int length = snprintf((char *)header + 10, 118, "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }",
                          rows, columns);
    header[10 + length] = ' ';
    size_t total = ((size_t)length + 10 + 1 + 63) / 64 * 64;
    header[8] = (unsigned char)(total - 10);
    header[9] = 0;
    header[total - 1] = '\n';
    return total;
}

byol_status cli_npy_write(const char *path, const float *values, size_t rows, size_t columns, byol_error *error) {
    unsigned char header[128];
    char temporary[PATH_MAX];
    if ((size_t)snprintf(temporary, sizeof temporary, "%s.tmp", path) >= sizeof temporary)
        return fail_write(path, ENAMETOOLONG, error);
    FILE *stream = fopen(temporary, "wb");
    if (stream == NULL) return fail_write(path, errno, error);
    size_t length = make_header(header, rows, columns);
    int good = fwrite(header, 1, length, stream) == length &&
               fwrite(values, sizeof *values, rows * columns, stream) == rows * columns && fflush(stream) == 0 &&
               fsync(fileno(stream)) == 0;
    int why = errno;
    if (fclose(stream) != 0 && good) {
        good = 0;
        why = errno;
    }
    if (good && rename(temporary, path) != 0) {
        good = 0;
        why = errno;
    }
    if (good) return BYOL_OK;
    unlink(temporary);
    return fail_write(path, why, error);
}
