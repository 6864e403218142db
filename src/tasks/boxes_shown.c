#include "tasks/boxes_shown.h"

#include <string.h>

#include <omp.h>

#include "base/error.h"
#include "base/memory.h"
#include "tasks/box_set.h"

/* Where the objects of each picture begin, and the most of one picture. */
static byol_status index_objects(byol__boxes_shown *s, const byol_boxes *set, size_t *most,
                                 byol_error *error) {
    size_t count = set->info.count, at = 0;
    *most = 1;
    BYOL__TRY(byol__alloc(&s->first, count + 1, sizeof *s->first, "boxes", error));
    for (size_t i = 0; i < count; i++) {
        s->first[i] = at;
        while (at < set->info.objects && set->objects[at].picture == i) at++;
        if (at - s->first[i] > *most) *most = at - s->first[i];
    }
    s->first[count] = at;
    return BYOL_OK;
}

byol_status byol__boxes_shown_open(byol__boxes_shown *s, const byol_boxes *set, int batch,
                                   byol_error *error) {
    size_t most;
    s->threads = omp_get_max_threads();
    s->batch = batch;
    BYOL__TRY(index_objects(s, set, &most, error));
    BYOL__TRY(
        byol__alloc(&s->pictures, (size_t)s->threads, sizeof *s->pictures, "pictures", error));
    BYOL__TRY(byol__alloc(&s->windows, (size_t)batch, sizeof *s->windows, "windows", error));
    BYOL__TRY(byol__alloc(&s->boxes, (size_t)batch, sizeof *s->boxes, "boxes", error));
    BYOL__TRY(byol__alloc(&s->counts, (size_t)batch, sizeof *s->counts, "boxes", error));
    for (int n = 0; n < batch; n++)
        BYOL__TRY(byol__alloc(&s->boxes[n], most, sizeof **s->boxes, "boxes", error));
    return BYOL_OK;
}

void byol__boxes_shown_release(byol__boxes_shown *s) {
    for (int i = 0; s->pictures != NULL && i < s->threads; i++)
        byol_picture_release(&s->pictures[i]);
    for (int n = 0; s->boxes != NULL && n < s->batch; n++) byol__free(s->boxes[n]);
    void *owned[] = {s->pictures, s->windows, s->boxes, s->counts, s->first};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) byol__free(owned[i]);
}

/* The boxes of a picture in its window, in cells of the map. */
static void show_boxes(byol__boxes_shown *s, const byol_boxes *set, size_t index, size_t slot) {
    float across = (float)s->shape.width / (float)s->frame.width,
          down = (float)s->shape.height / (float)s->frame.height;
    s->counts[slot] = 0;
    for (size_t i = s->first[index]; i < s->first[index + 1]; i++) {
        const byol_object *o = &set->objects[i];
        byol__box box = {o->x, o->y, o->x + o->width, o->y + o->height}, shown;
        if (o->crowd || !byol__window_box(&s->windows[slot], box, &shown)) continue;
        s->boxes[slot][s->counts[slot]++] = (byol__target_box){
            {shown.x0 * across, shown.y0 * down, shown.x1 * across, shown.y1 * down}, o->label};
    }
}

static byol_status show(byol__boxes_shown *s, const byol_boxes *set, size_t index, size_t slot,
                        int epoch, float *image, byol_error *error) {
    byol_picture *picture = &s->pictures[omp_get_thread_num()];
    const byol_image *read = &picture->image;
    const byol_image_request wanted = {.channels = s->frame.channels};
    s->counts[slot] = 0;
    BYOL__TRY(byol_source_image(set->pictures, index, &wanted, picture, error));
    if (read->channels != s->frame.channels)
        return byol__fail(error, BYOL_ERROR_MISMATCH,
                          "the pictures have %d channels, the encoder takes %d", read->channels,
                          s->frame.channels);
    byol__window *w = &s->windows[slot];
    *w = epoch < 0 ? byol__window_whole(&s->frame, read->height, read->width)
                   : byol__window_draw(&s->frame, read->height, read->width, &s->draws,
                                       (uint32_t)epoch, (uint32_t)index);
    if (epoch >= 0) show_boxes(s, set, index, slot);
    return byol__window_picture(&s->frame, w, read, image, error);
}

byol_status byol__boxes_shown_batch(byol__boxes_shown *s, const byol_boxes *set,
                                    const uint32_t *indices, size_t first, size_t n, int epoch,
                                    float *images, byol_error *error) {
    size_t floats = (size_t)s->frame.channels * (size_t)s->frame.height * (size_t)s->frame.width;
    byol_status status = BYOL_OK;
#pragma omp parallel for schedule(dynamic)
    for (size_t i = 0; i < n; i++) {
        byol_error words = {0};
        size_t index = indices != NULL ? indices[i] : first + i;
        byol_status one = show(s, set, index, i, epoch, images + i * floats, &words);
        if (one == BYOL_OK) continue;
        memset(images + i * floats, 0, floats * sizeof *images);
        if (byol_source_unreadable(set->pictures, index)) continue;
#pragma omp critical(byol_boxes_shown)
        {
            status = one;
            if (error != NULL) *error = words;
        }
    }
    return status;
}
