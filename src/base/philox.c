#include "base/philox.h"

#include <math.h>

void byol__philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0;
        uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        uint32_t n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c0 = n0;
        c1 = (uint32_t)p1;
        c2 = n2;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

byol__random byol__random_stream(uint64_t seed, byol__purpose purpose, uint32_t epoch,
                                 uint32_t index, uint32_t lane) {
    byol__random random = {
        .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
        .counter = {0, index, (epoch << 8) | (lane & 0xffu), (uint32_t)purpose},
        .used = 4,
    };
    return random;
}

uint32_t byol__random_u32(byol__random *random) {
    if (random->used == 4) {
        byol__philox(random->counter, random->key, random->block);
        random->counter[0]++;
        random->used = 0;
    }
    return random->block[random->used++];
}

/* Lemire, "Fast random integer generation in an interval" (2019): rejects the few products that
 * would cause a bias. */
uint32_t byol__random_below(byol__random *random, uint32_t bound) {
    uint64_t product = (uint64_t)byol__random_u32(random) * bound;
    if ((uint32_t)product < bound) {
        uint32_t threshold = -bound % bound;
        while ((uint32_t)product < threshold) product = (uint64_t)byol__random_u32(random) * bound;
    }
    return (uint32_t)(product >> 32);
}

float byol__random_uniform(byol__random *random) {
    return (float)(byol__random_u32(random) >> 8) * 0x1p-24f;
}

float byol__random_range(byol__random *random, float low, float high) {
    return low + (high - low) * byol__random_uniform(random);
}

float byol__random_normal(byol__random *random) {
    float u = 1.0f - byol__random_uniform(random); /* (0, 1]: the logarithm is finite */
    float v = byol__random_uniform(random);
    return sqrtf(-2.0f * logf(u)) * cosf(6.2831853071795864769f * v);
}

void byol__random_shuffle(byol__random *random, uint32_t *order, size_t count) {
    for (size_t i = count; i > 1; i--) {
        uint32_t other = byol__random_below(random, (uint32_t)i), moving = order[i - 1];
        order[i - 1] = order[other];
        order[other] = moving;
    }
}
