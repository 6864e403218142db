/* The contact sheet of texts: a page, since tokens are words. */
#include <stdio.h>

#include "base/error.h"
#include "base/files.h"
#include "byol/sheet.h"
#include "data/source_kind.h"
#include "report/html.h"
#include "report/page_frame.h"
#include "report/text_views.h"
#include "train/run_tokenizer.h"

typedef struct sheet {
    const byol_source *source;
    byol_source_info of;
    int count;
    byol__text_views views;
    byol_text_sheet_info info;
    byol_progress progress;
    void *context;
} sheet;

static void write_intro(const sheet *s, FILE *page) {
    char vocabulary[48];
    byol__html(
        page,
        "<section id=\"views\">\n<h2>Views</h2>\n<p class=\"intro\">What the network sees in "
        "training: a text as its tokens, and the views of it that are made in the first "
        "epoch, of at most %d tokens (padding is left out). A view should still tell what "
        "the text is about. The vocabulary has %s tokens.</p>\n",
        s->info.length, byol__html_count(vocabulary, s->info.vocabulary));
}

/* The texts are spread evenly over the source. */
static byol_status write_page(sheet *s, FILE *page, byol_error *error) {
    byol__page_begin(page, "views", "Views of texts", s->of.description);
    write_intro(s, page);
    for (int i = 0; i < s->count; i++) {
        if (s->progress != NULL && s->progress(s->context, (uint64_t)i, (uint64_t)s->count) != 0)
            return byol__fail(error, BYOL_ERROR_CANCELLED, "stopped");
        BYOL__TRY(byol__text_views_write(&s->views, page, s->source,
                                         (size_t)i * s->of.count / (size_t)s->count, error));
    }
    byol__html(page, "</section>\n");
    byol__page_end(page, "views");
    return BYOL_OK;
}

static byol_status write_file(sheet *s, const char *path, byol_error *error) {
    byol__atomic_file file;
    BYOL__TRY(byol__atomic_open(&file, path, error));
    byol_status status = write_page(s, file.stream, error);
    if (status == BYOL_OK) return byol__atomic_commit(&file, error);
    byol__atomic_abandon(&file);
    return status;
}

static void keep_remark(void *context, const char *text) {
    byol_text_sheet_info *info = context;
    snprintf(info->remark, sizeof info->remark, "%s", text);
}

static byol_status write_with(sheet *s, const char *path, const byol_config *config,
                              const byol_tokenizer *tokenizer, byol_error *error) {
    byol_tokenizer_info info;
    byol_tokenizer_describe(tokenizer, &info);
    byol_status status = byol__text_views_open(&s->views, config, tokenizer, error);
    s->info.texts = s->count;
    s->info.views = s->views.list.count;
    s->info.length = config->data.length;
    s->info.vocabulary = info.vocabulary;
    if (status == BYOL_OK) status = write_file(s, path, error);
    byol__text_views_release(&s->views);
    return status;
}

byol_status byol_text_sheet_write(const char *path, const byol_config *config,
                                  const byol_source *source, int count, byol_progress progress,
                                  void *context, byol_text_sheet_info *info, byol_error *error) {
    sheet s = {.source = source, .progress = progress, .context = context};
    byol_config own = *config; /* its vocabulary becomes the tokenizer's */
    byol_tokenizer *tokenizer = NULL;
    byol_source_describe(source, &s.of);
    if (s.of.samples != BYOL_SAMPLES_TEXTS)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "a page of views needs texts, but these are %s: %s",
                          byol__samples_noun(s.of.samples), s.of.description);
    if (count < 1)
        return byol__fail(error, BYOL_ERROR_INVALID, "a page of %d texts; at least 1 is needed",
                          count);
    s.count = (size_t)count < s.of.count ? count : (int)s.of.count;
    byol_status status =
        byol__tokenizer_begin(&tokenizer, source, &own, keep_remark, &s.info, error);
    if (status == BYOL_OK) status = write_with(&s, path, &own, tokenizer, error);
    if (status == BYOL_OK && info != NULL) *info = s.info;
    byol_tokenizer_free(tokenizer);
    return status;
}
