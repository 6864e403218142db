/* Which of the compiled attention kernels this CPU runs. */
#include "base/isa.h"
#include "ops/attention_kernels.h"

extern const byol__attention_kernels byol__attention_kernels_plain, byol__attention_kernels_avx2,
    byol__attention_kernels_avx512;

const byol__attention_kernels *byol__attention_kernels_best(void) {
    static const byol__attention_kernels *const tables[BYOL__ISAS] =
        BYOL__ISA_TABLES(byol__attention_kernels_);
    return tables[byol__isa_best()];
}
