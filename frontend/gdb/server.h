/* The gdb stub of a machine: the stub's packets on a character device, and the machine's life as
 * the stub wants it. */
#ifndef FRONTEND_GDB_SERVER_H
#define FRONTEND_GDB_SERVER_H

#include "frontend/vm.h"

struct gdb_server;

/* Serve gdb on `dev`. NULL with *err when the device is taken. */
struct gdb_server *gdb_server_new(struct vm *vm, struct chardev *dev, struct err *err);
void gdb_server_free(struct gdb_server *s); /* NULL is fine */
/* The machine stopped: at a stop point or behind a step (`debug`), or for another reason. It ends
 * with this status. NULL: nobody cares. */
void gdb_server_stopped(struct gdb_server *s, bool debug);
/* Is a client there? */
bool gdb_server_attached(const struct gdb_server *s);
/* A line for the console of a client that waits for a stop. */
void gdb_server_say(struct gdb_server *s, const char *line);
void gdb_server_exited(struct gdb_server *s, int status);

#endif
