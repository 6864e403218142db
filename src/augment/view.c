#include "byol/views.h"

#include <math.h>
#include <stdbool.h>

#include "augment/draws.h"
#include "augment/noise.h"
#include "augment/pixels.h"
#include "augment/taps.h"
#include "base/error.h"
#include "base/memory.h"

/* The parts of a view's scratch. `work` is for the resize, then the move of a picture, then the
 * blur. */
typedef struct workspace {
    byol__taps across, down;
    float *kernel; /* of the blur */
    float *work;
} workspace;

/* The sizes that a workspace must serve. */
typedef struct extent {
    int channels, height, width, out_height, out_width;
    int blur_radius; /* 0: there is no blur */
} extent;

static const byol__pixel_table *pixels(void) { return byol__pixels(byol__isa_best()); }

static int blur_radius(int size) { return size / 20 > 1 ? size / 20 : 1; }

static void *take(char **next, size_t count, size_t size) {
    void *taken = *next;
    *next += byol__align_up(count * size);
    return taken;
}

static extent extent_of_view(const byol_image *image, int size) {
    return (extent){image->channels, image->height, image->width, size, size, blur_radius(size)};
}

/* Lays out `space` from `scratch` on and returns the end. */
static char *workspace_lay(workspace *space, const extent *e, char *scratch) {
    size_t resize = pixels()->resize_floats(e->channels, e->height, e->width, e->out_height,
                                            e->out_width),
           blur = 0;
    if (e->blur_radius > 0) blur = pixels()->blur_floats(e->channels, e->out_width, e->blur_radius);
    space->across.start = take(&scratch, e->out_width, sizeof(int));
    space->across.weights = take(
        &scratch, (size_t)e->out_width * byol__taps_limit(e->width, e->out_width), sizeof(float));
    space->down.start = take(&scratch, e->out_height, sizeof(int));
    space->down.weights =
        take(&scratch, (size_t)e->out_height * byol__taps_limit(e->height, e->out_height),
             sizeof(float));
    space->kernel = take(&scratch, 2 * e->blur_radius + 2, sizeof(float));
    size_t plane = (size_t)e->out_height * (size_t)e->out_width,
           most = resize > blur ? resize : blur;
    space->work = take(&scratch, most > plane ? most : plane, sizeof(float));
    return scratch;
}

static size_t workspace_bytes(const extent *e) {
    workspace space;
    _Alignas(BYOL__ALIGNMENT) char origin[1];
    return (size_t)((uintptr_t)workspace_lay(&space, e, origin) - (uintptr_t)origin);
}

size_t byol_view_scratch_bytes(int channels, int height, int width, int size) {
    byol_image image = {.channels = channels, .height = height, .width = width};
    extent e = extent_of_view(&image, size);
    return workspace_bytes(&e);
}

/* Resizes the box at (x, y) of `image` by the taps in `space`, and applies `then`. */
static void resize(const byol_image *image, int x, int y, int out_height, int out_width,
                   const workspace *space, const byol__steps *then, float *dst) {
    byol__resize job = {
        .pixels = image->pixels + y * image->row_stride + x * image->pixel_stride,
        .channels = image->channels,
        .channel_stride = image->channel_stride,
        .row_stride = image->row_stride,
        .pixel_stride = image->pixel_stride,
        .across = space->across,
        .down = space->down,
        .height = out_height,
        .width = out_width,
        .scratch = space->work,
    };
    pixels()->resize(&job, then, dst);
}

static void crop_resize_flip(const byol_image *image, const byol__draws *draws, int size,
                             workspace *space, const byol__steps *then, float *dst) {
    pixels()->taps_fill(&space->across, draws->crop_width, size, 0, size, draws->flip);
    pixels()->taps_fill(&space->down, draws->crop_height, size, 0, size, 0);
    resize(image, draws->crop_x, draws->crop_y, size, size, space, then, dst);
}

static void add_step(byol__steps *steps, byol__step_kind kind, float value) {
    steps->list[steps->count++] = (byol__step){.kind = kind, .value = value};
}

static void add_normalise(byol__steps *steps, const float *mean, const float *std) {
    steps->list[steps->count++] =
        (byol__step){.kind = BYOL__STEP_NORMALISE, .mean = mean, .std = std};
}

/* A view's steps on single pixels, divided where all pixels must be finished before going on. */
typedef struct division {
    byol__steps before_contrast, before_blur, after_blur;
    bool contrast; /* is there one? It is the first step of before_blur */
    int blur;
} division;

/* Contrast needs the mean of all pixels. */
static byol__steps *divide_jitter(const byol__draws *draws, int channels, division *parts) {
    static const byol__step_kind kinds[BYOL__JITTERS] = {
        [BYOL__BRIGHTNESS] = BYOL__STEP_BRIGHTNESS,
        [BYOL__CONTRAST] = BYOL__STEP_CONTRAST,
        [BYOL__SATURATION] = BYOL__STEP_SATURATION,
        [BYOL__HUE] = BYOL__STEP_HUE,
    };
    const float values[BYOL__JITTERS] = {
        [BYOL__BRIGHTNESS] = draws->brightness,
        [BYOL__CONTRAST] = draws->contrast,
        [BYOL__SATURATION] = draws->saturation,
        [BYOL__HUE] = draws->hue,
    };
    byol__steps *last = &parts->before_contrast;
    for (int i = 0; draws->jitter && i < BYOL__JITTERS; i++) {
        byol__jitter jitter = draws->order[i];
        int of_colour =
            jitter == BYOL__SATURATION || jitter == BYOL__HUE; /* one channel has none */
        if ((of_colour && channels == 1) || (jitter == BYOL__HUE && draws->hue == 0)) continue;
        if (jitter == BYOL__CONTRAST) last = &parts->before_blur;
        add_step(last, kinds[jitter], values[jitter]);
    }
    parts->contrast = last == &parts->before_blur;
    return last;
}

static division divide(const byol_view_recipe *recipe, const byol__draws *draws, int channels,
                       int size) {
    division parts = {{.channels = channels}, {.channels = channels}, {.channels = channels}, 0, 0};
    byol__steps *last = divide_jitter(draws, channels, &parts);
    if (draws->grayscale && channels == 3) add_step(last, BYOL__STEP_GRAYSCALE, 0);
    parts.blur = draws->blur && size > 1; /* one pixel has nothing to reflect */
    if (parts.blur) last = &parts.after_blur;
    if (draws->solarize) add_step(last, BYOL__STEP_SOLARIZE, recipe->solarize_threshold);
    add_normalise(last, recipe->mean, recipe->std);
    return parts;
}

/* Fills the kernel and returns its radius, at most `most`. Below that, the weights left out sum to
 * less than the rounding of 1. */
static int gaussian(float sigma, int most, float *kernel) {
    sigma = sigma > 1e-3f ? sigma : 1e-3f; /* no blur at all, without a division by zero */
    int radius = (int)ceilf(5.5f * sigma);
    if (radius > most) radius = most;
    if (radius < 1) radius = 1;
    float sum = 0;
    for (int i = 0; i <= 2 * radius; i++) {
        float x = (float)(i - radius) / sigma;
        sum += kernel[i] = expf(-0.5f * x * x);
    }
    for (int i = 0; i <= 2 * radius; i++) kernel[i] /= sum;
    kernel[2 * radius + 1] = 0;
    return radius;
}

static void blur(float sigma, const division *parts, int size, workspace *space, float *dst) {
    byol__blur job = {.channels = parts->before_blur.channels,
                      .size = size,
                      .kernel = space->kernel,
                      .scratch = space->work};
    job.radius = gaussian(sigma, blur_radius(size), space->kernel);
    pixels()->blur(&job, &parts->before_blur, &parts->after_blur, dst);
}

/* A picture that is rotated or shifted needs all its pixels before their colours change. */
static void move(const byol__noise *noise, const byol_image *image, const byol__draws *draws,
                 int size, workspace *space, const byol__steps *then, float *dst) {
    const byol__steps nothing = {.channels = image->channels};
    size_t plane = (size_t)size * size;
    crop_resize_flip(image, draws, size, space, &nothing, dst);
    byol__noise_move(noise, image->channels, size, dst, space->work);
    pixels()->apply(then, dst, plane, 0, plane);
}

/* The view is made in place in `dst`. */
void byol_view_make(const byol_view_recipe *recipe, const byol_image *image, int size,
                    uint64_t seed, uint32_t epoch, uint32_t sample, int view, float *dst,
                    void *scratch) {
    size_t plane = (size_t)size * size;
    byol__draws draws =
        byol__view_draw(recipe, image->height, image->width, seed, epoch, sample, view);
    division parts = divide(recipe, &draws, image->channels, size);
    double gray_sum = 0;
    if (parts.contrast) parts.before_contrast.gray_sum = &gray_sum;
    extent e = extent_of_view(image, size);
    workspace space;
    workspace_lay(&space, &e, scratch);
    byol__noise noise = byol__noise_draw(recipe, size, seed, epoch, sample, view);
    if (byol__noise_moves(&noise))
        move(&noise, image, &draws, size, &space, &parts.before_contrast, dst);
    else
        crop_resize_flip(image, &draws, size, &space, &parts.before_contrast, dst);
    if (parts.contrast)
        parts.before_blur.list[0].offset = (1 - draws.contrast) * (float)(gray_sum / (double)plane);
    if (parts.blur)
        blur(draws.blur_sigma, &parts, size, &space, dst);
    else
        pixels()->apply(&parts.before_blur, dst, plane, 0, plane);
    byol__noise_add(&noise, recipe->std, image->channels, size, dst);
}

/* Sizes and rounding as torchvision's Resize and CenterCrop. */
void byol_view_center(const float mean[3], const float std[3], const byol_image *image, int size,
                      float *dst, void *scratch) {
    int height = image->height, width = image->width, shorter = height < width ? height : width;
    int out_width = (int)((int64_t)size * width / shorter),
        out_height = (int)((int64_t)size * height / shorter);
    extent e = extent_of_view(image, size);
    workspace space;
    workspace_lay(&space, &e, scratch);
    pixels()->taps_fill(&space.across, width, out_width, (int)lrint((out_width - size) / 2.0), size,
                        0);
    pixels()->taps_fill(&space.down, height, out_height, (int)lrint((out_height - size) / 2.0),
                        size, 0);
    byol__steps then = {.channels = image->channels};
    add_normalise(&then, mean, std);
    resize(image, 0, 0, size, size, &space, &then, dst);
}

byol_status byol_view_whole(const byol_image *image, int height, int width, float *dst,
                            byol_error *error) {
    extent e = {image->channels, image->height, image->width, height, width, 0};
    workspace space;
    void *scratch;
    BYOL__TRY(byol__alloc(&scratch, workspace_bytes(&e), 1, "resizing an image", error));
    workspace_lay(&space, &e, scratch);
    pixels()->taps_fill(&space.across, image->width, width, 0, width, 0);
    pixels()->taps_fill(&space.down, image->height, height, 0, height, 0);
    const byol__steps nothing = {.channels = image->channels};
    resize(image, 0, 0, height, width, &space, &nothing, dst);
    byol__free(scratch);
    return BYOL_OK;
}
