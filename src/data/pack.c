#include "byol/pack.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>
#include <omp.h>
#include <turbojpeg.h>

#include "augment/pixels.h"
#include "base/error.h"
#include "base/files.h"
#include "base/isa.h"
#include "base/memory.h"
#include "data/decode.h"
#include "data/source_kind.h"

enum { CHUNK = 64, EXTENSION_MAX = 8, READABLE_SIDE = 32 };

void byol_pack_options_init(byol_pack_options *options) {
    *options = (byol_pack_options){.shard_size = 5000, .quality = 95};
}

/* One image as it will be stored. */
typedef struct parcel {
    unsigned char *bytes; /* from malloc */
    size_t length;
    char extension[EXTENSION_MAX];
    int unreadable;
} parcel;

typedef struct packing {
    const byol_source *source;
    const char *folder;
    byol_pack_options options;
    byol_pack_result *result;
    parcel parcels[CHUNK];
    byol_picture *pictures; /* one for each thread */
    struct archive *archive;
    byol__atomic_file file;  /* of the shard that is being written */
    byol__atomic_file names; /* names.csv; its stream is NULL before and after */
    size_t in_shard;
} packing;

/* ---- resizing ---- */

/* Resizes the rows of `src` (height, width, channels) to `out_width` pixels each, as floats. */
static void resize_rows(const byol_image *src, const byol__taps *across, int out_width,
                        float *dst) {
    for (int y = 0; y < src->height; y++)
        for (int x = 0; x < out_width; x++)
            for (int c = 0; c < src->channels; c++) {
                const uint8_t *from = src->pixels + (size_t)y * src->row_stride +
                                      (size_t)c * src->channel_stride +
                                      (size_t)across->start[x] * src->pixel_stride;
                const float *weights = across->weights + (size_t)x * across->count;
                float sum = 0;
                for (int k = 0; k < across->count; k++)
                    sum += weights[k] * (float)from[k * src->pixel_stride];
                *dst++ = sum;
            }
}

static void resize_columns(const float *src, const byol__taps *down, int out_height, size_t row,
                           uint8_t *dst) {
    for (int y = 0; y < out_height; y++)
        for (size_t i = 0; i < row; i++) {
            const float *from = src + (size_t)down->start[y] * row + i,
                        *weights = down->weights + (size_t)y * down->count;
            float sum = 0.5f;
            for (int k = 0; k < down->count; k++) sum += weights[k] * from[(size_t)k * row];
            *dst++ = (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
        }
}

static byol_status taps_create(byol__taps *taps, int in, int out, byol_error *error) {
    BYOL__TRY(byol__alloc(&taps->start, (size_t)out, sizeof *taps->start, "resizing", error));
    BYOL__TRY(byol__alloc(&taps->weights, (size_t)out * (size_t)byol__taps_limit(in, out),
                          sizeof *taps->weights, "resizing", error));
    byol__pixels(byol__isa_best())->taps_fill(taps, in, out, 0, out, 0);
    return BYOL_OK;
}

/* Resizes to height x width, bicubic, antialiased. `*pixels` is owned, interleaved. */
static byol_status resize(const byol_image *src, int height, int width, uint8_t **pixels,
                          byol_error *error) {
    byol__taps across = {0}, down = {0};
    float *middle = NULL;
    size_t row = (size_t)width * (size_t)src->channels;
    byol_status status = taps_create(&across, src->width, width, error);
    if (status == BYOL_OK) status = taps_create(&down, src->height, height, error);
    if (status == BYOL_OK)
        status = byol__alloc(&middle, (size_t)src->height * row, sizeof *middle, "resizing", error);
    if (status == BYOL_OK) status = byol__alloc(pixels, (size_t)height * row, 1, "resizing", error);
    if (status == BYOL_OK) {
        resize_rows(src, &across, width, middle);
        resize_columns(middle, &down, height, row, *pixels);
    }
    byol__free(middle);
    byol__free(across.start);
    byol__free(across.weights);
    byol__free(down.start);
    byol__free(down.weights);
    return status;
}

/* ---- one image ---- */

static byol_status keep(parcel *p, const void *bytes, size_t length, const char *extension,
                        byol_error *error) {
    p->bytes = malloc(length > 0 ? length : 1);
    if (p->bytes == NULL)
        return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for an image of %zu bytes", length);
    memcpy(p->bytes, bytes, length);
    p->length = length;
    snprintf(p->extension, sizeof p->extension, "%s", extension);
    return BYOL_OK;
}

static byol_status keep_jpeg(parcel *p, const uint8_t *pixels, int channels, int height, int width,
                             int quality, byol_error *error) {
    unsigned char *bytes = NULL;
    unsigned long length = 0;
    tjhandle encoder = tjInitCompress();
    if (encoder == NULL)
        return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for a JPEG encoder");
    int failed =
        tjCompress2(encoder, pixels, width, 0, height, channels == 1 ? TJPF_GRAY : TJPF_RGB, &bytes,
                    &length, channels == 1 ? TJSAMP_GRAY : TJSAMP_420, quality, 0);
    byol_status status = failed ? byol__fail(error, BYOL_ERROR_MEMORY, "cannot encode a JPEG: %s",
                                             tjGetErrorStr2(encoder))
                                : keep(p, bytes, length, "jpg", error);
    tjFree(bytes);
    tjDestroy(encoder);
    return status;
}

static byol_status keep_resized(const packing *job, parcel *p, const byol_image *image,
                                byol_error *error) {
    int side = job->options.resize,
        shorter = image->height < image->width ? image->height : image->width;
    int height = (int)((int64_t)image->height * side / shorter),
        width = (int)((int64_t)image->width * side / shorter);
    uint8_t *pixels = NULL;
    byol_status status = resize(image, height, width, &pixels, error);
    if (status == BYOL_OK)
        status = keep_jpeg(p, pixels, image->channels, height, width, job->options.quality, error);
    byol__free(pixels);
    return status;
}

/* Keeps an image of an in-memory source as PGM or PPM: lossless, and fast to decode. */
static byol_status keep_pnm(parcel *p, const byol_image *image, byol_error *error) {
    char header[64];
    int lead = snprintf(header, sizeof header, "P%d %d %d 255\n", image->channels == 1 ? 5 : 6,
                        image->width, image->height);
    size_t pixels = (size_t)image->height * (size_t)image->width, length = (size_t)lead;
    uint8_t *bytes = malloc(length + pixels * (size_t)image->channels);
    if (bytes == NULL) return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for an image");
    memcpy(bytes, header, length);
    for (int y = 0; y < image->height; y++)
        for (int x = 0; x < image->width; x++)
            for (int c = 0; c < image->channels; c++)
                bytes[length++] =
                    image->pixels[(size_t)c * image->channel_stride +
                                  (size_t)y * image->row_stride + (size_t)x * image->pixel_stride];
    p->bytes = bytes;
    p->length = length;
    snprintf(p->extension, sizeof p->extension, "%s", image->channels == 1 ? "pgm" : "ppm");
    return BYOL_OK;
}

/* Keeps a file as it is, under the extension of its real format. */
static byol_status keep_file(const packing *job, size_t index, parcel *p, byol_picture *picture,
                             byol_error *error) {
    static const struct {
        const char *format, *extension;
    } extensions[] = {
        {"JPEG", "jpg"}, {"PNG", "png"}, {"WebP", "webp"}, {"PGM", "pgm"}, {"PPM", "ppm"}};
    size_t length = 0;
    byol__picture_info info;
    BYOL__TRY(job->source->methods->bytes(job->source, index, picture, &length, error));
    BYOL__TRY(byol__decode_header(picture->bytes[0], length, &info, error));
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
        if (strcmp(info.format, extensions[i].format) == 0)
            return keep(p, picture->bytes[0], length, extensions[i].extension, error);
    return byol__fail(error, BYOL_ERROR_UNSUPPORTED, "no extension for a %s", info.format);
}

/* An image that is resized may be decoded smaller, but not below its final size. Every image is
 * decoded: one that cannot be read must not be packed. */
static byol_status pack_one(const packing *job, size_t index, parcel *p, byol_picture *picture,
                            byol_error *error) {
    int side = job->options.resize;
    const byol_image_request wanted = {.short_side = side > 0 ? side : READABLE_SIDE};
    BYOL__TRY(byol_source_image(job->source, index, &wanted, picture, error));
    const byol_image *image = &picture->image;
    int shorter = image->height < image->width ? image->height : image->width;
    if (side > 0 && shorter > side) return keep_resized(job, p, image, error);
    if (job->source->methods->bytes != NULL) return keep_file(job, index, p, picture, error);
    return keep_pnm(p, image, error);
}

/* ---- shards ---- */

static byol_status cannot_write(packing *job, byol_error *error) {
    return byol__fail(error, BYOL_ERROR_IO, "cannot write %s: %s", job->file.path,
                      archive_error_string(job->archive));
}

static byol_status open_shard(packing *job, byol_error *error) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%06zu.tar", job->folder, job->result->shards);
    BYOL__TRY(byol__atomic_open(&job->file, path, error));
    job->archive = archive_write_new();
    if (job->archive == NULL) {
        byol__atomic_abandon(&job->file);
        return byol__fail(error, BYOL_ERROR_MEMORY, "no memory to write %s", path);
    }
    archive_write_set_format_ustar(job->archive);
    archive_write_open_FILE(job->archive, job->file.stream);
    job->in_shard = 0;
    return BYOL_OK;
}

static byol_status close_shard(packing *job, byol_error *error) {
    if (job->archive == NULL) return BYOL_OK;
    byol_status status =
        archive_write_close(job->archive) == ARCHIVE_OK ? BYOL_OK : cannot_write(job, error);
    archive_write_free(job->archive);
    job->archive = NULL;
    if (status != BYOL_OK) {
        byol__atomic_abandon(&job->file);
        return status;
    }
    job->result->bytes += (uint64_t)ftello(job->file.stream);
    job->result->shards++;
    return byol__atomic_commit(&job->file, error);
}

static void abandon_shard(packing *job) {
    if (job->archive == NULL) return;
    archive_write_fail(job->archive);
    archive_write_free(job->archive);
    byol__atomic_abandon(&job->file);
    job->archive = NULL;
}

static byol_status write_member(packing *job, const char *extension, const void *bytes,
                                size_t length, byol_error *error) {
    char name[32];
    struct archive_entry *entry = archive_entry_new();
    if (entry == NULL)
        return byol__fail(error, BYOL_ERROR_MEMORY, "no memory to write %s", job->file.path);
    snprintf(name, sizeof name, "%08zu.%s", job->result->images, extension);
    archive_entry_set_pathname(entry, name);
    archive_entry_set_size(entry, (la_int64_t)length);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    int failed = archive_write_header(job->archive, entry) != ARCHIVE_OK ||
                 archive_write_data(job->archive, bytes, length) != (la_ssize_t)length;
    archive_entry_free(entry);
    return failed ? cannot_write(job, error) : BYOL_OK;
}

/* Writes the name that sample `result->images` had, quoted: a file name may hold anything. */
static void write_name(packing *job, size_t index, const char *extension) {
    char name[PATH_MAX];
    byol_source_name(job->source, index, name, sizeof name);
    fprintf(job->names.stream, "%08zu.%s,\"", job->result->images, extension);
    for (const char *c = name; *c != '\0'; c++) {
        if (*c == '"') putc('"', job->names.stream);
        putc(*c, job->names.stream);
    }
    fputs("\"\n", job->names.stream);
}

static byol_status write_sample(packing *job, size_t index, const parcel *p, byol_error *error) {
    char text[16];
    int32_t label = byol_source_label(job->source, index);
    if (p->unreadable) {
        job->result->unreadable++;
        return BYOL_OK;
    }
    if (job->archive != NULL && job->in_shard == job->options.shard_size)
        BYOL__TRY(close_shard(job, error));
    if (job->archive == NULL) BYOL__TRY(open_shard(job, error));
    BYOL__TRY(write_member(job, p->extension, p->bytes, p->length, error));
    if (label >= 0)
        BYOL__TRY(write_member(job, "cls", text,
                               (size_t)snprintf(text, sizeof text, "%d", (int)label), error));
    write_name(job, index, p->extension);
    job->result->images++;
    job->in_shard++;
    return BYOL_OK;
}

/* ---- all of them ---- */

static byol_status prepare_chunk(packing *job, size_t first, size_t count, byol_error *error) {
    byol_status status = BYOL_OK;
#pragma omp parallel for schedule(dynamic) num_threads(job->options.threads)
    for (size_t i = 0; i < count; i++) {
        byol_error why = {0};
        byol_status one =
            pack_one(job, first + i, &job->parcels[i], &job->pictures[omp_get_thread_num()], &why);
        job->parcels[i].unreadable =
            one != BYOL_OK && byol_source_unreadable(job->source, first + i);
        if (one == BYOL_OK || job->parcels[i].unreadable) continue;
#pragma omp critical(byol_pack)
        {
            status = one;
            if (error != NULL) *error = why;
        }
    }
    return status;
}

static void release_chunk(packing *job) {
    for (size_t i = 0; i < CHUNK; i++) free(job->parcels[i].bytes);
    memset(job->parcels, 0, sizeof job->parcels);
}

static byol_status pack_chunk(packing *job, size_t first, size_t count, byol_error *error) {
    byol_status status = prepare_chunk(job, first, count, error);
    for (size_t i = 0; i < count && status == BYOL_OK; i++)
        status = write_sample(job, first + i, &job->parcels[i], error);
    release_chunk(job);
    return status;
}

/* ---- files beside the shards ---- */

static byol_status open_names(packing *job, byol_error *error) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/names.csv", job->folder);
    BYOL__TRY(byol__atomic_open(&job->names, path, error));
    fputs("sample,name\n", job->names.stream);
    return BYOL_OK;
}

static byol_status close_names(packing *job, byol_error *error) {
    byol__atomic_file names = job->names;
    job->names.stream = NULL;
    return byol__atomic_commit(&names, error);
}

static bool has_class_names(const byol_source *source) {
    for (int c = 0; c < source->info.classes; c++)
        if (byol_source_class_name(source, c) == NULL) return false;
    return source->info.classes > 0;
}

static byol_status write_class_names(const packing *job, byol_error *error) {
    char path[PATH_MAX];
    byol__atomic_file file;
    if (!has_class_names(job->source)) return BYOL_OK;
    snprintf(path, sizeof path, "%s/classes.txt", job->folder);
    BYOL__TRY(byol__atomic_open(&file, path, error));
    for (int c = 0; c < job->source->info.classes; c++)
        fprintf(file.stream, "%s\n", byol_source_class_name(job->source, c));
    return byol__atomic_commit(&file, error);
}

static byol_status pack_all(packing *job, byol_progress progress, void *context,
                            byol_error *error) {
    size_t count = job->source->info.count;
    if (byol__shards_are_in(job->folder))
        return byol__fail(error, BYOL_ERROR_INVALID, "%s already holds shards: name another folder",
                          job->folder);
    BYOL__TRY(byol__make_folder(job->folder, error));
    BYOL__TRY(open_names(job, error));
    for (size_t first = 0; first < count; first += CHUNK) {
        size_t chunk = count - first < CHUNK ? count - first : CHUNK;
        BYOL__TRY(pack_chunk(job, first, chunk, error));
        if (progress != NULL && progress(context, first + chunk, count) != 0)
            return byol__fail(error, BYOL_ERROR_CANCELLED, "stopped after %zu of %zu images",
                              first + chunk, count);
    }
    BYOL__TRY(close_shard(job, error));
    if (job->result->images == 0)
        return byol__fail(error, BYOL_ERROR_FORMAT, "none of %zu images can be read: %s", count,
                          job->source->info.description);
    BYOL__TRY(close_names(job, error));
    return write_class_names(job, error);
}

byol_status byol_pack(const byol_source *source, const char *folder,
                      const byol_pack_options *options, byol_pack_result *result,
                      byol_progress progress, void *context, byol_error *error) {
    packing *job;
    BYOL__TRY(byol__need_images(source, "packing", error));
    if (options->shard_size < 1 || options->resize < 0 || options->quality < 1 ||
        options->quality > 100)
        return byol__fail(
            error, BYOL_ERROR_INVALID,
            "shards of %zu images, resized to %d, quality %d: at least 1, at least 0, "
            "1 .. 100",
            options->shard_size, options->resize, options->quality);
    *result = (byol_pack_result){0};
    BYOL__TRY(byol__alloc(&job, 1, sizeof *job, "packing", error));
    *job = (packing){.source = source, .folder = folder, .options = *options, .result = result};
    if (job->options.threads < 1) job->options.threads = omp_get_max_threads();
    byol_status status = byol__alloc(&job->pictures, (size_t)job->options.threads,
                                     sizeof *job->pictures, "buffers of images", error);
    if (status == BYOL_OK) status = pack_all(job, progress, context, error);
    abandon_shard(job);
    if (job->names.stream != NULL) byol__atomic_abandon(&job->names);
    for (int i = 0; job->pictures != NULL && i < job->options.threads; i++)
        byol_picture_release(&job->pictures[i]);
    byol__free(job->pictures);
    byol__free(job);
    return status;
}
