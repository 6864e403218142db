#include "base/machine.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/threads.h"

/* Copies the rest of the first line of file `path` that begins with `key`, without surrounding
 * blanks, separators and quotes. */
static int find_line(const char *path, const char *key, char *value, int size) {
    FILE *stream = fopen(path, "re");
    char line[512];
    int found = 0;
    while (stream != NULL && !found && fgets(line, sizeof line, stream) != NULL) {
        if (strncmp(line, key, strlen(key)) != 0) continue;
        const char *first = line + strlen(key);
        first += strspn(first, " \t:=\"");
        snprintf(value, (size_t)size, "%.*s", (int)strcspn(first, "\"\n"), first);
        found = *value != '\0';
    }
    if (stream != NULL) fclose(stream);
    return found;
}

void byol__machine_describe(byol__machine *machine) {
    struct utsname names;
    char release[96];
    *machine = (byol__machine){
        .processor = "unknown", .system = "unknown", .processors = byol__processors()};
    find_line("/proc/cpuinfo", "model name", machine->processor, sizeof machine->processor);
    machine->memory_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    if (uname(&names) != 0) return;
    if (!find_line("/etc/os-release", "PRETTY_NAME", release, sizeof release))
        snprintf(release, sizeof release, "%.80s", names.sysname);
    snprintf(machine->system, sizeof machine->system, "%s, %.24s", release, names.machine);
}

uint64_t byol__peak_memory(void) {
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (uint64_t)usage.ru_maxrss * 1024 : 0;
}
