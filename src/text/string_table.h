/* Strings numbered 0, 1, 2 .. in the order in which they came, and found again by their bytes. */
#ifndef BYOL__STRING_TABLE_H
#define BYOL__STRING_TABLE_H

#include <stdint.h>

#include "text/text_buffer.h"

typedef struct byol__string_table {
    byol_text_buffer bytes; /* all strings, each with a NUL after it */
    byol_text_buffer ends;  /* (count) size_t: where the NUL of each lies in `bytes` */
    byol_text_buffer slots; /* (slot_count) uint32_t: number + 1, 0 where free */
    size_t slot_count;      /* a power of two, or 0 */
    uint32_t count;
    size_t longest; /* bytes */
} byol__string_table;

/* The hash of a string can be made piece by piece (FNV-1a). */
static inline uint64_t byol__hash_begin(void) { return 0xCBF29CE484222325u; }
static inline uint64_t byol__hash_byte(uint64_t hash, char byte) {
    return (hash ^ (unsigned char)byte) * 0x100000001B3u;
}
uint64_t byol__hash(uint64_t hash, const char *bytes, size_t length);

/* The number of the string, or -1. */
int64_t byol__string_find(const byol__string_table *table, const char *bytes, size_t length);
/* The same for `prefix` followed by `bytes`, whose hash is given. */
int64_t byol__string_find_joined(const byol__string_table *table, uint64_t hash, const char *prefix,
                                 size_t prefix_length, const char *bytes, size_t length);
/* Finds the string or adds it. `bytes` does not lie in the table. */
byol_status byol__string_add(byol__string_table *table, const char *bytes, size_t length,
                             uint32_t *number, byol_error *error);

static inline const char *byol__string(const byol__string_table *table, uint32_t number,
                                       size_t *length) {
    const size_t *ends = table->ends.bytes;
    size_t start = number == 0 ? 0 : ends[number - 1] + 1;
    *length = ends[number] - start;
    return (const char *)table->bytes.bytes + start;
}

void byol__string_table_release(byol__string_table *table);

#endif
