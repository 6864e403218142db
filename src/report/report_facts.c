#include <math.h>
#include <string.h>

#include "report/html.h"
#include "report/sections.h"

/* ---- Cost and machine ---- */

/* Writes one fact of a run as text; "" if it is not known. */
typedef void (*fact_format)(const byol__run_data *run_data, char text[256]);

static void put_words(const byol__run_data *run_data, const char *key, char text[256]) {
    snprintf(text, 256, "%s", byol__words(run_data->summary, key));
}

static void format_time(const byol__run_data *run_data, char text[256]) {
    char duration[48];
    text[0] = '\0';
    if (isfinite(run_data->seconds))
        snprintf(text, 256, "%s", byol__html_duration(duration, run_data->seconds));
}

static void format_speed(const byol__run_data *run_data, char text[256]) {
    char count[48];
    double speed = byol__run_data_speed(run_data);
    text[0] = '\0';
    if (isfinite(speed))
        snprintf(text, 256, "%s %s a second", byol__html_count(count, (uint64_t)(speed + 0.5)),
                 byol__run_data_samples(run_data));
}

static void format_arithmetic(const byol__run_data *run_data, char text[256]) {
    double flops = byol__number(run_data->summary, "flops_per_image"),
           speed = byol__number(run_data->summary, "images_per_second");
    text[0] = '\0';
    if (flops * speed > 0)
        snprintf(text, 256, "%.3g GFLOP %s %s and step, %.0f GFLOP/s", flops * 1e-9,
                 *byol__run_data_sample(run_data) == 'i' ? "an" : "a",
                 byol__run_data_sample(run_data), flops * speed * 1e-9);
}

static void format_bytes(const byol__run_data *run_data, const char *key, char text[256]) {
    char bytes[48];
    double value = byol__number(run_data->summary, key);
    text[0] = '\0';
    if (isfinite(value)) snprintf(text, 256, "%s", byol__html_bytes(bytes, (uint64_t)value));
}

static void format_memory(const byol__run_data *run_data, char text[256]) {
    format_bytes(run_data, "peak_memory_bytes", text);
}

static void format_parameters(const byol__run_data *run_data, char text[256]) {
    char a[48], b[48], c[48];
    double encoder = byol__number(run_data->summary, "encoder_parameters");
    text[0] = '\0';
    if (!isfinite(encoder)) return;
    snprintf(
        text, 256, "encoder %s, projector %s, predictor %s", byol__html_count(a, (uint64_t)encoder),
        byol__html_count(b, (uint64_t)byol__number(run_data->summary, "projector_parameters")),
        byol__html_count(c, (uint64_t)byol__number(run_data->summary, "predictor_parameters")));
}

static void format_processor(const byol__run_data *run_data, char text[256]) {
    put_words(run_data, "processor", text);
    size_t used = strlen(text);
    double processors = byol__number(run_data->summary, "processors");
    if (used > 0 && isfinite(processors))
        snprintf(text + used, 256 - used, ", %.0f processor%s used by %d thread%s", processors,
                 processors == 1 ? "" : "s", run_data->config.train.threads,
                 run_data->config.train.threads == 1 ? "" : "s");
}

static void format_machine_memory(const byol__run_data *run_data, char text[256]) {
    format_bytes(run_data, "memory_bytes", text);
}
static void format_data(const byol__run_data *run_data, char text[256]) {
    put_words(run_data, "data", text);
}
static void format_precision(const byol__run_data *run_data, char text[256]) {
    put_words(run_data, "precision", text);
}
static void format_system(const byol__run_data *run_data, char text[256]) {
    put_words(run_data, "system", text);
}

static void format_versions(const byol__run_data *run_data, char text[256]) {
    text[0] = '\0';
    if (*byol__words(run_data->summary, "byol") != '\0')
        snprintf(text, 256, "byol %s, %s", byol__words(run_data->summary, "byol"),
                 byol__words(run_data->summary, "engine"));
}

static void format_end(const byol__run_data *run_data, char text[256]) {
    put_words(run_data, "time", text);
}

static const struct {
    const char *name;
    fact_format format;
} facts[] = {
    {"Training data", format_data},
    {"Training time", format_time},
    {"Speed", format_speed},
    {"Arithmetic", format_arithmetic},
    {"Peak memory", format_memory},
    {"Parameters", format_parameters},
    {"Precision", format_precision},
    {"Processor", format_processor},
    {"Memory of the machine", format_machine_memory},
    {"System", format_system},
    {"Versions", format_versions},
    {"Last checkpoint", format_end},
};

void byol__section_system(FILE *page, const byol__run_data *run_data, size_t count) {
    char text[256];
    byol__html(
        page,
        "<section id=\"system\">\n<h2>Cost and machine</h2>\n<div class=\"scroll\" tabindex=\"0\" "
        "role=\"region\" aria-label=\"Cost and machine\"><table class=\"facts\">");
    if (count > 1) {
        byol__html(page, "<thead><tr><td></td>");
        for (size_t r = 0; r < count; r++)
            byol__html(page, "<th scope=\"col\">%s</th>", run_data[r].name);
        byol__html(page, "</tr></thead>");
    }
    byol__html(page, "<tbody>\n");
    for (size_t f = 0; f < sizeof facts / sizeof *facts; f++) {
        size_t known = 0;
        for (size_t r = 0; r < count; r++) {
            facts[f].format(&run_data[r], text);
            known += text[0] != '\0';
        }
        if (known == 0) continue;
        byol__html(page, "<tr><th scope=\"row\">%s</th>", facts[f].name);
        for (size_t r = 0; r < count; r++) {
            facts[f].format(&run_data[r], text);
            byol__html(page, "<td>%s</td>", text);
        }
        byol__html(page, "</tr>\n");
    }
    byol__html(page, "</tbody></table></div>\n</section>\n");
}

/* ---- Settings ---- */

static void write_setting(FILE *page, const char *key, const char *value, const char *help) {
    byol__html(page,
               "<tr><th scope=\"row\"><code>%s</code></th><td><code>%s</code></td><td "
               "class=\"help\">%s</td></tr>\n",
               key, *value != '\0' ? value : "-", help);
}

/* Writes either the settings that differ from the defaults, or all others. */
static int write_settings(FILE *page, const byol_config *config, int changed) {
    byol_config usual;
    int written = 0;
    byol_config_usual(config, &usual);
    for (size_t i = 0; i < byol_option_count(); i++) {
        byol_option_info info;
        char value[BYOL_PATH_MAX + 64], normal[BYOL_PATH_MAX + 64];
        byol_option_describe(i, &info);
        byol_config_get(config, info.key, value, sizeof value, NULL);
        byol_config_get(&usual, info.key, normal, sizeof normal, NULL);
        if ((strcmp(value, normal) != 0) != changed) continue;
        write_setting(page, info.key, value, info.help);
        written++;
    }
    return written;
}

void byol__section_settings(FILE *page, const byol__run_data *run_data) {
    byol__html(
        page,
        "<section id=\"settings\">\n<h2>Settings</h2>\n<p class=\"intro\">Those that differ from "
        "the defaults. To "
        "run again: <code>byol pretrain %s/config.yaml --out NEW</code></p>\n<div class=\"scroll\" "
        "tabindex=\"0\" role=\"region\" aria-label=\"Settings\"><table class=\"facts\"><tbody>\n",
        run_data->path);
    write_settings(page, &run_data->config, 1);
    byol__html(
        page,
        "</tbody></table></div>\n<details><summary>All other settings, at their "
        "defaults</summary><div "
        "class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Other settings\"><table "
        "class=\"facts\"><tbody>\n");
    write_settings(page, &run_data->config, 0);
    byol__html(page, "</tbody></table></div></details>\n</section>\n");
}
