# Shared by the boot tests: starts the emulator, types into the guest, waits for text with a time
# bound, ends it. A test is a POSIX shell script called with the build folder; it exits 0
# (passed), 1 (failed) or 77 (skipped).
#
#   DRAGOMAN     the program to test (default: $B/dragoman)
#   TEST_SLOW    multiplies every time bound (slow machine, sanitizer build); default 1
#   TEST_KEEP    keep the logs of passed tests too

B=${1:-build}
B=$(cd "$B" && pwd)
[ -x "$B/dragoman.run" ] && DRAGOMAN=${DRAGOMAN:-$B/dragoman.run} # a cross build
DRAGOMAN=${DRAGOMAN:-$B/dragoman}
G=${GUESTS:-$B/guests}
R=$B/roms
slow=${TEST_SLOW:-1}
name=$(basename "$0" .sh)
W=$(mktemp -d "${TMPDIR:-/tmp}/$name.XXXXXX")
pid=
mon_cat=
server=
shots=0

cleanup()
{
    for p in $pid $mon_cat $server; do
        kill "$p" 2>/dev/null
    done
    if [ -n "${TEST_KEEP:-}" ]; then
        echo "logs: $W"
    else
        rm -rf "$W"
    fi
}
trap cleanup EXIT
trap 'exit 1' INT TERM

say()
{
    echo "$name: $*"
}

fail()
{
    say "FAIL: $*"
    if [ -s "$W/serial" ]; then
        echo "--- end of the serial output"
        tail -n 15 "$W/serial"
    fi
    if [ -s "$W/screen" ]; then
        echo "--- screen"
        grep -v '^ *$' "$W/screen" | head -n 25
    fi
    if [ -s "$W/stderr" ]; then
        echo "--- messages"
        tail -n 10 "$W/stderr"
    fi
    if [ -n "$pid" ] && [ -n "${TEST_SHOTS:-}" ]; then
        mon "screendump $TEST_SHOTS/$name.png"
        sleep 1
    fi
    exit 1
}

skip()
{
    say "$*"
    exit 77
}

# The files must have been fetched.
need_guest()
{
    for f; do
        [ -f "$G/$f" ] || skip "needs $f: run 'make guests'"
    done
}

# Is a SeaBIOS installed where the program looks for one? (A pid file that cannot be written ends
# it before it runs.)
have_seabios()
{
    ! "$DRAGOMAN" -bios bios-256k.bin -display none -monitor none -serial null -pidfile "$W/no/pid" </dev/null 2>&1 |
        grep -q 'bios-256k.bin'
}

# The test boots through the firmware package.
need_seabios()
{
    have_seabios || skip "needs the firmware package (Debian: seabios)"
}

# start ARGUMENTS: the emulator in the background; its serial port is the file $W/serial and
# `send`, its monitor `mon`.
start()
{
    stop
    rm -f "$W/in" "$W/mon.in" "$W/mon.out"
    mkfifo "$W/in" "$W/mon.in" "$W/mon.out"
    : >"$W/serial"
    : >"$W/screen"
    : >"$W/monitor"
    # Both ends held open here, so that neither side waits for the other to appear.
    exec 3<>"$W/in" 4<>"$W/mon.in" 5<>"$W/mon.out"
    cat <&5 >"$W/monitor" &
    mon_cat=$!
    "$DRAGOMAN" "$@" -display none -serial stdio -monitor "pipe:$W/mon" <"$W/in" >"$W/serial" 2>"$W/stderr" 3>&- \
        4>&- 5>&- &
    pid=$!
    started=$(date +%s)
}

# End what `start` started, whatever its state.
stop()
{
    if [ -n "$pid" ]; then
        kill "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
        pid=
    fi
    if [ -n "$mon_cat" ]; then
        kill "$mon_cat" 2>/dev/null
        wait "$mon_cat" 2>/dev/null
        mon_cat=
    fi
}

# send TEXT: type on the serial console (printf escapes).
send()
{
    printf "$1" >&3
}

# run LINE: the same with Return.
run()
{
    printf '%s\n' "$1" >&3
}

mon()
{
    echo "$1" >&4
}

# key NAME...: press keys on the PS/2 keyboard, one after another.
key()
{
    for k; do
        mon "sendkey $k"
        sleep 0.15
    done
}

alive()
{
    kill -0 "$pid" 2>/dev/null
}

# wait_serial PATTERN SECONDS [COUNT]: until the serial output has that many lines with the
# pattern (grep -E).
wait_serial()
{
    end=$(($(date +%s) + $2 * slow))
    while :; do
        n=$(tr -d '\r\000' <"$W/serial" | grep -aEc -- "$1")
        [ "$n" -ge "${3:-1}" ] && break
        if ! alive; then
            sleep 0.3
            n=$(tr -d '\r\000' <"$W/serial" | grep -aEc -- "$1")
            [ "$n" -ge "${3:-1}" ] && break
            fail "the emulator ended before the serial port showed '$1'"
        fi
        [ "$(date +%s)" -lt "$end" ] || fail "no '$1' on the serial port within $(($2 * slow)) s"
        sleep 0.2
    done
}

# wait_screen PATTERN SECONDS: until the VGA text screen shows it.
wait_screen()
{
    end=$(($(date +%s) + $2 * slow))
    while :; do
        shots=$((shots + 1))
        rm -f "$W/shot"
        mon "textdump $W/shot"
        sleep 0.3
        if [ -f "$W/shot" ]; then
            mv "$W/shot" "$W/screen"
            grep -aqE -- "$1" "$W/screen" && break
        fi
        alive || fail "the emulator ended before the screen showed '$1'"
        [ "$(date +%s)" -lt "$end" ] || fail "no '$1' on the screen within $(($2 * slow)) s"
        sleep 0.3
    done
}

# wait_end STATUS SECONDS: the emulator must end by itself, with that exit status.
wait_end()
{
    end=$(($(date +%s) + $2 * slow))
    while alive; do
        [ "$(date +%s)" -lt "$end" ] || fail "still running after $(($2 * slow)) s"
        sleep 0.1
    done
    wait "$pid"
    got=$?
    pid=
    [ "$got" = "$1" ] || fail "ended with status $got, not $1"
    stop
}

# refuses PATTERN ARGUMENTS: ends at once with status 1 and one sentence that matches.
refuses()
{
    pattern=$1
    shift
    "$DRAGOMAN" "$@" </dev/null >"$W/serial" 2>"$W/stderr" &
    pid=$!
    wait_end 1 20
    grep -qiE -- "$pattern" "$W/stderr" || fail "no '$pattern' in the message for: $*"
    [ "$(wc -l <"$W/stderr")" -le 2 ] || fail "more than a sentence for: $*"
    say "refused: $(head -n 1 "$W/stderr")"
}

took()
{
    echo $(($(date +%s) - started)) s
}

done_testing()
{
    stop
    say "passed: $*"
    exit 0
}
