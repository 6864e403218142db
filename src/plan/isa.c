/* Which of the compiled kernels this CPU runs. */
#include <stdlib.h>
#include <string.h>

#include "plan/kernels.h"

extern const byol__kernel_table byol__kernels_plain;

#if defined(__x86_64__)
extern const byol__kernel_table byol__kernels_avx2, byol__kernels_avx512;

static int runs(const byol__kernel_table *table) {
    if (table == &byol__kernels_avx512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("fma");
    if (table == &byol__kernels_avx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    return 1;
}

static const byol__kernel_table *const tables[] = {&byol__kernels_avx512, &byol__kernels_avx2, &byol__kernels_plain};
#else
static int runs(const byol__kernel_table *table) { return table != NULL; }

static const byol__kernel_table *const tables[] = {&byol__kernels_plain};
#endif

const byol__kernel_table *byol__kernels(void) {
    const char *asked = getenv("BYOL_ISA");
    const byol__kernel_table *best = &byol__kernels_plain;
    for (size_t i = sizeof tables / sizeof *tables; i-- > 0;) {
        if (runs(tables[i])) best = tables[i];
        if (asked != NULL && strcmp(asked, best->name) == 0) break;
    }
    return best;
}
