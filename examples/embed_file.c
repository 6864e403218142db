/* Vectors of images on disk. usage: embed_file RUN SRC     (SRC: whatever `byol embed --data`
 * takes) */
#include <stdio.h>
#include <stdlib.h>

#include <byol/encoder.h>
#include <byol/source.h>

static void check(byol_status status, const byol_error *error) {
    if (status == BYOL_OK) return;
    fprintf(stderr, "%s: %s\n", byol_status_name(status), error->text);
    exit(EXIT_FAILURE);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: %s RUN SRC\n", argv[0]);
        return EXIT_FAILURE;
    }
    byol_error error = {0};
    byol_encoder *encoder;
    byol_source *source;
    byol_source_info info;
    check(byol_encoder_load(&encoder, argv[1], 0, &error), &error);
    check(byol_source_open(&source, argv[2], &error), &error);
    byol_source_describe(source, &info);

    int dimension = byol_encoder_dimension(encoder, BYOL_LAYER_BACKBONE);
    float *vectors = malloc(sizeof *vectors * info.count * (size_t)dimension);
    if (vectors == NULL) return EXIT_FAILURE;
    check(byol_encoder_embed(encoder, source, BYOL_LAYER_BACKBONE, vectors, NULL, NULL, &error),
          &error);
    for (size_t i = 0; i < info.count; i++) {
        char name[256];
        byol_source_name(source, i, name, sizeof name);
        printf("%s", name);
        for (int d = 0; d < dimension; d++)
            printf(" %g", (double)vectors[i * (size_t)dimension + (size_t)d]);
        printf("\n");
    }
    free(vectors);
    byol_source_free(source);
    byol_encoder_free(encoder);
    return 0;
}
