#include "cli_vectors.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 4096 };

float *cli_matrix(size_t rows, size_t columns) {
    size_t bytes;
    if (__builtin_mul_overflow(rows, columns * sizeof(float), &bytes) || bytes > SIZE_MAX - 64)
        return NULL;
    return aligned_alloc(64, (bytes + 64) / 64 * 64);
}

void cli_vectors_release(cli_vectors *vectors) {
    for (size_t i = 0; vectors->names != NULL && i < vectors->count; i++) free(vectors->names[i]);
    free(vectors->names);
    free(vectors->values);
    memset(vectors, 0, sizeof *vectors);
}

static byol_status allocate(cli_vectors *vectors, size_t count, int dimension, byol_error *error) {
    vectors->count = count;
    vectors->dimension = dimension;
    vectors->values = cli_matrix(count, (size_t)dimension);
    if (vectors->values == NULL)
        return cli_error(error, BYOL_ERROR_MEMORY, "no memory for %zu vectors of %d numbers", count,
                         dimension);
    return BYOL_OK;
}

/* ---- Embedding ---- */

static byol_status take_names(cli_vectors *vectors, const byol_source *source, byol_error *error) {
    char name[NAME_MAX_BYTES];
    vectors->names = calloc(vectors->count + 1, sizeof *vectors->names);
    for (size_t i = 0; vectors->names != NULL && i < vectors->count; i++) {
        byol_source_name(source, i, name, sizeof name);
        if ((vectors->names[i] = strdup(name)) == NULL)
            return cli_error(error, BYOL_ERROR_MEMORY, "no memory for names");
    }
    return vectors->names != NULL ? BYOL_OK
                                  : cli_error(error, BYOL_ERROR_MEMORY, "no memory for names");
}

byol_status cli_vectors_embed(cli_vectors *vectors, byol_encoder *encoder, const char *model,
                              const byol_source *source, byol_layer layer, const char *what,
                              byol_error *error) {
    byol_source_info info;
    byol_source_describe(source, &info);
    int dimension = byol_encoder_dimension(encoder, layer);
    if (dimension == 0)
        return cli_error(error, BYOL_ERROR_INVALID, "%.500s holds no %s layer", model,
                         cli_layers[layer]);
    byol_status status = allocate(vectors, info.count, dimension, error);
    if (status == BYOL_OK) status = take_names(vectors, source, error);
    if (status != BYOL_OK) return status;
    cli_progress progress;
    cli_progress_begin(&progress, what, "images");
    status = byol_encoder_embed(encoder, source, layer, vectors->values, cli_progress_hook,
                                &progress, error);
    cli_progress_end(&progress);
    return status;
}

/* ---- NumPy ---- */

static const unsigned char magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

/* The header: magic, version 1.0, length of the dictionary, dictionary, then spaces and a newline
 * up to a multiple of 64 bytes. */
static size_t make_header(unsigned char header[128], size_t rows, size_t columns) {
    memset(header, ' ', 128);
    memcpy(header, magic, sizeof magic);
    header[6] = 1;
    header[7] = 0;
    int length =
        snprintf((char *)header + 10, 118,
                 "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }", rows, columns);
    header[10 + length] = ' ';
    size_t total = ((size_t)length + 10 + 1 + 63) / 64 * 64;
    header[8] = (unsigned char)(total - 10);
    header[9] = 0;
    header[total - 1] = '\n';
    return total;
}

byol_status cli_npy_write(const char *path, const float *values, size_t rows, size_t columns,
                          byol_error *error) {
    unsigned char header[128];
    cli_file f;
    byol_status status = cli_file_begin(&f, path, error);
    if (status != BYOL_OK) return status;
    size_t length = make_header(header, rows, columns);
    fwrite(header, 1, length, f.stream);
    fwrite(values, sizeof *values, rows * columns, f.stream);
    return cli_file_finish(&f, error);
}

/* Reads up to the numbers. Returns what is wrong, or NULL. */
static const char *read_header(FILE *stream, size_t *rows, int *columns) {
    unsigned char front[12] = {0};
    char text[1024] = "";
    if (fread(front, 1, 10, stream) != 10 || memcmp(front, magic, sizeof magic) != 0)
        return "it is not a .npy file";
    size_t length = front[8] | (size_t)front[9] << 8;
    if (front[6] > 1) { /* versions 2 and 3 have a length of four bytes */
        if (fread(front + 10, 1, 2, stream) != 2) return "it is cut short";
        length |= (size_t)front[10] << 16 | (size_t)front[11] << 24;
    }
    if (length >= sizeof text || fread(text, 1, length, stream) != length) return "it is cut short";
    const char *shape = strstr(text, "'shape': (");
    int end = 0;
    if (strstr(text, "'descr': '<f4'") == NULL || strstr(text, "'fortran_order': False") == NULL ||
        shape == NULL || sscanf(shape, "'shape': (%zu, %d)%n", rows, columns, &end) != 2 ||
        end == 0 || *columns < 1 || *rows < 1)
        return "it is not a matrix of float32 in C order";
    return NULL;
}

static byol_status read_npy(cli_vectors *vectors, const char *path, byol_error *error) {
    FILE *stream = fopen(path, "rb");
    if (stream == NULL)
        return cli_error(error, errno == ENOENT ? BYOL_ERROR_NOT_FOUND : BYOL_ERROR_IO,
                         "cannot read %.700s: %s", path, strerror(errno));
    size_t rows = 0;
    int columns = 0;
    const char *wrong = read_header(stream, &rows, &columns);
    byol_status status = BYOL_OK;
    if (wrong == NULL) status = allocate(vectors, rows, columns, error);
    if (wrong == NULL && status == BYOL_OK) {
        size_t numbers = rows * (size_t)columns;
        if (fread(vectors->values, sizeof(float), numbers, stream) != numbers ||
            fgetc(stream) != EOF)
            wrong = "it does not have as many numbers as its header says";
    }
    fclose(stream);
    return wrong == NULL ? status : cli_error(error, BYOL_ERROR_FORMAT, "%.700s: %s", path, wrong);
}

/* ---- The .csv beside it ---- */

void cli_csv_path(const char *npy, char *path) {
    int length = (int)strlen(npy);
    snprintf(path, BYOL_PATH_MAX, "%.*s.csv", cli_ends_with(npy, ".npy") ? length - 4 : length,
             npy);
}

byol_status cli_csv_write(const char *path, const byol_source *source, byol_error *error) {
    cli_file f;
    byol_source_info info;
    byol_status status = cli_file_begin(&f, path, error);
    if (status != BYOL_OK) return status;
    byol_source_describe(source, &info);
    fputs("index,path,label\n", f.stream);
    for (size_t i = 0; i < info.count; i++) {
        char name[NAME_MAX_BYTES] = "", number[16] = "";
        int32_t label = byol_source_label(source, i);
        const char *class_name = label >= 0 ? byol_source_class_name(source, label) : NULL;
        if (info.decoded) byol_source_name(source, i, name, sizeof name);
        if (label >= 0) snprintf(number, sizeof number, "%" PRId32, label);
        fprintf(f.stream, "%zu,", i);
        cli_csv_field(f.stream, name);
        fputc(',', f.stream);
        cli_csv_field(f.stream, class_name != NULL ? class_name : number);
        fputc('\n', f.stream);
    }
    return cli_file_finish(&f, error);
}

/* Reads one field of a line, in place; `*at` moves behind its comma. */
static char *read_field(char **at) {
    char *field = *at, *to = field, *from = field;
    int quoted = *from == '"';
    if (quoted) from++;
    for (; *from != '\0'; from++) {
        if (quoted && from[0] == '"' && from[1] == '"')
            from++;
        else if (quoted ? *from == '"' : (*from == ',' || *from == '\n' || *from == '\r'))
            break;
        *to++ = *from;
    }
    if (quoted && *from == '"') from++;
    *at = *from == ',' ? from + 1 : from;
    *to = '\0';
    return field;
}

static int quotes_in(const char *text) {
    int count = 0;
    for (; *text != '\0'; text++) count += *text == '"';
    return count;
}

/* Reads a record: lines until the quotes are even (a name may hold a newline). NULL at the end. */
static char *read_record(FILE *stream, char **line, size_t *capacity) {
    ssize_t length = getline(line, capacity, stream);
    if (length <= 0) return NULL;
    char *more = NULL;
    size_t more_capacity = 0;
    while (quotes_in(*line) % 2 != 0 && getline(&more, &more_capacity, stream) > 0) {
        size_t wanted = strlen(*line) + strlen(more) + 1;
        char *grown = realloc(*line, wanted);
        if (grown == NULL) break;
        *line = strcat(grown, more);
        *capacity = wanted;
    }
    free(more);
    return *line;
}

/* Reads names from a .csv of ours. If there is none, or it is another kind or length, there are no
 * names. */
static void read_names(cli_vectors *vectors, const char *path) {
    FILE *stream = fopen(path, "rb");
    char *line = NULL;
    size_t capacity = 0, count = 0;
    if (stream == NULL) return;
    char **names = calloc(vectors->count + 1, sizeof *names);
    int good = names != NULL && read_record(stream, &line, &capacity) != NULL &&
               strncmp(line, "index,path,label", 16) == 0;
    while (good && read_record(stream, &line, &capacity) != NULL) {
        char *at = line, fallback[32];
        snprintf(fallback, sizeof fallback, "image %zu", count);
        int in_order = strtoull(read_field(&at), NULL, 10) == count;
        const char *name = read_field(&at);
        good = in_order && count < vectors->count &&
               (names[count] = strdup(*name != '\0' ? name : fallback)) != NULL;
        count += (size_t)good;
    }
    fclose(stream);
    free(line);
    if (good && count == vectors->count) {
        vectors->names = names;
        return;
    }
    for (size_t i = 0; i < count; i++) free(names[i]);
    free(names);
}

byol_status cli_vectors_read(cli_vectors *vectors, const char *path, byol_error *error) {
    char csv[BYOL_PATH_MAX];
    byol_status status = read_npy(vectors, path, error);
    if (status != BYOL_OK) return status;
    cli_csv_path(path, csv);
    read_names(vectors, csv);
    return BYOL_OK;
}
