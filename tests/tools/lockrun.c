/* Runs random programs in two engines side by side: lockrun [-e eval|jit] [-n PROGRAMS] [-s SEED]
 * [-1] [-k KINDS] [-m MODEL]
 * [-S] [-U] [-P] [-f FAILURES]. -1: only the program of this seed; -S: simple ones; -U: mostly x87,
 * MMX and SSE; -P: those that patch themselves in a loop. */
#include "tests/lock/lockstep.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static u64 running; /* for the signal handler */

static void crashed(int sig)
{
    char text[64];
    int n = snprintf(text, sizeof(text), "signal %d in seed 0x%llx\n", sig,
                     (unsigned long long)running);
    if (n > 0 && write(2, text, (size_t)n) < 0)
        _exit(3);
    signal(sig, SIG_DFL);
    raise(sig);
}

int main(int argc, char **argv)
{
    static struct lock_prog prog;
    struct lock_options options = {0};
    enum cpu_engine engine = ENGINE_JIT;
    const char *model = "pentium3";
    u64 seed = (u64)time(NULL) * 0x9e3779b97f4a7c15ull, n = 1000, insns = 0, bad = 0, most = 5;
    bool one = false;
    struct lock_machine *a, *b;
    for (int c; (c = getopt(argc, argv, "e:n:s:1k:m:SUPf:")) != -1;)
        switch (c) {
        case 'e': engine = !strcmp(optarg, "eval") ? ENGINE_EVAL : ENGINE_JIT; break;
        case 'n': n = strtoull(optarg, NULL, 0); break;
        case 's': seed = strtoull(optarg, NULL, 0); break;
        case '1': one = true; break;
        case 'k': options.kinds = (u32)strtoul(optarg, NULL, 0); break;
        case 'm': model = optarg; break;
        case 'S': options.simple = true; break;
        case 'P': options.patching = true; break;
        case 'U': options.units = true; break;
        case 'f': most = strtoull(optarg, NULL, 0); break;
        default: return 2;
        }
    a = lock_machine_new(model, ENGINE_EXEC);
    b = lock_machine_new(model, engine);
    if (!a || !b)
        return 2;
    signal(SIGSEGV, crashed);
    signal(SIGABRT, crashed);
    signal(SIGALRM, crashed);
    signal(SIGILL, crashed);
    printf("seed 0x%llx, %s, %s\n", (unsigned long long)seed,
           engine == ENGINE_EVAL ? "eval" : "jit", model);
    fflush(stdout);
    for (u64 i = 0; i < (one ? 1 : n) && bad < most; i++) {
        u64 s = one ? seed : seed + i;
        if (one || !(s & 31))
            lock_vary(b, s & ~(u64)31);
        running = s;
        alarm(10);
        bad += !lock_check(&prog, s, &options, a, b, &insns, stdout);
        fflush(stdout);
    }
    alarm(0);
    printf("%llu programs, %llu instructions, %llu differ\n", (unsigned long long)(one ? 1 : n),
           (unsigned long long)insns, (unsigned long long)bad);
    if (b->cpu->jit) {
        const struct jit_stats *st = jit_stats(b->cpu);
        printf("blocks %llu, links %llu, unlinks %llu, flushes %llu, invalidated %llu, "
               "revived %llu, soft %llu, exec %llu, bail %llu, entry %llu\n",
               (unsigned long long)st->blocks, (unsigned long long)st->links,
               (unsigned long long)st->unlinks, (unsigned long long)st->flushes,
               (unsigned long long)st->invalidated, (unsigned long long)st->revived,
               (unsigned long long)st->softened, (unsigned long long)st->exits_exec,
               (unsigned long long)st->exits_bail, (unsigned long long)st->exits_entry);
    }
    lock_machine_free(a);
    lock_machine_free(b);
    return bad != 0;
}
