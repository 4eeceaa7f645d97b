#!/bin/sh
# The law of equal state: a boot in instruction-counted time has the same state hash at every step under exec, eval and jit. Compares all
# states up to the guest's end or the case's bound, and asks that the guest got where it should.
#
#   same_state.sh BUILD [CASE...]     default: linux-686; "all" is every case whose guest is there
#   SAME_STATE_ENGINES="jit exec"     fewer engines
b=$(cd "$1" && pwd) || exit 1
shift
g=$b/guests
w=$(mktemp -d) || exit 1
pid=
trap '[ -z "$pid" ] || kill $pid 2>/dev/null; rm -rf "$w"' EXIT
trap 'exit 1' INT TERM
all="linux-686 linux-686-pae linux-amd64 gnumach invaders memtest memtest64 installer installer64 root-i386 root-amd64"
dragoman=${DRAGOMAN:-$b/dragoman}

# of_case NAME: how to start it (args), instructions per state (step), states to compare at most (bound), and what the serial port shows (want),
# at which a run that would go on may stop (stop).
of_case()
{
    step=10000
    bound=100000
    want=
    stop=
    serial="-append console=ttyS0 poweroff"
    case $1 in
    linux-686 | linux-686-pae)
        files="vmlinuz-${1#linux-} initrd-busybox.cpio.gz"
        args="-bios $b/roms/boot.bin -m 128 -kernel $g/vmlinuz-${1#linux-} -initrd $g/initrd-busybox.cpio.gz"
        bound=900000
        want=GUEST-UP ;;
    linux-amd64)
        files="vmlinuz-amd64 initrd-busybox-amd64.cpio.gz"
        args="-cpu qemu64 -m 128 -kernel $g/vmlinuz-amd64 -initrd $g/initrd-busybox-amd64.cpio.gz"
        bound=900000
        want=GUEST-UP ;;
    gnumach)
        files=gnumach
        args="-m 64 -kernel $g/gnumach"
        serial="-append console=com0"
        want="No bootstrap code"
        stop=yes ;;
    invaders)
        files=invaders
        args="-m 64 -kernel $g/invaders"
        serial= ;;
    memtest | memtest64)
        files=$1.bin
        args="-m 64 -cpu qemu64 -kernel $g/$1.bin"
        serial="-append console=ttyS0,115200"
        want="Memtest86" ;;
    installer | installer64)
        d=d-i
        [ $1 = installer ] || d=d-i-amd64
        files="$d/vmlinuz $d/initrd.gz"
        step=100000
        bound=40000
        args="-m 384 -cpu qemu64 -kernel $g/$d/vmlinuz -initrd $g/$d/initrd.gz"
        serial="-append console=ttyS0 DEBIAN_FRONTEND=text"
        want="Linux version" ;;
    root-i386 | root-amd64)
        files=$1.img
        step=100000
        bound=120000
        args="-m 256 -cpu qemu64 -snapshot -drive file=$g/$1.img,format=raw"
        serial=
        want="guest login:"
        stop=yes ;;
    *)
        echo "same_state: no case '$1'; there are: $all"
        exit 2 ;;
    esac
}

# run_engine NAME: until the guest ends or the bound is reached.
run_engine()
{
    if [ -n "$serial" ]; then
        set -- "$1" "${serial%% *}" "${serial#* }"
    fi
    engine=$1
    shift
    : >"$w/$engine"
    begun=$(date +%s)
    "$dragoman" -engine "$engine" -icount shift=3,sleep=off -rtc base=2020-01-01T00:00:00,clock=vm -state-hash "$step,$w/$engine" $args \
        "$@" -nographic -no-reboot </dev/null >"$w/$engine.txt" 2>&1 &
    pid=$!
    while kill -0 $pid 2>/dev/null && [ "$(wc -l <"$w/$engine")" -lt "$bound" ] &&
        [ $(($(date +%s) - begun)) -lt "${TEST_TIMEOUT:-3600}" ]; do
        sleep 0.5
        if [ -n "$stop" ] && [ -z "$first" ] && grep -aq "$want" "$w/$engine.txt"; then
            bound=$(wc -l <"$w/$engine")
        fi
    done
    kill $pid 2>/dev/null
    wait $pid 2>/dev/null
    pid=
    head -n "$bound" "$w/$engine" >"$w/$engine.cut"
    echo "  $engine: $(wc -l <"$w/$engine.cut") states in $(($(date +%s) - begun)) s${want:+, '$want' $(grep -ac "$want" "$w/$engine.txt") times}"
}

status=77
[ "${1:-}" != all ] || set -- $all
[ $# -gt 0 ] || set -- linux-686
for c; do
    of_case "$c"
    for f in $files; do
        if [ ! -f "$g/$f" ]; then
            echo "same_state $c: needs $f: run 'make guests'"
            continue 2
        fi
    done
    [ "$status" != 77 ] || status=0
    echo "same_state $c: one state every $step instructions"
    first=
    for engine in ${SAME_STATE_ENGINES:-jit exec eval}; do
        run_engine "$engine"
        if [ -z "$first" ]; then
            first=$engine
        elif ! cmp -s "$w/$first.cut" "$w/$engine.cut"; then
            echo "same_state $c: $first and $engine differ first at:"
            diff "$w/$first.cut" "$w/$engine.cut" | head -n 4
            status=1
        fi
    done
    if [ ! -s "$w/$first.cut" ] || { [ -n "$want" ] && ! grep -aq "$want" "$w/$first.txt"; }; then
        echo "same_state $c: the guest did not get as far as '$want'"
        tail -n 5 "$w/$first.txt"
        status=1
    fi
done
[ "$status" != 0 ] || echo "same_state: all equal"
exit $status
