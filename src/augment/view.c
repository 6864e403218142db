#include "byol/views.h"

#include <math.h>

#include "augment/draws.h"
#include "augment/pixels.h"
#include "augment/taps.h"
#include "base/memory.h"

/* Where the parts of a view's scratch lie. `work` is first the resize's and then the blur's. */
typedef struct workspace {
    byol__taps across, down;
    float *kernel; /* of the blur */
    float *work;
} workspace;

static int blur_radius(int size) { return size / 20 > 1 ? size / 20 : 1; }

static void *take(char **next, size_t count, size_t size) {
    void *taken = *next;
    *next += byol__align_up(count * size);
    return taken;
}

/* Lays `space` out from `scratch` on and returns the end. */
static char *workspace_lay(workspace *space, int height, int width, int size, char *scratch) {
    int radius = blur_radius(size);
    size_t resize = byol__pixels_resize_floats(height, width, size), blur = byol__pixels_blur_floats(size, radius);
    space->across.start = take(&scratch, size, sizeof(int));
    space->across.weights = take(&scratch, (size_t)size * byol__taps_limit(width, size), sizeof(float));
    space->down.start = take(&scratch, size, sizeof(int));
    space->down.weights = take(&scratch, (size_t)size * byol__taps_limit(height, size), sizeof(float));
    space->kernel = take(&scratch, 2 * radius + 1, sizeof(float));
    space->work = take(&scratch, resize > blur ? resize : blur, sizeof(float));
    return scratch;
}

size_t byol_view_scratch_bytes(int channels, int height, int width, int size) {
    (void)channels; /* they are made one after the other */
    workspace space;
    _Alignas(BYOL__ALIGNMENT) char origin[1];
    return (size_t)((uintptr_t)workspace_lay(&space, height, width, size, origin) - (uintptr_t)origin);
}

/* Resizes the box at (x, y) of `image` by the taps in `space`. */
static void resize(const byol_image *image, int x, int y, int size, const workspace *space, float *dst) {
    const uint8_t *corner = image->pixels + y * image->row_stride + x * image->pixel_stride;
    for (int c = 0; c < image->channels; c++)
        byol__pixels_resize(corner + c * image->channel_stride, image->row_stride, image->pixel_stride, &space->across,
                            &space->down, size, dst + (size_t)c * size * size, space->work);
}

static void crop_resize_flip(const byol_image *image, const byol__draws *draws, int size, workspace *space,
                             float *dst) {
    byol__taps_fill(&space->across, draws->crop_width, size, 0, size, draws->flip);
    byol__taps_fill(&space->down, draws->crop_height, size, 0, size, 0);
    resize(image, draws->crop_x, draws->crop_y, size, space, dst);
}

/* The colour of one channel has neither saturation nor hue. */
static void jitter(const byol__draws *draws, int channels, size_t plane, float *dst) {
    for (int i = 0; i < BYOL__JITTERS; i++) {
        byol__jitter step = draws->order[i];
        if (step == BYOL__BRIGHTNESS) byol__pixels_brightness(dst, channels * plane, draws->brightness);
        if (step == BYOL__CONTRAST) byol__pixels_contrast(dst, channels, plane, draws->contrast);
        if (step == BYOL__SATURATION && channels == 3) byol__pixels_saturation(dst, plane, draws->saturation);
        if (step == BYOL__HUE && channels == 3 && draws->hue != 0) byol__pixels_hue(dst, plane, draws->hue);
    }
}

static void gaussian_blur(float sigma, int channels, int size, workspace *space, float *dst) {
    if (size == 1) return; /* there is nothing to reflect */
    int radius = blur_radius(size);
    float sum = 0;
    sigma = sigma > 1e-3f ? sigma : 1e-3f; /* no blur at all, without a division by zero */
    for (int i = 0; i <= 2 * radius; i++) {
        float x = (float)(i - radius) / sigma;
        sum += space->kernel[i] = expf(-0.5f * x * x);
    }
    for (int i = 0; i <= 2 * radius; i++) space->kernel[i] /= sum;
    for (int c = 0; c < channels; c++)
        byol__pixels_blur(dst + (size_t)c * size * size, size, space->kernel, radius, space->work);
}

static void normalise(const float mean[3], const float std[3], int channels, size_t plane, float *dst) {
    for (int c = 0; c < channels; c++) byol__pixels_normalise(dst + c * plane, plane, mean[c], std[c]);
}

/* The view is made in place in `dst`, which stays in the cache from step to step. */
void byol_view_make(const byol_view_recipe *recipe, const byol_image *image, int size, uint64_t seed, uint32_t epoch,
                    uint32_t sample, int view, float *dst, void *scratch) {
    int channels = image->channels;
    size_t plane = (size_t)size * size;
    byol__draws draws = byol__view_draw(recipe, image->height, image->width, seed, epoch, sample, view);
    workspace space;
    workspace_lay(&space, image->height, image->width, size, scratch);
    crop_resize_flip(image, &draws, size, &space, dst);
    if (draws.jitter) jitter(&draws, channels, plane, dst);
    if (draws.grayscale && channels == 3) byol__pixels_grayscale(dst, plane);
    if (draws.blur) gaussian_blur(draws.blur_sigma, channels, size, &space, dst);
    if (draws.solarize) byol__pixels_solarize(dst, channels * plane, recipe->solarize_threshold);
    normalise(recipe->mean, recipe->std, channels, plane, dst);
}

/* Sizes and rounding as torchvision's Resize and CenterCrop. */
void byol_view_center(const float mean[3], const float std[3], const byol_image *image, int size, float *dst,
                      void *scratch) {
    int height = image->height, width = image->width, shorter = height < width ? height : width;
    int out_width = (int)((int64_t)size * width / shorter), out_height = (int)((int64_t)size * height / shorter);
    workspace space;
    workspace_lay(&space, height, width, size, scratch);
    byol__taps_fill(&space.across, width, out_width, (int)lrint((out_width - size) / 2.0), size, 0);
    byol__taps_fill(&space.down, height, out_height, (int)lrint((out_height - size) / 2.0), size, 0);
    resize(image, 0, 0, size, &space, dst);
    normalise(mean, std, image->channels, (size_t)size * size, dst);
}
