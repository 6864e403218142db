#include "report/text_views.h"

#include <stdbool.h>
#include <string.h>

#include "base/memory.h"
#include "input/input.h"
#include "report/html.h"

enum { TOKENS_SHOWN = 500, NAME_BYTES = 256 };

byol_status byol__text_views_open(byol__text_views *views, const byol_config *config,
                                  const byol_tokenizer *tokenizer, byol_error *error) {
    byol_tokenizer_info info;
    *views = (byol__text_views){.seed = config->train.seed};
    byol__view_list_make(&views->list, config);
    views->list.tokenizer = tokenizer;
    byol_tokenizer_describe(tokenizer, &info);
    views->special = info.special;
    return byol__alloc(&views->ids, (size_t)views->list.length, sizeof *views->ids,
                       "a view of a text", error);
}

void byol__text_views_release(byol__text_views *views) {
    byol__view_buffers_release(&views->buffers);
    byol__free(views->ids);
    views->ids = NULL;
}

/* ---- Tokens ---- */

static bool can_be_seen(const char *text) {
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f) return false;
    return strstr(text, "\xef\xbf\xbd") == NULL;
}

/* What a token is for people: decoded, or as it stands in the vocabulary where it is a part of a
 * character or an end of a line. */
static byol_status words_of(byol__text_views *views, int32_t id, const char **words,
                            byol_error *error) {
    const byol_tokenizer *tokenizer = views->list.tokenizer;
    byol_tokenizer_scratch *scratch = &views->buffers.text;
    size_t length;
    byol_status status =
        byol_tokenizer_decode(tokenizer, &id, 1, true, scratch, words, &length, error);
    if (status == BYOL_OK && !can_be_seen(*words)) *words = byol_tokenizer_token(tokenizer, id);
    return status;
}

static const char *class_of(const byol_special_tokens *special, int32_t id) {
    if (id == special->mask) return "mask";
    return id == special->cls || id == special->sep || id == special->unk ? "special" : "token";
}

static byol_status write_tokens(byol__text_views *views, FILE *page, const char *name,
                                const int32_t *ids, size_t count, byol_error *error) {
    size_t shown = count < TOKENS_SHOWN ? count : TOKENS_SHOWN;
    byol__html(page, "<p class=\"tokens\"><b>%s</b>", name);
    for (size_t i = 0; i < shown; i++) {
        const char *words;
        byol_status status = words_of(views, ids[i], &words, error);
        if (status != BYOL_OK) return status;
        byol__html(page, " <span class=\"%s\">%s</span>", class_of(&views->special, ids[i]), words);
    }
    if (shown < count) byol__html(page, " and %zu more", count - shown);
    byol__html(page, "</p>");
    return BYOL_OK;
}

/* Padding is token 0, behind the end. */
static size_t without_padding(const int32_t *ids, size_t length) {
    while (length > 0 && ids[length - 1] == 0) length--;
    return length;
}

/* ---- A text ---- */

static byol_status write_rows(byol__text_views *views, FILE *page, const byol_source *source,
                              size_t index, byol_error *error) {
    const byol__input_kind *kind = byol__input_of(source);
    const byol__sample_key key = {views->seed, 0, (uint32_t)index};
    const byol__view_list *list = &views->list;
    byol_status status = kind->read(source, index, list, &key, &views->buffers, error);
    if (status == BYOL_OK)
        status = write_tokens(views, page, "text", views->buffers.tokens,
                              views->buffers.token_count, error);
    for (int view = 0; view < list->count && status == BYOL_OK; view++) {
        char name[32];
        snprintf(name, sizeof name, "view %d", view + 1);
        status = kind->make(list, view, &key, &views->buffers, views->ids, error);
        if (status == BYOL_OK)
            status = write_tokens(views, page, name, views->ids,
                                  without_padding(views->ids, (size_t)list->length), error);
    }
    return status;
}

byol_status byol__text_views_write(byol__text_views *views, FILE *page, const byol_source *source,
                                   size_t index, byol_error *error) {
    byol_source_info info;
    char name[NAME_BYTES];
    byol_source_describe(source, &info);
    byol_status status =
        byol__input_of(source)->reserve(&info, &views->list, &views->buffers, error);
    if (status != BYOL_OK) return status;
    byol_source_name(source, index, name, sizeof name);
    byol__html(page, "<figure class=\"text-views\"><figcaption>%s</figcaption>", name);
    status = write_rows(views, page, source, index, error);
    byol__html(page, "</figure>\n");
    return status;
}
