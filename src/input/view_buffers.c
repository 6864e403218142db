#include "input/view_buffers.h"

#include "base/error.h"
#include "base/memory.h"
#include "byol/views.h"

byol_status byol__view_buffers_fit(byol__view_buffers *buffers, int channels, int height, int width,
                                   int size, byol_error *error) {
    size_t bytes = byol_view_scratch_bytes(channels, height, width, size);
    if (bytes <= buffers->scratch_bytes) return BYOL_OK;
    byol__free(buffers->scratch);
    buffers->scratch = NULL;
    buffers->scratch_bytes = 0;
    BYOL__TRY(byol__alloc(&buffers->scratch, bytes, 1, "scratch of the views", error));
    buffers->scratch_bytes = bytes;
    return BYOL_OK;
}

void byol__view_buffers_release(byol__view_buffers *buffers) {
    byol_picture_release(&buffers->picture);
    byol__free(buffers->scratch);
    byol__free(buffers->tokens);
    byol_tokenizer_scratch_release(&buffers->text);
    byol_waveform_release(&buffers->waveform);
    byol__mel_scratch_release(&buffers->mel);
    byol__free(buffers->units);
    byol__free(buffers->whole);
    *buffers = (byol__view_buffers){0};
}
