/* Hot loops are compiled once for each instruction set; the best that this CPU runs is chosen when
 * the program runs. */
#ifndef BYOL__ISA_H
#define BYOL__ISA_H

/* Worst first. Beyond x86-64 there is only the plain one. */
typedef enum byol__isa { BYOL__ISA_PLAIN, BYOL__ISA_AVX2, BYOL__ISA_AVX512, BYOL__ISAS } byol__isa;

/* 1 where it was compiled and this CPU runs it, else 0. */
int byol__isa_runs(byol__isa isa);

/* The best that this CPU runs and was compiled. BYOL_ISA=plain|avx2|avx512 in the environment asks
 * for a lesser one. */
byol__isa byol__isa_best(void);

/* Fills an array that is indexed by byol__isa with the addresses of prefix_plain, prefix_avx2 ...,
 * those compiled. */
#if defined(__x86_64__)
#define BYOL__ISA_TABLES(prefix)                                                                   \
    { &prefix##plain, &prefix##avx2, &prefix##avx512 }
#else
#define BYOL__ISA_TABLES(prefix)                                                                   \
    { &prefix##plain }
#endif

#endif
