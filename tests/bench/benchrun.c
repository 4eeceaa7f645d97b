/*
 * Runs one command for the benchmark: stamps each line it prints with the host's time since it was
 * started, types a text at it when a marker appears, ends it after a bounded time, and says how
 * long it ran and how much memory it used.
 *
 *   benchrun [-t seconds] [-k marker [-s text] [-m MiB]] -o file command [argument]...
 *
 * The file gets "SECONDS LINE" for each line, and "# wall=S cpu=S rss=KIB status=N" at the end;
 * with -m also "# memory total=KIB guest=KIB beyond=KIB" when the marker comes: what of the process
 * is in memory, what of its mapping of so many MiB, and the rest (Linux, /proc/PID/smaps).
 * Exit status: 0 when the command ended with status 0 in time, 1 when not, 2 when it could not be
 * started.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

enum { LINE_MAX_BYTES = 4096, GRACE_MS = 3000 };

struct run {
    const char *marker, *text;
    FILE *out;
    double limit; /* seconds */
    double start;
    char line[LINE_MAX_BYTES];
    size_t len;
    bool marked;
    unsigned long guest_kib; /* size of the guest's memory; 0: not to be looked for */
    int in, from;            /* the command's standard input and output */
    pid_t pid;
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void usage(void)
{
    fprintf(stderr, "usage: benchrun [-t seconds] [-k marker [-s text] [-m MiB]] -o file command "
                    "[argument]...\n");
    exit(2);
}

/* Start the command with both pipes; it dies with this process. Returns false when there is no
 * process or pipe. */
static bool start(struct run *r, char **argv)
{
    int to[2], from[2];

    if (pipe(to) < 0 || pipe(from) < 0)
        return false;
    r->start = now();
    r->pid = fork();
    if (r->pid < 0)
        return false;
    if (r->pid == 0) {
#ifdef __linux__
        prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
        dup2(to[0], STDIN_FILENO);
        dup2(from[1], STDOUT_FILENO);
        close(to[0]);
        close(to[1]);
        close(from[0]);
        close(from[1]);
        execvp(argv[0], argv);
        fprintf(stderr, "benchrun: cannot start '%s': %s\n", argv[0], strerror(errno));
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    r->in = to[1];
    r->from = from[0];
    return true;
}

static void type_text(struct run *r)
{
    const char *p = r->text;
    size_t n = strlen(p);

    while (n > 0) {
        ssize_t w = write(r->in, p, n);

        if (w <= 0)
            return; /* it has ended already */
        p += w;
        n -= (size_t)w;
    }
}

/*
 * What is in memory, and how much of it is the guest's: the mapping that is as large as the guest's
 * memory, or little larger, and of several such the fullest. Other mappings of the same file are
 * the same memory seen again.
 */
static void say_memory(struct run *r)
{
    unsigned long size = 0, rss, total = 0, guest = 0;
    unsigned long inode = 0, guest_inode = 0;
    char name[64], line[512];
    FILE *f;

    snprintf(name, sizeof(name), "/proc/%ld/smaps", (long)r->pid);
    f = fopen(name, "r");
    if (!f)
        return;
    while (fgets(line, sizeof(line), f)) {
        unsigned long from, to;

        if (sscanf(line, "%lx-%lx %*s %*s %*s %lu", &from, &to, &inode) == 3)
            size = (to - from) >> 10;
        if (sscanf(line, "Rss: %lu", &rss) != 1)
            continue;
        if (inode != 0 && inode == guest_inode)
            continue;
        total += rss;
        if (size >= r->guest_kib && size - r->guest_kib <= r->guest_kib / 4 && rss > guest) {
            guest = rss;
            guest_inode = inode;
        }
    }
    fclose(f);
    if (guest != 0)
        fprintf(r->out, "# memory total=%lu guest=%lu beyond=%lu\n", total, guest, total - guest);
}

static void end_line(struct run *r)
{
    r->line[r->len] = 0;
    fprintf(r->out, "%.3f %s\n", now() - r->start, r->line);
    if (r->marker && !r->marked && strstr(r->line, r->marker)) {
        r->marked = true;
        if (r->guest_kib)
            say_memory(r);
        if (r->text)
            type_text(r);
    }
    r->len = 0;
}

static void take(struct run *r, const char *data, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (data[i] == '\n')
            end_line(r);
        else if (data[i] != '\r' && r->len < sizeof(r->line) - 1)
            r->line[r->len++] = data[i];
    }
}

/* Read until the command closes its output or the time is over. Returns false for the latter. */
static bool follow(struct run *r)
{
    char data[LINE_MAX_BYTES];

    for (;;) {
        struct pollfd p = {.fd = r->from, .events = POLLIN};
        double left = r->limit - (now() - r->start);
        ssize_t n;

        if (left <= 0)
            return false;
        if (poll(&p, 1, (int)(left * 1000) + 1) < 0 && errno != EINTR)
            return false;
        if (!(p.revents & (POLLIN | POLLHUP)))
            continue;
        n = read(r->from, data, sizeof(data));
        if (n <= 0)
            return true;
        take(r, data, (size_t)n);
    }
}

/* Wait for the end of the command, helped by signals when it does not come by itself. */
static int finish(struct run *r, struct rusage *usage_out)
{
    static const int signals[] = {0, SIGTERM, SIGKILL};
    int status = 0;

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        if (signals[i])
            kill(r->pid, signals[i]);
        for (int ms = 0; ms < GRACE_MS; ms += 5) {
            struct timespec nap = {0, 5000000};

            if (wait4(r->pid, &status, WNOHANG, usage_out) == r->pid)
                return status;
            nanosleep(&nap, NULL);
        }
    }
    return status;
}

int main(int argc, char **argv)
{
    struct run r = {.limit = 60};
    struct rusage used = {0};
    const char *name = NULL;
    bool in_time;
    double wall;
    int c, status;

    while ((c = getopt(argc, argv, "+t:k:s:m:o:")) != -1) {
        if (c == 't')
            r.limit = atof(optarg);
        else if (c == 'k')
            r.marker = optarg;
        else if (c == 's')
            r.text = optarg;
        else if (c == 'm')
            r.guest_kib = strtoul(optarg, NULL, 10) << 10;
        else if (c == 'o')
            name = optarg;
        else
            usage();
    }
    if (!name || optind >= argc || (!r.marker && (r.text || r.guest_kib)))
        usage();
    r.out = fopen(name, "w");
    if (!r.out) {
        fprintf(stderr, "benchrun: cannot write '%s': %s\n", name, strerror(errno));
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    if (!start(&r, argv + optind)) {
        fprintf(stderr, "benchrun: cannot start a process: %s\n", strerror(errno));
        return 2;
    }
    in_time = follow(&r);
    if (r.len)
        end_line(&r);
    wall = now() - r.start;
    if (!in_time)
        kill(r.pid, SIGTERM);
    status = finish(&r, &used);
    fprintf(r.out, "# wall=%.3f cpu=%.3f rss=%ld status=%d%s\n", wall,
            (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6,
            used.ru_maxrss, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
            in_time ? "" : " timeout");
    fclose(r.out);
    return in_time && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}
