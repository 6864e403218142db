/* A small judge of pages: is the markup well-formed, does it load nothing, what does it hold? After
 * cmocka.h. */
#ifndef TEST_MARKUP_H
#define TEST_MARKUP_H

#include <stdio.h>
#include <string.h>

static inline void expect_entity(const char *c) {
    static const char *const known[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        if (strncmp(c, known[k], strlen(known[k])) == 0) return;
    fail_msg("a bare & at: %.60s", c);
}

/* From '<' of a tag to behind its '>': attributes are quoted, and hold no '<'. `*empty`: it ends
 * with "/>". */
static inline const char *pass_tag(const char *c, char name[32], int *empty) {
    const char *begin = c;
    size_t length =
        strspn(c + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/!");
    assert_in_range(length, 1, 31);
    snprintf(name, 32, "%.*s", (int)length, c + 1);
    for (c += 1 + length; *c != '>'; c++) {
        if (*c == '\0' || *c == '<') fail_msg("a tag does not end: %.60s", begin);
        if (*c != '"') continue;
        for (c++; *c != '"'; c++) {
            if (*c == '\0' || *c == '<') fail_msg("an attribute does not end: %.60s", begin);
            if (*c == '&') expect_entity(c);
        }
    }
    *empty = c[-1] == '/';
    return c + 1;
}

static inline void expect_well_formed(const char *page) {
    char stack[64][32], name[32];
    int depth = 0, empty;
    for (const char *c = page; *c != '\0';) {
        if (*c == '&') expect_entity(c);
        if (*c == '>') fail_msg("a bare > at: %.60s", c);
        if (*c != '<') {
            c++;
            continue;
        }
        c = pass_tag(c, name, &empty);
        if (name[0] == '!' || empty) continue;
        if (name[0] == '/') {
            if (depth == 0 || strcmp(stack[depth - 1], name + 1) != 0)
                fail_msg("<%s> closes nothing", name);
            depth--;
            continue;
        }
        if (strcmp(name, "script") == 0 || strcmp(name, "style") == 0) {
            char end[40];
            snprintf(end, sizeof end, "</%s>", name);
            c = strstr(c, end);
            assert_non_null(c);
            c += strlen(end);
            continue;
        }
        assert_in_range(depth, 0, 63);
        memcpy(stack[depth++], name, sizeof name);
    }
    if (depth != 0) fail_msg("<%s> is never closed", stack[depth - 1]);
}

/* Nothing that a browser would fetch: no address but data:, nothing but anchors and pictures in the
 * page itself. */
static inline void expect_self_contained(const char *page) {
    static const char *const forbidden[] = {"http://", "https://", "url(//", "src=\"//",
                                            "@import", "<iframe",  "<object"};
    for (size_t f = 0; f < sizeof forbidden / sizeof *forbidden; f++)
        if (strstr(page, forbidden[f]) != NULL) fail_msg("the page holds %s", forbidden[f]);
    for (const char *c = page; (c = strstr(c, "src=\"")) != NULL; c++)
        assert_memory_equal(c + 5, "data:", 5);
    for (const char *c = page; (c = strstr(c, "href=\"")) != NULL; c++)
        if (c[6] != '#') assert_memory_equal(c + 6, "data:", 5);
}

static inline size_t occurrences(const char *page, const char *word) {
    size_t count = 0;
    for (const char *c = page; (c = strstr(c, word)) != NULL; c++) count++;
    return count;
}

static inline void expect_words(const char *page, const char *const *words, size_t count) {
    for (size_t w = 0; w < count; w++)
        if (strstr(page, words[w]) == NULL) fail_msg("the page does not hold %s", words[w]);
}

#endif
