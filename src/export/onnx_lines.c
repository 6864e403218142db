#include "export/onnx_lines.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum { INTS_MAX = 8, WORDS_MAX = 16 };

/* "[0,-1,64]" */
static size_t read_ints(const char *text, int64_t ints[INTS_MAX]) {
    size_t count = 0;
    for (const char *at = text + 1; *at != '\0' && *at != ']' && count < INTS_MAX;) {
        char *end;
        ints[count++] = strtoll(at, &end, 10);
        at = *end == ',' ? end + 1 : end;
        if (at == end && *end != ']') break;
    }
    return count;
}

static bool is_number(const char *word) { return isdigit((unsigned char)*word) || *word == '-'; }

/* The name of an input. NULL: a parameter that the operation does not have. */
static const char *meaning(byol__onnx_body *body, const byol__onnx_words *w, const char *word) {
    const struct {
        const char *word, *name;
    } known[] = {
        {"x", w->x[0]},
        {"x1", w->x[1]},
        {"x2", w->x[2]},
        {"x3", w->x[3]},
        {"weight", w->weight},
        {"bias", w->bias},
        {"running_mean", w->running_mean},
        {"running_var", w->running_var},
        {"none", ""},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(word, known[i].word) == 0) return known[i].name;
    const char *name = byol__onnx_text(body, "%s/%s", w->y, word);
    bool is_there = false;
    for (size_t i = body->tensors.count; i-- > 0 && !is_there;)
        is_there = strcmp(((Onnx__TensorProto *)body->tensors.items[i])->name, name) == 0;
    if (*word == '[' && !is_there) {
        int64_t ints[INTS_MAX];
        byol__onnx_integers(body, name, ints, read_ints(word, ints));
    } else if (is_number(word) && !is_there) {
        byol__onnx_number(body, name, strtof(word, NULL));
    }
    return name;
}

static void add_attribute(byol__onnx_body *body, Onnx__NodeProto *node, const char *name,
                          const char *value) {
    int64_t ints[INTS_MAX];
    if (*value == '[') {
        size_t count = read_ints(value, ints);
        byol__onnx_ints(body, node, name, ints, count);
    } else if (!is_number(value)) {
        byol__onnx_string(body, node, name, value);
    } else if (strpbrk(value, ".e") != NULL) {
        byol__onnx_float(body, node, name, strtof(value, NULL));
    } else {
        byol__onnx_int(body, node, name, strtoll(value, NULL, 10));
    }
}

/* Cuts `line` at its spaces. Returns how many words it has. */
static int split(char *line, char *words[WORDS_MAX]) {
    int count = 0;
    char *rest = NULL;
    for (char *word = strtok_r(line, " ", &rest); word != NULL && count < WORDS_MAX;
         word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    return count;
}

static byol_status append_line(byol__onnx_body *body, const byol__onnx_words *w, char *line,
                               byol_error *error) {
    char *words[WORDS_MAX];
    int count = split(line, words);
    if (count < 3 || strcmp(words[1], "=") != 0)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "%s: a line that begins with '%s' is no node of ONNX", w->y, line);
    bool is_last = strcmp(words[0], "y") == 0;
    const char *output = is_last ? w->y : byol__onnx_text(body, "%s/%s", w->y, words[0]);
    Onnx__NodeProto *node = byol__onnx_node(body, byol__onnx_text(body, "%s", words[2]),
                                            is_last ? w->last : output, output);
    for (int i = 3; i < count; i++) {
        char *equals = strchr(words[i], '=');
        if (equals != NULL) {
            const char *name = byol__onnx_text(body, "%.*s", (int)(equals - words[i]), words[i]);
            add_attribute(body, node, name, equals + 1);
            continue;
        }
        const char *name = meaning(body, w, words[i]);
        if (name != NULL) byol__onnx_input(body, node, name);
    }
    return BYOL_OK;
}

byol_status byol__onnx_append_lines(byol__onnx_body *body, const byol__onnx_words *words,
                                    const char *lines, byol_error *error) {
    char *copy = byol__onnx_text(body, "%s", lines), *rest = NULL;
    for (char *line = strtok_r(copy, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        BYOL__TRY(append_line(body, words, line, error));
    return BYOL_OK;
}
