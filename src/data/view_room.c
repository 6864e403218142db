#include "data/view_room.h"

#include "base/error.h"
#include "base/memory.h"
#include "byol/views.h"

byol_status byol__view_room_fit(byol__view_room *room, int channels, int height, int width,
                                int size, byol_error *error) {
    size_t bytes = byol_view_scratch_bytes(channels, height, width, size);
    if (bytes <= room->scratch_bytes) return BYOL_OK;
    byol__free(room->scratch);
    room->scratch = NULL;
    room->scratch_bytes = 0;
    BYOL__TRY(byol__alloc(&room->scratch, bytes, 1, "scratch of the views", error));
    room->scratch_bytes = bytes;
    return BYOL_OK;
}

void byol__view_room_release(byol__view_room *room) {
    byol_picture_release(&room->picture);
    byol__free(room->scratch);
    *room = (byol__view_room){0};
}
