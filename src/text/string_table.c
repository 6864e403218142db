#include "text/string_table.h"

#include <string.h>

#include "base/error.h"

uint64_t byol__hash(uint64_t hash, const char *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) hash = byol__hash_byte(hash, bytes[i]);
    return hash;
}

/* The low bits of FNV depend on too few of the bytes. */
static size_t first_slot(const byol__string_table *table, uint64_t hash) {
    return (size_t)(hash ^ hash >> 29) & (table->slot_count - 1);
}

static bool is_joined(const byol__string_table *table, uint32_t number, const char *prefix,
                      size_t prefix_length, const char *bytes, size_t length) {
    size_t there;
    const char *string = byol__string(table, number, &there);
    return there == prefix_length + length && memcmp(string, prefix, prefix_length) == 0 &&
           memcmp(string + prefix_length, bytes, length) == 0;
}

int64_t byol__string_find_joined(const byol__string_table *table, uint64_t hash, const char *prefix,
                                 size_t prefix_length, const char *bytes, size_t length) {
    if (table->count == 0) return -1;
    const uint32_t *slots = table->slots.bytes;
    for (size_t i = first_slot(table, hash); slots[i] != 0; i = (i + 1) & (table->slot_count - 1))
        if (is_joined(table, slots[i] - 1, prefix, prefix_length, bytes, length))
            return slots[i] - 1;
    return -1;
}

int64_t byol__string_find(const byol__string_table *table, const char *bytes, size_t length) {
    uint64_t hash = byol__hash(byol__hash_begin(), bytes, length);
    return byol__string_find_joined(table, hash, "", 0, bytes, length);
}

static void take_slot(byol__string_table *table, uint32_t number) {
    size_t length;
    const char *string = byol__string(table, number, &length);
    uint32_t *slots = table->slots.bytes;
    size_t i = first_slot(table, byol__hash(byol__hash_begin(), string, length));
    while (slots[i] != 0) i = (i + 1) & (table->slot_count - 1);
    slots[i] = number + 1;
}

static byol_status grow(byol__string_table *table, byol_error *error) {
    size_t slots = table->slot_count == 0 ? 256 : table->slot_count * 2;
    BYOL__TRY(byol__text_reserve(&table->slots, slots, sizeof(uint32_t), error));
    memset(table->slots.bytes, 0, slots * sizeof(uint32_t));
    table->slot_count = slots;
    for (uint32_t i = 0; i < table->count; i++) take_slot(table, i);
    return BYOL_OK;
}

byol_status byol__string_add(byol__string_table *table, const char *bytes, size_t length,
                             uint32_t *number, byol_error *error) {
    int64_t known = byol__string_find(table, bytes, length);
    *number = known >= 0 ? (uint32_t)known : table->count;
    if (known >= 0) return BYOL_OK;
    if (table->count == INT32_MAX)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED, "more than %d different strings",
                          INT32_MAX);
    if (table->count >= table->slot_count / 2) BYOL__TRY(grow(table, error));
    BYOL__TRY(byol__text_append(&table->bytes, bytes, length, error));
    size_t end = table->bytes.length;
    BYOL__TRY(byol__text_append(&table->bytes, "", 1, error));
    BYOL__TRY(byol__text_append(&table->ends, &end, sizeof end, error));
    take_slot(table, table->count++);
    if (length > table->longest) table->longest = length;
    return BYOL_OK;
}

void byol__string_table_release(byol__string_table *table) {
    byol__text_release(&table->bytes);
    byol__text_release(&table->ends);
    byol__text_release(&table->slots);
    *table = (byol__string_table){0};
}
