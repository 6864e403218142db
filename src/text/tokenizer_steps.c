#include <string.h>

#include "base/error.h"
#include "text/tokenizer_json.h"

/* ---- The normalizer ---- */

static byol_status add_step(byol__normalizer *n, byol__normal_step step, byol_error *error) {
    if (n->count == BYOL__NORMAL_STEPS_MAX)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED, "the normalizer has more than %d steps",
                          BYOL__NORMAL_STEPS_MAX);
    n->step[n->count++] = step;
    return BYOL_OK;
}

static byol_status read_bert(const json_t *json, byol__normalizer *n, byol_error *error) {
    bool lowercase = byol__json_truth(json, "lowercase", true);
    if (byol__json_truth(json, "clean_text", true)) BYOL__TRY(add_step(n, BYOL__CLEAN, error));
    if (byol__json_truth(json, "handle_chinese_chars", true))
        BYOL__TRY(add_step(n, BYOL__SPACE_CHINESE, error));
    if (byol__json_truth(json, "strip_accents", lowercase)) { // null: as lowercase says
        BYOL__TRY(add_step(n, BYOL__NFD, error));
        BYOL__TRY(add_step(n, BYOL__STRIP_ACCENTS, error));
    }
    return lowercase ? add_step(n, BYOL__LOWERCASE, error) : BYOL_OK;
}

byol_status byol__read_normalizer(const json_t *json, byol__normalizer *n, byol_error *error) {
    static const struct {
        const char *type;
        byol__normal_step step;
    } simple[] = {{"Lowercase", BYOL__LOWERCASE},
                  {"StripAccents", BYOL__STRIP_MARKS},
                  {"NFC", BYOL__NFC},
                  {"NFD", BYOL__NFD},
                  {"NFKC", BYOL__NFKC},
                  {"NFKD", BYOL__NFKD}};
    if (json == NULL || json_is_null(json)) return BYOL_OK;
    const char *type = byol__json_type(json);
    if (strcmp(type, "BertNormalizer") == 0) return read_bert(json, n, error);
    for (size_t i = 0; i < sizeof simple / sizeof *simple; i++)
        if (strcmp(type, simple[i].type) == 0) return add_step(n, simple[i].step, error);
    const json_t *list = json_object_get(json, "normalizers"), *each;
    if (strcmp(type, "Sequence") != 0 || !json_is_array(list))
        return byol__json_unknown("normalizer", json, error);
    size_t i;
    json_array_foreach(list, i, each) BYOL__TRY(byol__read_normalizer(each, n, error));
    return BYOL_OK;
}

/* ---- The pre-tokenizer ---- */

static byol_status add_cut(byol__cutter *cutter, byol__cut cut, byol_error *error) {
    if (cutter->count == BYOL__CUTS_MAX)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED, "the pre-tokenizer has more than %d steps",
                          BYOL__CUTS_MAX);
    cutter->cut[cutter->count++] = cut;
    return BYOL_OK;
}

/* `*bytes` is set by a ByteLevel, behind which nothing may stand: it makes bytes of the text. */
byol_status byol__read_cutter(const json_t *json, byol__cutter *cutter, bool *bytes,
                              byol_error *error) {
    if (json == NULL || json_is_null(json)) return BYOL_OK;
    const char *type = byol__json_type(json);
    const json_t *list = json_object_get(json, "pretokenizers"), *each;
    if (strcmp(type, "Sequence") == 0 && json_is_array(list)) {
        size_t i;
        json_array_foreach(list, i, each) BYOL__TRY(byol__read_cutter(each, cutter, bytes, error));
        return BYOL_OK;
    }
    if (*bytes)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED,
                          "the pre-tokenizer '%s' stands behind ByteLevel; nothing may", type);
    if (strcmp(type, "BertPreTokenizer") == 0) {
        BYOL__TRY(add_cut(cutter, BYOL__CUT_SPACE, error));
        return add_cut(cutter, BYOL__CUT_PUNCTUATION, error);
    }
    if (strcmp(type, "Whitespace") == 0) return add_cut(cutter, BYOL__CUT_WORDS, error);
    if (strcmp(type, "WhitespaceSplit") == 0) return add_cut(cutter, BYOL__CUT_SPACE, error);
    if (strcmp(type, "ByteLevel") != 0) return byol__json_unknown("pre-tokenizer", json, error);
    *bytes = true;
    if (byol__json_truth(json, "add_prefix_space", true))
        BYOL__TRY(add_cut(cutter, BYOL__PREFIX_SPACE, error));
    return byol__json_truth(json, "use_regex", true) ? add_cut(cutter, BYOL__CUT_GPT2, error)
                                                     : BYOL_OK;
}

/* ---- The decoder ---- */

byol_status byol__read_decoder(const json_t *json, byol_tokenizer *t, byol_error *error) {
    t->decoder = BYOL__JOIN;
    if (json == NULL || json_is_null(json)) return BYOL_OK;
    const char *type = byol__json_type(json);
    if (strcmp(type, "ByteLevel") == 0) {
        t->decoder = BYOL__BYTES;
        return BYOL_OK;
    }
    if (strcmp(type, "WordPiece") != 0) return byol__json_unknown("decoder", json, error);
    if (t->model != BYOL_TOKENIZER_WORDPIECE ||
        strcmp(byol__json_text(json, "prefix", "##"), t->wordpiece.prefix) != 0)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED,
                          "the WordPiece decoder's prefix '%s' is not that of the model",
                          byol__json_text(json, "prefix", "##"));
    t->decoder = BYOL__WORDPIECE;
    t->cleanup = byol__json_truth(json, "cleanup", true);
    return BYOL_OK;
}
