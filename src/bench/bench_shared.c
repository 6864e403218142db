#include "bench/bench_shared.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/philox.h"

byol_status byol__bench_images(uint8_t **pixels, size_t count, size_t size, byol_error *error) {
    BYOL__TRY(byol__alloc(pixels, count * size, 1, "synthetic images", error));
    byol__random random = byol__random_stream(1, BYOL__PURPOSE_BENCH, 0, 0, 0);
    for (size_t i = 0; i < count * size; i++) (*pixels)[i] = (uint8_t)byol__random_u32(&random);
    return BYOL_OK;
}

bool byol__bench_cancelled(const byol_bench_options *options, double seconds) {
    double share = seconds < options->seconds ? seconds / options->seconds : 1;
    return options->progress != NULL &&
           options->progress(options->context, (uint64_t)(share * 1000), 1000) != 0;
}
