/* Which of the compiled kernels this CPU runs. */
#include "base/isa.h"
#include "plan/kernels.h"

extern const byol__kernel_table byol__kernels_plain, byol__kernels_avx2, byol__kernels_avx512;

const byol__kernel_table *byol__kernels(void) {
    static const byol__kernel_table *const tables[BYOL__ISAS] = BYOL__ISA_TABLES(byol__kernels_);
    return tables[byol__isa_best()];
}

size_t byol__pointwise_partials(const byol__layout *layout) {
    return (size_t)BYOL__CHUNKS * 2 * (size_t)byol__layout_padded_channels(layout);
}
