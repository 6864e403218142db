#include "train/distance.h"

#include <stddef.h>

#include "base/memory.h"
#include "train/correlation.h"
#include "train/loss.h"
#include "train/pairs.h"

byol_status byol__distance_init(byol__distance *distance, const byol_config *config, int batch,
                                int dim, byol_error *error) {
    byol_distance_kind kind = config->loss.distance;
    *distance = (byol__distance){
        .kind = kind,
        .batch = batch,
        .dim = dim,
        .candidates = (double)config->loss.candidates,
        .second_term =
            kind == BYOL_MSE || kind == BYOL_SMOOTH_L1 ? (double)config->loss.second_term : 0,
        .beta = config->loss.beta,
        .redundancy = (double)config->loss.redundancy,
        .contrast = {.kind = kind,
                     .temperature = (double)config->loss.temperature,
                     .margin = (double)config->loss.margin,
                     .negatives = config->loss.negatives,
                     .own_negatives = kind == BYOL_INFONCE && config->loss.own_negatives,
                     .seed = config->train.seed},
    };
    size_t doubles = 0;
    if (kind == BYOL_INFONCE || kind == BYOL_NCE || kind == BYOL_TRIPLET)
        doubles = byol__contrast_scratch(&distance->contrast, batch, dim);
    if (kind == BYOL_CROSS_CORRELATION) doubles = byol__correlation_scratch(batch, dim);
    if (doubles == 0) return BYOL_OK;
    return byol__alloc(&distance->scratch, doubles, sizeof(double), "scratch of the loss", error);
}

void byol__distance_release(byol__distance *distance) {
    byol__free(distance->scratch);
    distance->scratch = NULL;
}

/* The distances that are the same from both sides. */
static double between_pairs(const byol__distance *d, const float *a, const float *b, int rows,
                            float *diff_a) {
    switch (d->kind) {
    case BYOL_MSE: return byol__mse_loss(a, b, rows, d->dim, diff_a);
    case BYOL_SMOOTH_L1: return byol__smooth_l1_loss(a, b, rows, d->dim, d->beta, diff_a);
    case BYOL_SOFTMAX_PAIR:
        return byol__softmax_pair_loss(a, b, rows, d->dim, d->candidates, diff_a);
    default: return byol__byol_loss(a, b, rows, d->dim, diff_a);
    }
}

double byol__distance_of_rows(const byol__distance *distance, const float *prediction,
                              const float *target, int rows, float *diff_prediction) {
    return (1 + distance->second_term) *
           between_pairs(distance, prediction, target, rows, diff_prediction);
}

double byol__distance_between(const byol__distance *distance, const float *prediction,
                              const float *target, uint64_t number, float *diff_prediction,
                              float *diff_target) {
    if (distance->kind == BYOL_CROSS_CORRELATION)
        return byol__correlation_loss(prediction, target, distance->batch, distance->dim,
                                      distance->redundancy, diff_prediction, diff_target,
                                      distance->scratch);
    if (distance->scratch != NULL)
        return byol__contrast_loss(&distance->contrast, prediction, target, distance->batch,
                                   distance->dim, number, diff_prediction, diff_target,
                                   distance->scratch);
    double terms = 1 + distance->second_term,
           loss = between_pairs(distance, prediction, target, distance->batch, diff_prediction);
    if (diff_target != NULL) {
        between_pairs(distance, target, prediction, distance->batch, diff_target);
        size_t count = (size_t)distance->batch * (size_t)distance->dim;
        for (size_t i = 0; i < count; i++) diff_target[i] *= (float)terms;
    }
    return terms * loss;
}
