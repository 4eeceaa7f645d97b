/* Everything printed from the option table: help, manual page, shell completion, and lists of
 * values. */
#include "frontend/opts.h"

#include "devices/core/log.h"

#include <string.h>

static const char *const section_titles[SEC__COUNT] = {
    "Machine",           "Disks",         "Booting",   "Display",
    "Character devices", "Network",       "Time and life", "Debugging", ""};

/* Every line begins with its flag: scripts look for "^-gdb" and the like to see what a program can
 * do. */
void opts_print_help(FILE *f)
{
    for (int i = 0; i < OPT__COUNT; i++) {
        const struct opt_row *r = &opt_rows[i];
        char left[256];

        if (r->section == SEC_HIDDEN)
            continue;
        snprintf(left, sizeof(left), "-%s%s%s", r->flag, r->arg ? " " : "", r->arg ? r->arg : "");
        fprintf(f, "%-32s %s\n", left, r->help);
    }
}

/* Text with the characters that roff would take as its own made plain. */
static void roff_text(FILE *f, const char *s)
{
    for (; *s; s++) {
        if (*s == '-')
            fputs("\\-", f);
        else if (*s == '\\')
            fputs("\\e", f);
        else
            fputc(*s, f);
    }
}

void opts_print_man(FILE *f)
{
    fputs(".\\\" Generated from frontend/opts.def by dragoman --print-man.\n", f);
    fprintf(f, ".TH DRAGOMAN 1 \"\" \"dragoman %s\" \"User Commands\"\n", DRAGOMAN_VERSION);
    fputs(
        ".SH NAME\ndragoman \\- run a PC in software\n"
        ".SH SYNOPSIS\n.B dragoman\n[options] [\\fIdisk.img\\fR|\\fIcd.iso\\fR|\\fIfloppy.img\\fR|"
        "\\fIkernel\\fR|\\fBdemo\\fR]\n"
        ".SH DESCRIPTION\nDragoman emulates a PC with an i440FX chipset by translating the guest's "
        "x86 code to code of "
        "the host. It needs no hardware virtualization. Options are those of QEMU, with one dash "
        "or two, and a value "
        "behind a space or an equals sign; an option that is not known is an error.\n",
        f);
    for (int s = 0; s < SEC_HIDDEN; s++) {
        fprintf(f, ".SH %s\n", section_titles[s]);
        for (int i = 0; i < OPT__COUNT; i++) {
            const struct opt_row *r = &opt_rows[i];

            if (r->section != (enum opt_section)s)
                continue;
            fputs(".TP\n.B \\-", f);
            roff_text(f, r->flag);
            if (r->arg) {
                fputs(" \\fI", f);
                roff_text(f, r->arg);
                fputs("\\fR", f);
            }
            fputc('\n', f);
            roff_text(f, r->help);
            fputs(".\n", f);
        }
    }
    fputs(".SH KEYS\nWith \\fB\\-nographic\\fR or \\fBmon:stdio\\fR: Ctrl\\-A h prints help, "
          "Ctrl\\-A x quits, Ctrl\\-A c "
          "switches between serial port and monitor, Ctrl\\-A b sends a break, Ctrl\\-A Ctrl\\-A "
          "sends Ctrl\\-A. In a "
          "window: Ctrl+Alt+G takes and frees mouse and keyboard, Ctrl+Alt+F is full screen.\n"
          ".SH EXIT STATUS\n0 when the guest powers off or the user quits; 1 when the machine "
          "cannot be set up or the "
          "guest's processor shuts down under \\fB\\-no\\-reboot\\fR; (v<<1)|1 when the guest "
          "writes v to the exit "
          "device.\n",
          f);
}

static void words(FILE *f, const char *before)
{
    for (int i = 0; i < OPT__COUNT; i++) {
        if (opt_rows[i].section != SEC_HIDDEN)
            fprintf(f, "%s-%s", before, opt_rows[i].flag);
    }
}

bool opts_print_completion(FILE *f, const char *shell)
{
    if (!strcmp(shell, "fish")) {
        for (int i = 0; i < OPT__COUNT; i++) {
            const struct opt_row *r = &opt_rows[i];
            if (r->section != SEC_HIDDEN)
                fprintf(f, "complete -c dragoman -o %s%s -d \"%s\"\n", r->flag, r->arg ? " -r" : "",
                        r->help);
        }
        return true;
    }
    if (!strcmp(shell, "zsh"))
        fputs("#compdef dragoman\nautoload -U bashcompinit && bashcompinit\n", f);
    fputs("_dragoman()\n{\n    local cur=${COMP_WORDS[COMP_CWORD]}\n    if [[ $cur == -* ]]; then\n"
          "        COMPREPLY=($(compgen -W \"",
          f);
    words(f, " ");
    fputs("\" -- \"$cur\"))\n    else\n        COMPREPLY=($(compgen -f -W demo -- \"$cur\"))\n    "
          "fi\n}\n"
          "complete -o filenames -F _dragoman dragoman\n",
          f);
    return true;
}

static void print_props(FILE *f, const struct prop *p)
{
    for (; p && p->type != PT_END; p++)
        fprintf(f, "%-20s %s\n", p->name, p->help ? p->help : "");
}

bool opts_print_list(FILE *f, const char *what)
{
    if (!strcmp(what, "machine")) {
        fputs("pc                   PC with i440FX and PIIX3 (default)\n"
              "pc-i440fx            the same; a version behind it is accepted\n"
              "none                 no machine, only monitors: for programs that ask what there is\n",
              f);
    } else if (!strcmp(what, "accel")) {
        fputs("tcg                  translation of guest code, the only one\n", f);
    } else if (!strcmp(what, "audiodev")) {
        fputs("sdl                  the host's loudspeakers: out.frequency=n\n"
              "wav                  a file: path=file, out.frequency=n\n"
              "none                 nowhere; 'wavcapture' can listen in\n",
              f);
    } else if (!strcmp(what, "device")) {
        fputs("isa-debug-exit       exits with status (v<<1)|1: iobase=0x501\n"
              "isa-debugcon         port 0xe9: chardev=id\n"
              "isa-serial           serial port: chardev=id, index=n\n"
              "ide-hd               disk: drive=id, bus=ide.n, unit=n\n"
              "ide-cd               CD drive: drive=id, bus=ide.n, unit=n\n"
              "floppy               floppy drive: drive=id, unit=n\n"
              "VGA                  display adapter\n",
              f);
        for (const struct plug_class *c = pc_addon_classes; c->driver; c++)
            fprintf(f, "%-20s %s\n", c->driver, c->cls->help);
    } else if (!strcmp(what, "netdev")) {
        opts_print_netdevs(f);
    } else if (pc_addon_class(what)) {
        print_props(f, pc_addon_class(what)->cls->props);
    } else if (!strcmp(what, "d")) {
#define LOG(id, name, help) fprintf(f, "%-20s %s\n", name, help);
#include "devices/core/log.def"
#undef LOG
        fprintf(f, "%-20s %s\n", "all", "everything above");
    } else {
        return false;
    }
    return true;
}
