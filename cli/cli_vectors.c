#include "cli_vectors.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
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

/* NULL is fine. */
static void free_list(char **list, size_t count) {
    for (size_t i = 0; list != NULL && i < count; i++) free(list[i]);
    free(list);
}

void cli_vectors_release(cli_vectors *vectors) {
    free_list(vectors->names, vectors->count);
    free_list(vectors->texts, vectors->count);
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

typedef void (*words_of)(const byol_source *source, size_t index, char *words, size_t size);

/* Keeps the words of every sample, at most `size` bytes of each. */
static byol_status take_words(char ***list, size_t count, const byol_source *source, words_of words,
                              size_t size, byol_error *error) {
    char text[NAME_MAX_BYTES];
    *list = calloc(count + 1, sizeof **list);
    for (size_t i = 0; *list != NULL && i < count; i++) {
        words(source, i, text, size);
        if (((*list)[i] = strdup(text)) == NULL)
            return cli_error(error, BYOL_ERROR_MEMORY, "no memory for names");
    }
    return *list != NULL ? BYOL_OK : cli_error(error, BYOL_ERROR_MEMORY, "no memory for names");
}

static byol_status take_names(cli_vectors *vectors, const byol_source *source, byol_error *error) {
    byol_source_info info;
    byol_source_describe(source, &info);
    byol_status status = take_words(&vectors->names, vectors->count, source, byol_source_name,
                                    NAME_MAX_BYTES, error);
    if (status == BYOL_OK && info.samples == BYOL_SAMPLES_TEXTS)
        status = take_words(&vectors->texts, vectors->count, source, byol_source_excerpt,
                            CLI_TEXT_BYTES, error);
    return status;
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
    cli_progress_begin(&progress, what, cli_samples(source));
    status = byol_encoder_embed(encoder, source, layer, vectors->values, cli_progress_hook,
                                &progress, error);
    cli_progress_end(&progress);
    return status;
}

/* ---- NumPy ---- */

static const unsigned char magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

/* The header: magic, version 1.0, length of the dictionary, dictionary, then spaces and a newline
 * up to a multiple of 64 bytes. */
size_t cli_npy_header(unsigned char header[CLI_NPY_HEADER_MAX], const size_t *shape, int dims) {
    char *text = (char *)header + 10;
    const int room = CLI_NPY_HEADER_MAX - 10;
    memset(header, ' ', CLI_NPY_HEADER_MAX);
    memcpy(header, magic, sizeof magic);
    header[6] = 1;
    header[7] = 0;
    int length =
        snprintf(text, (size_t)room, "{'descr': '<f4', 'fortran_order': False, 'shape': (");
    for (int i = 0; i < dims; i++)
        length +=
            snprintf(text + length, (size_t)(room - length), "%s%zu", i > 0 ? ", " : "", shape[i]);
    length += snprintf(text + length, (size_t)(room - length), "), }");
    header[10 + length] = ' ';
    size_t total = ((size_t)length + 10 + 1 + 63) / 64 * 64;
    header[8] = (unsigned char)(total - 10);
    header[9] = 0;
    header[total - 1] = '\n';
    return total;
}

byol_status cli_npy_write(const char *path, const float *values, size_t rows, size_t columns,
                          byol_error *error) {
    unsigned char header[CLI_NPY_HEADER_MAX];
    const size_t shape[2] = {rows, columns};
    cli_file f;
    byol_status status = cli_file_begin(&f, path, error);
    if (status != BYOL_OK) return status;
    size_t length = cli_npy_header(header, shape, 2);
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

static const char header_of_images[] = "index,path,label",
                  header_of_texts[] = "index,path,label,text";

static void write_csv_row(FILE *stream, const byol_source *source, size_t index, bool has_name,
                          bool has_text) {
    char name[NAME_MAX_BYTES] = "", number[16] = "", text[CLI_TEXT_BYTES];
    int32_t label = byol_source_label(source, index);
    const char *class_name = label >= 0 ? byol_source_class_name(source, label) : NULL;
    if (has_name) byol_source_name(source, index, name, sizeof name);
    if (label >= 0) snprintf(number, sizeof number, "%" PRId32, label);
    fprintf(stream, "%zu,", index);
    cli_csv_field(stream, name);
    fputc(',', stream);
    cli_csv_field(stream, class_name != NULL ? class_name : number);
    if (has_text) {
        byol_source_excerpt(source, index, text, sizeof text);
        fputc(',', stream);
        cli_csv_field(stream, text);
    }
    fputc('\n', stream);
}

byol_status cli_csv_write(const char *path, const byol_source *source, byol_error *error) {
    cli_file f;
    byol_source_info info;
    byol_status status = cli_file_begin(&f, path, error);
    if (status != BYOL_OK) return status;
    byol_source_describe(source, &info);
    bool has_texts = info.samples == BYOL_SAMPLES_TEXTS;
    fprintf(f.stream, "%s\n", has_texts ? header_of_texts : header_of_images);
    for (size_t i = 0; i < info.count; i++)
        write_csv_row(f.stream, source, i, info.decoded || has_texts, has_texts);
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

/* Reads the rows of a .csv of ours into `names` and, if it has them, `texts`. Returns whether it is
 * one, with as many rows. */
static bool read_rows(FILE *stream, size_t wanted, char **names, char **texts, bool *has_texts) {
    char *line = NULL;
    size_t capacity = 0, count = 0;
    bool good = read_record(stream, &line, &capacity) != NULL &&
                strncmp(line, header_of_images, strlen(header_of_images)) == 0;
    *has_texts = good && strncmp(line, header_of_texts, strlen(header_of_texts)) == 0;
    while (good && read_record(stream, &line, &capacity) != NULL) {
        char *at = line, fallback[32];
        snprintf(fallback, sizeof fallback, "image %zu", count);
        good = count < wanted && strtoull(read_field(&at), NULL, 10) == count;
        if (!good) break;
        const char *name = read_field(&at);
        names[count] = strdup(*name != '\0' ? name : fallback);
        read_field(&at); /* the label */
        if (*has_texts) texts[count] = strdup(read_field(&at));
        good = names[count] != NULL && (!*has_texts || texts[count] != NULL);
        count++;
    }
    free(line);
    return good && count == wanted;
}

/* If there is no .csv, or it is another kind or length, there are no names. */
static void read_names(cli_vectors *vectors, const char *path) {
    FILE *stream = fopen(path, "rb");
    bool has_texts = false;
    if (stream == NULL) return;
    char **names = calloc(vectors->count + 1, sizeof *names),
         **texts = calloc(vectors->count + 1, sizeof *texts);
    bool good = names != NULL && texts != NULL &&
                read_rows(stream, vectors->count, names, texts, &has_texts);
    fclose(stream);
    if (good) vectors->names = names;
    if (good && has_texts) vectors->texts = texts;
    if (vectors->names != names) free_list(names, vectors->count);
    if (vectors->texts != texts) free_list(texts, vectors->count);
}

byol_status cli_vectors_read(cli_vectors *vectors, const char *path, byol_error *error) {
    char csv[BYOL_PATH_MAX];
    byol_status status = read_npy(vectors, path, error);
    if (status != BYOL_OK) return status;
    cli_csv_path(path, csv);
    read_names(vectors, csv);
    return BYOL_OK;
}
