#include "tasks/scene.h"

#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/philox.h"

static const float ASPECT_MOST = 4.0f / 3.0f;

static int at_least_one(int value, int most) { return value < 1 ? 1 : value > most ? most : value; }

/* The largest extents in the frame that have the window's proportions. */
static void fit(const byol__frame *frame, byol__window *w) {
    double across = (double)frame->width / (double)w->width,
           down = (double)frame->height / (double)w->height, scale = across < down ? across : down;
    w->shown_height = at_least_one((int)lrint(scale * (double)w->height), frame->height);
    w->shown_width = at_least_one((int)lrint(scale * (double)w->width), frame->width);
}

byol__window byol__window_whole(const byol__frame *frame, int height, int width) {
    byol__window w = {.width = width, .height = height};
    fit(frame, &w);
    return w;
}

byol__window byol__window_stretched(const byol__frame *frame, int height, int width) {
    return (byol__window){.width = width,
                          .height = height,
                          .shown_height = frame->height,
                          .shown_width = frame->width};
}

/* Contrast about the middle grey, then brightness, then each colour. */
static void draw_colours(byol__window *w, float jitter, byol__random *random) {
    float contrast = byol__random_range(random, 1 - jitter, 1 + jitter),
          brightness = byol__random_range(random, 1 - jitter, 1 + jitter);
    w->offset = brightness * (1 - contrast) / 2;
    for (int c = 0; c < 3; c++)
        w->gain[c] =
            contrast * brightness * byol__random_range(random, 1 - jitter / 2, 1 + jitter / 2) - 1;
}

byol__window byol__window_draw(const byol__frame *frame, int height, int width,
                               const byol__scene_draws *draws, uint32_t epoch, uint32_t sample) {
    byol__random random = byol__random_stream(draws->seed, BYOL__PURPOSE_SCENE, epoch, sample, 0);
    float share = byol__random_range(&random, draws->crop_min, 1),
          turn = byol__random_range(&random, -logf(ASPECT_MOST), logf(ASPECT_MOST)),
          right = byol__random_uniform(&random), below = byol__random_uniform(&random);
    bool flip = byol__random_uniform(&random) < 0.5f;
    float side = sqrtf(share), skew = expf(turn / 2);
    byol__window w = {.width = at_least_one((int)lrintf(side * skew * (float)width), width),
                      .height = at_least_one((int)lrintf(side / skew * (float)height), height),
                      .flip = flip};
    w.x = (int)(right * (float)(width - w.width + 1));
    w.y = (int)(below * (float)(height - w.height + 1));
    draw_colours(&w, draws->jitter, &random);
    fit(frame, &w);
    return w;
}

byol_status byol__window_picture(const byol__frame *frame, const byol__window *window,
                                 const byol_image *image, float *dst, byol_error *error) {
    const byol__window *w = window;
    byol_image part = *image;
    part.pixels += (size_t)w->y * image->row_stride + (size_t)w->x * image->pixel_stride;
    part.height = w->height;
    part.width = w->width;
    size_t plane = (size_t)w->shown_height * (size_t)w->shown_width,
           frame_plane = (size_t)frame->height * (size_t)frame->width;
    float *shown;
    BYOL__TRY(byol__alloc_floats(&shown, plane * (size_t)frame->channels, "a picture", error));
    byol_status status = byol_view_whole(&part, w->shown_height, w->shown_width, shown, error);
    for (int c = 0; c < frame->channels && status == BYOL_OK; c++) {
        for (int y = 0; y < frame->height; y++) {
            const float *from = shown + (size_t)c * plane + (size_t)y * (size_t)w->shown_width;
            float *to = dst + (size_t)c * frame_plane + (size_t)y * (size_t)frame->width;
            for (int x = 0; x < frame->width; x++) {
                bool inside = y < w->shown_height && x < w->shown_width;
                float value = !inside ? 0 : w->flip ? from[w->shown_width - 1 - x] : from[x];
                if (inside) value = value * (1 + w->gain[c]) + w->offset;
                to[x] = (value - frame->mean[c]) / frame->std[c];
            }
        }
    }
    byol__free(shown);
    return status;
}

void byol__window_mask(const byol__frame *frame, const byol__window *window, const uint8_t *mask,
                       int columns, uint8_t ignore, uint8_t *dst) {
    const byol__window *w = window;
    for (int y = 0; y < frame->height; y++) {
        for (int x = 0; x < frame->width; x++) {
            uint8_t *to = dst + (size_t)y * (size_t)frame->width + (size_t)x;
            *to = ignore;
            if (y >= w->shown_height || x >= w->shown_width) continue;
            int column = w->flip ? w->shown_width - 1 - x : x;
            int64_t from_y = w->y + ((2 * (int64_t)y + 1) * w->height) / (2 * w->shown_height),
                    from_x = w->x + ((2 * (int64_t)column + 1) * w->width) / (2 * w->shown_width);
            *to = mask[from_y * columns + from_x];
        }
    }
}

static float within(float value, float most) { return value < 0 ? 0 : value > most ? most : value; }

bool byol__window_box(const byol__window *window, byol__box box, byol__box *shown) {
    const byol__window *w = window;
    float across = (float)w->shown_width / (float)w->width,
          down = (float)w->shown_height / (float)w->height;
    float x0 = (box.x0 - (float)w->x) * across, x1 = (box.x1 - (float)w->x) * across,
          y0 = (box.y0 - (float)w->y) * down, y1 = (box.y1 - (float)w->y) * down;
    float area = (x1 - x0) * (y1 - y0), wide = (float)w->shown_width;
    x0 = within(x0, wide);
    x1 = within(x1, wide);
    y0 = within(y0, (float)w->shown_height);
    y1 = within(y1, (float)w->shown_height);
    *shown = (byol__box){w->flip ? wide - x1 : x0, y0, w->flip ? wide - x0 : x1, y1};
    return 3 * (x1 - x0) * (y1 - y0) >= area && x1 > x0 && y1 > y0;
}

byol__box byol__window_box_back(const byol__window *window, byol__box shown, int height,
                                int width) {
    const byol__window *w = window;
    float across = (float)w->width / (float)w->shown_width,
          down = (float)w->height / (float)w->shown_height, wide = (float)w->shown_width;
    float x0 = w->flip ? wide - shown.x1 : shown.x0, x1 = w->flip ? wide - shown.x0 : shown.x1;
    return (byol__box){within((float)w->x + x0 * across, (float)width),
                       within((float)w->y + shown.y0 * down, (float)height),
                       within((float)w->x + x1 * across, (float)width),
                       within((float)w->y + shown.y1 * down, (float)height)};
}
