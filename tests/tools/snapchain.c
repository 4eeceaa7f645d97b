/* The law of snapshots: a run in counted time that is saved at random instructions, and each time
 * continued by another process from the file, gives the hashes and the final state of the run that
 * nothing interrupted.
 *
 * snapchain [-n legs] [-s seed] [-e end] [-h every] [-a nth] [-x nth] [-d folder] -- options of the
 * program; -a: each nth snapshot is saved again by who loaded it, and must be the same to the byte
 * (default 1: all); -x: each nth leg runs in the interpreter, whatever -engine says; a quarter of the
 * files is mapped. Each leg is this program again, as
 * snapchain -l FROM|- TO OUT HASH PACK AGAIN ENGINE -- options */
#define _GNU_SOURCE
#include "frontend/opts.h"
#include "frontend/state/vmstate.h"
#include "frontend/vm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static u64 seed = 1;

static u64 rnd(void)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return seed >> 16;
}

struct chain {
    u64 end, every;
    unsigned legs, again, exec;
    const char *dir;
    int argc;
    char **argv;
};

static int sorry(const char *where, const struct err *err)
{
    fprintf(stderr, "snapchain: %s: %s\n", where, err->msg);
    return 1;
}

static bool same_files(const char *a, const char *b)
{
    char cmd[8400];

    snprintf(cmd, sizeof(cmd), "cmp '%.4000s' '%.4000s' >&2", a, b);
    return system(cmd) == 0;
}

static bool parse(int argc, char **argv, struct options *opt, struct err *err)
{
    return opts_parse(opt, argc, argv, err) && opts_guess(opt, err) && opts_place_drives(opt, err) &&
           opts_finish_net(opt, err);
}

/* What is loaded is what was saved, to the byte. */
static bool saved_again(struct vm *vm, const char *from, const char *out, enum sf_pack pack)
{
    struct err err = {""};
    char again[4200];
    bool ok;

    snprintf(again, sizeof(again), "%s.again", out);
    if (!vm_state_save_file(vm, again, pack, &err))
        return !sorry("saving again", &err);
    ok = same_files(from, again);
    unlink(again);
    if (!ok)
        fprintf(stderr, "snapchain: %s differs when it is saved again\n", from);
    return ok;
}

struct leg {
    const char *from; /* NULL: from power-on */
    u64 to;
    const char *out, *hash;
    enum sf_pack pack, was; /* of `out`, of `from` */
    bool again, exec;
};

/* A machine from `from` to instruction `to`, saved there. */
static int run_leg(const struct leg *l, int argc, char **argv)
{
    struct options *opt = calloc(1, sizeof(*opt));
    struct vm *vm = calloc(1, sizeof(*vm));
    struct err err = {""};

    if (!opt || !vm || !parse(argc, argv, opt, &err))
        return sorry("options", &err);
    snprintf(opt->state_hash, sizeof(opt->state_hash), "%s", l->hash);
    if (l->exec)
        opt->engine = ENGINE_EXEC;
    if (!vm_create(vm, opt, &err))
        return sorry("machine", &err);
    if (l->from &&
        !(l->was == SF_PACK_PAGES ? vm_state_map_file : vm_state_load_file)(vm, l->from, &err))
        return sorry("loading", &err);
    if (l->from && l->again && !saved_again(vm, l->from, l->out, l->was))
        return 1;
    if (!vm_run_to(vm, l->to))
        return fprintf(stderr, "snapchain: the machine ended before instruction %llu\n",
                       (unsigned long long)l->to),
               1;
    if (!vm_state_save_file(vm, l->out, l->pack, &err))
        return sorry("saving", &err);
    vm_destroy(vm);
    return 0;
}

/* The arguments that start_leg gave. */
static int leg_main(int argc, char **argv)
{
    struct leg l = {.from = strcmp(argv[2], "-") ? argv[2] : NULL,
                    .to = strtoull(argv[3], NULL, 0),
                    .out = argv[4],
                    .hash = argv[5],
                    .pack = (enum sf_pack)(argv[6][0] - '0'),
                    .was = (enum sf_pack)(argv[6][1] - '0'),
                    .again = argv[7][0] == '1',
                    .exec = argv[8][0] == '1'};

    argv[9] = (char *)"dragoman";
    return run_leg(&l, argc - 9, argv + 9);
}

/* A new process, at other addresses, for one leg. */
static int start_leg(struct chain *c, const struct leg *l)
{
    char to[32], pack[3] = {(char)('0' + l->pack), (char)('0' + l->was), 0}, hash[4300];
    const char *head[] = {"snapchain", "-l",          l->from ? l->from : "-", to, l->out, hash, pack,
                          l->again ? "1" : "0", l->exec ? "1" : "0", "--"};
    const char **argv = calloc((size_t)c->argc + 12, sizeof(*argv));
    size_t n = sizeof(head) / sizeof(head[0]);
    int status;
    pid_t pid;

    if (!argv)
        return 1;
    snprintf(to, sizeof(to), "%llu", (unsigned long long)l->to);
    snprintf(hash, sizeof(hash), "%llu,%s", (unsigned long long)c->every, l->hash);
    memcpy(argv, head, sizeof(head));
    memcpy(argv + n, c->argv, (size_t)c->argc * sizeof(*argv));
    pid = fork();
    if (!pid) {
        execv("/proc/self/exe", (char **)argv);
        _exit(127);
    }
    free(argv);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* Append file `from` to `to`, and remove it. */
static bool append(const char *from, FILE *to)
{
    FILE *f = fopen(from, "r");
    char buf[65536];
    size_t n;

    if (!f)
        return false;
    while ((n = fread(buf, 1, sizeof(buf), f)))
        fwrite(buf, 1, n, to);
    fclose(f);
    unlink(from);
    return true;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static enum sf_pack pack_of(unsigned leg)
{
    return leg % 4 == 3 ? SF_PACK_PAGES : sf_best_pack();
}

static int run(struct chain *c)
{
    char whole[4200], end[4200], hash[4200], sum[4200], snap[2][4200];
    struct leg l = {.to = c->end, .out = end, .hash = whole, .pack = pack_of(c->legs)};
    double start = now(), chain;
    u64 at = 0;
    FILE *all;

    snprintf(whole, sizeof(whole), "%s/whole.hash", c->dir);
    snprintf(end, sizeof(end), "%s/whole.snap", c->dir);
    snprintf(sum, sizeof(sum), "%s/chain.hash", c->dir);
    snprintf(hash, sizeof(hash), "%s/leg.hash", c->dir);
    snprintf(snap[0], sizeof(snap[0]), "%s/a.snap", c->dir);
    snprintf(snap[1], sizeof(snap[1]), "%s/b.snap", c->dir);
    if (start_leg(c, &l) || !(all = fopen(sum, "w")))
        return 1;
    chain = now();
    for (unsigned i = 0; i <= c->legs; i++) {
        u64 left = c->legs - i, mean = left ? (c->end - at) / (left + 1) : 0;
        u64 to = left && mean > 1 ? at + 1 + rnd() % (2 * mean - 1)
                 : i == c->legs   ? c->end
                                  : at + 1;

        to = MIN(to, c->end - left);
        l = (struct leg){.from = i ? snap[i & 1] : NULL,
                         .to = to,
                         .out = snap[~i & 1],
                         .hash = hash,
                         .pack = pack_of(i),
                         .was = pack_of(i - 1),
                         .again = c->again && i % c->again == 0,
                         .exec = c->exec && i % c->exec == c->exec - 1};
        if (start_leg(c, &l))
            return fprintf(stderr, "snapchain: leg %u from instruction %llu to %llu failed\n", i,
                           (unsigned long long)at, (unsigned long long)to),
                   1;
        append(hash, all);
        at = to;
    }
    fclose(all);
    if (!same_files(whole, sum))
        return fprintf(stderr, "snapchain: the hashes differ\n"), 1;
    if (!same_files(end, snap[~c->legs & 1]))
        return fprintf(stderr, "snapchain: the final states differ\n"), 1;
    printf("snapchain: %u snapshots, %llu instructions: equal to the run without; %.0f s, without %.0f "
           "s\n",
           c->legs, (unsigned long long)c->end, now() - chain, chain - start);
    return 0;
}

int main(int argc, char **argv)
{
    struct chain c = {.end = 100000000, .every = 100000, .legs = 20, .again = 1, .dir = "."};
    int o;

    if (argc > 9 && !strcmp(argv[1], "-l"))
        return leg_main(argc, argv);
    while ((o = getopt(argc, argv, "n:s:e:h:a:x:d:")) != -1)
        switch (o) {
        case 'n': c.legs = (unsigned)strtoul(optarg, NULL, 0); break;
        case 's': seed = strtoull(optarg, NULL, 0); break;
        case 'e': c.end = strtoull(optarg, NULL, 0); break;
        case 'h': c.every = strtoull(optarg, NULL, 0); break;
        case 'a': c.again = (unsigned)strtoul(optarg, NULL, 0); break;
        case 'x': c.exec = (unsigned)strtoul(optarg, NULL, 0); break;
        case 'd': c.dir = optarg; break;
        default: return 2;
        }
    c.argc = argc - optind;
    c.argv = argv + optind;
    return run(&c);
}
