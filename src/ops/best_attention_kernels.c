/* Which of the compiled attention kernels this CPU runs. */
#include "base/isa.h"
#include "dnn/dnn.h"
#include "ops/attention_kernels.h"

extern const byol__attention_kernels byol__attention_kernels_plain, byol__attention_kernels_avx2,
    byol__attention_kernels_avx512;

const byol__attention_kernels *byol__attention_kernels_for(const byol__attention *p) {
    static const byol__attention_kernels *const tables[BYOL__ISAS] =
        BYOL__ISA_TABLES(byol__attention_kernels_);
#if defined(__x86_64__)
    extern const byol__attention_kernels byol__attention_dot_kernels;
    if (byol__isa_best() == BYOL__ISA_AVX512 && byol__cpu_has_bf16() &&
        p->layout.dtype == BYOL__BF16 && p->width % 2 == 0 && p->noise.strength == 0)
        return &byol__attention_dot_kernels;
#else
    (void)p;
#endif
    return tables[byol__isa_best()];
}
