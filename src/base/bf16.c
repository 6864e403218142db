#include "base/bf16.h"

void byol__bf16_widen(float *dst, const byol__bf16 *src, size_t count) {
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < count; i++) dst[i] = byol__bf16_to_float(src[i]);
}

void byol__bf16_narrow(byol__bf16 *dst, const float *src, size_t count) {
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < count; i++) dst[i] = byol__bf16_from_float(src[i]);
}

void byol__bf16_round(float *values, size_t count) {
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < count; i++)
        values[i] = byol__bf16_to_float(byol__bf16_from_float(values[i]));
}
