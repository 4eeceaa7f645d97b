/* Raw mode of the controlling terminal and its restoration. */
#include "frontend/term/tty.h"

#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

/* The terminal belongs to the process, not to a machine, and a signal handler takes no argument:
 * this is the one place where state cannot hang off struct vm. */
static struct {
    struct termios old;
    int fd;
    volatile sig_atomic_t raw;
    bool registered;
} tty;

void tty_restore(void)
{
    if (!tty.raw)
        return;
    tty.raw = 0;
    tcsetattr(tty.fd, TCSANOW, &tty.old);
}

static void on_fatal(int sig)
{
    tty_restore();
    raise(sig); /* SA_RESETHAND: now it takes its default course */
}

void tty_raw(int fd, bool signals)
{
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    struct sigaction sa = {.sa_handler = on_fatal, .sa_flags = (int)SA_RESETHAND | SA_NODEFER};
    struct termios t;

    if (!isatty(fd) || tcgetattr(fd, &t))
        return;
    if (!tty.raw) {
        tty.old = t;
        tty.fd = fd;
    }
    t.c_iflag &= (tcflag_t) ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    t.c_oflag |= OPOST;
    t.c_lflag &= (tcflag_t) ~(ECHO | ECHONL | ICANON | IEXTEN);
    if (!signals)
        t.c_lflag &= (tcflag_t)~ISIG;
    t.c_cflag &= (tcflag_t) ~(CSIZE | PARENB);
    t.c_cflag |= CS8;
    t.c_cc[VMIN] = 1;
    t.c_cc[VTIME] = 0;
    if (!tty.registered) {
        tty.registered = true;
        atexit(tty_restore);
        for (unsigned i = 0; i < ARRAY_LEN(fatal); i++)
            sigaction(fatal[i], &sa, NULL);
    }
    tty.raw = 1;
    tcsetattr(fd, TCSANOW, &t);
}
