/* The program: options in, a machine built, run, and its exit status out; errors end here as one
 * sentence. */
#include "frontend/opts.h"
#include "frontend/vm.h"

#include "cpu/sys/cpuid.h"
#include "frontend/daemon.h"
#include "frontend/inside/trace.h"
#include "frontend/term/tty.h"
#include "frontend/tool/tool.h"

#include <stdlib.h>
#include <string.h>

static int fail(const struct err *err)
{
    tty_restore();
    fprintf(stderr, "dragoman: %s\n", err->msg[0] ? err->msg : "It did not work.");
    return 1;
}

/* What -cpu can name, out of the table of models. */
static void print_models(void)
{
#define MODEL(name, vendor, family, model, stepping, phys, brand, feats)                           \
    printf("%-12s %s family %d model %d\n", name, vendor, family, model);
#include "cpu/sys/models.def"
#undef MODEL
}

/* The options that print something and leave. */
static int print_and_leave(const struct options *opt)
{
    switch (opt->start) {
    case START_HELP: opts_print_help(stdout); break;
    case START_VERSION: printf("dragoman version %s\n", DRAGOMAN_VERSION); break;
    case START_MAN: opts_print_man(stdout); break;
    case START_COMPLETION: opts_print_completion(stdout, opt->list); break;
    default:
        if (!strcmp(opt->list, "cpu"))
            print_models();
        else
            opts_print_list(stdout, opt->list);
        break;
    }
    return 0;
}

/* `trace`: NULL, or what is to be traced. */
static int run(int argc, char **argv, const struct opt_trace *trace)
{
    struct options *opt = calloc(1, sizeof(*opt));
    struct vm *vm = calloc(1, sizeof(*vm));
    struct err err = {""};
    int status, ready = -1;

    if (!opt || !vm) {
        err_set(&err, "Out of memory.");
        return fail(&err);
    }
    if (!opts_parse(opt, argc, argv, &err))
        return fail(&err);
    if (opt->start != START_RUN)
        return print_and_leave(opt);
    if (trace)
        opt->trace = *trace;
    if (!opts_guess(opt, &err) || !opts_place_drives(opt, &err) || !opts_finish_net(opt, &err))
        return fail(&err);
    if (opt->daemonize && !daemon_start(&ready, &err))
        return fail(&err);
    if (!vm_create(vm, opt, &err)) {
        vm_destroy(vm);
        return fail(&err);
    }
    if (opt->daemonize)
        daemon_ready(ready);
    status = vm_run(vm);
    vm_destroy(vm);
    free(vm);
    free(opt);
    return status;
}

/* dragoman trace [...] -- MACHINE OPTIONS */
static int run_traced(int argc, char **argv)
{
    struct opt_trace trace;
    struct err err = {""};
    int n = trace_args(&trace, argc, argv, &err);

    if (n < 0) {
        trace_usage(stdout);
        return 0;
    }
    if (!n)
        return fail(&err);
    return run(argc - n, argv + n, &trace);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "trace"))
        return run_traced(argc - 1, argv + 1);
    if (argc > 1 && !strcmp(argv[1], "image"))
        return image_tool(argc - 1, argv + 1);
    return run(argc, argv, NULL);
}
