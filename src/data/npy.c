/* NumPy arrays of pictures: .npy files of bytes, (N, H, W) or (N, H, W, C) with C 1 or 3, mapped and never copied
 * (numpy/lib/format.py: magic, version, header length, a Python dictionary, the values). */
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
#include "data/source_kind.h"

static const char MAGIC[] = "\x93NUMPY";
enum { MAGIC_BYTES = 6, HEADER_MAX = 1 << 16, SIDE_MAX = 1 << 16 };

int byol__npy_begins(const unsigned char *bytes, size_t length) {
    return length >= MAGIC_BYTES && memcmp(bytes, MAGIC, MAGIC_BYTES) == 0;
}

typedef struct header {
    size_t dims[4];
    int ndims;
    size_t data; /* where the values begin */
} header;

static byol_status wrong(const char *path, const char *what, byol_error *error) {
    return byol__fail(error, BYOL_FORMAT,
                      "%s: %s; what is read are C-ordered arrays of uint8, (count, height, width) or (count, height, "
                      "width, channels) with 1 or 3 channels",
                      path, what);
}

/* "(60000, 28, 28)" */
static int read_shape(const char *text, header *h) {
    const char *at = strstr(text, "'shape':");
    if (at == NULL || (at = strchr(at, '(')) == NULL) return 0;
    for (at++; h->ndims < 4; at += strspn(at, ", ")) {
        char *end;
        if (*at == ')') break;
        unsigned long long value = strtoull(at, &end, 10);
        if (end == at || value == 0) return 0;
        h->dims[h->ndims++] = (size_t)value;
        at = end;
    }
    return *at == ')';
}

static byol_status read_header(const unsigned char *bytes, size_t length, const char *path, header *h,
                               byol_error *error) {
    char text[HEADER_MAX];
    size_t lead = bytes[MAGIC_BYTES] == 1 ? 10 : 12; /* version 1 has a length of two bytes, later ones of four */
    if (length < lead) return wrong(path, "the file is truncated", error);
    size_t size = bytes[8] | (size_t)bytes[9] << 8;
    if (lead == 12) size |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (size >= sizeof text || size > length - lead) return wrong(path, "its header is truncated or damaged", error);
    memcpy(text, bytes + lead, size);
    text[size] = '\0';
    if (strstr(text, "'|u1'") == NULL && strstr(text, "'u1'") == NULL)
        return wrong(path, "its values are not of type uint8", error);
    if (strstr(text, "'fortran_order': False") == NULL) return wrong(path, "it is in Fortran order", error);
    h->data = lead + size;
    int is_shape = read_shape(text, h);
    if (!is_shape || h->ndims < 3 || (h->ndims == 4 && h->dims[3] != 1 && h->dims[3] != 3) || h->dims[1] > SIDE_MAX ||
        h->dims[2] > SIDE_MAX)
        return wrong(path, "its shape is another", error);
    return BYOL_OK;
}

static byol_status fill(byol__images *images, const char *path, byol_error *error) {
    header h = {0};
    byol_source_info *info = &images->base.info;
    BYOL__TRY(read_header(images->mapping, images->mapping_bytes, path, &h, error));
    size_t channels = h.ndims == 4 ? h.dims[3] : 1, record = h.dims[1] * h.dims[2] * channels, all;
    size_t found = images->mapping_bytes - h.data;
    if (__builtin_mul_overflow(record, h.dims[0], &all) || all != found)
        return byol__fail(error, BYOL_FORMAT,
                          "%s is truncated or damaged: its header promises %zu pictures of %zu bytes, "
                          "it holds %zu bytes of them",
                          path, h.dims[0], record, found);
    images->blocks[0] = (byol__block){.records = (const uint8_t *)images->mapping + h.data, .count = h.dims[0]};
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
        byol_status status = byol__fail(error, BYOL_IO, "cannot read %s: %s", path, strerror(errno));
        if (descriptor >= 0) close(descriptor);
        return status;
    }
    images->mapping_bytes = (size_t)info.st_size;
    images->mapping = mmap(NULL, images->mapping_bytes, PROT_READ, MAP_PRIVATE, descriptor, 0);
    close(descriptor);
    if (images->mapping != MAP_FAILED) return BYOL_OK;
    images->mapping = NULL;
    return byol__fail(error, BYOL_IO, "cannot map %s: %s", path, strerror(errno));
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
