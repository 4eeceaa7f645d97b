/* SHELL.COM, the command processor: runs AUTOEXEC.BAT, then reads commands from the keyboard. It
 * counts what the programs return, and POWEROFF tells the tests' result: status 0 when all returned
 * 0. A key pressed during the start skips the batch file. */
#include "roms/dos/lib/dos.h"
#include "roms/lib/mem.h"
#include "roms/lib/power.h"

enum { LINE_MAX = 120, BATCH_MAX = 4096 };

static struct {
    char batch[BATCH_MAX];
    u32 size, at;
    u32 errorlevel;
    u32 failures;
} sh;

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

/* Does the line start with this word? Then *rest is what follows. */
static bool word(const char *line, const char *w, const char **rest)
{
    while (*w != 0) {
        if (lower(*line++) != *w++)
            return false;
    }
    if (*line != 0 && *line != ' ')
        return false;
    while (*line == ' ')
        line++;
    *rest = line;
    return true;
}

/* The next line of the batch file; false at its end. */
static bool batch_line(char *line)
{
    u32 n = 0;

    if (sh.at >= sh.size)
        return false;
    while (sh.at < sh.size) {
        char c = sh.batch[sh.at++];

        if (c == '\n')
            break;
        if (c != '\r' && n < LINE_MAX - 1)
            line[n++] = c;
    }
    line[n] = 0;
    return true;
}

static void go_to(const char *label)
{
    char line[LINE_MAX];

    sh.at = 0;
    while (batch_line(line)) {
        if (line[0] == ':' && same_text(line + 1, label))
            return;
    }
    print("Label not found\n");
    sh.failures++;
}

static void directory(void)
{
    u8 dta[64];
    struct cpu_regs r = {.eax = 0x1a00, .edx = (u32)dta};

    cpu_int(0x21, &r);
    r.eax = 0x4e00;
    r.ecx = 0;
    r.edx = (u32) "*.*";
    for (;;) {
        cpu_int(0x21, &r);
        if ((r.flags & FLAG_CF) != 0)
            break;
        print((const char *)dta + 30);
        print("  ");
        print_dec(*(u32 *)(dta + 26));
        print("\n");
        r.eax = 0x4f00;
    }
}

static void type(const char *path)
{
    char buf[128];
    int h = dos_open(path, 0), n, i;

    if (h < 0) {
        print("File not found\n");
        return;
    }
    while ((n = dos_read(h, buf, sizeof(buf))) > 0) {
        for (i = 0; i < n; i++)
            print_char(buf[i]);
    }
    dos_close(h);
}

/* The chain of memory control blocks, from the list of lists. */
static void memory(void)
{
    struct cpu_regs r = {.eax = 0x5200};
    u16 seg;
    u8 kind;

    cpu_int(0x21, &r);
    seg = peek16(r.es, (u16)(r.bx - 2));
    do {
        kind = peek8(seg, 0);
        print_hex(seg, 4);
        print(peek16(seg, 1) == 0 ? " free  " : " owner ");
        print_hex(peek16(seg, 1), 4);
        print("  ");
        print_dec(peek16(seg, 3) * 16u);
        print("\n");
        seg = (u16)(seg + peek16(seg, 3) + 1);
    } while (kind == 'M');
}

static void power_down(void)
{
    if (sh.failures == 0) {
        print("DOS PASS\n");
        power_off();
    } else {
        print("DOS FAIL ");
        print_dec(sh.failures);
        print("\n");
        exit_device(1);
    }
    print("cannot switch this machine off\n");
}

static void run_program(const char *line)
{
    char path[LINE_MAX];
    u32 n = 0;
    int code;

    while (*line != 0 && *line != ' ' && n < LINE_MAX - 5)
        path[n++] = *line++;
    path[n] = 0;
    while (*line == ' ')
        line++;
    code = dos_exec(path, line);
    if (code == -2) {
        memcpy(path + n, ".COM", 5);
        code = dos_exec(path, line);
    }
    if (code == -2) {
        memcpy(path + n, ".EXE", 5);
        code = dos_exec(path, line);
    }
    if (code < 0) {
        print("Cannot run ");
        print(path);
        print(", error ");
        print_dec((u32)-code);
        print("\n");
        sh.errorlevel = 255;
    } else {
        sh.errorlevel = (u32)code & 0xff;
    }
    if (sh.errorlevel != 0)
        sh.failures++;
}

static u32 number(const char **s)
{
    u32 v = 0;

    while (**s >= '0' && **s <= '9')
        v = v * 10 + (u32)(*(*s)++ - '0');
    while (**s == ' ')
        (*s)++;
    return v;
}

static void command(const char *line)
{
    const char *rest;

    while (*line == ' ' || *line == '@')
        line++;
    if (word(line, "if", &rest) && word(rest, "errorlevel", &rest)) {
        if (sh.errorlevel < number(&rest))
            return;
        line = rest;
    }
    if (*line == 0 || *line == ':' || word(line, "rem", &rest))
        return;
    if (word(line, "goto", &rest)) {
        go_to(rest);
    } else if (word(line, "echo", &rest)) {
        print(rest);
        print("\n");
    } else if (word(line, "dir", &rest)) {
        directory();
    } else if (word(line, "type", &rest)) {
        type(rest);
    } else if (word(line, "mem", &rest)) {
        memory();
    } else if (word(line, "ver", &rest)) {
        print("Dragoman DOS 5.0\n");
    } else if (word(line, "poweroff", &rest)) {
        power_down();
    } else if (word(line, "help", &rest)) {
        print("dir  type FILE  mem  ver  echo TEXT  poweroff  or a program's name\n");
    } else {
        run_program(line);
    }
}

static void load_batch(void)
{
    int h;
    struct cpu_regs r = {.eax = 0x0b00};

    cpu_int(0x21, &r);
    if (r.al != 0) { /* a key: no batch file */
        r.eax = 0x0700;
        cpu_int(0x21, &r);
        return;
    }
    h = dos_open("AUTOEXEC.BAT", 0);
    if (h < 0)
        return;
    sh.size = (u32)dos_read(h, sh.batch, BATCH_MAX);
    dos_close(h);
}

int main(void);

int main(void)
{
    char line[LINE_MAX];
    struct {
        u8 max, n;
        char text[LINE_MAX];
    } input;

    dos_shrink();
    load_batch();
    while (batch_line(line))
        command(line);
    for (;;) {
        struct cpu_regs r = {.eax = 0x0a00, .edx = (u32)&input};

        print("A>");
        input.max = LINE_MAX - 1;
        cpu_int(0x21, &r);
        input.text[input.n] = 0;
        print("\n");
        command(input.text);
    }
}
