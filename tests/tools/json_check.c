/* json_check [FILE]: is it JSON (RFC 8259)? Prints how many objects have a key "ph", as trace
 * events have, and fails when one of them lacks "pid", "tid" or, unless it is metadata, "ts". */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct in {
    const char *p;
    int depth;
    long events;
};

static void bad(const struct in *in, const char *why)
{
    fprintf(stderr, "%s before: %.60s\n", why, in->p);
    exit(1);
}

static void blanks(struct in *in)
{
    while (*in->p && strchr(" \t\r\n", *in->p))
        in->p++;
}

/* The string's text as it stands. */
static void string(struct in *in, char out[16])
{
    size_t n = 0;
    if (*in->p++ != '"')
        bad(in, "no string");
    for (; *in->p != '"'; in->p++) {
        if ((unsigned char)*in->p < 0x20)
            bad(in, "a control character");
        if (*in->p == '\\' && !strchr("\"\\/bfnrtu", *++in->p))
            bad(in, "an unknown escape");
        if (n < 15)
            out[n++] = *in->p;
    }
    out[n] = 0;
    in->p++;
}

static void number(struct in *in)
{
    in->p += *in->p == '-';
    if (!isdigit((unsigned char)*in->p) || (*in->p == '0' && isdigit((unsigned char)in->p[1])))
        bad(in, "no number");
    in->p += strspn(in->p, "0123456789");
    if (*in->p == '.' && !strspn(++in->p, "0123456789"))
        bad(in, "no digits");
    in->p += strspn(in->p, "0123456789");
}

static void value(struct in *in);

static void object(struct in *in)
{
    enum { PH = 1, PID = 2, TID = 4, TS = 8, META = 16 };
    char key[16], text[16];
    int has = 0;
    in->p++;
    blanks(in);
    while (*in->p != '}') {
        string(in, key);
        blanks(in);
        if (*in->p++ != ':')
            bad(in, "no colon");
        blanks(in);
        has |= !strcmp(key, "ph")    ? PH
               : !strcmp(key, "pid") ? PID
               : !strcmp(key, "tid") ? TID
               : !strcmp(key, "ts")  ? TS
                                     : 0;
        if (!strcmp(key, "ph")) {
            string(in, text);
            if (strcmp(text, "X") && strcmp(text, "i") && strcmp(text, "M"))
                bad(in, "an unknown kind of event");
            has |= text[0] == 'M' ? META : 0;
        } else {
            value(in);
        }
        blanks(in);
        if (*in->p == ',')
            in->p++;
        else if (*in->p != '}')
            bad(in, "no end of an object");
        blanks(in);
    }
    in->p++;
    if (has & PH) {
        in->events++;
        if ((has & (PID | TID)) != (PID | TID) || !(has & (TS | META)))
            bad(in, "an event without its members");
    }
}

static void value(struct in *in)
{
    char text[16];
    if (++in->depth > 100)
        bad(in, "too deep");
    blanks(in);
    if (*in->p == '{') {
        object(in);
    } else if (*in->p == '[') {
        in->p++;
        blanks(in);
        while (*in->p != ']') {
            value(in);
            blanks(in);
            if (*in->p == ',')
                in->p++;
            else if (*in->p != ']')
                bad(in, "no end of an array");
        }
        in->p++;
    } else if (*in->p == '"') {
        string(in, text);
    } else if (!strncmp(in->p, "true", 4) || !strncmp(in->p, "null", 4)) {
        in->p += 4;
    } else if (!strncmp(in->p, "false", 5)) {
        in->p += 5;
    } else {
        number(in);
    }
    in->depth--;
}

int main(int argc, char **argv)
{
    struct in in = {0};
    FILE *f = argc > 1 ? fopen(argv[1], "r") : stdin;
    size_t n = 0, cap = 0;
    char *buf = NULL;
    do {
        cap += 1 << 20;
        buf = realloc(buf, cap + 1);
        if (!f || !buf)
            return 1;
        n += fread(buf + n, 1, cap - n, f);
    } while (n == cap);
    buf[n] = 0;
    in.p = buf;
    value(&in);
    blanks(&in);
    if (*in.p)
        bad(&in, "something");
    printf("%ld\n", in.events);
    return 0;
}
