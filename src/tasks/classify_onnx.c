#include "byol/export.h"
#include "encoder/encoder_internal.h"
#include "export/onnx_network.h"
#include "nets/nets.h"
#include "tasks/class_layer.h"

byol_status byol_export_classifier_onnx(const byol_classifier *classifier, const char *path,
                                        byol_error *error) {
    byol__class_network network = {0};
    byol__weights weights;
    byol__encoder_weights(byol__classifier_encoder(classifier), &weights);
    byol_status status = byol__class_network_create(&network, classifier, error);
    if (status == BYOL_OK) {
        weights.graph = &network.graph;
        weights.params = network.params;
        weights.statistics = network.statistics;
        status = byol__onnx_write(&weights, BYOL__LOGITS, false, network.classes, path, error);
    }
    byol__class_network_release(&network);
    return status;
}
