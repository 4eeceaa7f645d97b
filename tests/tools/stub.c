/* The process and the packets: QEMU is started stopped, on a socket in a temporary folder, with its
 * memory in a file that we map, too (GDB manual, appendix E; QEMU manual, "GDB usage"). */
#define _GNU_SOURCE
#include "tests/tools/stub.h"
#include "devices/core/bits.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 5000 };

#define TEN(p) p "0", p "1", p "2", p "3", p "4", p "5", p "6", p "7"
const char *const stub_reg_name[STUB_COUNT] = {
    "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8", "r9", "r10", "r11", "r12", "r13",
    "r14", "r15", "eip", "eflags", "es", "cs", "ss", "ds", "fs", "gs", "cr0", "cr2", "cr3", "cr4",
    "efer", "fctrl", "fstat", "mxcsr", TEN("st"), TEN("xmm"), "xmm8", "xmm9", "xmm10", "xmm11",
    "xmm12", "xmm13", "xmm14", "xmm15",
};

/* ---- packets ---- */
static bool send_all(struct stub *s, const char *p, size_t n)
{
    while (n) {
        ssize_t k = send(s->fd, p, n, MSG_NOSIGNAL);
        if (k <= 0)
            return false;
        p += k, n -= (size_t)k;
    }
    return true;
}

static bool put(struct stub *s, const char *text)
{
    char packet[STUB_PACKET];
    unsigned sum = 0;
    int n;
    for (const char *p = text; *p; p++)
        sum += (u8)*p;
    n = snprintf(packet, sizeof(packet), "$%s#%02x", text, sum & 0xff);
    s->packets++;
    return n < (int)sizeof(packet) && send_all(s, packet, (size_t)n);
}

/* The next packet's contents into s->answer. QEMU sends no run lengths. */
static bool take(struct stub *s)
{
    for (;;) {
        struct pollfd pfd = {.fd = s->fd, .events = POLLIN};
        char *from = memchr(s->buf, '$', s->n), *to = NULL;
        ssize_t k;
        if (from)
            to = memchr(from, '#', (size_t)(s->buf + s->n - from));
        if (to && to + 3 <= s->buf + s->n) {
            u32 out, used = (u32)(to + 3 - s->buf);
            out = (u32)(to - from - 1);
            memcpy(s->answer, from + 1, out);
            s->answer[out] = 0;
            memmove(s->buf, s->buf + used, s->n - used);
            s->n -= used;
            return true;
        }
        if (s->n == sizeof(s->buf) || poll(&pfd, 1, PATIENCE_MS) <= 0)
            return false;
        k = recv(s->fd, s->buf + s->n, sizeof(s->buf) - s->n, 0);
        if (k <= 0)
            return false;
        s->n += (u32)k;
    }
}

static bool ask(struct stub *s, const char *text)
{
    return put(s, text) && take(s);
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool unhex(const char *from, u32 chars, u8 *to, u32 n)
{
    if (chars < 2 * n)
        return false;
    for (u32 i = 0; i < n; i++) {
        int hi = hex(from[2 * i]), lo = hex(from[2 * i + 1]);
        if (hi < 0 || lo < 0)
            return false;
        to[i] = (u8)(hi << 4 | lo);
    }
    return true;
}

/* ---- the register layout ---- */
static bool same_name(const char *ours, const char *theirs, size_t n, bool wide)
{
    static const char legacy[] = "eax ecx edx ebx esp ebp esi edi eip ";
    char word[8];
    if (strlen(ours) != n)
        return false;
    snprintf(word, sizeof(word), "%s ", ours);
    if (wide && strlen(word) == 4 && strstr(legacy, word))
        return theirs[0] == 'r' && !memcmp(ours + 1, theirs + 1, n - 1);
    return !memcmp(ours, theirs, n);
}

/* Offsets of all registers from the target description: they stand there in the order of "g". */
static bool layout(struct stub *s, const char *xml)
{
    static const char want[] = "<reg name=\"";
    u32 at = 0, number = 0;
    for (const char *p = xml; *p; p++) {
        const char *name, *end, *bits;
        u32 size;
        if (!strncmp(p, "<!--", 4)) {
            p = strstr(p, "-->");
            if (!p)
                return false;
            continue;
        }
        if (strncmp(p, want, sizeof(want) - 1))
            continue;
        name = p + sizeof(want) - 1;
        end = strchr(name, '"');
        bits = strstr(name, "bitsize=\"");
        if (!end || !bits)
            return false;
        size = (u32)atoi(bits + 9) / 8;
        for (unsigned r = 0; r < STUB_COUNT; r++)
            if (same_name(stub_reg_name[r], name, (size_t)(end - name), s->wide)) {
                s->reg[r].at = (u16)at;
                s->reg[r].size = (u16)size;
                s->reg[r].number = (u8)number;
            }
        at += size;
        number++;
    }
    return s->reg[STUB_RIP].size && s->reg[STUB_CR0].size && s->reg[STUB_MXCSR].size;
}

static bool read_layout(struct stub *s)
{
    char *xml = calloc(1, 65536), text[80];
    u32 n = 0;
    bool ok = false;
    while (xml && n < 60000) {
        snprintf(text, sizeof(text), "qXfer:features:read:i386-%sbit.xml:%x,7f0", s->wide ? "64" : "32", n);
        if (!ask(s, text) || (s->answer[0] != 'l' && s->answer[0] != 'm'))
            break;
        memcpy(xml + n, s->answer + 1, strlen(s->answer + 1));
        n += (u32)strlen(s->answer + 1);
        if (s->answer[0] == 'l') {
            ok = layout(s, xml);
            break;
        }
    }
    free(xml);
    return ok;
}

/* ---- life ---- */
static bool dial(struct stub *s)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct timespec nap = {.tv_nsec = 20000000};
    snprintf(a.sun_path, sizeof(a.sun_path), "%s/gdb", s->dir);
    for (int i = 0; i < 500; i++) {
        s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (s->fd < 0)
            return false;
        if (!connect(s->fd, (struct sockaddr *)&a, sizeof(a)))
            return true;
        close(s->fd);
        s->fd = -1;
        if (waitpid(s->pid, NULL, WNOHANG) == s->pid) {
            s->pid = -1;
            return false;
        }
        nanosleep(&nap, NULL);
    }
    return false;
}

static void become_qemu(const struct stub *s, const char *qemu, const char *rom)
{
    char gdb[128], memory[160];
    int null = open("/dev/null", O_RDWR);
    snprintf(gdb, sizeof(gdb), "unix:%s/gdb,server=on,wait=off", s->dir);
    snprintf(memory, sizeof(memory), "memory-backend-file,id=ram,size=%u,share=on,mem-path=%s/ram", STUB_RAM, s->dir);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (null >= 0) {
        dup2(null, 0);
        dup2(null, 1);
        if (!getenv("STUB_VERBOSE"))
            dup2(null, 2);
    }
    execlp(qemu, qemu, "-accel", "tcg", "-S", "-gdb", gdb, "-object", memory, "-machine", "pc,memory-backend=ram", "-m", "32",
           "-cpu", "max", "-bios", rom, "-nodefaults", "-display", "none", "-vga", "none", "-debugcon", "file:/dev/null",
           "-no-reboot", (char *)NULL);
    _exit(127);
}

static bool map_memory(struct stub *s)
{
    char path[80];
    int fd;
    snprintf(path, sizeof(path), "%s/ram", s->dir);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    s->ram = MAP_FAILED;
    if (!ftruncate(fd, STUB_RAM))
        s->ram = mmap(NULL, STUB_RAM, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return s->ram != MAP_FAILED;
}

bool stub_start(struct stub *s, const char *qemu, const char *rom, char *why, size_t n)
{
    memset(s, 0, sizeof(*s));
    s->fd = s->pid = -1;
    s->wide = strstr(qemu, "x86_64") != NULL;
    snprintf(s->dir, sizeof(s->dir), "/tmp/stubXXXXXX");
    if (!mkdtemp(s->dir) || !map_memory(s)) {
        snprintf(why, n, "no room in /tmp: %s", strerror(errno));
        stub_stop(s);
        return false;
    }
    s->pid = fork();
    if (!s->pid)
        become_qemu(s, qemu, rom);
    if (s->pid < 0 || !dial(s)) {
        snprintf(why, n, "%s does not start", qemu);
    } else if (!ask(s, "QStartNoAckMode") || !send_all(s, "+", 1) || !ask(s, "qSupported") || !read_layout(s)) {
        snprintf(why, n, "%s has a gdb stub that we do not understand", qemu);
    } else {
        return true;
    }
    stub_stop(s);
    return false;
}

void stub_stop(struct stub *s)
{
    char path[80];
    if (s->fd >= 0)
        close(s->fd);
    if (s->pid > 0) {
        kill(s->pid, SIGKILL);
        waitpid(s->pid, NULL, 0);
    }
    if (s->ram && s->ram != MAP_FAILED)
        munmap(s->ram, STUB_RAM);
    snprintf(path, sizeof(path), "%s/gdb", s->dir);
    unlink(path);
    snprintf(path, sizeof(path), "%s/ram", s->dir);
    unlink(path);
    rmdir(s->dir);
    s->fd = s->pid = -1;
    s->ram = NULL;
}

/* ---- running and looking ---- */
bool stub_step(struct stub *s)
{
    return ask(s, "s") && s->answer[0] == 'T';
}

bool stub_run_to(struct stub *s, u64 la)
{
    char text[40];
    bool ok;
    snprintf(text, sizeof(text), "Z0,%llx,1", (unsigned long long)la);
    if (!ask(s, text) || strcmp(s->answer, "OK"))
        return false;
    ok = ask(s, "c") && s->answer[0] == 'T';
    text[0] = 'z';
    return ask(s, text) && ok;
}

bool stub_read(struct stub *s, struct stub_state *out)
{
    u8 image[STUB_PACKET / 2];
    u32 chars, bytes;
    if (!ask(s, "g"))
        return false;
    chars = (u32)strlen(s->answer);
    bytes = chars / 2;
    memset(out, 0, sizeof(*out));
    if (!unhex(s->answer, chars, image, bytes))
        return false;
    for (unsigned i = 0; i < STUB_COUNT; i++) {
        u32 at = s->reg[i].at, size = s->reg[i].size;
        if (!size || at + size > bytes)
            continue;
        if (i < STUB_INTS)
            out->r[i] = size == 8 ? ld64(image + at) : ld32(image + at);
        else if (i < STUB_XMM)
            memcpy(out->st[i - STUB_ST], image + at, 10);
        else
            memcpy(out->xmm[i - STUB_XMM], image + at, 16);
    }
    return true;
}

bool stub_set(struct stub *s, unsigned reg, const void *bytes)
{
    char text[64];
    const u8 *b = bytes;
    int n = snprintf(text, sizeof(text), "P%x=", s->reg[reg].number);
    if (!s->reg[reg].size)
        return true;
    for (u32 i = 0; i < s->reg[reg].size; i++)
        n += snprintf(text + n, sizeof(text) - (size_t)n, "%02x", b[i]);
    return ask(s, text) && !strcmp(s->answer, "OK");
}

bool stub_set_int(struct stub *s, unsigned reg, u64 v)
{
    u8 b[16] = {0};
    st64(b, v);
    return stub_set(s, reg, b);
}
