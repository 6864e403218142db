/* Which of the compiled row kernels this CPU runs. */
#include "base/isa.h"
#include "ops/row_kernels.h"

extern const byol__row_kernels byol__row_kernels_plain, byol__row_kernels_avx2,
    byol__row_kernels_avx512;

const byol__row_kernels *byol__row_kernels_best(void) {
    static const byol__row_kernels *const tables[BYOL__ISAS] = BYOL__ISA_TABLES(byol__row_kernels_);
    return tables[byol__isa_best()];
}

size_t byol__layer_norm_partials(const byol__layout *layout) {
    return (size_t)BYOL__ROW_PARTS * 2 * (size_t)layout->c;
}
