/* Counter-based random numbers: Philox 4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random
 * numbers: as easy as 1, 2, 3", SC'11). A stream is named by its purpose, not by what was drawn
 * before it. So a view does not depend on the number of threads or ranks, and resuming needs no
 * saved state. */
#ifndef BYOL__PHILOX_H
#define BYOL__PHILOX_H

#include <stddef.h>
#include <stdint.h>

/* Separates the uses of one seed. Values are part of reproducibility: never renumber. */
typedef enum byol__purpose {
    BYOL__PURPOSE_INIT = 1,    /* parameter initialisation; index = parameter */
    BYOL__PURPOSE_SHUFFLE = 2, /* order of samples; epoch */
    BYOL__PURPOSE_VIEW = 3,    /* augmentation; epoch, sample, view */
    BYOL__PURPOSE_PROBE = 4,   /* evaluation: splits, shuffles, augmentation of the linear probe */
    BYOL__PURPOSE_BENCH = 5,   /* synthetic data of benchmarks and tests */
    BYOL__PURPOSE_NOISE =
        6, /* rotation, translation, noise and cutout of a view; epoch, sample, view */
    BYOL__PURPOSE_NEGATIVE = 7,  /* which other image a triplet uses; batch, row */
    BYOL__PURPOSE_DROPOUT = 8,   /* which activations become 0; step, node, view */
    BYOL__PURPOSE_ATTENTION = 9, /* noise on attention's weights; step, node, view */
    BYOL__PURPOSE_SCENE = 20,    /* crop and flip of a picture and of what lies on it */
} byol__purpose;

typedef struct byol__random {
    uint32_t key[2];
    uint32_t counter[4]; /* [0] counts blocks of four numbers; [1..3] name the stream */
    uint32_t block[4];
    unsigned used; /* numbers of `block` already used */
} byol__random;

/* The four 32-bit words of Philox 4x32-10 for this counter and key. */
void byol__philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* The stream for (seed, purpose, epoch, index, lane): the same five numbers give the same stream
 * everywhere. `lane` is below 2^8 (the view), `epoch` below 2^24, `index` below 2^32 (the sample).
 */
byol__random byol__random_stream(uint64_t seed, byol__purpose purpose, uint32_t epoch,
                                 uint32_t index, uint32_t lane);

uint32_t byol__random_u32(byol__random *random);
uint32_t byol__random_below(byol__random *random,
                            uint32_t bound);      /* 0 .. bound-1, unbiased; bound > 0 */
float byol__random_uniform(byol__random *random); /* [0, 1), 24 bits */
float byol__random_range(byol__random *random, float low, float high); /* [low, high) */
float byol__random_normal(byol__random *random); /* mean 0, variance 1 (Box-Muller) */

/* Shuffles `order` in place (Fisher-Yates). `count` is below 2^32. */
void byol__random_shuffle(byol__random *random, uint32_t *order, size_t count);

#endif
