#include "cli_data.h"

#include <stdlib.h>

static int classes_of(const byol_source *source) {
    byol_source_info info;
    byol_source_describe(source, &info);
    return info.classes;
}

byol_status cli_count_classes(const byol_source *source, size_t **counts, byol_error *error) {
    byol_source_info info;
    byol_source_describe(source, &info);
    *counts = calloc((size_t)info.classes + 1, sizeof **counts);
    if (*counts == NULL)
        return cli_error(error, BYOL_ERROR_MEMORY, "no memory for %d classes", info.classes);
    for (size_t i = 0; i < info.count && info.classes > 0; i++)
        if (!byol_source_unreadable(source, i)) (*counts)[byol_source_label(source, i)]++;
    return BYOL_OK;
}

/* ---- for people ---- */

void cli_print_classes(FILE *stream, const byol_source *source, const size_t *counts,
                       const char *what) {
    size_t smallest = 0, largest = 0;
    int classes = classes_of(source);
    for (int c = 0; c < classes; c++) {
        if (counts[c] < counts[smallest]) smallest = (size_t)c;
        if (counts[c] > counts[largest]) largest = (size_t)c;
    }
    if (classes == 0)
        fprintf(stream, "  %-16s none\n", "labels");
    else
        fprintf(stream, "  %-16s %d, of %zu .. %zu %s\n", "classes", classes, counts[smallest],
                counts[largest], what);
}

void cli_print_duplicates(FILE *stream, const byol_source *source, const byol_duplicate *list,
                          size_t count) {
    char name[512], original[512];
    fprintf(stream, "  %-16s %zu\n", "duplicates", count);
    for (size_t i = 0; i < count && i < CLI_NAMES_SHOWN; i++) {
        byol_source_name(source, list[i].index, name, sizeof name);
        byol_source_name(source, list[i].of, original, sizeof original);
        fprintf(stream, "    %s is %s\n", name, original);
    }
    if (count > CLI_NAMES_SHOWN) fprintf(stream, "    ... (--json names all)\n");
}

/* ---- for scripts ---- */

json_t *cli_sample_name(const byol_source *source, size_t index) {
    char name[4096];
    byol_source_name(source, index, name, sizeof name);
    json_t *text = json_string(name);
    return text != NULL ? text : json_integer((json_int_t)index); /* names need not be UTF-8 */
}

json_t *cli_class_counts(const byol_source *source, const size_t *counts) {
    json_t *list = json_array();
    int classes = classes_of(source);
    for (int c = 0; c < classes; c++) {
        const char *name = byol_source_class_name(source, c);
        json_array_append_new(
            list, json_pack("{s:o, s:I}", "name", cli_text(name), "count", (json_int_t)counts[c]));
    }
    return list;
}

json_t *cli_duplicates(const byol_source *source, const byol_duplicate *list, size_t count) {
    json_t *all = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(all, json_pack("[o, o]", cli_sample_name(source, list[i].index),
                                             cli_sample_name(source, list[i].of)));
    return all;
}
