#include "data/text_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/error.h"
#include "base/memory.h"

/* ---- the methods ---- */

static byol_status text(const byol_source *source, size_t index, const char **out, size_t *length,
                        byol_error *error) {
    (void)error;
    const byol__texts *texts = (const byol__texts *)source;
    size_t begin = index > 0 ? texts->texts[index - 1].end : 0;
    *out = texts->arena.bytes + begin;
    *length = texts->texts[index].end - begin;
    return BYOL_OK;
}

static int32_t label(const byol_source *source, size_t index) {
    return ((const byol__texts *)source)->texts[index].label;
}

static const char *class_name(const byol_source *source, int32_t number) {
    const byol__texts *texts = (const byol__texts *)source;
    return number >= 0 && number < texts->class_name_count ? texts->class_names[number] : NULL;
}

static void name(const byol_source *source, size_t index, char *to, size_t size) {
    const byol__texts *texts = (const byol__texts *)source;
    size_t place = texts->texts[index].place;
    if (texts->names.length > 0)
        snprintf(to, size, "%s", texts->names.bytes + place);
    else if (texts->file != NULL)
        snprintf(to, size, "%s:%zu", texts->file, place);
    else
        snprintf(to, size, "text %zu", index);
}

/* Of all bytes, and of where each text ends. */
static byol_status digest(const byol_source *source, uint64_t *out, byol_error *error) {
    (void)error;
    const byol__texts *texts = (const byol__texts *)source;
    uint64_t sum = XXH3_64bits(texts->arena.bytes, texts->arena.length);
    for (size_t i = 0; i < texts->count; i++) {
        uint64_t end = texts->texts[i].end;
        sum = XXH3_64bits_withSeed(&end, sizeof end, sum);
    }
    *out = sum;
    return BYOL_OK;
}

static void release(byol_source *source) {
    byol__texts *texts = (byol__texts *)source;
    for (int i = 0; i < texts->class_name_count; i++) free(texts->class_names[i]);
    free(texts->class_names);
    free(texts->arena.bytes);
    free(texts->words.bytes);
    free(texts->names.bytes);
    free(texts->texts);
    free(texts->file);
}

static const byol__source_methods METHODS = {.text = text,
                                             .label = label,
                                             .class_name = class_name,
                                             .release = release,
                                             .name = name,
                                             .digest = digest};

/* ---- making one ---- */

static byol_status no_memory(byol_error *error) {
    return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for texts");
}

byol_status byol__texts_create(byol__texts **out, const char *kind, const char *file,
                               byol_error *error) {
    byol__texts *texts;
    BYOL__TRY(byol__alloc(&texts, 1, sizeof *texts, "source", error));
    texts->base.methods = &METHODS;
    texts->base.info.samples = BYOL_SAMPLES_TEXTS;
    texts->base.info.kind = kind;
    texts->base.info.description = texts->base.description;
    if (file != NULL) texts->file = strdup(file);
    if (file != NULL && texts->file == NULL) {
        byol__free(texts);
        return no_memory(error);
    }
    *out = texts;
    return BYOL_OK;
}

static byol_status append(byol__bytes *to, const char *bytes, size_t length, byol_error *error) {
    size_t needed = to->length + length;
    if (needed > to->capacity) {
        size_t capacity = needed + needed / 2 + 256;
        char *grown = realloc(to->bytes, capacity);
        if (grown == NULL) return no_memory(error);
        to->bytes = grown;
        to->capacity = capacity;
    }
    if (length > 0) memcpy(to->bytes + to->length, bytes, length);
    to->length = needed;
    return BYOL_OK;
}

static byol_status append_word(byol__bytes *to, const char *word, size_t length, size_t *at,
                               byol_error *error) {
    *at = to->length;
    BYOL__TRY(append(to, word, length, error));
    return append(to, "", 1, error);
}

static byol_status add(byol__texts *texts, const char *bytes, size_t length, size_t place,
                       byol_error *error) {
    if (texts->count == UINT32_MAX)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED, "more than %u texts", UINT32_MAX);
    if (texts->count == texts->capacity) {
        size_t capacity = 2 * texts->capacity + 64;
        byol__text *grown = realloc(texts->texts, capacity * sizeof *grown);
        if (grown == NULL) return no_memory(error);
        texts->texts = grown;
        texts->capacity = capacity;
    }
    BYOL__TRY(append(&texts->arena, bytes, length, error));
    texts->texts[texts->count++] =
        (byol__text){.end = texts->arena.length, .place = place, .label = -1};
    return BYOL_OK;
}

/* "reviews.tsv:17", or only the file's name where the text is all of it. */
static byol_status refuse(const char *path, size_t line, const char *why, byol_error *error) {
    char place[32] = "";
    if (line > 0) snprintf(place, sizeof place, ":%zu", line);
    return byol__fail(error, BYOL_ERROR_FORMAT, "%.500s%s: %s", path, place, why);
}

byol_status byol__texts_take(byol__texts *texts, const char *path, const byol__found_text *found,
                             byol_error *error) {
    const char *word = found->label;
    size_t length = found->label_length;
    if (byol__is_blank(found->text, found->length)) {
        if (word != NULL)
            return refuse(path, found->line, "there is a label but no text: remove it, or write it",
                          error);
        texts->base.info.skipped++;
        return BYOL_OK;
    }
    BYOL__TRY(add(texts, found->text, found->length, found->line, error));
    if (word == NULL) return BYOL_OK;
    for (; length > 0 && byol__is_blank(word, 1); length--) word++;
    while (length > 0 && byol__is_blank(word + length - 1, 1)) length--;
    if (length == 0)
        return refuse(path, found->line, "the label is empty: give labels to all texts or to none",
                      error);
    texts->labelled = true;
    return append_word(&texts->words, word, length, &texts->texts[texts->count - 1].word, error);
}

byol_status byol__texts_name_last(byol__texts *texts, const char *word, byol_error *error) {
    return append_word(&texts->names, word, strlen(word), &texts->texts[texts->count - 1].place,
                       error);
}

/* ---- classes ---- */

typedef struct word {
    const char *text;
    size_t length;
    long long value; /* 0 unless all are whole numbers; then the text does not count */
} word;

static int compare_words(const void *a, const void *b) {
    const word *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    size_t shorter = x->length < y->length ? x->length : y->length;
    int order = memcmp(x->text, y->text, shorter);
    return order != 0 ? order : (x->length > y->length) - (x->length < y->length);
}

static bool is_whole_number(const char *text, size_t length) {
    size_t sign = *text == '-' || *text == '+', digits = strspn(text + sign, "0123456789");
    return digits > 0 && digits <= 18 && sign + digits == length;
}

static word word_of(const byol__texts *texts, size_t index, bool numbers, bool coarse) {
    const char *text = texts->words.bytes + texts->texts[index].word;
    size_t length = coarse ? strcspn(text, ":") : strlen(text);
    if (numbers) return (word){"", 0, strtoll(text, NULL, 10)};
    return (word){text, length, 0};
}

static bool are_numbers(byol__texts *const *all, size_t count, bool coarse) {
    for (size_t s = 0; s < count; s++)
        for (size_t i = 0; i < all[s]->count && all[s]->labelled; i++) {
            word w = word_of(all[s], i, false, coarse);
            if (!is_whole_number(w.text, w.length)) return false;
        }
    return true;
}

static byol_status keep_class_names(byol__texts *texts, const word *classes, size_t count,
                                    bool numbers, byol_error *error) {
    texts->class_names = calloc(count, sizeof *texts->class_names);
    if (texts->class_names == NULL) return no_memory(error);
    for (size_t i = 0; i < count; i++) {
        char number[32];
        snprintf(number, sizeof number, "%lld", classes[i].value);
        texts->class_names[i] =
            numbers ? strdup(number) : strndup(classes[i].text, classes[i].length);
        if (texts->class_names[i] == NULL) return no_memory(error);
        texts->class_name_count++;
    }
    return BYOL_OK;
}

/* Leaves each word once, in their order. Returns how many there are. */
static size_t sort_distinct(word *words, size_t count) {
    size_t kept = 0;
    qsort(words, count, sizeof *words, compare_words);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || compare_words(&words[kept - 1], &words[i]) != 0) words[kept++] = words[i];
    return kept;
}

byol_status byol__texts_label(byol__texts *const *all, size_t count, bool coarse,
                              byol_error *error) {
    byol__texts *texts = all[0];
    bool numbers = are_numbers(all, count, coarse);
    size_t total = 0, found = 0;
    for (size_t s = 0; s < count; s++) total += all[s]->count;
    word *classes = calloc(total + 1, sizeof *classes);
    if (classes == NULL) return no_memory(error);
    for (size_t s = 0; s < count; s++)
        for (size_t i = 0; i < all[s]->count && all[s]->labelled; i++)
            classes[found++] = word_of(all[s], i, numbers, coarse);
    size_t distinct = sort_distinct(classes, found);
    for (size_t i = 0; i < texts->count; i++) {
        word own = word_of(texts, i, numbers, coarse);
        word *same = bsearch(&own, classes, distinct, sizeof *classes, compare_words);
        texts->texts[i].label = (int32_t)(same - classes);
    }
    byol_status status = keep_class_names(texts, classes, distinct, numbers, error);
    free(classes);
    texts->base.info.classes = (int)distinct;
    return status;
}

/* ---- the last step ---- */

/* Gives back what was kept for more. */
static void shrink(byol__bytes *all) {
    char *fitting = realloc(all->bytes, all->length);
    if (fitting == NULL) return;
    all->bytes = fitting;
    all->capacity = all->length;
}

byol_status byol__texts_complete(byol__texts *texts, const char *what, const char *unit,
                                 byol_error *error) {
    byol_source_info *info = &texts->base.info;
    char classes[32] = "no labels", skipped[64] = "";
    if (texts->count == 0)
        return byol__fail(error, BYOL_ERROR_FORMAT, "%s holds no text: %zu empty %s%s", what,
                          info->skipped, unit, info->skipped == 1 ? "" : "s");
    free(texts->words.bytes);
    texts->words = (byol__bytes){0};
    shrink(&texts->arena);
    info->count = texts->count;
    if (info->classes > 0)
        snprintf(classes, sizeof classes, "%d class%s", info->classes,
                 info->classes == 1 ? "" : "es");
    if (info->skipped > 0)
        snprintf(skipped, sizeof skipped, ", %zu empty %s%s skipped", info->skipped, unit,
                 info->skipped == 1 ? "" : "s");
    snprintf(texts->base.description, sizeof texts->base.description, "%.380s: %zu text%s, %s%s",
             what, info->count, info->count == 1 ? "" : "s", classes, skipped);
    return BYOL_OK;
}

/* ---- texts that the caller holds ---- */

static byol_status copy_text(byol__texts *texts, const char *bytes, const size_t *length,
                             size_t index, byol_error *error) {
    if (bytes == NULL) return byol__fail(error, BYOL_ERROR_INVALID, "text %zu is NULL", index);
    size_t own = length != NULL ? *length : strlen(bytes), valid = byol__text_valid(bytes, own);
    if (valid < own)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "text %zu: byte 0x%02x at %zu is not UTF-8, or a NUL", index,
                          (unsigned char)bytes[valid], valid);
    if (byol__is_blank(bytes, own))
        return byol__fail(error, BYOL_ERROR_INVALID, "text %zu is empty: leave it out", index);
    return add(texts, bytes, own, 0, error);
}

byol_status byol_source_from_texts(byol_source **out, const char *const *texts,
                                   const size_t *lengths, const int32_t *labels, size_t count,
                                   byol_error *error) {
    int classes = 0;
    byol__texts *self;
    if (texts == NULL || count == 0)
        return byol__fail(error, BYOL_ERROR_INVALID, "there are no texts: count is 0");
    BYOL__TRY(byol__count_classes(labels, count, &classes, error));
    BYOL__TRY(byol__texts_create(&self, "memory", NULL, error));
    byol_status status = BYOL_OK;
    for (size_t i = 0; i < count && status == BYOL_OK; i++) {
        status = copy_text(self, texts[i], lengths != NULL ? &lengths[i] : NULL, i, error);
        if (status == BYOL_OK && labels != NULL) self->texts[i].label = labels[i];
    }
    self->base.info.classes = classes;
    if (status == BYOL_OK) status = byol__texts_complete(self, "memory", "text", error);
    if (status == BYOL_OK)
        *out = &self->base;
    else
        byol_source_free(&self->base);
    return status;
}
