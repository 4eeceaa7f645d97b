/* Where the picture, the serial port and the monitor go when the command line does not say, by what
 * the host has: a window, else this terminal, else nothing to look at. */
#include "frontend/vm.h"

#include "frontend/curses/curses.h"
#include "frontend/sdl/sdl.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool have_window_system(void)
{
    const char *x = getenv("DISPLAY"), *w = getenv("WAYLAND_DISPLAY"),
               *d = getenv("SDL_VIDEODRIVER");

    return (x && *x) || (w && *w) || (d && *d);
}

static bool uses_stdio(const struct options *opt)
{
    for (unsigned i = 0; i < opt->nserial; i++) {
        if (strstr(opt->serial[i], "stdio"))
            return true;
    }
    for (unsigned i = 0; i < opt->nmonitors; i++) {
        if (!strcmp(opt->monitor[i], "stdio"))
            return true;
    }
    for (unsigned i = 0; i < opt->nqmp; i++) {
        if (!strcmp(opt->qmp[i].dev, "stdio"))
            return true;
    }
    return !strcmp(opt->debugcon, "stdio");
}

static void default_serial(struct options *opt, const char *spec)
{
    if (!opt->nserial && !opt->nodefaults)
        memcpy(opt->serial[opt->nserial++], spec, strlen(spec) + 1);
}

/* -display said so: refuse what cannot be. */
static bool check_asked(const struct options *opt, bool terminal, struct err *err)
{
    if (opt->show == SHOW_SDL) {
#ifndef CONFIG_SDL
        return err_set(err, "This build has no SDL window; install libsdl2-dev and configure "
                            "again, or use -nographic.");
#endif
        if (!have_window_system())
            return err_set(
                err, "There is no display for -display sdl (DISPLAY is not set); use -nographic or "
                     "-display none.");
    }
    if (opt->show == SHOW_CURSES) {
#ifndef CONFIG_CURSES
        return err_set(err, "This build has no curses screen; install libncurses-dev and configure "
                            "again, or use -nographic.");
#endif
        if (!terminal)
            return err_set(
                err, "-display curses needs a terminal; standard input or output is none.");
        if (uses_stdio(opt))
            return err_set(err, "-display curses needs the terminal for itself: take stdio from "
                                "-serial, -monitor and -debugcon.");
    }
    return true;
}

/* A kernel that is told to talk on the serial port shows nothing on the screen. */
static bool talks_on_serial(const struct options *opt)
{
    return opt->kernel[0] && strstr(opt->append, "console=ttyS");
}

/* No window can be opened: the text screen in the terminal if that is free, else no picture. What
 * came instead is told. */
static void without_window(struct options *opt, bool terminal)
{
    bool serial_here = !opt->nodefaults && !opt->nserial && !uses_stdio(opt);

    opt->show = SHOW_NOGRAPHIC;
    if (opt->vga == PC_VGA_NONE)
        return;
    if (terminal && !opt->daemonize && !uses_stdio(opt) && !talks_on_serial(opt) && curses_usable()) {
        opt->show = SHOW_CURSES;
        opt->notice = "there is no display, so the text screen is in this terminal (Ctrl-] q "
                      "quits; with -nographic it is the serial port)";
    } else if (serial_here && terminal) {
        opt->notice = "there is no display, so the serial port is here (Ctrl-A x quits, Ctrl-A c "
                      "is the monitor, Ctrl-A h helps)";
    } else if (serial_here) {
        opt->notice = "there is neither display nor terminal, so the machine runs without a "
                      "picture (-vnc :0 shows it) and its serial port is here";
    } else {
        opt->notice = "there is no display, so the machine runs without a picture (-vnc :0 "
                      "shows it)";
    }
}

bool vm_choose_display(struct options *opt, struct err *err)
{
    bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);

    if (!check_asked(opt, terminal, err))
        return false;
    if (opt->no_machine && opt->show == SHOW_DEFAULT)
        opt->show = SHOW_NONE;
    if (opt->show == SHOW_DEFAULT && opt->vnc.on) {
        opt->show = SHOW_NONE;
        if (terminal && !uses_stdio(opt) && !opt->nmonitors && !opt->nodefaults)
            memcpy(opt->monitor[opt->nmonitors++], "stdio", 6);
    }
    if (opt->show == SHOW_DEFAULT && opt->vga != PC_VGA_NONE && have_window_system() &&
        sdl_usable())
        opt->show = SHOW_SDL;
    if (opt->show == SHOW_DEFAULT && opt->demo && !terminal) {
        opt->show = SHOW_NONE;
        default_serial(opt, "stdio");
    }
    if (opt->show == SHOW_DEFAULT)
        without_window(opt, terminal);
    if (opt->show == SHOW_NOGRAPHIC) {
        bool taken = uses_stdio(opt);

        if (!opt->nserial && !taken) {
            default_serial(opt, opt->nmonitors ? "stdio" : "mon:stdio");
        } else if (!opt->nmonitors && !opt->nodefaults && !taken) {
            memcpy(opt->monitor[opt->nmonitors++], "stdio", 6);
        }
    }
    default_serial(opt, "null");
    if (opt->daemonize && (uses_stdio(opt) || opt->show == SHOW_CURSES))
        return err_set(err, "-daemonize leaves the terminal: nothing can be at stdio; with "
                            "-nographic add -nodefaults, or use -display none.");
    return opts_check_chardevs(opt, err) && opts_check_audiodevs(opt, err);
}
