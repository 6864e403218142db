#include "tasks/center_loss.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const float SIZE_WEIGHT = 0.1f, OVERLAP = 0.7f;

/* ---- Targets ---- */

/* The larger root of a x^2 - b x + c, halved as CornerNet's code has it. */
static float root_of(float a, float b, float c) {
    float inside = b * b - 4 * a * c;
    return (b + sqrtf(inside > 0 ? inside : 0)) / 2;
}

float byol__center_radius(float height, float width) {
    const float o = OVERLAP, sum = height + width, area = height * width;
    float both_shifted = root_of(1, sum, area * (1 - o) / (1 + o)),
          inside = root_of(4, 2 * sum, (1 - o) * area),
          outside = root_of(4 * o, -2 * o * sum, (o - 1) * area);
    return fminf(both_shifted, fminf(inside, outside));
}

typedef struct cell {
    int x, y;
    float right, below; /* of the centre in it */
} cell;

static cell cell_of(const byol__center_shape *s, byol__box b) {
    float x = (b.x0 + b.x1) / 2, y = (b.y0 + b.y1) / 2;
    cell c = {.x = (int)x, .y = (int)y};
    if (c.x > s->width - 1) c.x = s->width - 1;
    if (c.y > s->height - 1) c.y = s->height - 1;
    c.right = x - (float)c.x;
    c.below = y - (float)c.y;
    return c;
}

static void draw_peak(const byol__center_shape *s, const byol__target_box *b, float *heat) {
    float radius = byol__center_radius(ceilf(b->box.y1 - b->box.y0), ceilf(b->box.x1 - b->box.x0));
    int r = radius > 0 ? (int)radius : 0;
    float sigma = (float)(2 * r + 1) / 6;
    cell c = cell_of(s, b->box);
    float *map = heat + (size_t)b->label * (size_t)s->height * (size_t)s->width;
    for (int y = c.y - r < 0 ? 0 : c.y - r; y <= c.y + r && y < s->height; y++)
        for (int x = c.x - r < 0 ? 0 : c.x - r; x <= c.x + r && x < s->width; x++) {
            float square = (float)((x - c.x) * (x - c.x) + (y - c.y) * (y - c.y));
            float value = expf(-square / (2 * sigma * sigma));
            float *at = &map[(size_t)y * (size_t)s->width + (size_t)x];
            if (value > *at) *at = value;
        }
}

void byol__center_heat(const byol__center_shape *s, const byol__target_box *boxes, int count,
                       float *heat) {
    memset(heat, 0, (size_t)s->classes * (size_t)s->height * (size_t)s->width * sizeof *heat);
    for (int i = 0; i < count; i++) draw_peak(s, &boxes[i], heat);
}

/* ---- The loss ---- */

/* log(1 / (1 + exp(-z))), without overflow. */
static double log_sigmoid(double z) { return z < 0 ? z - log1p(exp(z)) : -log1p(exp(-z)); }

/* Of one cell: -(1 - p)^2 log p at a centre, else -(1 - y)^4 p^2 log(1 - p), and its derivative by
 * the logit z. */
static double focal(float z, float y, float *slope) {
    double p = 1 / (1 + exp(-(double)z)), log_p = log_sigmoid((double)z),
           log_q = log_sigmoid(-(double)z), q = 1 - p;
    if (y == 1) {
        *slope = (float)(2 * p * q * q * log_p - q * q * q);
        return -q * q * log_p;
    }
    double far = pow(1 - (double)y, 4);
    *slope = (float)(far * (p * p * p - 2 * p * p * q * log_q));
    return -far * p * p * log_q;
}

/* weight |unit value - wanted|. */
static double absolute(float value, double unit, double wanted, double weight, float *diff) {
    double off = unit * (double)value - wanted, slope = weight * unit;
    *diff += (float)(off > 0 ? slope : off < 0 ? -slope : 0);
    return weight * fabs(off);
}

/* Sizes and offsets at the centres. */
static double box_loss(const byol__center_shape *s, const float *map, const byol__target_box *boxes,
                       int count, double share, float *diff) {
    size_t plane = (size_t)s->height * (size_t)s->width;
    double sum = 0;
    for (int i = 0; i < count; i++) {
        byol__box b = boxes[i].box;
        cell c = cell_of(s, b);
        size_t at = (size_t)s->classes * plane + (size_t)c.y * (size_t)s->width + (size_t)c.x;
        const float wanted[4] = {b.x1 - b.x0, b.y1 - b.y0, c.right, c.below};
        for (int k = 0; k < 4; k++, at += plane)
            sum += absolute(map[at], k < 2 ? (double)s->unit : 1, (double)wanted[k],
                            share * (k < 2 ? (double)SIZE_WEIGHT : 1), &diff[at]);
    }
    return sum;
}

static double picture_loss(const byol__center_shape *s, const float *map,
                           const byol__target_box *boxes, int count, double share, float *heat,
                           float *diff) {
    size_t plane = (size_t)s->height * (size_t)s->width, cells = (size_t)s->classes * plane;
    double sum = 0;
    byol__center_heat(s, boxes, count, heat);
    memset(diff, 0, (cells + 4 * plane) * sizeof *diff);
    for (size_t i = 0; i < cells; i++) {
        float slope;
        sum += focal(map[i], heat[i], &slope);
        diff[i] = (float)share * slope;
    }
    return sum * share + box_loss(s, map, boxes, count, share, diff);
}

double byol__center_loss(const byol__center_shape *shape, int batch, const float *maps,
                         byol__target_box *const *boxes, const int *counts, float *heat,
                         float *diff) {
    size_t plane = (size_t)shape->height * (size_t)shape->width,
           floats = (size_t)(shape->classes + 4) * plane, cells = (size_t)shape->classes * plane;
    int objects = 0;
    for (int n = 0; n < batch; n++) objects += counts[n];
    double share = objects > 0 ? 1 / (double)objects : 1, sum = 0;
#pragma omp parallel for ordered schedule(static, 1)
    for (int n = 0; n < batch; n++) {
        double part = picture_loss(shape, maps + (size_t)n * floats, boxes[n], counts[n], share,
                                   heat + (size_t)n * cells, diff + (size_t)n * floats);
#pragma omp ordered
        sum += part;
    }
    return sum;
}

/* ---- Peaks ---- */

static bool is_peak(const byol__center_shape *s, const float *map, int y, int x) {
    float value = map[y * s->width + x];
    for (int v = y > 0 ? y - 1 : 0; v <= y + 1 && v < s->height; v++)
        for (int u = x > 0 ? x - 1 : 0; u <= x + 1 && u < s->width; u++)
            if (map[v * s->width + u] > value) return false;
    return true;
}

/* Puts a peak where it belongs among the highest, if it does. */
static int insert(byol__peak *peaks, int count, int most, byol__peak peak) {
    if (count == most && peak.score <= peaks[count - 1].score) return count;
    int at = count < most ? count++ : count - 1;
    for (; at > 0 && peaks[at - 1].score < peak.score; at--) peaks[at] = peaks[at - 1];
    peaks[at] = peak;
    return count;
}

static byol__peak read_peak(const byol__center_shape *s, const float *map, int label, int y,
                            int x) {
    size_t plane = (size_t)s->height * (size_t)s->width,
           at = (size_t)y * (size_t)s->width + (size_t)x;
    const float *size = map + (size_t)s->classes * plane + at;
    float wide = s->unit * fmaxf(size[0], 0) / 2, high = s->unit * fmaxf(size[plane], 0) / 2,
          center_x = (float)x + size[2 * plane], center_y = (float)y + size[3 * plane];
    return (byol__peak){.box = {center_x - wide, center_y - high, center_x + wide, center_y + high},
                        .label = label,
                        .score = 1 / (1 + expf(-map[(size_t)label * plane + at]))};
}

int byol__center_peaks(const byol__center_shape *s, const float *map, int most, byol__peak *peaks) {
    int count = 0;
    for (int label = 0; label < s->classes; label++) {
        const float *heat = map + (size_t)label * (size_t)s->height * (size_t)s->width;
        for (int y = 0; y < s->height; y++)
            for (int x = 0; x < s->width; x++)
                if (is_peak(s, heat, y, x))
                    count = insert(peaks, count, most, read_peak(s, map, label, y, x));
    }
    return count;
}
