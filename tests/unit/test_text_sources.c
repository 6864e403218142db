/* Sources of texts: every format, what is said of every kind of damage, and that nobody takes them
 * for pictures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/files.h"
#include "byol/budget.h"
#include "byol/pack.h"
#include "byol/sheet.h"
#include "byol/source.h"
#include "byol/survey.h"
#include "byol/trainer.h"
#include "data/text_file.h"
#include "folder.h"
#include "input/fingerprint.h"
#include "input/loader.h"
#include "opened.h"
#include "tiny.h"

/* ---- files ---- */

/* Folders on the way to it are made. */
static void write_bytes(const char *name, const char *bytes, size_t length) {
    char path[256];
    snprintf(path, sizeof path, "%s", in_folder(name));
    *strrchr(path, '/') = '\0';
    assert_int_equal(byol__make_folder(path, NULL), BYOL_OK);
    FILE *file = fopen(in_folder(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static void write_text(const char *name, const char *text) {
    write_bytes(name, text, strlen(text));
}

/* As gzip or zstd does it. */
static void write_packed(const char *name, const char *text, int filter) {
    struct archive *archive = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    assert_true(archive_write_add_filter(archive, filter) >= ARCHIVE_WARN);
    archive_write_set_format_raw(archive);
    assert_int_equal(archive_write_open_filename(archive, in_folder(name)), ARCHIVE_OK);
    archive_entry_set_pathname(entry, "data");
    archive_entry_set_filetype(entry, AE_IFREG);
    assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
    assert_int_equal(archive_write_data(archive, text, strlen(text)), strlen(text));
    archive_entry_free(entry);
    assert_int_equal(archive_write_free(archive), ARCHIVE_OK);
}

/* The specification of a file in the folder, with what stands behind it. */
static const char *spec_of(const char *name, const char *behind) {
    static char spec[512];
    snprintf(spec, sizeof spec, "%s%s", in_folder(name), behind);
    return spec;
}

/* "text|label" for each, a line each. */
static void holds(const byol_source *source, const char *expected) {
    char all[4096] = "";
    for (size_t i = 0; i < described(source).count; i++) {
        const char *text;
        size_t length, used = strlen(all);
        byol_error error = {0};
        assert_int_equal(byol_source_text(source, i, &text, &length, &error), BYOL_OK);
        snprintf(all + used, sizeof all - used, "%.*s|%d\n", (int)length, text,
                 byol_source_label(source, i));
    }
    assert_string_equal(all, expected);
}

static void opens_as(const char *spec, const char *expected) {
    byol_source *source = opens(spec);
    assert_int_equal(described(source).samples, BYOL_SAMPLES_TEXTS);
    holds(source, expected);
    byol_source_free(source);
}

static void is_called(const byol_source *source, size_t index, const char *expected) {
    char name[256];
    byol_source_name(source, index, name, sizeof name);
    assert_string_equal(name, expected);
}

static void is_refused(const char *name, const char *text, const char *words) {
    write_text(name, text);
    fails(in_folder(name), BYOL_ERROR_FORMAT, words);
    assert_int_equal(byol_source_open(&(byol_source *){NULL}, in_folder(name), NULL),
                     BYOL_ERROR_FORMAT);
}

/* ---- lines ---- */

static void each_line_of_a_txt_is_a_text(void **state) {
    (void)state;
    write_text("a.txt", "the first\r\n\n \t\nwith a\ttab\nthe last");
    byol_source *source = opens(in_folder("a.txt"));
    holds(source, "the first|-1\nwith a\ttab|-1\nthe last|-1\n");
    byol_source_info info = described(source);
    assert_int_equal(info.samples, BYOL_SAMPLES_TEXTS);
    assert_string_equal(info.kind, "txt");
    assert_int_equal(info.channels, 0);
    assert_int_equal(info.classes, 0);
    assert_int_equal(info.skipped, 2);
    assert_non_null(strstr(info.description, "a.txt: 3 texts, no labels, 2 empty lines skipped"));
    is_called(source, 1, "a.txt:4");
    is_called(source, 9, "text 9");
    assert_null(byol_source_class_name(source, 0));
    byol_source_free(source);
    fails(spec_of("a.txt", ":train"), BYOL_ERROR_INVALID, "one file and has no split 'train'");
    fails(spec_of("a.txt", ":text=body"), BYOL_ERROR_INVALID, "no columns");
    fails(spec_of("a.txt", ":classes=coarse"), BYOL_ERROR_INVALID, "no labels");
}

static void a_label_stands_before_a_tab(void **state) {
    (void)state;
    write_text("a.tsv", "sad\tit rains\r\nglad\tthe sun\thas risen\n\n sad \tagain\n");
    byol_source *source = opens(in_folder("a.tsv"));
    holds(source, "it rains|1\nthe sun\thas risen|0\nagain|1\n");
    assert_string_equal(described(source).kind, "tsv");
    assert_int_equal(described(source).classes, 2);
    assert_int_equal(described(source).skipped, 1);
    assert_string_equal(byol_source_class_name(source, 0), "glad");
    assert_string_equal(byol_source_class_name(source, 1), "sad");
    assert_null(byol_source_class_name(source, 2));
    assert_null(byol_source_class_name(source, -1));
    is_called(source, 2, "a.tsv:4");
    byol_source_free(source);
    write_text("plain.tsv", "no label\n\nhere\n");
    opens_as(in_folder("plain.tsv"), "no label|-1\nhere|-1\n");
}

static void classes_are_in_the_order_of_words_or_of_numbers(void **state) {
    (void)state;
    write_text("n.tsv", "10\tten\n9\tnine\n-1\tless\n+9\tnine again\n");
    byol_source *source = opens(in_folder("n.tsv"));
    holds(source, "ten|2\nnine|1\nless|0\nnine again|1\n");
    assert_string_equal(byol_source_class_name(source, 0), "-1");
    assert_string_equal(byol_source_class_name(source, 1), "9");
    assert_string_equal(byol_source_class_name(source, 2), "10");
    byol_source_free(source);
    write_text("w.tsv", "10\tten\n9\tnine\n9th\tninth\n");
    opens_as(in_folder("w.tsv"), "ten|0\nnine|1\nninth|2\n");
}

static void coarse_classes_are_what_is_before_a_colon(void **state) {
    (void)state;
    write_text("t.tsv", "NUM:date\twhen\nHUM:ind\twho\nNUM:count\thow many\n");
    opens_as(in_folder("t.tsv"), "when|2\nwho|0\nhow many|1\n");
    byol_source *source = opens(spec_of("t.tsv", ":classes=coarse"));
    holds(source, "when|1\nwho|0\nhow many|1\n");
    assert_string_equal(byol_source_class_name(source, 1), "NUM");
    byol_source_free(source);
    fails(spec_of("t.tsv", ":classes=fine"), BYOL_ERROR_INVALID, "no split 'classes=fine'");
}

static void a_tsv_with_a_header_is_a_table(void **state) {
    (void)state;
    write_text("h.tsv", "sentence\tlabel\n\"quoted\t1\nplain\t0\n");
    opens_as(in_folder("h.tsv"), "\"quoted|1\nplain|0\n");
    write_text("n.tsv", "id\tbody\tstars\n1\tgood\t5\n2\tbad\t1\n");
    opens_as(spec_of("n.tsv", ":text=body,label=stars"), "good|1\nbad|0\n");
    fails(spec_of("n.tsv", ":text=corpus"), BYOL_ERROR_INVALID,
          "n.tsv:1: there is no column 'corpus'; there are: 'id', 'body', 'stars'");
    is_refused("long.tsv", "text\tlabel\nmore\tthan\ttwo\n", "a text cannot have a tab in it");
}

static void a_labelled_line_that_is_incomplete_is_named(void **state) {
    (void)state;
    is_refused("a.tsv", "x\tone\n\nno tab here\ny\ttwo\n",
               "a.tsv:3: there is no tab in 'no tab here'");
    is_refused("b.tsv", "x\tone\ny\t  \n", "b.tsv:2: there is a label but no text");
    is_refused("c.tsv", "x\tone\n\ttwo\n", "c.tsv:2: the label is empty");
    is_refused("d.tsv", "x\tone\n\t\n", "d.tsv:2: there is a label but no text");
}

static void a_line_may_be_very_long(void **state) {
    (void)state;
    enum { LENGTH = 10 << 20 };
    char *line = malloc(LENGTH + 3);
    assert_non_null(line);
    memset(line, 'a', LENGTH + 3);
    memcpy(line, "x\t", 2);
    line[LENGTH + 2] = '\n';
    write_bytes("long.tsv", line, LENGTH + 3);
    byol_source *source = opens(in_folder("long.tsv"));
    const char *text;
    size_t length;
    assert_int_equal(byol_source_text(source, 0, &text, &length, NULL), BYOL_OK);
    assert_int_equal(length, LENGTH);
    assert_memory_equal(text, line + 2, LENGTH);
    byol_source_free(source);
    free(line);
}

static void a_list_of_pictures_stays_one(void **state) {
    (void)state;
    write_text("a.pgm", "P5 1 1 255\nx");
    write_text("list.txt", "# pictures\n\na.pgm\n");
    write_text("numbered.tsv", "a.pgm 3 \n");
    write_text("labelled.tsv", "a.pgm\tgray\n");
    write_text("said.txt", "# no picture\na.pgm is a picture\n");
    const char *const lists[] = {"list.txt", "numbered.tsv", "labelled.tsv"};
    for (int i = 0; i < 3; i++) {
        byol_source *source = opens(in_folder(lists[i]));
        assert_int_equal(described(source).samples, BYOL_SAMPLES_IMAGES);
        assert_string_equal(described(source).kind, "list");
        byol_source_free(source);
    }
    opens_as(in_folder("said.txt"), "# no picture|-1\na.pgm is a picture|-1\n");
    fails(spec_of("list.txt", ":text=body"), BYOL_ERROR_INVALID, "holds images");
}

/* ---- tables ---- */

static void a_csv_is_read_as_rfc_4180_has_it(void **state) {
    (void)state;
    write_text("a.csv", "\xef\xbb\xbfid,\"text\",label\r\n"
                        "1,plain,x\r\n"
                        "2,\"a, comma\",y\r\n"
                        "\r\n"
                        "3,\"two\r\nlines\",\"x\"\r\n"
                        "4,\"a \"\"quote\"\"\",y\r\n"
                        "5,\"\"\"\",x\r\n"
                        "6,5\" wide,x");
    byol_source *source = opens(in_folder("a.csv"));
    holds(source, "plain|0\na, comma|1\ntwo\r\nlines|0\na \"quote\"|1\n\"|0\n5\" wide|0\n");
    assert_string_equal(described(source).kind, "csv");
    assert_int_equal(described(source).skipped, 1);
    is_called(source, 2, "a.csv:5");
    is_called(source, 3, "a.csv:7");
    byol_source_free(source);
}

static void columns_are_known_by_usual_names_or_named(void **state) {
    (void)state;
    write_text("usual.csv", "Review,n,Target\nfine,1,b\nbad,2,a\n");
    opens_as(in_folder("usual.csv"), "fine|1\nbad|0\n");
    write_text("both.csv", "content,text,category,class\nno,yes,2,1\n");
    byol_source *source = opens(in_folder("both.csv"));
    holds(source, "yes|0\n");
    assert_string_equal(byol_source_class_name(source, 0), "1");
    byol_source_free(source);
    write_text("own.csv", "id,body,stars\n1,fine,5\n2,bad,1\n");
    opens_as(spec_of("own.csv", ":text=body,label=stars"), "fine|1\nbad|0\n");
    opens_as(spec_of("own.csv", ":text=body"), "fine|-1\nbad|-1\n");
    fails(in_folder("own.csv"), BYOL_ERROR_INVALID,
          "own.csv:1: no column is called text, sentence, content or review; there are: 'id', "
          "'body', 'stars'. Say which holds the texts: own.csv:text=NAME");
    fails(spec_of("own.csv", ":text=body,label=Stars"), BYOL_ERROR_INVALID, "no column 'Stars'");
    fails(spec_of("own.csv", ":txt=body"), BYOL_ERROR_INVALID, "name columns: text=NAME");
    fails(spec_of("own.csv", ":train:text=body"), BYOL_ERROR_INVALID, "no split 'train'");
    write_text("alone.csv", "text\none\n\n\"\"\n\"two\"\n");
    source = opens(in_folder("alone.csv"));
    holds(source, "one|-1\ntwo|-1\n");
    assert_int_equal(described(source).skipped, 2);
    byol_source_free(source);
}

static void what_is_wrong_with_a_row_is_said(void **state) {
    (void)state;
    is_refused("a.csv", "text,label\none,1\n\xc3\xa4\xc3\xa4,\"open\nand,on\n",
               "a.csv:3:4: the quote that begins here is never closed");
    is_refused("b.csv", "text,label\n\"one\" more,1\n", "b.csv:2:6: behind a closing quote");
    is_refused("c.csv", "text,label\none,1\n\"two\nlines\"\nthree,3\n",
               "c.csv:3: the row that begins with 'two lines' has 1 of 2 columns: 'label' is "
               "missing");
    is_refused("d.csv", "text,label\none, two,1\n",
               "d.csv:2: the row that begins with 'one' has 3 columns, the header 2: a text with a "
               "comma in it must be in quotes");
    is_refused("e.csv", "text,label\none,1\n,2\n", "e.csv:3: there is a label but no text");
    is_refused("f.csv", "text,label\none,\n", "f.csv:2: the label is empty");
    is_refused("g.csv", "text,label\n", "g.csv holds no text: 0 empty lines");
}

static void more_columns_than_are_read_are_refused(void **state) {
    (void)state;
    char wide[1200];
    memset(wide, ',', sizeof wide - 1);
    wide[sizeof wide - 1] = '\0';
    is_refused("wide.csv", wide, "wide.csv:1:1025: more than 1024 columns");
}

/* ---- JSON lines ---- */

static void each_object_of_a_jsonl_is_a_text(void **state) {
    (void)state;
    write_text("a.jsonl", "\xef\xbb\xbf{\"id\": 1, \"text\": \"one\", \"label\": \"b\"}\r\n"
                          "\n"
                          "{\"label\": \"a\", \"text\": \"two\\nlines \\u00e4\"}\n"
                          "{\"text\": \"three\", \"label\": \"b\"}");
    byol_source *source = opens(in_folder("a.jsonl"));
    holds(source, "one|1\ntwo\nlines \xc3\xa4|0\nthree|1\n");
    assert_string_equal(described(source).kind, "jsonl");
    assert_int_equal(described(source).skipped, 1);
    is_called(source, 1, "a.jsonl:3");
    byol_source_free(source);
    write_text("n.jsonl", "{\"Content\": \"one\", \"Class\": 10}\n{\"Content\": \"\xc3\xa4\", "
                          "\"Class\": 9}\n");
    opens_as(in_folder("n.jsonl"), "one|1\n\xc3\xa4|0\n");
    write_text("own.ndjson", "{\"body\": \"one\", \"good\": true}\n{\"body\": \"two\", \"good\": "
                             "false}\n{\"body\": \"\\t\"}\n");
    byol_source *plain = opens(spec_of("own.ndjson", ":text=body"));
    holds(plain, "one|-1\ntwo|-1\n");
    assert_int_equal(described(plain).skipped, 1);
    byol_source_free(plain);
    fails(spec_of("own.ndjson", ":label=good,text=body"), BYOL_ERROR_FORMAT,
          "own.ndjson:3: there is no column 'good'; there are: 'body'");
}

static void what_is_wrong_with_an_object_is_said(void **state) {
    (void)state;
    is_refused("a.jsonl", "{\"text\": \"one\"}\n[1, 2]\n",
               "a.jsonl:2: a line must be a JSON object, here is an array: '[1, 2]'");
    is_refused("b.jsonl", "{\"text\": \"one\"}\n{\"text\": \"two\"\n", "b.jsonl:2:");
    is_refused("c.jsonl", "{\"text\": \"one\"}\n\n{\"txt\": \"two\"}\n",
               "c.jsonl:3: there is no column 'text'; there are: 'txt'");
    is_refused("d.jsonl", "{\"text\": 17}\n", "d.jsonl:1: column 'text' is a number, not a string");
    is_refused("e.jsonl", "{\"text\": \"one\", \"label\": null}\n",
               "e.jsonl:1: column 'label' is null, not a word or a number");
    is_refused("f.jsonl", "{\"text\": \"\", \"label\": 1}\n", "f.jsonl:1: there is a label but no");
    is_refused("g.jsonl", "{\"text\": \"a\\u0000b\"}\n", "g.jsonl:1:");
    write_text("h.jsonl", "{}\n");
    fails(in_folder("h.jsonl"), BYOL_ERROR_INVALID, "h.jsonl:1: no column is called text");
}

/* ---- bytes ---- */

static void compressed_files_are_read_like_plain_ones(void **state) {
    (void)state;
    write_packed("a.txt.gz", "one\ntwo\n", ARCHIVE_FILTER_GZIP);
    write_packed("a.tsv.zst", "y\tone\nx\ttwo\n", ARCHIVE_FILTER_ZSTD);
    write_packed("a.csv.gz", "text,label\none,2\n", ARCHIVE_FILTER_GZIP);
    write_packed("a.JSONL.ZST", "{\"text\": \"one\"}\n", ARCHIVE_FILTER_ZSTD);
    opens_as(in_folder("a.txt.gz"), "one|-1\ntwo|-1\n");
    opens_as(in_folder("a.tsv.zst"), "one|1\ntwo|0\n");
    opens_as(in_folder("a.csv.gz"), "one|0\n");
    opens_as(in_folder("a.JSONL.ZST"), "one|-1\n");
    byol_source *source = opens(in_folder("a.tsv.zst"));
    is_called(source, 0, "a.tsv.zst:1");
    byol_source_free(source);
    is_refused("b.txt.gz", "\x1f\x8b\x08\x04 and nothing of it is right", "b.txt.gz");
}

static void a_file_without_text_is_refused(void **state) {
    (void)state;
    is_refused("a.txt", "", "a.txt is empty");
    is_refused("a.csv", "\xef\xbb\xbf", "a.csv is empty");
    is_refused("b.csv", "\n\n", "b.csv holds no text: 2 empty lines");
    write_packed("a.tsv.gz", "", ARCHIVE_FILTER_GZIP);
    fails(in_folder("a.tsv.gz"), BYOL_ERROR_FORMAT, "a.tsv.gz holds nothing");
    write_text("b.tsv", " \n\r\n");
    fails(in_folder("b.tsv"), BYOL_ERROR_FORMAT, "b.tsv holds no text: 2 empty lines");
    fails(in_folder("none.txt"), BYOL_ERROR_NOT_FOUND, "none.txt");
}

static void bytes_that_are_no_text_are_found_by_line_and_column(void **state) {
    (void)state;
    is_refused("latin.txt", "one\nein B\xe4r\n", "latin.txt:2:6: byte 0xe4 is not UTF-8");
    is_refused("column.txt", "\xc3\xa4\xe2\x82\xac\xff\n", "column.txt:1:3: byte 0xff");
    is_refused("marked.csv", "\xef\xbb\xbftext\n\x80\n", "marked.csv:2:1: byte 0x80");
    is_refused("wide.txt", "\xff\xfe\x41", "wide.txt:1:1: it is UTF-16");
    write_bytes("nul.txt", "one\ntw\0o\n", 9);
    fails(in_folder("nul.txt"), BYOL_ERROR_FORMAT, "nul.txt:2:3: a NUL byte");
    write_bytes("nul.jsonl", "\0", 1);
    fails(in_folder("nul.jsonl"), BYOL_ERROR_FORMAT, "nul.jsonl:1:1: a NUL byte");
}

static void utf8_is_what_unicode_says(void **state) {
    (void)state;
    static const char *const right[] = {"a",
                                        "\x7f",
                                        "\xc2\x80",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xef\xbf\xbf",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf"};
    static const char *const wrong[] = {"\x80",
                                        "\xbf",
                                        "\xc0\x80",
                                        "\xc1\xbf",
                                        "\xc2",
                                        "\xc2\x41",
                                        "\xe0\x9f\xbf",
                                        "\xed\xa0\x80",
                                        "\xed\xbf\xbf",
                                        "\xe2\x82",
                                        "\xe2\x82\x41",
                                        "\xe2\x28\xa1",
                                        "\xf0\x8f\xbf\xbf",
                                        "\xf4\x90\x80\x80",
                                        "\xf0\x90\x80",
                                        "\xf5\x80\x80",
                                        "\xf8\x88\x80",
                                        "\xfe",
                                        "\xff"};
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        assert_int_equal(byol__text_valid(right[i], strlen(right[i])), strlen(right[i]));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(byol__text_valid(wrong[i], strlen(wrong[i])), 0);
    assert_int_equal(byol__text_valid("ab\0c", 4), 2);
    for (size_t i = 0; i < 16; i++) { /* wherever it stands among others */
        char text[] = "0123456789abcdef";
        text[i] = '\0';
        assert_int_equal(byol__text_valid(text, 16), i);
        text[i] = '\xff';
        assert_int_equal(byol__text_valid(text, 16), i);
        text[i] = '\x01';
        assert_int_equal(byol__text_valid(text, 16), 16);
    }
    assert_int_equal(byol__text_valid("", 0), 0);
}

/* A message shows whole characters on one line, however the text is. */
static void an_excerpt_is_cut_between_characters(void **state) {
    (void)state;
    char out[BYOL__EXCERPT], long_one[200];
    assert_string_equal(byol__text_excerpt(out, "one\ntwo", 7), "one two");
    for (size_t shift = 0; shift < 4; shift++) {
        memset(long_one, 'a', shift);
        for (size_t i = shift; i + 3 < sizeof long_one; i += 3)
            memcpy(long_one + i, "\xe2\x82\xac", 3);
        byol__text_excerpt(out, long_one, 150);
        assert_int_equal(byol__text_valid(out, strlen(out)), strlen(out));
        assert_string_equal(out + strlen(out) - 3, "...");
    }
}

/* For a terminal: nothing in a text may move its cursor or change its colours. */
static void an_excerpt_is_one_line_of_what_can_be_seen(void **state) {
    (void)state;
    const struct {
        const char *text, *line;
    } cases[] = {{"one", "one"},
                 {"  two \t\r\n words\n", "two words"},
                 {"a\x1b[31mred\x7f", "a [31mred"},
                 {"a\xc2\x9b"
                  "b\xc2\xa0"
                  "c",
                  "a b c"},
                 {"\xc2\xa1"
                  "hola!",
                  "\xc2\xa1"
                  "hola!"},
                 {"twelve bytes", "twelve bytes"},
                 {"thirteen byte", "thirteen byt..."},
                 {"\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac",
                  "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac..."}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        byol_source *source;
        char line[16] = "?";
        assert_int_equal(byol_source_from_texts(&source, &cases[i].text, NULL, NULL, 1, NULL),
                         BYOL_OK);
        byol_source_excerpt(source, 0, line, sizeof line);
        assert_string_equal(line, cases[i].line);
        byol_source_excerpt(source, 1, line, sizeof line);
        assert_string_equal(line, "");
        byol_source_free(source);
    }
}

/* ---- folders ---- */

static void files_in_folders_are_texts_of_classes(void **state) {
    (void)state;
    write_text("set/pos/b.txt", "the film\nis good\n\n");
    write_text("set/pos/a.txt", "fine");
    write_text("set/neg/deep/x.txt", "\xef\xbb\xbf"
                                     "bad\r\n");
    write_packed("set/neg/y.txt.gz", "worse\n", ARCHIVE_FILTER_GZIP);
    write_text("set/neg/.hidden.txt", "no");
    write_text("set/notes.md", "no");
    byol_source *source = opens(in_folder("set"));
    holds(source, "bad|0\nworse|0\nfine|1\nthe film\nis good|1\n");
    assert_string_equal(described(source).kind, "folder");
    assert_int_equal(described(source).classes, 2);
    assert_string_equal(byol_source_class_name(source, 1), "pos");
    is_called(source, 0, "neg/deep/x.txt");
    is_called(source, 3, "pos/b.txt");
    byol_source_free(source);
    fails(spec_of("set", ":text=body"), BYOL_ERROR_INVALID, "without columns");
    write_text("set/pos/c.txt", "");
    fails(in_folder("set"), BYOL_ERROR_FORMAT, "set/pos/c.txt: there is a label but no text");
    write_text("set/other.txt", "of no class");
    source = opens(in_folder("set"));
    assert_int_equal(described(source).classes, 0);
    assert_int_equal(described(source).skipped, 1);
    assert_non_null(strstr(described(source).description, "5 texts, no labels, 1 empty file skip"));
    byol_source_free(source);
    write_bytes("set/other.txt", "x\xff", 2);
    fails(in_folder("set"), BYOL_ERROR_FORMAT, "set/other.txt:1:2: byte 0xff");
}

static void folders_called_train_and_test_are_splits(void **state) {
    (void)state;
    write_text("set/train/neg/1.txt", "bad");
    write_text("set/train/pos/1.txt", "good");
    write_text("set/test/pos/1.txt", "better");
    opens_as(in_folder("set"), "bad|0\ngood|1\n");
    opens_as(spec_of("set", ":train"), "bad|0\ngood|1\n");
    opens_as(spec_of("set", ":test"), "better|1\n");
    fails(spec_of("set", ":extra"), BYOL_ERROR_NOT_FOUND,
          "with texts (.txt); there are: train tes");
}

static void files_called_train_and_test_are_splits(void **state) {
    (void)state;
    write_text("set/train.tsv", "b\tone\na\ttwo\nc\tthree\n");
    write_text("set/dev.tsv", "c\tfour\n");
    opens_as(in_folder("set"), "one|1\ntwo|0\nthree|2\n");
    opens_as(spec_of("set", ":train"), "one|1\ntwo|0\nthree|2\n");
    opens_as(spec_of("set", ":val"), "four|2\n");
    opens_as(spec_of("set", ":test"), "four|2\n"); /* what there is to measure on */
    write_packed("set/test.csv.gz", "text,label\nfive,d\n", ARCHIVE_FILTER_GZIP);
    byol_source *source = opens(spec_of("set", ":test"));
    holds(source, "five|3\n");
    assert_int_equal(described(source).classes, 4);
    is_called(source, 0, "test.csv.gz:2");
    byol_source_free(source);
    fails(spec_of("set", ":extra"), BYOL_ERROR_NOT_FOUND,
          "no split 'extra'; there are: 'dev.tsv', 'test.csv.gz', 'train.tsv'");
    write_text("set/extra.tsv", "b\tsix\n");
    opens_as(spec_of("set", ":extra"), "six|1\n");
    write_text("set/train.jsonl", "{\"text\": \"one\"}");
    fails(in_folder("set"), BYOL_ERROR_INVALID, "holds train.jsonl and train.tsv");
    write_text("own/train.csv", "body,stars\none,2\n");
    write_text("own/test.csv", "body,stars\ntwo,1\n");
    opens_as(spec_of("own", ":test:text=body,label=stars"), "two|0\n");
    opens_as(spec_of("own", ":text=body,label=stars"), "one|1\n");
    fails(spec_of("own", ":test:label=stars"), BYOL_ERROR_INVALID, "test.csv:1: no column is call");
}

static void a_folder_of_pictures_stays_one(void **state) {
    (void)state;
    write_text("set/cat/a.pgm", "P5 1 1 255\nx");
    write_text("set/dog/a.pgm", "P5 1 1 255\ny");
    write_text("set/readme.txt", "about these pictures");
    write_text("set/train.tsv", "a\tcaption");
    byol_source *source = opens(in_folder("set"));
    assert_int_equal(described(source).samples, BYOL_SAMPLES_IMAGES);
    assert_int_equal(described(source).classes, 2);
    byol_source_free(source);
    fails(spec_of("set", ":nonsense"), BYOL_ERROR_NOT_FOUND, "with pictures (JPEG");
    write_text("none/readme.md", "nothing");
    fails(in_folder("none"), BYOL_ERROR_NOT_FOUND, "texts (train.tsv");
    write_text("other/reviews.csv", "text\none\n");
    fails(in_folder("other"), BYOL_ERROR_NOT_FOUND, "texts (train.tsv");
}

/* ---- held by the caller ---- */

static void texts_of_the_caller_are_copied(void **state) {
    (void)state;
    char one[] = "one", two[] = "two and more";
    const char *texts[] = {one, two};
    const size_t lengths[] = {3, 3};
    int32_t labels[] = {2, 0};
    byol_source *source;
    byol_error error = {0};
    assert_int_equal(byol_source_from_texts(&source, texts, lengths, labels, 2, &error), BYOL_OK);
    one[0] = two[0] = 'x';
    labels[0] = 1;
    holds(source, "one|2\ntwo|0\n");
    assert_string_equal(described(source).kind, "memory");
    assert_int_equal(described(source).classes, 3);
    assert_null(byol_source_class_name(source, 0));
    is_called(source, 1, "text 1");
    byol_source_free(source);
    assert_int_equal(byol_source_from_texts(&source, texts, NULL, NULL, 2, &error), BYOL_OK);
    holds(source, "xne|-1\nxwo and more|-1\n");
    byol_source_free(source);
}

static void texts_that_cannot_be_are_refused(void **state) {
    (void)state;
    byol_source *source;
    byol_error error = {0};
    const char *texts[] = {"one", " \n"}, *missing[] = {"one", NULL}, *wrong[] = {"a\xff"};
    const size_t four = 4;
    const int32_t labels[] = {0, -2};
    assert_int_equal(byol_source_from_texts(&source, texts, NULL, NULL, 0, &error),
                     BYOL_ERROR_INVALID);
    assert_int_equal(byol_source_from_texts(&source, NULL, NULL, NULL, 2, &error),
                     BYOL_ERROR_INVALID);
    assert_int_equal(byol_source_from_texts(&source, texts, NULL, labels, 2, &error),
                     BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "label 1 is -2"));
    assert_int_equal(byol_source_from_texts(&source, texts, NULL, NULL, 2, &error),
                     BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "text 1 is empty"));
    assert_int_equal(byol_source_from_texts(&source, missing, NULL, NULL, 2, &error),
                     BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "text 1 is NULL"));
    assert_int_equal(byol_source_from_texts(&source, wrong, NULL, NULL, 1, &error),
                     BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "text 0: byte 0xff at 1"));
    assert_int_equal(byol_source_from_texts(&source, texts, &four, NULL, 1, NULL),
                     BYOL_ERROR_INVALID);
}

/* ---- what is done with them ---- */

static byol_source *three_texts(void) {
    static const char *const texts[] = {"one", "two words", "one"};
    static const int32_t labels[] = {0, 1, 0};
    byol_source *source;
    assert_int_equal(byol_source_from_texts(&source, texts, NULL, labels, 3, NULL), BYOL_OK);
    return source;
}

static void a_subset_of_texts_is_a_source_of_texts(void **state) {
    (void)state;
    const uint32_t chosen[] = {2, 1}, none[] = {3};
    byol_source *source, *part, *whole = three_texts();
    byol_picture picture = {0};
    byol_error error = {0};
    assert_int_equal(byol_source_subset(&part, whole, chosen, 2, &error), BYOL_OK);
    assert_int_equal(described(part).samples, BYOL_SAMPLES_TEXTS);
    holds(part, "one|0\ntwo words|1\n");
    is_called(part, 0, "text 2");
    assert_int_equal(byol_source_image(part, 0, NULL, &picture, &error), BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "the source holds texts"));
    byol_source_free(part);
    assert_int_equal(byol_source_subset(&source, whole, none, 1, &error), BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "asks for text 3"));
    byol_source_free(whole);
}

static void nobody_gets_what_a_source_does_not_hold(void **state) {
    (void)state;
    byol_source *images = tiny_source(), *texts = three_texts();
    const uint32_t first = 0;
    byol_source *part;
    byol_picture picture = {0};
    byol_error error = {0};
    const char *text;
    size_t length;
    assert_int_equal(byol_source_image(texts, 0, NULL, &picture, &error), BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "the source holds texts"));
    assert_int_equal(byol_source_text(images, 0, &text, &length, &error), BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "the source holds images"));
    assert_int_equal(byol_source_subset(&part, images, &first, 1, &error), BYOL_OK);
    assert_int_equal(byol_source_text(part, 0, &text, &length, &error), BYOL_ERROR_INVALID);
    assert_int_equal(described(part).samples, BYOL_SAMPLES_IMAGES);
    byol_source_free(part);
    assert_int_equal(byol_source_text(texts, 3, &text, &length, &error), BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "no text 3"));
    byol_source_free(texts);
    byol_source_free(images);
}

static void all_that_needs_images_says_so(void **state) {
    (void)state;
    byol_source *texts = three_texts(), *images = tiny_source();
    byol_config config = tiny_config();
    byol_trainer *trainer;
    byol_encoder *encoder;
    byol_survey survey;
    byol_error error = {0};
    float numbers[TINY_IMAGES * 64], mean[3], std[3];
    assert_int_equal(byol_trainer_create(&trainer, &config, texts, NULL, 0, NULL, &error),
                     BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "needs images, but these are texts"));
    assert_int_equal(byol_trainer_create(&trainer, &config, images, NULL, 0, NULL, &error),
                     BYOL_OK);
    assert_int_equal(byol_trainer_encoder(trainer, &encoder, &error), BYOL_OK);
    assert_int_equal(
        byol_encoder_embed(encoder, texts, BYOL_LAYER_BACKBONE, numbers, NULL, NULL, &error),
        BYOL_ERROR_INVALID);
    assert_int_equal(byol_encoder_prepare(encoder, texts, 0, numbers, &error), BYOL_ERROR_INVALID);
    byol_encoder_free(encoder);
    byol_trainer_free(trainer);
    byol__loader *loader;
    byol__loader_options loading = {.batch_size = 1, .threads = 1};
    assert_int_equal(byol__loader_create(&loader, texts, &loading, &error), BYOL_ERROR_INVALID);
    assert_int_equal(byol_source_survey(texts, 1, &survey, NULL, NULL, &error), BYOL_ERROR_INVALID);
    assert_int_equal(byol_source_statistics(texts, 1, mean, std, &error), BYOL_ERROR_INVALID);
    byol_pack_result packed;
    const byol_pack_options packing = {.shard_size = 1, .quality = 95};
    assert_int_equal(byol_pack(texts, in_folder("out"), &packing, &packed, NULL, NULL, &error),
                     BYOL_ERROR_INVALID);
    byol_sheet_info sheet;
    assert_int_equal(
        byol_sheet_write(in_folder("a.png"), &config, texts, 2, NULL, NULL, &sheet, &error),
        BYOL_ERROR_INVALID);
    byol_budget budget;
    assert_int_equal(byol_budget_choose(&config, texts, 1, NULL, NULL, &budget, &error),
                     BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "needs images"));
    byol_source_free(images);
    byol_source_free(texts);
}

static void a_survey_measures_texts(void **state) {
    (void)state;
    byol_source *source = three_texts(), *images = tiny_source();
    byol_text_survey survey;
    byol_error error = {0};
    assert_int_equal(byol_source_survey_texts(source, &survey, &error), BYOL_OK);
    assert_int_equal(survey.count, 3);
    assert_int_equal(survey.bytes.min, 3);
    assert_int_equal(survey.bytes.median, 3);
    assert_int_equal(survey.bytes.p95, 9);
    assert_int_equal(survey.bytes.max, 9);
    assert_int_equal(survey.words.min, 1);
    assert_int_equal(survey.words.max, 2);
    assert_int_equal(survey.duplicate_count, 1);
    assert_int_equal(survey.duplicates[0].index, 2);
    assert_int_equal(survey.duplicates[0].of, 0);
    byol_text_survey_release(&survey);
    assert_int_equal(byol_source_survey_texts(images, &survey, &error), BYOL_ERROR_INVALID);
    byol_source_free(source);
    byol_source_free(images);
    char lines[20 * 40 + 1] = ""; /* texts of 1 .. 20 words */
    for (int i = 1; i <= 20; i++) {
        for (int w = 0; w < i; w++) strcat(lines, w > 0 ? " a" : "a");
        strcat(lines, "\n");
    }
    write_text("a.txt", lines);
    source = opens(in_folder("a.txt"));
    assert_int_equal(byol_source_survey_texts(source, &survey, &error), BYOL_OK);
    assert_int_equal(survey.words.p95, 19);
    assert_int_equal(survey.words.median, 11);
    byol_text_survey_release(&survey);
    byol_source_free(source);
}

static byol_status next_text(void *context, size_t index, const char **text, size_t *length,
                             byol_error *error) {
    return byol_source_text(context, index, text, length, error);
}

static byol_tokenizer *learned_from(byol_source *source, byol_tokenizer_model model) {
    byol_tokenizer *tokenizer;
    byol_tokenizer_options options;
    const byol_texts texts = {described(source).count, next_text, source};
    byol_tokenizer_options_init(&options);
    options.model = model;
    assert_int_equal(byol_tokenizer_train(&tokenizer, &options, &texts, NULL, NULL, NULL), BYOL_OK);
    return tokenizer;
}

static byol_source *lines_of(const char *name, const char *text) {
    write_text(name, text);
    return opens(in_folder(name));
}

static void a_survey_counts_tokens_and_those_that_are_unknown(void **state) {
    (void)state;
    byol_source *known = lines_of("known.txt", "aa bb aa bb\n"), *images = tiny_source(),
                *source = lines_of("new.txt", "aa bb\nzz\naa zz bb zz aa\n");
    byol_tokenizer *words = learned_from(known, BYOL_TOKENIZER_WORDPIECE),
                   *bytes = learned_from(known, BYOL_TOKENIZER_BYTE_BPE);
    byol_token_survey survey;
    byol_error error = {0};
    assert_int_equal(byol_source_survey_tokens(source, words, &survey, &error), BYOL_OK);
    assert_int_equal(survey.count, 8);
    assert_int_equal(survey.unknown_count, 3);
    assert_int_equal(survey.tokens.min, 1);
    assert_int_equal(survey.tokens.median, 2);
    assert_int_equal(survey.tokens.max, 5);
    assert_int_equal(byol_source_survey_tokens(source, bytes, &survey, &error), BYOL_OK);
    assert_int_equal(survey.unknown_count, 0); /* every byte is known */
    assert_true(survey.count > 8);
    assert_int_equal(byol_source_survey_tokens(images, words, &survey, &error), BYOL_ERROR_INVALID);
    byol_tokenizer_free(words);
    byol_tokenizer_free(bytes);
    byol_source_free(known);
    byol_source_free(source);
    byol_source_free(images);
}

static void fingerprint(const char *name, const char *text, char out[64]) {
    write_text(name, text);
    byol_source *source = opens(in_folder(name));
    assert_int_equal(byol__fingerprint(source, out, 64, NULL), BYOL_OK);
    byol_source_free(source);
}

static void a_fingerprint_is_of_the_texts_alone(void **state) {
    (void)state;
    char a[64], b[64], c[64], d[64];
    fingerprint("a.txt", "one\ntwo\n", a);
    fingerprint("b.tsv", "x\tone\ny\ttwo\n", b);
    fingerprint("c.txt", "onet\nwo\n", c);
    fingerprint("d.txt", "one\ntwO\n", d);
    assert_memory_equal(a, "2 texts, ", 9);
    assert_string_equal(a, b);
    assert_string_not_equal(a, c);
    assert_string_not_equal(a, d);
}

/* ---- real data ---- */

static void real(const char *name, const char *behind, size_t count, int classes) {
    char spec[512];
    snprintf(spec, sizeof spec, "%s/text/%s%s", getenv("BYOL_TEST_DATA"), name, behind);
    byol_source *source = opens(spec);
    assert_int_equal(described(source).count, count);
    assert_int_equal(described(source).classes, classes);
    byol_source_free(source);
}

static void real_sets_have_the_counts_they_are_known_for(void **state) {
    (void)state;
    char path[512];
    const char *data = getenv("BYOL_TEST_DATA");
    snprintf(path, sizeof path, "%s/text/sst2_train.tsv", data != NULL ? data : "");
    if (data == NULL || !byol__is_file(path)) skip();
    real("sst2_train.tsv", "", 6920, 2);
    real("sst2_dev.tsv", "", 872, 2);
    real("sst2_test.tsv", "", 1821, 2);
    real("trec_train.tsv", "", 5452, 50);
    real("trec_train.tsv", ":classes=coarse", 5452, 6);
    real("trec_test.tsv", ":classes=coarse", 500, 6);
    real("corpus_wikitext2_valid_test.txt", "", 8118 - 2766, 0);
    real("corpus_shakespeare.txt", "", 40000 - 7223, 0);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(each_line_of_a_txt_is_a_text),
        IN_FOLDER(a_label_stands_before_a_tab),
        IN_FOLDER(classes_are_in_the_order_of_words_or_of_numbers),
        IN_FOLDER(coarse_classes_are_what_is_before_a_colon),
        IN_FOLDER(a_tsv_with_a_header_is_a_table),
        IN_FOLDER(a_labelled_line_that_is_incomplete_is_named),
        IN_FOLDER(a_line_may_be_very_long),
        IN_FOLDER(a_list_of_pictures_stays_one),
        IN_FOLDER(a_csv_is_read_as_rfc_4180_has_it),
        IN_FOLDER(columns_are_known_by_usual_names_or_named),
        IN_FOLDER(what_is_wrong_with_a_row_is_said),
        IN_FOLDER(more_columns_than_are_read_are_refused),
        IN_FOLDER(each_object_of_a_jsonl_is_a_text),
        IN_FOLDER(what_is_wrong_with_an_object_is_said),
        IN_FOLDER(compressed_files_are_read_like_plain_ones),
        IN_FOLDER(a_file_without_text_is_refused),
        IN_FOLDER(bytes_that_are_no_text_are_found_by_line_and_column),
        cmocka_unit_test(utf8_is_what_unicode_says),
        cmocka_unit_test(an_excerpt_is_cut_between_characters),
        cmocka_unit_test(an_excerpt_is_one_line_of_what_can_be_seen),
        IN_FOLDER(files_in_folders_are_texts_of_classes),
        IN_FOLDER(folders_called_train_and_test_are_splits),
        IN_FOLDER(files_called_train_and_test_are_splits),
        IN_FOLDER(a_folder_of_pictures_stays_one),
        cmocka_unit_test(texts_of_the_caller_are_copied),
        cmocka_unit_test(texts_that_cannot_be_are_refused),
        cmocka_unit_test(a_subset_of_texts_is_a_source_of_texts),
        cmocka_unit_test(nobody_gets_what_a_source_does_not_hold),
        IN_FOLDER(all_that_needs_images_says_so),
        IN_FOLDER(a_survey_measures_texts),
        IN_FOLDER(a_survey_counts_tokens_and_those_that_are_unknown),
        IN_FOLDER(a_fingerprint_is_of_the_texts_alone),
        cmocka_unit_test(real_sets_have_the_counts_they_are_known_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
