/* NumPy arrays of pictures: .npy files of bytes, (N, H, W) or (N, H, W, C) with C 1 or 3, mapped
 * and never copied. */
#include "base/error.h"
#include "base/files.h"
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
    images->blocks[0] = (byol__block){.records = images->mapping + h.data, .count = h.dims[0]};
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

byol_status byol__npy_open(byol_source **out, const char *path, byol_error *error) {
    byol__images *images;
    BYOL__TRY(byol__images_create(&images, "npy", 1, error));
    byol_status status = byol__map_file(path, &images->mapping, &images->mapping_bytes, error);
    if (status == BYOL_OK) status = fill(images, path, error);
    if (status == BYOL_OK)
        *out = &images->base;
    else
        byol_source_free(&images->base);
    return status;
}
