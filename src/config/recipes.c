/* The recipes: what the option `recipe` sets at once. "short" is the option table's defaults; the
 * rows here are what a recipe changes. */
#include <string.h>

#include "config/options.h"

/* BYOL as published (arXiv 2006.07733), with lightly's learning rate for 32 pixels. */
static const byol__recipe_row byol_rows[] = {
    {"encoder.name", "resnet18"},
    {"encoder.width", "64"},
    {"projector.hidden", "4096"},
    {"predictor.kind", "mlp"},
    {"loss.distance", "cosine"},
    {"loss.temperature", "0.5"},
    {"loss.own_negatives", "false"},
    {"optimizer.name", "sgd"},
    {"optimizer.lr", "0.12"},
    {"optimizer.momentum", "0.9"},
    {"optimizer.weight_decay", "0.0005"},
    {"optimizer.schedule", "cosine"},
    {"optimizer.warmup_epochs", "2"},
    {"target.kind", "ema"},
    {"target.stop_gradient", "true"},
    {"target.schedule", "cosine"},
    {"views.crop_area_min", "0.08"},
    {NULL, NULL},
};

/* Measured: studies/recipes.csv. */
static const byol__recipe_row short_rows[] = {
    {"views.crop_area_min", "0.2"},
    {NULL, NULL},
};

const byol__recipe_row *byol__recipe_rows(const char *name) {
    return strcmp(name, "byol") == 0 ? byol_rows : short_rows;
}
