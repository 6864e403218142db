/* Sample rates, by libsamplerate. */
#include <samplerate.h>
#include <string.h>

#include "base/error.h"
#include "sound/sound_file.h"

uint64_t byol__resampled_count(uint64_t count, int from, int to) {
    if (from == to) return count;
    return (count * (uint64_t)to + (uint64_t)from - 1) / (uint64_t)from;
}

byol_status byol__resample(const float *from, size_t count, int from_rate, int to_rate, float *to,
                           byol_error *error) {
    size_t wanted = (size_t)byol__resampled_count(count, from_rate, to_rate);
    SRC_DATA data = {.data_in = from,
                     .data_out = to,
                     .input_frames = (long)count,
                     .output_frames = (long)wanted,
                     .src_ratio = (double)to_rate / from_rate};
    if (from_rate == to_rate) {
        memcpy(to, from, count * sizeof *to);
        return BYOL_OK;
    }
    int failed = src_simple(&data, SRC_SINC_MEDIUM_QUALITY, 1);
    if (failed)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED, "cannot bring %d Hz to %d Hz: %s",
                          from_rate, to_rate, src_strerror(failed));
    size_t made = (size_t)data.output_frames_gen;
    if (made < wanted) memset(to + made, 0, (wanted - made) * sizeof *to); /* by rounding: one */
    return BYOL_OK;
}
