/* Which of the compiled kernels this CPU runs. */
#include "base/isa.h"
#include "ops/dropout_kernels.h"

extern const byol__dropout_kernels byol__dropout_kernels_plain, byol__dropout_kernels_avx2,
    byol__dropout_kernels_avx512;

const byol__dropout_kernels *byol__dropout_kernels_best(void) {
    static const byol__dropout_kernels *const tables[BYOL__ISAS] =
        BYOL__ISA_TABLES(byol__dropout_kernels_);
    return tables[byol__isa_best()];
}
