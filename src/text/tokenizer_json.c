#include "text/tokenizer_json.h"

#include <string.h>

#include "base/error.h"

/* ---- Values ---- */

const char *byol__json_text(const json_t *object, const char *key, const char *otherwise) {
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : otherwise;
}

bool byol__json_truth(const json_t *object, const char *key, bool otherwise) {
    const json_t *value = json_object_get(object, key);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

const char *byol__json_type(const json_t *object) {
    return byol__json_text(object, "type", "(no type)");
}

byol_status byol__json_unknown(const char *what, const json_t *object, byol_error *error) {
    return byol__fail(error, BYOL_ERROR_UNSUPPORTED, "the %s '%s' is not known here", what,
                      byol__json_type(object));
}

/* ---- Added tokens ---- */

/* The text that is looked for is normalized as the text is that it is looked for in. */
static byol_status add_normalized(byol_tokenizer *t, const byol__added_token *token,
                                  const char *text, size_t length, byol_tokenizer_scratch *scratch,
                                  byol_error *error) {
    const char *normal;
    BYOL__TRY(byol__normalize(&t->normalizer, &scratch->buffer[BYOL__NORMAL],
                              &scratch->buffer[BYOL__CHARACTERS], text, length, &normal, &length,
                              error));
    return byol__added_add(&t->normal, token, normal, length, error);
}

static byol_status read_added(const json_t *json, byol_tokenizer *t,
                              byol_tokenizer_scratch *scratch, byol_error *error) {
    const json_t *id = json_object_get(json, "id");
    const char *text = byol__json_text(json, "content", NULL);
    if (text == NULL || !json_is_integer(id))
        return byol__fail(error, BYOL_ERROR_FORMAT, "an added token has no 'id' or no 'content'");
    size_t length = strlen(text);
    if (length == 0) return BYOL_OK;
    byol__added_token token = {
        .id = byol__vocabulary_find(&t->vocabulary, text, length),
        .single_word = byol__json_truth(json, "single_word", false),
        .left_strip = byol__json_truth(json, "lstrip", false),
        .right_strip = byol__json_truth(json, "rstrip", false),
    };
    if (token.id < 0) {
        BYOL__TRY(
            byol__vocabulary_add(&t->vocabulary, text, length, json_integer_value(id), error));
        token.id = (int32_t)json_integer_value(id);
    }
    if (token.id != json_integer_value(id))
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "the added token '%s' has the id %lld, but the vocabulary gives it %d",
                          text, (long long)json_integer_value(id), (int)token.id);
    bool special = byol__json_truth(json, "special", false);
    if (special) BYOL__TRY(byol__text_append(&t->special_ids, &token.id, sizeof token.id, error));
    if (byol__json_truth(json, "normalized", !special))
        return add_normalized(t, &token, text, length, scratch, error);
    return byol__added_add(&t->plain, &token, text, length, error);
}

static byol_status read_all_added(const json_t *list, byol_tokenizer *t, byol_error *error) {
    byol_tokenizer_scratch scratch = {0};
    byol_status status = BYOL_OK;
    for (size_t i = 0; i < json_array_size(list) && status == BYOL_OK; i++)
        status = read_added(json_array_get(list, i), t, &scratch, error);
    byol_tokenizer_scratch_release(&scratch);
    byol__added_order(&t->plain);
    byol__added_order(&t->normal);
    return status;
}

static int32_t first_known(const byol_tokenizer *t, const char *one, const char *other) {
    int32_t id = byol_tokenizer_id(t, one);
    return id >= 0 ? id : byol_tokenizer_id(t, other);
}

static void find_special(byol_tokenizer *t) {
    t->special = (byol_special_tokens){
        .pad = first_known(t, "[PAD]", "<pad>"),
        .unk = t->unknown >= 0 ? t->unknown : first_known(t, "[UNK]", "<unk>"),
        .cls = first_known(t, "[CLS]", "<s>"),
        .sep = first_known(t, "[SEP]", "</s>"),
        .mask = first_known(t, "[MASK]", "<mask>"),
    };
}

/* ---- What is put around a text ---- */

/* The ids that one post-processor puts before and behind. */
typedef struct around {
    int32_t before[BYOL__AROUND_MAX], after[BYOL__AROUND_MAX];
    size_t before_count, after_count;
} around;

static byol_status put_around(int32_t *ids, size_t *count, const json_t *id,
                              const byol_tokenizer *t, byol_error *error) {
    size_t length;
    int64_t value = json_is_integer(id) ? json_integer_value(id) : -1;
    if (value < 0 || (size_t)value >= t->vocabulary.size ||
        byol__vocabulary_token(&t->vocabulary, (int32_t)value, &length) == NULL)
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "the post-processor has an id that is not in the vocabulary");
    if (*count == BYOL__AROUND_MAX)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED,
                          "the post-processor puts more than %d tokens around a text",
                          BYOL__AROUND_MAX);
    ids[(*count)++] = (int32_t)value;
    return BYOL_OK;
}

/* One item of a template: the text itself, or a special token with its ids. */
static byol_status read_item(const json_t *item, const json_t *special, const byol_tokenizer *t,
                             bool *behind, around *a, byol_error *error) {
    if (json_object_get(item, "Sequence") != NULL) {
        if (*behind)
            return byol__fail(error, BYOL_ERROR_UNSUPPORTED,
                              "the template of a single text has the text twice");
        *behind = true;
        return BYOL_OK;
    }
    const char *name = byol__json_text(json_object_get(item, "SpecialToken"), "id", NULL);
    const json_t *ids = name ? json_object_get(json_object_get(special, name), "ids") : NULL;
    if (!json_is_array(ids))
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "the template names '%s' and does not say what it is",
                          name != NULL ? name : "(nothing)");
    for (size_t i = 0; i < json_array_size(ids); i++)
        BYOL__TRY(put_around(*behind ? a->after : a->before,
                             *behind ? &a->after_count : &a->before_count, json_array_get(ids, i),
                             t, error));
    return BYOL_OK;
}

static byol_status read_template(const json_t *json, const byol_tokenizer *t, around *a,
                                 byol_error *error) {
    const json_t *list = json_object_get(json, "single"), *item;
    const json_t *special = json_object_get(json, "special_tokens");
    bool behind = false;
    size_t i;
    json_array_foreach(list, i, item) BYOL__TRY(read_item(item, special, t, &behind, a, error));
    if (!behind)
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "the template of a single text has no text in it");
    return BYOL_OK;
}

/* What comes later stands further out. */
static byol_status put_outside(byol_tokenizer *t, const around *a, byol_error *error) {
    if (t->before_count + a->before_count > BYOL__AROUND_MAX ||
        t->after_count + a->after_count > BYOL__AROUND_MAX)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED,
                          "the post-processors put more than %d tokens around a text",
                          BYOL__AROUND_MAX);
    memmove(t->before + a->before_count, t->before, t->before_count * sizeof *t->before);
    memcpy(t->before, a->before, a->before_count * sizeof *t->before);
    memcpy(t->after + t->after_count, a->after, a->after_count * sizeof *t->after);
    t->before_count += a->before_count;
    t->after_count += a->after_count;
    return BYOL_OK;
}

static byol_status read_post_processor(const json_t *json, byol_tokenizer *t, byol_error *error) {
    if (json == NULL || json_is_null(json)) return BYOL_OK;
    const char *type = byol__json_type(json);
    const json_t *list = json_object_get(json, "processors"), *each;
    around a = {0};
    if (strcmp(type, "ByteLevel") == 0) return BYOL_OK; // it is about offsets only
    if (strcmp(type, "Sequence") == 0 && json_is_array(list)) {
        size_t i;
        json_array_foreach(list, i, each) BYOL__TRY(read_post_processor(each, t, error));
        return BYOL_OK;
    }
    if (strcmp(type, "BertProcessing") == 0 || strcmp(type, "RobertaProcessing") == 0) {
        const json_t *first = json_array_get(json_object_get(json, "cls"), 1);
        const json_t *last = json_array_get(json_object_get(json, "sep"), 1);
        BYOL__TRY(put_around(a.before, &a.before_count, first, t, error));
        BYOL__TRY(put_around(a.after, &a.after_count, last, t, error));
    } else if (strcmp(type, "TemplateProcessing") == 0) {
        BYOL__TRY(read_template(json, t, &a, error));
    } else {
        return byol__json_unknown("post-processor", json, error);
    }
    return put_outside(t, &a, error);
}

/* ---- The whole ---- */

static byol_status read_parts(const json_t *json, byol_tokenizer *t, byol_error *error) {
    bool bytes = false;
    BYOL__TRY(byol__read_normalizer(json_object_get(json, "normalizer"), &t->normalizer, error));
    BYOL__TRY(byol__read_cutter(json_object_get(json, "pre_tokenizer"), &t->cutter, &bytes, error));
    BYOL__TRY(byol__read_model(json_object_get(json, "model"), t, bytes, error));
    BYOL__TRY(read_all_added(json_object_get(json, "added_tokens"), t, error));
    BYOL__TRY(byol__read_decoder(json_object_get(json, "decoder"), t, error));
    find_special(t);
    return read_post_processor(json_object_get(json, "post_processor"), t, error);
}

byol_status byol__tokenizer_read(byol_tokenizer *tokenizer, const char *json, size_t length,
                                 byol_error *error) {
    json_error_t why;
    json_t *root = json_loadb(json, length, JSON_REJECT_DUPLICATES, &why);
    if (root == NULL)
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "line %d, column %d: %s; the file is damaged, or is no tokenizer.json",
                          why.line, why.column, why.text);
    byol_status status = read_parts(root, tokenizer, error);
    json_decref(root);
    return status;
}
