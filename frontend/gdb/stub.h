/* The gdb stub: what each packet of gdb's remote serial protocol does to a CPU (manual of gdb,
 * appendix E). It knows the machine around the CPU by struct gdb_host only. */
#ifndef FRONTEND_GDB_STUB_H
#define FRONTEND_GDB_STUB_H

#include "cpu/sys/stop.h"
#include "devices/core/err.h"
#include "frontend/gdb/packet.h"
#include "frontend/gdb/regs.h"

typedef void gdb_text_fn(void *arg, const char *text, size_t n);

/* The machine. All are called between instructions. */
struct gdb_host {
    void *arg;
    void (*send)(void *arg, const u8 *data, size_t n);
    bool (*running)(void *arg);
    void (*resume)(void *arg);
    /* Stop, and call gdb_stopped() if it ran. */
    void (*halt)(void *arg);
    /* One instruction (of a string instruction all of it); `irqs`, `timers`: interrupts are
     * delivered, time goes on. gdb_stopped() is called when it is done, perhaps at once. */
    void (*step)(void *arg, bool irqs, bool timers);
    /* A line for the human monitor; what it prints goes to out. */
    void (*command)(void *arg, const char *line, gdb_text_fn *out, void *out_arg);
    void (*kill)(void *arg);
    /* Go back one instruction, or to the stop point met last; then gdb_stopped(). NULL: nothing was
     * recorded to go back in. False with a sentence: not possible now. */
    bool (*reverse)(void *arg, bool step, struct err *err);
    /* Did the machine stop because what is recorded is over: "begin", "end"; else NULL. */
    const char *(*log_end)(void *arg);
    /* The client is about to write memory or registers; false: not now. NULL: always. */
    bool (*change)(void *arg);
    /* Call gdb_step_on() soon, when it was looked whether the client or somebody else wants something.
     * NULL: a range is one step. */
    void (*later)(void *arg);
};

/* Bits of Qqemu.sstep: what a single step is. */
enum { GDB_STEP_ENABLE = 1, GDB_STEP_NOIRQ = 2, GDB_STEP_NOTIMER = 4 };

struct gdb {
    struct gdb_host host;
    struct cpu *cpu;
    bool wide, linear_pc; /* of the next connection */
    bool attached;
    bool waiting;          /* the client waits for a stop */
    bool physical;         /* memory packets have physical addresses */
    bool swbreak, hwbreak; /* the client knows these reasons */
    bool refused;          /* a change, since the machine is in its past */
    bool no_ack_next;      /* once the present packet is answered */
    unsigned sstep;
    /* vCont;r: steps go on as long as the program counter is in [range[0], range[1]) */
    bool ranging, in_step, stepped; /* in_step: within host.step; stepped: and the step is done */
    u64 range[2];
    int signal; /* of the last stop */
    struct gdb_regs regs;
    struct gdb_reader in;
    struct gdb_out out;
    size_t last; /* bytes of out.frame that were sent last, for when they have to be sent again */
    char *target_xml;
};

enum { GDB_SIGINT = 2, GDB_SIGTRAP = 5 };

/* `cpu` and what `host` names must stay. `wide`: the 64-bit register layout. */
void gdb_init(struct gdb *g, struct cpu *cpu, const struct gdb_host *host, bool wide,
              bool linear_pc);
void gdb_free(struct gdb *g);
/* A client came: the machine stops. It went: its stop points go, the machine stays as it is. */
void gdb_attach(struct gdb *g);
void gdb_detach(struct gdb *g);
/* Bytes of the client. */
void gdb_input(struct gdb *g, const u8 *data, size_t n);
/* The machine has stopped: by a stop point or a step (`debug`), or by somebody else. */
void gdb_stopped(struct gdb *g, bool debug);
/* What host.later was asked for. */
void gdb_step_on(struct gdb *g);
/* The machine ends with this status. */
void gdb_exited(struct gdb *g, int status);

/* ---- between the parts of the stub ---- */
/* Each gets the packet behind its name and writes the answer into g->out. */
void gdb_query(struct gdb *g, char *data, size_t n); /* q..., Q... */
void gdb_ok(struct gdb *g);
void gdb_error(struct gdb *g, unsigned number);
/* Send g->out now, before the answer: 'O' packets. */
void gdb_send(struct gdb *g);
/* Text for the client's console. */
void gdb_console(void *g, const char *text, size_t n);
/* Guest memory as the client addresses it: how many of n bytes there are. */
size_t gdb_peek(struct gdb *g, u64 addr, void *buf, size_t n);
/* All of them or none. */
bool gdb_poke(struct gdb *g, u64 addr, const void *buf, size_t n);
u64 gdb_address(const struct gdb *g, u64 addr);
/* Errors as the protocol has them: numbers of errno. */
enum { GDB_EFAULT = 14, GDB_EINVAL = 22 };

#endif
