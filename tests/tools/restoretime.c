/* How long it takes from exec() of a program to a machine that runs, and to its answer: the program
 * writes its pid file when the machine is made, loaded and about to run its first instruction; then
 * a line typed at its serial port (standard input) comes back.
 *
 * restoretime [-n times] [-p pidfile] -- program argument...
 *
 * The program must have -pidfile PIDFILE and -serial stdio. Prints, in milliseconds of wall time,
 * least and median of both, and the least processor time up to the pid file. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 1000, LIMIT_MS = 20000 };

static double now(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* Wait until the file is there and was closed. */
static int wait_file(int watch, const char *path)
{
    struct pollfd p = {watch, POLLIN, 0};
    char buf[4096];

    while (access(path, R_OK)) {
        if (poll(&p, 1, LIMIT_MS) <= 0 || read(watch, buf, sizeof(buf)) < 0)
            return 0;
    }
    return 1;
}

/* Wait until a whole answer came: a line that says 7. */
static int wait_answer(int fd)
{
    char text[65536];
    size_t n = 0;
    struct pollfd p = {fd, POLLIN, 0};

    while (n < sizeof(text) - 1 && poll(&p, 1, LIMIT_MS) > 0) {
        ssize_t got = read(fd, text + n, sizeof(text) - 1 - n);

        if (got <= 0)
            return 0;
        n += (size_t)got;
        text[n] = 0;
        if (strstr(text, "answer=7"))
            return 1;
    }
    return 0;
}

static int one(const char *pidfile, char **argv, double *runs, double *answers, double *cpu)
{
    static const char line[] = "echo answer=$((3+4))\n";
    int in[2], out[2], watch = inotify_init1(IN_CLOEXEC), ok;
    char folder[4096];
    clockid_t clock;
    double start;
    pid_t pid;

    snprintf(folder, sizeof(folder), "%s", pidfile);
    *strrchr(folder, '/') = 0;
    unlink(pidfile);
    if (watch < 0 || inotify_add_watch(watch, folder, IN_CLOSE_WRITE) < 0 || pipe2(in, O_CLOEXEC) ||
        pipe2(out, O_CLOEXEC))
        return 0;
    if (write(in[1], line, sizeof(line) - 1) < 0)
        return 0;
    start = now(CLOCK_MONOTONIC);
    pid = fork();
    if (!pid) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        execv(argv[0], argv);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    ok = pid > 0 && wait_file(watch, pidfile);
    *runs = now(CLOCK_MONOTONIC) - start;
    *cpu = ok && !clock_getcpuclockid(pid, &clock) ? now(clock) : 0;
    ok = ok && wait_answer(out[0]);
    *answers = now(CLOCK_MONOTONIC) - start;
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
    close(in[1]);
    close(out[0]);
    close(watch);
    return ok;
}

int main(int argc, char **argv)
{
    static double runs[MOST], answers[MOST], cpu[MOST];
    const char *pidfile = "./restoretime.pid";
    int n = 10, o;

    while ((o = getopt(argc, argv, "n:p:")) != -1)
        switch (o) {
        case 'n': n = atoi(optarg); break;
        case 'p': pidfile = optarg; break;
        default: return 2;
        }
    if (optind >= argc || n < 1 || n > MOST || !strchr(pidfile, '/')) {
        fprintf(stderr, "usage: restoretime [-n times] [-p folder/pidfile] -- program argument...\n");
        return 2;
    }
    for (int i = 0; i < n; i++)
        if (!one(pidfile, argv + optind, &runs[i], &answers[i], &cpu[i])) {
            fprintf(stderr, "restoretime: no answer\n");
            return 1;
        }
    qsort(runs, (size_t)n, sizeof(*runs), by_size);
    qsort(answers, (size_t)n, sizeof(*answers), by_size);
    qsort(cpu, (size_t)n, sizeof(*cpu), by_size);
    printf("running %.1f %.1f answer %.1f %.1f cpu %.1f\n", runs[0], runs[n / 2], answers[0],
           answers[n / 2], cpu[0]);
    return 0;
}
