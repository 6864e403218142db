/* NumPy arrays of pictures: .npy files of bytes, (N, H, W) or (N, H, W, C) with C 1 or 3, mapped
 * and never copied. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "data/images.h"
#include "data/npy_header.h"
#include "data/source_kind.h"

static const char WANTED[] =
    "uint8, (count, height, width) or (count, height, width, channels) with 1 or 3 channels";
enum { SIDE_MAX = 1 << 16 };

static byol_status fill(byol__images *images, const char *path, byol_error *error) {
    byol__npy_header h;
    byol_source_info *info = &images->base.info;
    BYOL__TRY(byol__npy_header_read(&h, images->mapping, images->mapping_bytes, "u1", WANTED, path,
                                    error));
    if (h.ndims < 3 || (h.ndims == 4 && h.dims[3] != 1 && h.dims[3] != 3) || h.dims[1] > SIDE_MAX ||
        h.dims[2] > SIDE_MAX)
        return byol__npy_wrong(path, "its shape is another", WANTED, error);
    size_t channels = h.ndims == 4 ? h.dims[3] : 1, record = h.dims[1] * h.dims[2] * channels, all;
    size_t found = images->mapping_bytes - h.data;
    if (__builtin_mul_overflow(record, h.dims[0], &all) || all != found)
        return byol__fail(
            error, BYOL_ERROR_FORMAT,
            "%s is truncated or damaged: its header promises %zu pictures of %zu bytes, "
            "it holds %zu bytes of them",
            path, h.dims[0], record, found);
    images->blocks[0] =
        (byol__block){.records = (const uint8_t *)images->mapping + h.data, .count = h.dims[0]};
    images->record_bytes = record;
    images->interleaved = 1;
    info->count = h.dims[0];
    info->channels = (int)channels;
    info->height = (int)h.dims[1];
    info->width = (int)h.dims[2];
    info->statistics_known = 0;
    byol__images_describe(images, path);
    return BYOL_OK;
}

static byol_status map(byol__images *images, const char *path, byol_error *error) {
    struct stat info;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || fstat(descriptor, &info) != 0) {
        byol_status status =
            byol__fail(error, BYOL_ERROR_IO, "cannot read %s: %s", path, strerror(errno));
        if (descriptor >= 0) close(descriptor);
        return status;
    }
    images->mapping_bytes = (size_t)info.st_size;
    images->mapping = mmap(NULL, images->mapping_bytes, PROT_READ, MAP_PRIVATE, descriptor, 0);
    close(descriptor);
    if (images->mapping != MAP_FAILED) return BYOL_OK;
    images->mapping = NULL;
    return byol__fail(error, BYOL_ERROR_IO, "cannot map %s: %s", path, strerror(errno));
}

byol_status byol__npy_open(byol_source **out, const char *path, byol_error *error) {
    byol__images *images;
    BYOL__TRY(byol__images_create(&images, "npy", 1, error));
    byol_status status = map(images, path, error);
    if (status == BYOL_OK) status = fill(images, path, error);
    if (status == BYOL_OK)
        *out = &images->base;
    else
        byol_source_free(&images->base);
    return status;
}
