/* Networks: functions that append to a graph. */
#ifndef BYOL__NETS_H
#define BYOL__NETS_H

#include "byol/config.h"
#include "graph/graph.h"

/* ResNet v1 (He et al., 2015; bottleneck stride in the 3x3 as torchvision), torchvision's names. `depth` 18, 34 or 50;
 * `width` channels in the first stage (64: standard). Returns the pooled representation (8 width, or 32 width for 50).
 */
byol__value_id byol__resnet(byol__graph *graph, byol__value_id images, int depth, int width, byol_stem stem);

/* Linear(hidden, bias) - BN - ReLU - Linear(out, no bias), named prefix.0, prefix.1, prefix.3. */
byol__value_id byol__mlp(byol__graph *graph, const char *prefix, byol__value_id src, int hidden, int out);

/* The backbone with a linear classifier on its representation: "fc.weight" (classes, dimension) and "fc.bias", as
 * torchvision has them, in the projector's section; the logits are the output BYOL__PROJECTION. The backbone's rows lie
 * as in the online network. Finished. */
byol_status byol__classifier_network(byol__graph *graph, const byol_config *config, int channels, int image_size,
                                     int classes, byol_error *error);

/* The whole online network of a configuration: backbone, projector, predictor, with its three outputs marked. Finished.
 */
byol_status byol__online_network(byol__graph *graph, const byol_config *config, int channels, int image_size,
                                 byol_error *error);

#endif
