/* Philox 4x32-10 (base/philox.h) for a vector of counters at once. */
#ifndef BYOL__VECTOR_RANDOM_H
#define BYOL__VECTOR_RANDOM_H

#include <stdint.h>

#include "base/vectors.h"

typedef uint64_t lvec __attribute__((vector_size(LANES * 8)));

/* The upper and lower half of a times b. */
INLINE void multiply(uvec a, uint32_t b, uvec *high, uvec *low) {
    lvec product = __builtin_convertvector(a, lvec) * b;
    *high = __builtin_convertvector(product >> 32, uvec);
    *low = __builtin_convertvector(product, uvec);
}

/* `words` holds the counters, then the random numbers. */
INLINE void philox_of(uvec words[4], const uint32_t key[2]) {
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uvec high0, low0, high1, low1;
        multiply(words[0], 0xD2511F53u, &high0, &low0);
        multiply(words[2], 0xCD9E8D57u, &high1, &low1);
        words[0] = high1 ^ words[1] ^ k0;
        words[1] = low1;
        words[2] = high0 ^ words[3] ^ k1;
        words[3] = low0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
}

#endif
