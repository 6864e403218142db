#include "train/steps.h"

#include <math.h>

#include "base/error.h"
#include "optim/optim.h"

byol_status byol__steps_init(byol__steps *steps, const byol_config *config, size_t images,
                             byol_error *error) {
    uint64_t batch = (uint64_t)config->train.batch_size;
    uint64_t per_epoch = images / batch;
    if (per_epoch == 0)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "train.batch_size is %llu, but the source holds only %zu samples",
                          (unsigned long long)batch, images);
    *steps = (byol__steps){.batches_per_epoch = per_epoch,
                           .accumulate = (uint64_t)config->train.accumulate,
                           .epochs = config->train.epochs};
    steps->total = (uint64_t)steps->epochs * per_epoch / steps->accumulate;
    if (steps->total == 0)
        return byol__fail(
            error, BYOL_ERROR_INVALID,
            "train.accumulate is %d, but train.epochs %d hold only %llu batches: not one step",
            config->train.accumulate, config->train.epochs,
            (unsigned long long)((uint64_t)steps->epochs * per_epoch));
    steps->decay = (uint64_t)llround((double)config->optimizer.decay * (double)steps->total);
    if (config->train.minutes > 0) {
        steps->total = BYOL__STEPS_OPEN;
        steps->epochs = 0;
        steps->decay = 0;
    }
    double warmup =
        (double)config->optimizer.warmup_epochs * (double)per_epoch / (double)steps->accumulate;
    steps->warmup = (uint64_t)llround(warmup);
    return BYOL_OK;
}

void byol__steps_end_after(byol__steps *steps, uint64_t done, uint64_t decay) {
    steps->total = done + decay;
    steps->decay = decay;
    uint64_t batches = steps->total * steps->accumulate;
    steps->epochs = (int)((batches + steps->batches_per_epoch - 1) / steps->batches_per_epoch);
}

double byol__steps_lr(const byol__steps *steps, const byol_config *config, uint64_t step) {
    double images = (double)config->train.batch_size * config->train.accumulate;
    double lr = (double)config->optimizer.lr * images / 256;
    if (config->optimizer.schedule == BYOL_LR_TRAPEZOID)
        return byol__lr_trapezoid_at(lr, step, steps->total, steps->warmup, steps->decay);
    return byol__lr_at(lr, step, steps->total, steps->warmup);
}

double byol__steps_tau(const byol__steps *steps, const byol_config *config, uint64_t step) {
    return byol__tau_at(config->target.schedule, (double)config->target.tau, step, steps->total);
}

double byol__steps_epoch(const byol__steps *steps, uint64_t done) {
    return (double)(done * steps->accumulate) / (double)steps->batches_per_epoch;
}

int byol__steps_epochs_done(const byol__steps *steps, uint64_t done) {
    if (done == steps->total) return steps->epochs;
    return (int)(done * steps->accumulate / steps->batches_per_epoch);
}
