/* Encodes, decodes and trains for the test that holds us against Hugging Face's tokenizers.
 *   tokenize train MODEL VOCABULARY LOWERCASE FREQUENCY ALPHABET SPACE OUT < texts
 *   tokenize encode FILE CAPACITY SPECIAL < texts     the ids of each text on a line
 *   tokenize decode FILE SPECIAL < ids                texts
 *   tokenize save FILE OUT
 * A text is a line with its length, then its bytes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "byol/tokenizer.h"

static void check(byol_status status, const byol_error *error) {
    if (status == BYOL_OK) return;
    fprintf(stderr, "%s: %s\n", byol_status_name(status), error->text);
    exit(1);
}

static byol_tokenizer *load(const char *path) {
    byol_tokenizer *tokenizer;
    byol_error error = {0};
    check(byol_tokenizer_load(&tokenizer, path, &error), &error);
    return tokenizer;
}

typedef struct text {
    char *bytes;
    size_t length;
} text;

static int next(text *t) {
    if (scanf("%zu", &t->length) != 1) return 0;
    t->bytes = malloc(t->length + 1);
    if (t->bytes == NULL || getchar() != '\n' || fread(t->bytes, 1, t->length, stdin) != t->length)
        abort();
    t->bytes[t->length] = '\0';
    return 1;
}

static byol_status give(void *context, size_t index, const char **out, size_t *length,
                        byol_error *error) {
    (void)error;
    const text *texts = context;
    *out = texts[index].bytes;
    *length = texts[index].length;
    return BYOL_OK;
}

static void train(char **arguments) {
    byol_tokenizer_options options;
    byol_tokenizer_options_init(&options);
    int bytes = strcmp(arguments[0], "bytes") == 0;
    options.model = bytes ? BYOL_TOKENIZER_BYTE_BPE : BYOL_TOKENIZER_WORDPIECE;
    options.vocabulary = atoi(arguments[1]);
    options.lowercase = atoi(arguments[2]);
    options.min_frequency = atoi(arguments[3]);
    options.alphabet = atoi(arguments[4]);
    options.prefix_space = atoi(arguments[5]);
    text *lines = NULL;
    size_t count = 0, room = 0;
    for (text t; next(&t);) {
        if (count == room) lines = realloc(lines, (room = 2 * room + 64) * sizeof *lines);
        if (lines == NULL) abort();
        lines[count++] = t;
    }
    byol_texts texts = {count, give, lines};
    byol_tokenizer *tokenizer;
    byol_error error = {0};
    check(byol_tokenizer_train(&tokenizer, &options, &texts, NULL, NULL, &error), &error);
    check(byol_tokenizer_save(tokenizer, arguments[6], &error), &error);
    byol_tokenizer_free(tokenizer);
    for (size_t i = 0; i < count; i++) free(lines[i].bytes);
    free(lines);
}

static void encode(char **arguments) {
    byol_tokenizer *tokenizer = load(arguments[0]);
    size_t capacity = (size_t)atol(arguments[1]), count, longest = capacity > 0 ? capacity : 1;
    int32_t *ids = malloc(longest * sizeof *ids);
    if (ids == NULL) abort();
    byol_tokenizer_scratch scratch = {0};
    byol_error error = {0};
    for (text t; next(&t); free(t.bytes)) {
        check(byol_tokenizer_encode(tokenizer, t.bytes, t.length, atoi(arguments[2]), &scratch, ids,
                                    capacity, &count, &error),
              &error);
        for (size_t i = 0; i < count && i < capacity; i++)
            printf("%s%" PRId32, i ? " " : "", ids[i]);
        putchar('\n');
    }
    byol_tokenizer_scratch_release(&scratch);
    byol_tokenizer_free(tokenizer);
    free(ids);
}

static void decode(char **arguments) {
    byol_tokenizer *tokenizer = load(arguments[0]);
    byol_tokenizer_scratch scratch = {0};
    byol_error error = {0};
    for (text t; next(&t); free(t.bytes)) {
        int32_t *ids = malloc((t.length + 1) * sizeof *ids);
        if (ids == NULL) abort();
        size_t count = 0, length;
        for (char *at = strtok(t.bytes, " "); at != NULL; at = strtok(NULL, " "))
            ids[count++] = atoi(at);
        const char *out;
        check(byol_tokenizer_decode(tokenizer, ids, count, atoi(arguments[1]), &scratch, &out,
                                    &length, &error),
              &error);
        printf("%zu\n", length);
        fwrite(out, 1, length, stdout);
        free(ids);
    }
    byol_tokenizer_scratch_release(&scratch);
    byol_tokenizer_free(tokenizer);
}

static void save(char **arguments) {
    byol_tokenizer *tokenizer = load(arguments[0]);
    byol_error error = {0};
    check(byol_tokenizer_save(tokenizer, arguments[1], &error), &error);
    byol_tokenizer_free(tokenizer);
}

int main(int count, char **arguments) {
    if (count == 9 && strcmp(arguments[1], "train") == 0)
        train(arguments + 2);
    else if (count == 5 && strcmp(arguments[1], "encode") == 0)
        encode(arguments + 2);
    else if (count == 4 && strcmp(arguments[1], "decode") == 0)
        decode(arguments + 2);
    else if (count == 4 && strcmp(arguments[1], "save") == 0)
        save(arguments + 2);
    else
        return 2;
    return 0;
}
