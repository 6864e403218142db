#include "base/isa.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[BYOL__ISAS] = {"plain", "avx2", "avx512"};

bool byol__isa_runs(byol__isa isa) {
#if defined(__x86_64__)
    if (isa == BYOL__ISA_AVX512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("fma");
    if (isa == BYOL__ISA_AVX2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return isa == BYOL__ISA_PLAIN;
}

static byol__isa find_best(void) {
    const char *asked = getenv("BYOL_ISA");
    byol__isa best = BYOL__ISA_PLAIN;
    for (int isa = BYOL__ISA_PLAIN; isa < BYOL__ISAS; isa++) {
        if (byol__isa_runs((byol__isa)isa)) best = (byol__isa)isa;
        if (asked != NULL && strcmp(asked, names[best]) == 0) break;
    }
    return best;
}

/* Found once. Threads that call it at the same time find the same. */
byol__isa byol__isa_best(void) {
    static _Atomic int known; /* 1 + what was found */
    int found = atomic_load_explicit(&known, memory_order_relaxed);
    if (found == 0) {
        found = 1 + (int)find_best();
        atomic_store_explicit(&known, found, memory_order_relaxed);
    }
    return (byol__isa)(found - 1);
}
