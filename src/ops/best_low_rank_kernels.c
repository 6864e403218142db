/* Which of the compiled kernels this CPU runs. */
#include "base/isa.h"
#include "ops/low_rank_kernels.h"

extern const byol__low_rank_kernels byol__low_rank_kernels_plain, byol__low_rank_kernels_avx2,
    byol__low_rank_kernels_avx512;

const byol__low_rank_kernels *byol__low_rank_kernels_best(void) {
    static const byol__low_rank_kernels *const tables[BYOL__ISAS] =
        BYOL__ISA_TABLES(byol__low_rank_kernels_);
    return tables[byol__isa_best()];
}
