/* Encoder by name, MLP heads, and the whole online network of a configuration. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "nets/nets.h"

byol__value_id byol__mlp(byol__graph *graph, const char *prefix, byol__value_id src, int hidden, int out) {
    char name[BYOL__NODE_NAME_MAX];
    snprintf(name, sizeof name, "%s.0", prefix);
    byol__value_id y = byol__graph_linear(graph, name, src, hidden, 1);
    snprintf(name, sizeof name, "%s.1", prefix);
    y = byol__graph_relu(graph, byol__graph_batch_norm(graph, name, y));
    snprintf(name, sizeof name, "%s.3", prefix); /* .2 is the ReLU, as in torch.nn.Sequential */
    return byol__graph_linear(graph, name, y, out, 0);
}

static byol_status backbone(byol__graph *graph, const byol_config *config, byol__value_id images, byol__value_id *out,
                            byol_error *error) {
    static const struct {
        const char *name;
        int depth;
    } encoders[] = {{"resnet18", 18}, {"resnet34", 34}, {"resnet50", 50}};
    for (size_t i = 0; i < sizeof encoders / sizeof *encoders; i++) {
        if (strcmp(config->encoder.name, encoders[i].name) != 0) continue;
        *out = byol__resnet(graph, images, encoders[i].depth, config->encoder.width, config->encoder.stem);
        return BYOL_OK;
    }
    return byol__fail(error, BYOL_INVALID,
                      "encoder.name: there is no encoder '%s'; known are resnet18, resnet34, resnet50",
                      config->encoder.name);
}

byol_status byol__online_network(byol__graph *graph, const byol_config *config, int channels, int image_size,
                                 byol_error *error) {
    byol__value_id y = 0;
    byol__value_id images = byol__graph_input(graph, channels, image_size, image_size);
    BYOL__TRY(backbone(graph, config, images, &y, error));
    byol__graph_mark(graph, BYOL__REPRESENTATION, y);

    byol__graph_section(graph, BYOL__PROJECTOR);
    y = byol__mlp(graph, "projector", y, config->projector.hidden, config->projector.out);
    byol__graph_mark(graph, BYOL__PROJECTION, y);

    byol__graph_section(graph, BYOL__PREDICTOR);
    y = byol__mlp(graph, "predictor", y, config->predictor.hidden, config->projector.out);
    byol__graph_mark(graph, BYOL__PREDICTION, y);
    return byol__graph_finish(graph, error);
}

byol_status byol__classifier_network(byol__graph *graph, const byol_config *config, int channels, int image_size,
                                     int classes, byol_error *error) {
    byol__value_id y = 0;
    byol__value_id images = byol__graph_input(graph, channels, image_size, image_size);
    BYOL__TRY(backbone(graph, config, images, &y, error));
    byol__graph_mark(graph, BYOL__REPRESENTATION, y);
    byol__graph_section(graph, BYOL__PROJECTOR);
    byol__graph_mark(graph, BYOL__PROJECTION, byol__graph_linear(graph, "fc", y, classes, 1));
    return byol__graph_finish(graph, error);
}
