/* -daemonize: the program goes on in the background, and whoever started it waits only until it is
 * ready. */
#ifndef FRONTEND_DAEMON_H
#define FRONTEND_DAEMON_H

#include "devices/core/err.h"

/* Go on in a process of its own; call it before there are threads. The one that was called ends by
 * itself: with 0 when daemon_ready is called, else with 1. False with *err when there can be none.
 */
bool daemon_start(int *ready, struct err *err);
/* Everything is open: let go of the terminal and of who waits. */
void daemon_ready(int ready);

#endif
