/* What runs guest code, and who looks inside while it runs: plug-ins, the trace, perf. */
#include "cpu/jit/jit.h"
#include "frontend/vm.h"

#include <stdio.h>

static void end_traced(void *arg)
{
    struct vm *vm = arg;

    vm_quit(vm, 0);
    cpu_kick(vm_cpu(vm));
}

static const char
    needs_blocks[] = "A trace, and plug-ins that look at blocks, need -engine jit or eval.",
    needs_jit[] = "-perfmap and -jit-gdb are for code that runs translated: they need -engine jit, and "
                  "no trace or plug-in that looks at instructions.";

/* Names of translated code are asked for. */
static bool names(const struct options *opt)
{
    return opt->perfmap || opt->jit_gdb;
}

bool vm_open_inside(struct vm *vm, struct err *err)
{
    const struct options *opt = vm->opt;
    struct inside_end end = {end_traced, vm};

    /* What is known now is refused before a file is made. */
    if (opt->trace.path[0] && opt->engine == ENGINE_EXEC)
        return err_set(err, "%s", needs_blocks);
    if (names(opt) &&
        (opt->trace.path[0] || opt->engine == ENGINE_EXEC || opt->engine == ENGINE_EVAL))
        return err_set(err, "%s", needs_jit);
    if (opt->perfmap && opt->jit_map == CODEBUF_DUAL)
        return err_set(err, "perf finds no names for code that is mapped twice: -perfmap needs "
                            "-jit-map single.");
    return inside_open(&vm->inside, vm->opt, vm_cpu(vm), &vm->log, &end, err);
}

/* Engines other than the interpreter need a translator behind the CPU. A host that cannot have one
 * runs the guest all the same, in the interpreter. */
bool vm_start_engine(struct vm *vm, struct err *err)
{
    struct jit_config cfg = {.counted = vm_counted(vm),
                             .tally = vm->opt->jit_count,
                             .passes = ~0u,
                             .map = vm->opt->jit_map,
                             .ran = reverse_wanted(vm->opt),
                             .no_chain = vm->opt->log_mask & BIT(LOGA_NOCHAIN),
                             .seen = inside_steps(&vm->inside)};
#ifdef CONFIG_JIT
    const bool generates = true;
#else
    const bool generates = false;
#endif
    struct err why;

    vm->engine = (enum cpu_engine)vm->opt->engine;
    if (vm->opt->engine == OPT_ENGINE_DEFAULT)
        vm->engine = generates ? ENGINE_JIT : ENGINE_EXEC;
    /* perf takes names from a map only for code in memory without a file behind it. */
    if (vm->opt->perfmap && cfg.map == CODEBUF_AUTO)
        cfg.map = CODEBUF_SINGLE;
    if (inside_blocks(&vm->inside) && !generates && vm->opt->engine != ENGINE_EXEC)
        vm->engine = ENGINE_EVAL; /* the interpreter has no blocks */
    if (names(vm->opt) && (vm->engine == ENGINE_EVAL || inside_steps(&vm->inside)))
        return err_set(err, "%s", needs_jit);
    if (vm->opt->jit_off[0] && !jit_parse_off(vm->opt->jit_off, &cfg.off, err))
        return false;
    if (vm->opt->no_tr[0] && !tr_parse_off(vm->opt->no_tr, &cfg.tr, err))
        return false;
    if (vm->engine == ENGINE_JIT && !generates) {
        fprintf(stderr, "dragoman: there is no code generator for this host in this build; guests "
                        "run in the interpreter\n");
        vm->engine = ENGINE_EXEC;
    }
    if (vm->engine != ENGINE_EXEC && jit_new(vm_cpu(vm), &cfg, &why))
        return true;
    if (names(vm->opt))
        return err_set(err, "%s", needs_jit);
    if (inside_blocks(&vm->inside))
        return err_set(err, "%s", needs_blocks);
    if (vm->engine == ENGINE_EXEC)
        return true;
    fprintf(stderr, "dragoman: %s\n", why.msg);
    vm->engine = ENGINE_EXEC;
    return true;
}
