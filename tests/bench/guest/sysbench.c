/* Rates of system-level operations in a Linux guest; see ../README.md. Build: gcc-12 -m32 -static -O2
 * -march=i686 sysbench.c */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sys/syscall.h>
#include <time.h>
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}
#define T(name, unit, n, ...)                                                                      \
    do {                                                                                           \
        double s = now();                                                                          \
        long N = n;                                                                                \
        __VA_ARGS__;                                                                               \
        double e = now() - s;                                                                      \
        printf("R %-12s %12.1f %s\n", name, N / e, unit);                                          \
        fflush(stdout);                                                                            \
    } while (0)
typedef int (*fn)(int);
static volatile int sink;
__attribute__((noinline)) static int f0(int x)
{
    return x + 1;
}
__attribute__((noinline)) static int f1(int x)
{
    return x * 3;
}
__attribute__((noinline)) static int f2(int x)
{
    return x ^ 7;
}
__attribute__((noinline)) static int f3(int x)
{
    return x - 9;
}
__attribute__((noinline)) static int fib(int n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}
int main(int c, char **v)
{
    T("syscall", "call/s", 300000, for (long i = 0; i < N; i++) syscall(SYS_getppid));
    int a[2], b[2];
    pipe(a);
    pipe(b);
    T("ctxswitch", "rt/s", 20000, {
        pid_t p = fork();
        if (!p) {
            char ch;
            for (long i = 0; i < N; i++) {
                read(a[0], &ch, 1);
                write(b[1], &ch, 1);
            }
            _exit(0);
        }
        char ch = 0;
        for (long i = 0; i < N; i++) {
            write(a[1], &ch, 1);
            read(b[0], &ch, 1);
        }
        waitpid(p, 0, 0);
    });
    T(
        "fork", "proc/s", 1000, for (long i = 0; i < N; i++) {
            pid_t p = fork();
            if (!p)
                _exit(0);
            waitpid(p, 0, 0);
        });
    T(
        "pagefault", "fault/s", 65536, for (int r = 0; r < 16; r++) {
            char *m = mmap(0, 4096 * 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            for (int i = 0; i < 4096; i++)
                m[i * 4096] = 1;
            munmap(m, 4096 * 4096);
        });
    size_t sz = 64 << 20;
    unsigned *m = malloc(sz);
    size_t n = sz / 4;
    for (size_t i = 0; i < n; i++)
        m[i] = i;
    T("randmem", "acc/s", 20000000, {
        unsigned x = 12345, s = 0;
        for (long i = 0; i < N; i++) {
            x = x * 1664525 + 1013904223;
            s += m[x >> 8 & (n - 1)];
        }
        sink = s;
    });
    T("memcpy", "MB/s", 512,
      for (int i = 0; i < 16; i++) memcpy((char *)m, (char *)m + (32 << 20), 32 << 20););
    T("fib", "call/s", 30000000, {
        for (int i = 0; i < 11; i++)
            sink = fib(30);
    });
    fn t[4] = {f0, f1, f2, f3};
    T("indirect", "call/s", 50000000, {
        unsigned x = 1;
        int s = 0;
        for (long i = 0; i < N; i++) {
            x = x * 1664525 + 1013904223;
            s = t[x >> 30](s);
        }
        sink = s;
    });
    unsigned char *code = mmap(0, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    T(
        "smc", "patch/s", 100000, for (long i = 0; i < N; i++) {
            code[0] = 0xb8;
            memcpy(code + 1, &i, 4);
            code[5] = 0xc3;
            sink = ((fn)code)(0);
        });
    return 0;
}
