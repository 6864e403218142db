/* The linear layer of a classifier: its rows in a file, and the network that it makes with its
 * encoder. */
#ifndef BYOL__CLASS_LAYER_H
#define BYOL__CLASS_LAYER_H

#include "byol/classify.h"
#include "graph/graph.h"

/* A table of NAME.weight (classes, dimension) and NAME.bias (classes), in `rows`; without classes
 * it has no rows. An arena of it holds the weight, then the bias. */
void byol__class_layer_table(byol__table *table, byol__param rows[2], const byol_config *config,
                             int classes, int dimension);

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
