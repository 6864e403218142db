/* Weights for PyTorch: the arenas as they are, because their rows have torchvision's and timm's
 * names and shapes. */
#include "base/error.h"
#include "base/memory.h"
#include "byol/export.h"
#include "encoder/encoder_internal.h"
#include "nets/nets.h"
#include "state/checkpoint.h"
#include "state/class_names.h"

/* An untrained classifier: zeros, so that only its gradient decides what it becomes. */
static byol_status make_classifier(byol__table *table, byol__param rows[2],
                                   const byol_config *config, int classes, int dimension,
                                   float **values, byol_error *error) {
    if (classes < 0 || classes > BYOL__CLASSES_MAX)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "a classifier of %d classes cannot be written; 0 .. %d can", classes,
                          BYOL__CLASSES_MAX);
    byol__class_layer_table(table, rows, config, classes, dimension);
    return byol__alloc_floats(values, (size_t)classes * ((size_t)dimension + 1), "a classifier",
                              error);
}

byol_status byol_export_safetensors(const byol_encoder *encoder, const char *path,
                                    const byol_weights_options *options, byol_error *error) {
    const byol_weights_options usual = {0};
    if (options == NULL) options = &usual;
    byol__weights weights;
    byol__encoder_weights(encoder, &weights);
    if (options->heads && weights.last == BYOL__BACKBONE)
        return byol__fail(error, BYOL_ERROR_NOT_FOUND,
                          "these weights are a backbone alone: there are no heads to write");

    if (options->classes > 0 && byol__table_find(&weights.graph->params, "fc.weight") != BYOL__NONE)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "this encoder ends in an fc of its own: there is no place for another");

    byol__section last = options->heads ? weights.last : BYOL__BACKBONE;
    byol__table classifier;
    byol__param rows[2];
    float *zeros = NULL;
    BYOL__TRY(make_classifier(&classifier, rows, &weights.origin->config, options->classes,
                              byol_encoder_dimension(encoder, BYOL_LAYER_BACKBONE), &zeros, error));
    const byol__arena arenas[] = {
        {"", &weights.graph->params, last, weights.params},
        {"", &weights.graph->statistics, last, weights.statistics},
        {"", &classifier, BYOL__PREDICTOR, zeros},
    };
    byol_status status =
        byol__checkpoint_write(path, arenas, sizeof arenas / sizeof *arenas, weights.origin, error);
    byol__free(zeros);
    return status;
}
