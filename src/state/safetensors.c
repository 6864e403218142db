#include "state/safetensors.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <xxhash.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "byol/version.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "tensors are stored as they lie in memory");

/* Our headers begin with these bytes, then the digest. WRITER_KEY is a second mark: without it, a
 * file whose "xxh3" was damaged into another word would pass for one that never had a digest. */
#define HEADER_START "{\"__metadata__\":{\"xxh3\":\""
#define WRITER_KEY "writer"
#define WRITER "byol " BYOL_VERSION
enum {
    LENGTH_BYTES = 8,
    DIGEST_DIGITS = 16,
    DIGEST_OFFSET = LENGTH_BYTES + sizeof HEADER_START - 1,
    HEADER_MAX = 100 * 1000 * 1000, /* the format's own limit */
    DIMS_MAX = 4,
};
static const char zero_digits[] = "0000000000000000";

/* ---- writing ---- */

static size_t count_of(const byol__tensor *tensor) {
    size_t count = 1;
    for (int i = 0; i < tensor->ndims; i++) count *= (size_t)tensor->dims[i];
    return count;
}

static json_t *describe_metadata(const byol__metadata *metadata, size_t count) {
    json_t *object = json_pack("{s:s, s:s}", "xxh3", zero_digits, WRITER_KEY, WRITER);
    for (size_t i = 0; i < count && object != NULL; i++) {
        if (json_object_get(object, metadata[i].key) == NULL &&
            json_object_set_new(object, metadata[i].key, json_string(metadata[i].value)) == 0)
            continue;
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *describe_tensor(const byol__tensor *tensor, size_t offset) {
    json_t *shape = json_array();
    for (int i = 0; i < tensor->ndims; i++)
        json_array_append_new(shape, json_integer(tensor->dims[i]));
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", "F32", "shape", shape, "data_offsets",
                     (json_int_t)offset, (json_int_t)(offset + count_of(tensor) * sizeof(float)));
}

static byol_status describe_file(json_t **out, const byol__tensor *tensors, size_t tensor_count,
                                 const byol__metadata *metadata, size_t metadata_count,
                                 byol_error *error) {
    json_t *header = json_object();
    if (json_object_set_new(header, "__metadata__", describe_metadata(metadata, metadata_count)) !=
        0) {
        json_decref(header);
        return byol__fail(error, BYOL_ERROR_INVALID, "metadata must be UTF-8 text, each key once");
    }
    size_t offset = 0;
    for (size_t i = 0; i < tensor_count; i++) {
        if (json_object_get(header, tensors[i].name) != NULL ||
            json_object_set_new(header, tensors[i].name, describe_tensor(&tensors[i], offset)) !=
                0) {
            json_decref(header);
            return byol__fail(error, BYOL_ERROR_INVALID,
                              "tensor names must be UTF-8 text, each once: %.100s",
                              tensors[i].name);
        }
        offset += count_of(&tensors[i]) * sizeof(float);
    }
    *out = header;
    return BYOL_OK;
}

/* The bytes before the tensors: length, JSON, spaces up to a multiple of the alignment. */
static byol_status make_header(char **out, size_t *length, const json_t *json, byol_error *error) {
    char *text = json_dumps(json, JSON_COMPACT);
    if (text == NULL)
        return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for a safetensors header");
    size_t used = LENGTH_BYTES + strlen(text);
    *length = byol__align_up(used);
    byol_status status = byol__alloc(out, *length, 1, "safetensors header", error);
    if (status == BYOL_OK) {
        uint64_t json_bytes = *length - LENGTH_BYTES;
        memcpy(*out, &json_bytes, LENGTH_BYTES);
        memcpy(*out + LENGTH_BYTES, text, strlen(text));
        memset(*out + used, ' ', *length - used);
    }
    free(text);
    return status;
}

static byol_status put_digest(char *header, size_t length, const byol__tensor *tensors,
                              size_t count, byol_error *error) {
    XXH3_state_t *hash = XXH3_createState();
    if (hash == NULL) return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for a digest");
    XXH3_64bits_reset(hash);
    XXH3_64bits_update(hash, header, length);
    for (size_t i = 0; i < count; i++)
        XXH3_64bits_update(hash, tensors[i].data, count_of(&tensors[i]) * sizeof(float));
    char digits[DIGEST_DIGITS + 1];
    snprintf(digits, sizeof digits, "%016" PRIx64, (uint64_t)XXH3_64bits_digest(hash));
    XXH3_freeState(hash);
    memcpy(header + DIGEST_OFFSET, digits, DIGEST_DIGITS);
    return BYOL_OK;
}

static byol_status write_file(const char *path, const char *header, size_t length,
                              const byol__tensor *tensors, size_t count, byol_error *error) {
    byol__atomic_file file;
    BYOL__TRY(byol__atomic_open(&file, path, error));
    errno = 0;
    int written = fwrite(header, 1, length, file.stream) == length;
    for (size_t i = 0; i < count && written; i++) {
        size_t floats = count_of(&tensors[i]);
        written = fwrite(tensors[i].data, sizeof(float), floats, file.stream) == floats;
    }
    return written ? byol__atomic_commit(&file, error) : byol__atomic_fail(&file, errno, error);
}

byol_status byol__safetensors_write(const char *path, const byol__tensor *tensors,
                                    size_t tensor_count, const byol__metadata *metadata,
                                    size_t metadata_count, byol_error *error) {
    json_t *json = NULL;
    BYOL__TRY(describe_file(&json, tensors, tensor_count, metadata, metadata_count, error));
    char *header = NULL;
    size_t length = 0;
    byol_status status = make_header(&header, &length, json, error);
    json_decref(json);
    if (status != BYOL_OK) return status;
    status = put_digest(header, length, tensors, tensor_count, error);
    if (status == BYOL_OK) status = write_file(path, header, length, tensors, tensor_count, error);
    byol__free(header);
    return status;
}

/* ---- reading ---- */

typedef struct entry {
    const char *name;  /* belongs to the JSON */
    const char *dtype; /* the same */
    int dims[DIMS_MAX];
    int ndims; /* as in the file, may be more than DIMS_MAX */
    size_t offset, bytes;
} entry;

struct byol__safetensors {
    char *path;
    const unsigned char *bytes; /* the whole file */
    size_t size;
    size_t data; /* where the tensors begin */
    json_t *json;
    entry *entries; /* by offset */
    size_t count;
};

static const struct {
    const char *name;
    size_t bytes;
} dtypes[] = {
    {"F32", 4}, {"BF16", 2}, {"F16", 2}, {"F64", 8}, {"I8", 1},  {"U8", 1},   {"I16", 2},
    {"U16", 2}, {"I32", 4},  {"U32", 4}, {"I64", 8}, {"U64", 8}, {"BOOL", 1},
};

/* Bytes of one element; 0 for an unknown type. */
static size_t element_bytes(const char *dtype) {
    for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++)
        if (strcmp(dtypes[i].name, dtype) == 0) return dtypes[i].bytes;
    return 0;
}

static byol_status parse_header(byol__safetensors *file, byol_error *error) {
    uint64_t length;
    if (file->size < LENGTH_BYTES + 2)
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "%s is not a safetensors file: it has %zu bytes only", file->path,
                          file->size);
    memcpy(&length, file->bytes, sizeof length);
    if (length > HEADER_MAX || length > file->size - LENGTH_BYTES)
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "%s is not a whole safetensors file: its header should have %" PRIu64
                          " bytes, the file has %zu",
                          file->path, length, file->size);
    json_error_t problem;
    file->json = json_loadb((const char *)file->bytes + LENGTH_BYTES, length,
                            JSON_REJECT_DUPLICATES, &problem);
    if (!json_is_object(file->json))
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "%s is not a safetensors file, or damaged: its header is not JSON: %s",
                          file->path, file->json == NULL ? problem.text : "not an object");
    file->data = LENGTH_BYTES + (size_t)length;
    return BYOL_OK;
}

static byol_status check_metadata(const byol__safetensors *file, byol_error *error) {
    json_t *metadata = json_object_get(file->json, "__metadata__"), *value;
    const char *key;
    if (metadata == NULL) return BYOL_OK;
    if (!json_is_object(metadata))
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "%s is damaged: its __metadata__ is not an object", file->path);
    json_object_foreach(metadata, key, value) {
        if (!json_is_string(value))
            return byol__fail(error, BYOL_ERROR_FORMAT,
                              "%s is damaged: its metadata '%.100s' is not text", file->path, key);
    }
    return BYOL_OK;
}

/* XXH3-64 of the file with zeros in place of its digits. */
static byol_status hash_file(const byol__safetensors *file, uint64_t *digest, byol_error *error) {
    XXH3_state_t *hash = XXH3_createState();
    if (hash == NULL) return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for a digest");
    size_t behind = DIGEST_OFFSET + DIGEST_DIGITS;
    XXH3_64bits_reset(hash);
    XXH3_64bits_update(hash, file->bytes, DIGEST_OFFSET);
    XXH3_64bits_update(hash, zero_digits, DIGEST_DIGITS);
    XXH3_64bits_update(hash, file->bytes + behind, file->size - behind);
    *digest = XXH3_64bits_digest(hash);
    XXH3_freeState(hash);
    return BYOL_OK;
}

static byol_status check_digest(const byol__safetensors *file, byol_error *error) {
    const char *writer = byol__safetensors_metadata(file, WRITER_KEY);
    const char *digits = byol__safetensors_metadata(file, "xxh3");
    int ours = digits != NULL || (writer != NULL && strncmp(writer, "byol", 4) == 0);
    if (!ours) return BYOL_OK; /* another program's, without a digest */
    int in_place = digits != NULL && strlen(digits) == DIGEST_DIGITS &&
                   file->size > DIGEST_OFFSET + DIGEST_DIGITS &&
                   memcmp(file->bytes + LENGTH_BYTES, HEADER_START, sizeof HEADER_START - 1) == 0;
    uint64_t digest = 0;
    if (in_place) BYOL__TRY(hash_file(file, &digest, error));
    char expected[DIGEST_DIGITS + 1];
    snprintf(expected, sizeof expected, "%016" PRIx64, digest);
    if (in_place && strcmp(digits, expected) == 0) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_FORMAT,
                      "%s is damaged: its digest does not match its bytes. Take another copy (or, "
                      "where another program "
                      "rewrote the file, remove 'xxh3' and 'writer' from its metadata)",
                      file->path);
}

/* The error in the description of a tensor, or NULL. */
static const char *read_entry(const byol__safetensors *file, json_t *json, entry *e) {
    json_t *dtype = json_object_get(json, "dtype");
    json_t *shape = json_object_get(json, "shape");
    json_t *offsets = json_object_get(json, "data_offsets");
    json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (!json_is_string(dtype) || !json_is_array(shape) || json_array_size(offsets) != 2 ||
        !json_is_integer(begin) || !json_is_integer(end))
        return "it needs dtype, shape and two data_offsets";
    json_int_t from = json_integer_value(begin), to = json_integer_value(end);
    if (from < 0 || to < from || (uint64_t)to > file->size - file->data)
        return "its data_offsets lie outside the file";
    e->dtype = json_string_value(dtype);
    e->offset = (size_t)from;
    e->bytes = (size_t)(to - from);
    e->ndims = json_array_size(shape) <= INT_MAX ? (int)json_array_size(shape) : INT_MAX;
    size_t bytes = element_bytes(e->dtype), index;
    bool known = bytes != 0;
    json_t *dim;
    json_array_foreach(shape, index, dim) {
        json_int_t size = json_is_integer(dim) ? json_integer_value(dim) : -1;
        if (size < 0 || size > INT_MAX || __builtin_mul_overflow(bytes, (size_t)size, &bytes))
            return "its shape is not a list of sizes";
        if (index < DIMS_MAX) e->dims[index] = (int)size;
    }
    return known && bytes != e->bytes ? "its shape and its data_offsets do not agree" : NULL;
}

static int by_offset(const void *a, const void *b) {
    const entry *x = a, *y = b;
    if (x->offset != y->offset) return x->offset < y->offset ? -1 : 1;
    /* Empty ones first: they share an offset. */
    return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

static byol_status read_entries(byol__safetensors *file, byol_error *error) {
    BYOL__TRY(byol__alloc(&file->entries, json_object_size(file->json), sizeof *file->entries,
                          file->path, error));
    const char *name;
    json_t *json;
    json_object_foreach(file->json, name, json) {
        if (strcmp(name, "__metadata__") == 0) continue;
        entry *e = &file->entries[file->count++];
        e->name = name;
        const char *wrong = read_entry(file, json, e);
        if (wrong != NULL)
            return byol__fail(error, BYOL_ERROR_FORMAT, "%s is damaged: tensor '%.100s': %s",
                              file->path, name, wrong);
    }
    qsort(file->entries, file->count, sizeof *file->entries, by_offset);
    return BYOL_OK;
}

/* The format allows no holes and no overlaps, and nothing after the last tensor. */
static byol_status check_layout(const byol__safetensors *file, byol_error *error) {
    size_t at = 0;
    for (size_t i = 0; i < file->count; i++) {
        const entry *e = &file->entries[i];
        if (e->offset != at)
            return byol__fail(error, BYOL_ERROR_FORMAT,
                              "%s is damaged: tensor '%.100s' begins at byte %zu, not at %zu",
                              file->path, e->name, e->offset, at);
        at += e->bytes;
    }
    if (at == file->size - file->data) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_FORMAT,
                      "%s is damaged or cut short: %zu bytes of tensors expected, %zu found",
                      file->path, at, file->size - file->data);
}

byol_status byol__safetensors_open(byol__safetensors **out, const char *path, byol_error *error) {
    byol__safetensors *file;
    BYOL__TRY(byol__alloc(&file, 1, sizeof *file, path, error));
    byol_status status = byol__alloc(&file->path, strlen(path) + 1, 1, path, error);
    if (status == BYOL_OK) memcpy(file->path, path, strlen(path));
    if (status == BYOL_OK) status = byol__map_file(path, &file->bytes, &file->size, error);
    if (status == BYOL_OK) status = parse_header(file, error);
    if (status == BYOL_OK) status = check_metadata(file, error);
    if (status == BYOL_OK) status = read_entries(file, error);
    if (status == BYOL_OK) status = check_layout(file, error);
    if (status == BYOL_OK) status = check_digest(file, error);
    if (status == BYOL_OK)
        *out = file;
    else
        byol__safetensors_close(file);
    return status;
}

void byol__safetensors_close(byol__safetensors *file) {
    if (file == NULL) return;
    byol__unmap_file(file->bytes, file->size);
    json_decref(file->json);
    byol__free(file->entries);
    byol__free(file->path);
    byol__free(file);
}

const char *byol__safetensors_metadata(const byol__safetensors *file, const char *key) {
    return json_string_value(json_object_get(json_object_get(file->json, "__metadata__"), key));
}

size_t byol__safetensors_count(const byol__safetensors *file) { return file->count; }

const char *byol__safetensors_name(const byol__safetensors *file, size_t index) {
    return file->entries[index].name;
}

static byol_status want_f32(const byol__safetensors *file, const entry *e, byol_error *error) {
    if (strcmp(e->dtype, "F32") != 0)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED,
                          "%s: tensor '%.100s' is %.20s; only F32 is read", file->path, e->name,
                          e->dtype);
    if (e->ndims > DIMS_MAX)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED,
                          "%s: tensor '%.100s' has %d dimensions, at most %d are read", file->path,
                          e->name, e->ndims, DIMS_MAX);
    return BYOL_OK;
}

byol_status byol__safetensors_tensor(const byol__safetensors *file, size_t index,
                                     byol__tensor *tensor, byol_error *error) {
    if (index >= file->count)
        return byol__fail(error, BYOL_ERROR_INVALID, "%s has %zu tensors, there is no number %zu",
                          file->path, file->count, index);
    const entry *e = &file->entries[index];
    BYOL__TRY(want_f32(file, e, error));
    const unsigned char *bytes = file->bytes + file->data + e->offset;
    if ((uintptr_t)bytes % _Alignof(float) != 0)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED,
                          "%s: tensor '%.100s' is not aligned to its numbers", file->path, e->name);
    *tensor = (byol__tensor){
        .name = e->name, .data = (const float *)(const void *)bytes, .ndims = e->ndims};
    memcpy(tensor->dims, e->dims, sizeof tensor->dims);
    return BYOL_OK;
}

static void print_shape(const int *dims, int ndims, char text[64]) {
    size_t used = (size_t)snprintf(text, 64, "(");
    for (int i = 0; i < ndims; i++)
        used += (size_t)snprintf(text + used, 64 - used, i > 0 ? ", %d" : "%d", dims[i]);
    snprintf(text + used, 64 - used, ")");
}

byol_status byol__safetensors_read(const byol__safetensors *file, const char *name, const int *dims,
                                   int ndims, float *dst, byol_error *error) {
    const entry *e = NULL;
    for (size_t i = 0; i < file->count && e == NULL; i++)
        if (strcmp(file->entries[i].name, name) == 0) e = &file->entries[i];
    if (e == NULL)
        return byol__fail(error, BYOL_ERROR_NOT_FOUND, "%s holds no tensor '%.100s'", file->path,
                          name);
    BYOL__TRY(want_f32(file, e, error));
    if (e->ndims != ndims ||
        (ndims > 0 && memcmp(e->dims, dims, (size_t)ndims * sizeof *dims) != 0)) {
        char found[64], wanted[64];
        print_shape(e->dims, e->ndims, found);
        print_shape(dims, ndims, wanted);
        return byol__fail(error, BYOL_ERROR_MISMATCH,
                          "%s: tensor '%.100s' is %s where %s is needed", file->path, name, found,
                          wanted);
    }
    memcpy(dst, file->bytes + file->data + e->offset, e->bytes);
    return BYOL_OK;
}
