#!/bin/sh
# `dragoman IMAGE` where no window can be opened: the text screen in a terminal, the serial port where the terminal cannot
# show a screen or a kernel talks on it, else a machine without a picture that says so.
. "$(dirname "$0")/lib.sh"
unset DISPLAY WAYLAND_DISPLAY SDL_VIDEODRIVER

# ended: the emulator is told to end, and does.
ended()
{
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    pid=
}

# shows FILE PATTERN SECONDS: in a file, past what moves the cursor.
shows()
{
    end=$(($(date +%s) + $3 * slow))
    until sed 's/\x1b\[[0-9;?]*[a-zA-Z]//g; s/\x1b(B//g' "$1" 2>/dev/null | tr -d '\r\000' | grep -aqE -- "$2"; do
        if ! alive; then
            cp "$1" "$W/serial"
            fail "it ended before '$2'"
        fi
        [ "$(date +%s)" -lt "$end" ] || { cp "$1" "$W/serial"; fail "no '$2'"; }
        sleep 0.2
    done
}

# Neither terminal nor display: one sentence, and the serial port on standard output. The same with a display that
# cannot be opened.
for display in '' :4711; do
    DISPLAY=$display "$DRAGOMAN" -bios "$R/boot.bin" </dev/null >"$W/out" 2>"$W/stderr" &
    pid=$!
    shows "$W/out" 'a PC in software' 20
    ended
    [ "$(grep -c . "$W/stderr")" = 1 ] || fail "not one sentence"
    grep -q 'neither display nor terminal, so the machine runs without a picture' "$W/stderr" || fail "another sentence"
done
"$DRAGOMAN" -bios "$R/boot.bin" -serial "file:$W/out2" </dev/null >"$W/out" 2>"$W/stderr" &
pid=$!
shows "$W/out2" 'a PC in software' 20
ended
grep -q 'there is no display, so the machine runs without a picture' "$W/stderr" || fail "another sentence"
# Nothing to say where nothing is to be shown, or where it was asked for.
for asked in '-vga none' -nographic '-display none'; do
    "$DRAGOMAN" -bios "$R/boot.bin" $asked -serial "file:$W/out" -monitor none </dev/null >"$W/serial" 2>"$W/stderr" &
    pid=$!
    shows "$W/out" 'a PC in software|Dragoman boot ROM' 20
    ended
    [ -s "$W/stderr" ] && fail "a sentence for $asked"
done
say "no terminal: a machine without a picture, and one sentence"

command -v script >/dev/null 2>&1 || skip "needs script (util-linux) for the rest"
# in_terminal TERM ARGUMENTS: script gives it a terminal and copies what it writes.
in_terminal()
{
    term=$1
    shift
    rm -f "$W/keys" "$W/typescript"
    mkfifo "$W/keys"
    exec 7<>"$W/keys"
    TERM=$term LC_ALL=C.UTF-8 script -qfec "stty rows 40 cols 100; exec '$DRAGOMAN' -bios '$R/boot.bin' $*" \
        "$W/typescript" <"$W/keys" >/dev/null 2>"$W/stderr" 7>&- &
    pid=$!
}

in_terminal dumb
shows "$W/typescript" 'the serial port is here \(Ctrl-A x' 20
shows "$W/typescript" 'a PC in software' 20
printf '\001x' >&7
wait "$pid" || fail "Ctrl-A x ends it with another status"
pid=
say "a terminal that shows no screens: the serial port"

if "$DRAGOMAN" -display curses -pidfile "$W/no/pid" </dev/null 2>&1 | grep -q 'no curses screen'; then
    done_testing "without curses"
fi
in_terminal xterm
shows "$W/typescript" 'keys:  P picture' 20
grep -aq "$(printf '\033\[')" "$W/typescript" || fail "the terminal got lines, not a screen"
printf 'screen' >&7
shows "$W/typescript" 'screen' 10
printf '\035q' >&7
wait "$pid" || fail "Ctrl-] q ends it with another status"
pid=
shows_after='the text screen is in this terminal'
tr -d '\r' <"$W/typescript" | grep -aq "$shows_after" || fail "it does not say where the screen is"
in_terminal xterm -serial stdio
shows "$W/typescript" 'a PC in software' 20
tr -d '\r' <"$W/typescript" | grep -aq 'there is no display, so the machine runs without a picture' || fail "no sentence"
ended
done_testing "curses in a terminal, serial port in a dumb one, no picture elsewhere"
