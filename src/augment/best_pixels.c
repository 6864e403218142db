#include "augment/pixels.h"

extern const byol__pixel_table byol__pixels_plain, byol__pixels_avx2, byol__pixels_avx512;

const byol__pixel_table *byol__pixels(byol__isa isa) {
    static const byol__pixel_table *const tables[BYOL__ISAS] = BYOL__ISA_TABLES(byol__pixels_);
    return tables[isa];
}
