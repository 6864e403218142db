/* The network that an encoder and its linear layer make. */
#ifndef BYOL__CLASS_LAYER_H
#define BYOL__CLASS_LAYER_H

#include "byol/classify.h"
#include "graph/graph.h"

/* The encoder below the layer, to read. Borrowed. */
const byol_encoder *byol__classifier_encoder(const byol_classifier *classifier);

/* Encoder and layer as one network with the output BYOL__LOGITS, without dropout, and copies of its
 * parameters and statistics. Zero-initialise, then release in any case. */
typedef struct byol__class_network {
    byol__graph graph;
    float *params, *statistics; /* arenas of `graph` */
    char *classes;              /* their names: byol__class_names_pack */
} byol__class_network;

byol_status byol__class_network_create(byol__class_network *network,
                                       const byol_classifier *classifier, byol_error *error);
void byol__class_network_release(byol__class_network *network);

#endif
