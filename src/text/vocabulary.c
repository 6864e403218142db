#include <string.h>

#include "base/error.h"
#include "text/tokenizer_parts.h"

/* A damaged file shall not make us ask for the memory of a billion ids. */
enum { ID_MAX = (1 << 24) - 1 };

static byol_status make_room(byol__vocabulary *v, size_t size, byol_error *error) {
    if (size <= v->size) return BYOL_OK;
    BYOL__TRY(byol__text_reserve(&v->numbers, size, sizeof(int32_t), error));
    int32_t *numbers = v->numbers.bytes;
    for (size_t i = v->size; i < size; i++) numbers[i] = -1;
    v->size = size;
    return BYOL_OK;
}

byol_status byol__vocabulary_add(byol__vocabulary *v, const char *token, size_t length, int64_t id,
                                 byol_error *error) {
    if (id < 0 || id > ID_MAX)
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "token '%.100s' has the id %lld; 0 to %d are known", token, (long long)id,
                          ID_MAX);
    if (byol__string_find(&v->tokens, token, length) >= 0)
        return byol__fail(error, BYOL_ERROR_FORMAT, "token '%.100s' is there twice", token);
    BYOL__TRY(make_room(v, (size_t)id + 1, error));
    int32_t *numbers = v->numbers.bytes, own = (int32_t)id;
    if (numbers[id] >= 0) {
        size_t other;
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "tokens '%.100s' and '%.100s' have the same id %d",
                          byol__string(&v->tokens, (uint32_t)numbers[id], &other), token, own);
    }
    uint32_t number;
    BYOL__TRY(byol__string_add(&v->tokens, token, length, &number, error));
    BYOL__TRY(byol__text_append(&v->ids, &own, sizeof own, error));
    numbers[id] = (int32_t)number;
    return BYOL_OK;
}

int32_t byol__vocabulary_find(const byol__vocabulary *v, const char *token, size_t length) {
    int64_t number = byol__string_find(&v->tokens, token, length);
    return number < 0 ? -1 : ((const int32_t *)v->ids.bytes)[number];
}

const char *byol__vocabulary_token(const byol__vocabulary *v, int32_t id, size_t *length) {
    if (id < 0 || (size_t)id >= v->size) return NULL;
    int32_t number = ((const int32_t *)v->numbers.bytes)[id];
    return number < 0 ? NULL : byol__string(&v->tokens, (uint32_t)number, length);
}

void byol__vocabulary_release(byol__vocabulary *v) {
    byol__string_table_release(&v->tokens);
    byol__text_release(&v->ids);
    byol__text_release(&v->numbers);
}
