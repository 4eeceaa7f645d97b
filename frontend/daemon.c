/* -daemonize: a child in a session of its own, and a pipe that tells its parent that it is ready.
 */
#define _GNU_SOURCE
#include "frontend/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool daemon_start(int *ready, struct err *err)
{
    int ends[2];
    char c;
    ssize_t n;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC))
        return err_set(err, "Cannot go into the background: %s.", strerror(errno));
    pid = fork();
    if (pid < 0) {
        err_set(err, "Cannot go into the background: %s.", strerror(errno));
        close(ends[0]);
        close(ends[1]);
        return false;
    }
    if (pid) {
        close(ends[1]);
        do {
            n = read(ends[0], &c, 1);
        } while (n < 0 && errno == EINTR);
        _exit(n == 1 ? 0 : 1); /* the child has said why */
    }
    close(ends[0]);
    setsid();
    *ready = ends[1];
    return true;
}

void daemon_ready(int ready)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    ssize_t n;

    for (int fd = 0; null >= 0 && fd <= 2; fd++)
        dup2(null, fd);
    if (null > 2)
        close(null);
    do {
        n = write(ready, "", 1);
    } while (n < 0 && errno == EINTR);
    close(ready);
}
