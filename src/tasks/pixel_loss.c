#include "tasks/pixel_loss.h"

#include <math.h>
#include <string.h>

#include "byol/segment.h"

/* ---- The loss ---- */

/* One sample: the sum of its losses; the gradient times `scale`. */
static double sample_loss(const float *maps, const uint8_t *labels, int classes, size_t pixels,
                          int ignore, float scale, float *diff) {
    double sum = 0;
    memset(diff, 0, (size_t)classes * pixels * sizeof *diff);
    for (size_t i = 0; i < pixels; i++) {
        if (labels[i] == ignore) continue;
        float most = maps[i], total = 0;
        for (int k = 1; k < classes; k++) most = fmaxf(most, maps[(size_t)k * pixels + i]);
        for (int k = 0; k < classes; k++) {
            float *share = &diff[(size_t)k * pixels + i];
            *share = expf(maps[(size_t)k * pixels + i] - most);
            total += *share;
        }
        size_t right = (size_t)labels[i] * pixels + i;
        sum += log((double)total) - (double)(maps[right] - most);
        for (int k = 0; k < classes; k++) diff[(size_t)k * pixels + i] *= scale / total;
        diff[right] -= scale;
    }
    return sum;
}

double byol__pixel_cross_entropy(const float *maps, const uint8_t *labels, int batch, int classes,
                                 size_t pixels, int ignore, float *diff) {
    size_t counted = 0, floats = (size_t)classes * pixels;
    for (size_t i = 0; i < (size_t)batch * pixels; i++) counted += labels[i] != ignore;
    float scale = counted > 0 ? 1 / (float)counted : 0;
    double sum = 0;
#pragma omp parallel for ordered schedule(static, 1)
    for (int n = 0; n < batch; n++) {
        double part = sample_loss(maps + (size_t)n * floats, labels + (size_t)n * pixels, classes,
                                  pixels, ignore, scale, diff + (size_t)n * floats);
#pragma omp ordered
        sum += part;
    }
    return counted > 0 ? sum / (double)counted : 0;
}

/* ---- The answer ---- */

typedef struct between {
    int first, second;
    float share;
} between;

static between between_of(int out, int outs, int ins) {
    float at = ((float)out + 0.5f) * (float)ins / (float)outs - 0.5f;
    if (at < 0) at = 0;
    int first = (int)at < ins - 1 ? (int)at : ins - 1;
    return (between){first, first + 1 < ins ? first + 1 : first, at - (float)first};
}

static float mean_of(const float *map, int width, between v, between u) {
    const float *up = map + (size_t)v.first * (size_t)width,
                *low = map + (size_t)v.second * (size_t)width;
    return (1 - v.share) * ((1 - u.share) * up[u.first] + u.share * up[u.second]) +
           v.share * ((1 - u.share) * low[u.first] + u.share * low[u.second]);
}

void byol__pixel_answer(const float *maps, int classes, int height, int width, int shown_height,
                        int shown_width, int rows, int columns, uint8_t *mask) {
#pragma omp parallel for schedule(static)
    for (int y = 0; y < rows; y++) {
        between v = between_of(y, rows, shown_height);
        for (int x = 0; x < columns; x++) {
            between u = between_of(x, columns, shown_width);
            float most = -INFINITY;
            for (int k = 0; k < classes; k++) {
                const float *map = maps + (size_t)k * (size_t)height * (size_t)width;
                float value = mean_of(map, width, v, u);
                if (value > most) {
                    most = value;
                    mask[(size_t)y * (size_t)columns + (size_t)x] = (uint8_t)k;
                }
            }
        }
    }
}

/* ---- What it is worth ---- */

void byol__confusion_add(uint64_t *confusion, int classes, const uint8_t *truth,
                         const uint8_t *predicted, size_t pixels, int ignore) {
    for (size_t i = 0; i < pixels; i++)
        if (truth[i] != ignore) confusion[(int)truth[i] * classes + (int)predicted[i]]++;
}

static double share_of(uint64_t part, uint64_t whole) {
    return whole == 0 ? NAN : 100 * (double)part / (double)whole;
}

void byol_segment_score(const uint64_t *confusion, int classes, byol_segment_scores *scores,
                        double *iou, double *accuracy) {
    uint64_t all = 0, right = 0;
    double ious = 0, accuracies = 0;
    int with_iou = 0, with_accuracy = 0;
    for (int k = 0; k < classes; k++) {
        uint64_t truth = 0, answers = 0, both = confusion[k * classes + k];
        for (int j = 0; j < classes; j++) {
            truth += confusion[k * classes + j];
            answers += confusion[j * classes + k];
        }
        double one = share_of(both, truth + answers - both), other = share_of(both, truth);
        if (iou != NULL) iou[k] = one;
        if (accuracy != NULL) accuracy[k] = other;
        if (!isnan(one)) ious += one, with_iou++;
        if (!isnan(other)) accuracies += other, with_accuracy++;
        all += truth;
        right += both;
    }
    *scores =
        (byol_segment_scores){.miou = with_iou > 0 ? ious / with_iou : 0,
                              .class_accuracy = with_accuracy > 0 ? accuracies / with_accuracy : 0,
                              .pixel_accuracy = all > 0 ? share_of(right, all) : 0};
}
