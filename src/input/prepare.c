/* Batches for evaluation. */
#include <omp.h>

#include "base/error.h"
#include "input/input.h"

byol_status byol__prepare_batch(const byol__preparation *how, const byol_source *source,
                                const uint32_t *indices, size_t first, size_t count,
                                byol__view_buffers *buffers, float *images, byol_error *error) {
    const byol__input_kind *input;
    BYOL__TRY(byol__input_of(source, &input, error));
    size_t size = (size_t)how->channels * (size_t)how->side * (size_t)how->side;
    byol_status status = BYOL_OK;
#pragma omp parallel for schedule(dynamic)
    for (size_t i = 0; i < count; i++) {
        size_t index = indices != NULL ? indices[i] : first + i;
        byol_error why = {0};
        byol_status one = input->prepare(how, source, index, &buffers[omp_get_thread_num()],
                                         images + i * size, &why);
        if (one == BYOL_OK) continue;
#pragma omp critical(byol_prepare_batch)
        {
            status = one;
            if (error != NULL) *error = why;
        }
    }
    return status;
}
