/* A machine went on from a snapshot whose memory is mapped: all of that memory is read and checked by
 * a thread meanwhile. What is damaged ends the machine with a sentence and status 1. */
#ifndef FRONTEND_STATE_VERIFY_H
#define FRONTEND_STATE_VERIFY_H

#include "frontend/state/io.h"

struct vm;

/* Takes over the file. False with *err, the file is still the caller's: the host has no thread. */
bool verify_start(struct vm *vm, struct state_file *file, struct err *err);
/* No more checking; also when there is none. The machine's memory may still lie in the file. */
void verify_end(struct vm *vm);

/* Check all memory in `io` that can be mapped. False with *err; also when *stop became true. */
bool verify_all(struct state_io *io, const bool *stop, struct err *err);

#endif
