#include "input/like_lengths.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { WINDOW = 32 }; /* batches */

/* Merges two sorted runs; of equal lengths the first run's come first. */
static void merge(const uint32_t *a, uint32_t a_count, const uint32_t *b, uint32_t b_count,
                  const uint32_t *lengths, uint32_t *out) {
    uint32_t i = 0, j = 0;
    while (i < a_count || j < b_count) {
        bool first = j == b_count || (i < a_count && lengths[a[i]] <= lengths[b[j]]);
        *out++ = first ? a[i++] : b[j++];
    }
}

/* By merging, which keeps the random order of equal lengths on every machine. */
static void sort(uint32_t *samples, uint32_t count, const uint32_t *lengths, uint32_t *scratch) {
    for (uint32_t run = 1; run < count; run *= 2) {
        for (uint32_t at = 0; at < count; at += 2 * run) {
            uint32_t left = count - at, first = left < run ? left : run,
                     second = left - first < run ? left - first : run;
            merge(samples + at, first, samples + at + first, second, lengths, scratch + at);
        }
        memcpy(samples, scratch, count * sizeof *samples);
    }
}

static void swap_batches(uint32_t *a, uint32_t *b, uint32_t batch) {
    for (uint32_t i = 0; i < batch && a != b; i++) {
        uint32_t kept = a[i];
        a[i] = b[i];
        b[i] = kept;
    }
}

void byol__order_like_lengths(uint32_t *order, uint32_t count, uint32_t batch,
                              const uint32_t *lengths, byol__random *random, uint32_t *scratch) {
    uint32_t batches = count / batch;
    for (uint32_t first = 0; first < batches; first += WINDOW) {
        uint32_t here = batches - first < WINDOW ? batches - first : WINDOW;
        uint32_t *window = order + (size_t)first * batch;
        sort(window, here * batch, lengths, scratch);
        for (uint32_t i = here; i > 1; i--) {
            uint32_t other = byol__random_below(random, i);
            swap_batches(window + (size_t)(i - 1) * batch, window + (size_t)other * batch, batch);
        }
    }
}
