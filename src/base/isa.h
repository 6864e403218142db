/* Hot loops are compiled once per instruction set. The best set that this CPU supports is chosen
 * when the program runs. */
#ifndef BYOL__ISA_H
#define BYOL__ISA_H

#include <stdbool.h>

/* Worst first. Architectures other than x86-64 have only the plain one. */
typedef enum byol__isa { BYOL__ISA_PLAIN, BYOL__ISA_AVX2, BYOL__ISA_AVX512, BYOL__ISAS } byol__isa;

/* True if the set was compiled and this CPU supports it. */
bool byol__isa_runs(byol__isa isa);

/* The best compiled set that this CPU supports. BYOL_ISA=plain|avx2|avx512 in the environment
 * selects a lesser one. */
byol__isa byol__isa_best(void);

/* Initialises an array indexed by byol__isa with the addresses of prefix_plain, prefix_avx2 ...,
 * those that are compiled. */
#if defined(__x86_64__)
#define BYOL__ISA_TABLES(prefix)                                                                   \
    { &prefix##plain, &prefix##avx2, &prefix##avx512 }
#else
#define BYOL__ISA_TABLES(prefix)                                                                   \
    { &prefix##plain }
#endif

#endif
