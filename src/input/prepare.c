/* Which kind of input a source holds, and batches for evaluation. */
#include <omp.h>

#include "base/error.h"
#include "data/source_kind.h"
#include "input/input.h"

extern const byol__input_kind byol__image_input, byol__text_input, byol__sound_input;

const byol__input_kind *byol__input_of(const byol_source *source) {
    static const byol__input_kind *const kinds[] = {
        [BYOL_SAMPLES_IMAGES] = &byol__image_input,
        [BYOL_SAMPLES_TEXTS] = &byol__text_input,
        [BYOL_SAMPLES_SOUNDS] = &byol__sound_input,
    };
    byol_source_info info;
    byol_source_describe(source, &info);
    return kinds[info.samples];
}

byol_sample_kind byol__prepared_samples(const byol__preparation *how) {
    return how->tokenizer != NULL ? BYOL_SAMPLES_TEXTS
           : how->mel != NULL     ? BYOL_SAMPLES_SOUNDS
                                  : BYOL_SAMPLES_IMAGES;
}

size_t byol__prepared_elements(const byol__preparation *how) {
    switch (byol__prepared_samples(how)) {
    case BYOL_SAMPLES_TEXTS: return (size_t)how->length;
    case BYOL_SAMPLES_SOUNDS: return (size_t)byol__mel_of(how->mel)->bands * (size_t)how->frames;
    default: return (size_t)how->channels * (size_t)how->side * (size_t)how->side;
    }
}

byol_status byol__check_input(const byol__preparation *how, const byol_source *source,
                              byol_error *error) {
    byol_source_info info;
    byol_source_describe(source, &info);
    byol_sample_kind learned = byol__prepared_samples(how);
    if (info.samples != learned)
        return byol__fail(
            error, BYOL_ERROR_INVALID, "the encoder was trained on %s, but these are %s: %s",
            byol__samples_noun(learned), byol__samples_noun(info.samples), info.description);
    if (learned == BYOL_SAMPLES_IMAGES && info.channels != how->channels && !info.decoded)
        return byol__fail(error, BYOL_ERROR_MISMATCH,
                          "the encoder was trained on %d channels, these images have %d (%s)",
                          how->channels, info.channels, info.description);
    return BYOL_OK;
}

byol_status byol__prepare_batch(const byol__preparation *how, const byol_source *source,
                                const uint32_t *indices, size_t first, size_t count,
                                byol__view_buffers *buffers, void *samples, byol_error *error) {
    const byol__input_kind *input = byol__input_of(source);
    size_t bytes = byol__prepared_elements(how) * byol__dtype_bytes(input->dtype);
    byol_status status = BYOL_OK;
#pragma omp parallel for schedule(dynamic)
    for (size_t i = 0; i < count; i++) {
        size_t index = indices != NULL ? indices[i] : first + i;
        byol_error why = {0};
        byol__preparation own = *how;
        own.place = how->places != NULL ? how->places[i] : 0.5f;
        byol_status one = input->prepare(&own, source, index, &buffers[omp_get_thread_num()],
                                         (char *)samples + i * bytes, &why);
        if (one == BYOL_OK) continue;
#pragma omp critical(byol_prepare_batch)
        {
            status = one;
            if (error != NULL) *error = why;
        }
    }
    return status;
}
