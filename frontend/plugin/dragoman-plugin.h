/* What a plug-in of Dragoman is: a shared object that exports one `struct dragoman_plugin` named
 * dragoman_plugin. It is told what the guest does; it cannot change it. Plain C11, no other header
 * of Dragoman's is needed.
 *
 *     cc -shared -fPIC -o mix.so mix.c
 *     dragoman -plugin ./mix.so,file=mix.txt disk.img */
#ifndef DRAGOMAN_PLUGIN_H
#define DRAGOMAN_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised whenever something here changes its meaning or its place. */
enum { DRAGOMAN_PLUGIN_VERSION = 1 };

/* A stretch of code that runs from its first instruction to its first jump, unless something comes
 * between. Addresses are linear. An instruction that the translator does not take is a block of its
 * own. */
struct dragoman_block {
    uint64_t number; /* 0, 1, 2 ... in the order of translation */
    uint64_t address;
    uint32_t size, instructions;
};

struct dragoman_instruction {
    uint64_t address;
    uint32_t size;
    uint32_t operation; /* the same number for the same name, below 4096 */
    const char *name;   /* "mov"; stays */
};

struct dragoman_io {
    const char *space;  /* "io" for ports, "memory" */
    const char *device; /* the name of the region of registers */
    uint64_t address, value;
    uint32_t size; /* 1, 2, 4 or 8 */
    int write;
};

enum dragoman_interrupt {
    DRAGOMAN_INTERRUPT, /* from a device */
    DRAGOMAN_EXCEPTION,
    DRAGOMAN_SOFTWARE, /* INT n */
};

/* What a plug-in may ask; valid until its `stop` has returned. */
struct dragoman_host {
    /* How many instructions the guest has run. */
    uint64_t (*instructions)(const struct dragoman_host *host);
    /* Copy n bytes of guest memory at a linear address, without any effect on the guest; returns
     * how many there were before an address that is not mapped or not memory. */
    size_t (*read)(const struct dragoman_host *host, uint64_t address, void *to, size_t n);
};

/* What a plug-in wants to hear of: functions that are NULL are not called. All are called on one
 * thread, with `state` as first argument. Guests run faster when block_executed, instruction and
 * memory are all NULL: then they run as translated code. */
struct dragoman_hooks {
    void *state;
    void (*block_translated)(void *state, const struct dragoman_block *block);
    void (*block_executed)(void *state, const struct dragoman_block *block);
    /* Before each instruction. A repeated string instruction comes once for each page of its
     * strings at least. */
    void (*instruction)(void *state, const struct dragoman_instruction *instruction);
    /* Operands and stack frames, n bytes at a linear address; a repeated string instruction makes
     * one access of many elements. What the processor reads for itself (page tables, descriptors,
     * code) is not told. */
    void (*memory)(void *state, uint64_t address, uint32_t n, int write);
    /* A register of a device is read (behind it) or written (before it). */
    void (*io)(void *state, const struct dragoman_io *io);
    /* `address`: what is interrupted. */
    void (*interrupt)(void *state, unsigned vector, enum dragoman_interrupt kind, uint64_t address);
    /* The machine ends; the last call. */
    void (*stop)(void *state);
};

struct dragoman_plugin {
    uint32_t version; /* DRAGOMAN_PLUGIN_VERSION */
    const char *name;
    /* Fill in *hooks, which is all zero. `args` are the "key=value" of the command line, ended by
     * NULL. Returns NULL, or a sentence that says why not. */
    const char *(*start)(const struct dragoman_host *host, const char *const *args,
                         struct dragoman_hooks *hooks);
};

#ifdef __cplusplus
}
#endif

#endif
