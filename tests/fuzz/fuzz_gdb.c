/* Fuzz target: bytes of a gdb client. The stub answers with whole packets only, of at most the size
 * that it told, and touches nothing but its CPU and that one's memory. The first byte chooses
 * between bytes as they are and packets that lines are put into. */
#include "frontend/gdb/stub.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lock/machine.h"

#include <stdlib.h>
#include <string.h>

static struct gdb g;

/* '+' and '-' between packets; each packet with its checksum. */
static void check_sent(void *arg, const u8 *p, size_t n)
{
    u8 sum = 0;

    if (n == 1 && (*p == '+' || *p == '-'))
        return;
    if (n < 4 || *p != '$' || n > (size_t)GDB_PACKET + 4)
        abort();
    for (size_t i = 1; i < n - 3; i++) {
        if (p[i] == '#' || p[i] == '$')
            abort();
        sum = (u8)(sum + p[i]);
    }
    if (p[n - 3] != '#' || "0123456789abcdef"[sum >> 4] != p[n - 2] ||
        "0123456789abcdef"[sum & 15] != p[n - 1])
        abort();
}

static bool running(void *arg)
{
    return false;
}
static void go(void *arg)
{
    gdb_stopped(&g, false);
}
static void step(void *arg, bool irqs, bool timers)
{
    g.cpu->quiet = !irqs;
    cpu_run(g.cpu, ENGINE_EXEC, 1);
    gdb_stopped(&g, true);
}
static void command(void *arg, const char *line, gdb_text_fn *out, void *out_arg)
{
    out(out_arg, line, strlen(line));
}
static void nothing(void *arg) {}

/* Lines as packets with right checksums. */
static void packets(const u8 *data, size_t n)
{
    while (n) {
        const u8 *end = memchr(data, '\n', n);
        size_t k = end ? (size_t)(end - data) : n;
        u8 sum = 0, tail[3] = {'#'};

        gdb_input(&g, (const u8 *)"$", 1);
        for (size_t i = 0; i < k; i++)
            sum = (u8)(sum + data[i]);
        gdb_input(&g, data, k);
        tail[1] = (u8) "0123456789abcdef"[sum >> 4];
        tail[2] = (u8) "0123456789abcdef"[sum & 15];
        gdb_input(&g, tail, 3);
        k += end != NULL;
        data += k;
        n -= k;
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
    const struct gdb_host host = {NULL, check_sent, running, go,   go,
                                  step, command,    nothing, NULL, nothing};
    static struct lock_machine *m;

    if (!m && !(m = lock_machine_new("max", ENGINE_EXEC)))
        abort();
    if (!n)
        return 0;
    cpu_reset(m->cpu);
    gdb_init(&g, m->cpu, &host, data[0] & 1, data[0] & 2);
    if (data[0] & 4)
        gdb_input(&g, data + 1, n - 1);
    else
        packets(data + 1, n - 1);
    gdb_detach(&g);
    gdb_free(&g);
    return 0;
}
