/* The law of snapshots: a run in counted time that is saved at random instructions, and each time
 * continued by another process from the file, gives the hashes and the final state of the run that
 * nothing interrupted.
 *
 * snapchain [-n legs] [-s seed] [-e end] [-h every] [-d folder] -- options of the program */
#define _GNU_SOURCE
#include "frontend/opts.h"
#include "frontend/state/vmstate.h"
#include "frontend/vm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static u64 seed = 1;

static u64 rnd(void)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return seed >> 16;
}

struct chain {
    u64 end, every;
    unsigned legs;
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

static bool parse(struct chain *c, struct options *opt, struct err *err)
{
    return opts_parse(opt, c->argc, c->argv, err) && opts_guess(opt, err) &&
           opts_place_drives(opt, err) && opts_finish_net(opt, err);
}

/* A machine from `from` (NULL: from power-on) to instruction `to`, saved there. */
static int leg(struct chain *c, const char *from, u64 to, const char *out, const char *hash)
{
    struct options *opt = calloc(1, sizeof(*opt));
    struct vm *vm = calloc(1, sizeof(*vm));
    struct err err = {""};
    char again[4200];

    if (!parse(c, opt, &err))
        return sorry("options", &err);
    snprintf(opt->state_hash, sizeof(opt->state_hash), "%llu,%s", (unsigned long long)c->every,
             hash);
    if (!vm_create(vm, opt, &err))
        return sorry("machine", &err);
    if (from && !vm_state_load_file(vm, from, &err))
        return sorry("loading", &err);
    /* What is loaded is what was saved, to the byte. */
    if (from) {
        snprintf(again, sizeof(again), "%s/again", c->dir);
        if (!vm_state_save_file(vm, again, &err))
            return sorry("saving again", &err);
        if (!same_files(from, again))
            return fprintf(stderr, "snapchain: %s differs when it is saved again\n", from), 1;
        unlink(again);
    }
    if (!vm_run_to(vm, to))
        return fprintf(stderr, "snapchain: the machine ended before instruction %llu\n",
                       (unsigned long long)to),
               1;
    if (!vm_state_save_file(vm, out, &err))
        return sorry("saving", &err);
    vm_destroy(vm);
    return 0;
}

static int child(struct chain *c, const char *from, u64 to, const char *out, const char *hash)
{
    int status;
    pid_t pid;

    fflush(NULL); /* or the child writes it again */
    pid = fork();

    if (!pid)
        exit(leg(c, from, to, out, hash));
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

static int run(struct chain *c)
{
    char whole[4200], end[4200], hash[4200], sum[4200], snap[2][4200];
    u64 at = 0;
    FILE *all;

    snprintf(whole, sizeof(whole), "%s/whole.hash", c->dir);
    snprintf(end, sizeof(end), "%s/whole.snap", c->dir);
    snprintf(sum, sizeof(sum), "%s/chain.hash", c->dir);
    snprintf(hash, sizeof(hash), "%s/leg.hash", c->dir);
    snprintf(snap[0], sizeof(snap[0]), "%s/a.snap", c->dir);
    snprintf(snap[1], sizeof(snap[1]), "%s/b.snap", c->dir);
    if (child(c, NULL, c->end, end, whole) || !(all = fopen(sum, "w")))
        return 1;
    for (unsigned i = 0; i <= c->legs; i++) {
        u64 left = c->legs - i, mean = left ? (c->end - at) / (left + 1) : 0;
        u64 to = left && mean > 1 ? at + 1 + rnd() % (2 * mean - 1)
                 : i == c->legs   ? c->end
                                  : at + 1;

        to = MIN(to, c->end - left);
        if (child(c, i ? snap[i & 1] : NULL, to, snap[~i & 1], hash))
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
    printf("snapchain: %u snapshots, %llu instructions: equal to the run without\n", c->legs,
           (unsigned long long)c->end);
    return 0;
}

int main(int argc, char **argv)
{
    struct chain c = {.end = 100000000, .every = 100000, .legs = 20, .dir = "."};
    int o;

    while ((o = getopt(argc, argv, "n:s:e:h:d:")) != -1)
        switch (o) {
        case 'n': c.legs = (unsigned)strtoul(optarg, NULL, 0); break;
        case 's': seed = strtoull(optarg, NULL, 0); break;
        case 'e': c.end = strtoull(optarg, NULL, 0); break;
        case 'h': c.every = strtoull(optarg, NULL, 0); break;
        case 'd': c.dir = optarg; break;
        default: return 2;
        }
    c.argc = argc - optind + 1;
    c.argv = argv + optind - 1;
    c.argv[0] = (char *)"dragoman";
    return run(&c);
}
