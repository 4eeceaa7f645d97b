#!/bin/sh
# The tool of the course (docs/labs/README.md), called by make with the build's settings in the environment:
#
#   lab.sh start N            copy the template of lab N to labs/NAME, where you work
#   lab.sh check N [FOLDER]   build and try what is there; status 0: all passed, 1: something is missed,
#                             2: it could not be tried (not started, does not compile)
#   lab.sh rom N [FOLDER]     only build the guest program, and say where it is
#   lab.sh program N [FOLDER] only build the emulator with the student's file in it (labs 9 and 10)
#   lab.sh all                check all labs that were started
#   lab.sh prove              every template must miss something, every solution pass (part of make check)

: "${B:?call it by make: make lab N=3}"
L=docs/labs

# The folder of the texts of a lab: docs/labs/NN-name.
find_lab()
{
    case $1 in
    *[!0-9]* | '') echo "which lab? N=1 to N=11" >&2; exit 2 ;;
    esac
    LAB=$(echo "$L/$(printf %02d "$((${1#0}))")"-*)
    [ -d "$LAB" ] || { echo "there is no lab $1: N=1 to N=11" >&2; exit 2; }
    N=$((${1#0}))
    OUT=$B/labs/$(printf %02d "$N")
    DIR=${2:-labs/${LAB##*/}}
}

need_dir()
{
    [ -d "$DIR" ] || { echo "lab $N is not started: make lab-start N=$N" >&2; exit 2; }
    mkdir -p "$OUT"
    W=$OUT/run
    rm -rf "$W"
    mkdir -p "$W"
    ok=0 bad=0
}

passed()
{
    echo "  passed: $*"
    ok=$((ok + 1))
}

missed()
{
    echo "  MISSED: $*"
    bad=$((bad + 1))
}

# expect SENTENCE COMMAND...: passed when the command succeeds.
expect()
{
    sentence=$1
    shift
    if "$@"; then
        passed "$sentence"
    else
        missed "$sentence"
    fi
}

# broken SENTENCE: nothing more can be tried.
broken()
{
    echo "  cannot be tried: $*"
    exit 2
}

# compile SOURCE OBJECT [FLAGS]
compile()
{
    src=$1 obj=$2
    shift 2
    [ -f "$src" ] || broken "there is no $src"
    $LAB_CC $LAB_CPPFLAGS $LAB_CFLAGS "$@" -c "$src" -o "$obj" || broken "$src does not compile"
}

# bench FILE [ARGUMENTS]: compile the test bench with the student's FILE.c, run it, count its lines.
bench()
{
    compile "$DIR/$1.c" "$W/student.o"
    compile "$LAB/bench.c" "$W/bench.o"
    shift
    extra=
    case $N in
    3 | 4 | 7)
        compile "$L/common/tiny.c" "$W/tiny.o"
        extra=$W/tiny.o
        ;;
    esac
    $LAB_CC $LAB_LDFLAGS -o "$W/bench" "$W/bench.o" "$W/student.o" $extra "$B/obj/libtests.a" "$B/libfront.a" \
        "$B/libdragoman.a" "$B/libfront.a" $LAB_LIBS || broken "the test bench cannot be linked"
    timeout 60 "$W/bench" "$@" >"$W/bench.txt"
    status=$?
    cat "$W/bench.txt"
    ok=$((ok + $(grep -c '^  passed: ' "$W/bench.txt")))
    bad=$((bad + $(grep -c '^  MISSED: ' "$W/bench.txt")))
    case $status in
    0 | 1) ;;
    124) missed "the test bench did not end within a minute" ;;
    *) missed "the test bench ended with status $status" ;;
    esac
}

# answer NAME: what answers.txt says.
answer()
{
    sed -n "s/^$1: *\([0-9][0-9]*\) *\$/\1/p" "$DIR/answers.txt" 2>/dev/null | head -n 1
}

# same_answer NAME VALUE
same_answer()
{
    given=$(answer "$1")
    if [ -z "$given" ]; then
        missed "answers.txt: '$1' has no number yet"
    elif [ "$given" = "$2" ]; then
        passed "answers.txt: $1 is $2"
    else
        missed "answers.txt: '$1' is not $given"
    fi
}

# rom SOURCE: a test ROM of a guest program, as roms/rules.mk makes them, in $OUT/guest.bin.
rom()
{
    src=$1
    [ -n "$ROM_CC" ] || broken "there is no compiler for x86 here"
    [ -f "$src" ] || broken "there is no $src"
    t=$B/roms/test/lib l=$B/roms/lib
    raw="-m32 -nostdlib -static -Wl,--build-id=none -Wl,--no-warn-rwx-segments"
    $ROM_CC $ROM_CPPFLAGS $ROM_CFLAGS -c "$src" -o "$W/guest.o" || broken "$src does not compile"
    $ROM_CC $ROM_LDFLAGS -Wl,--defsym=LOAD_ADDRESS=0x10000 -Wl,-T,roms/lib/flat.lds -o "$W/guest.elf" \
        "$W/guest.o" "$t/start.o" "$t/test.o" "$l/mem.o" "$l/apic.o" || broken "the guest cannot be linked"
    ${ROM_TOOLS}objcopy -O binary "$W/guest.elf" "$W/guest.flat" &&
        $ROM_CC -m32 "-DPROGRAM_FILE=\"$W/guest.flat\"" -c roms/test/lib/reset.S -o "$W/reset.o" &&
        $ROM_CC $raw -Wl,-Ttext=0 -Wl,--oformat=binary -o "$OUT/guest.bin" "$W/reset.o" ||
        broken "the ROM cannot be made"
}

# where: say at which addresses the guest program lies, as -dfilter takes them, and note it in RANGE.
where()
{
    start=$(nm "$W/guest.elf" | awk '$3 == "run_test" { print $1 }' | sed 's/^0*//')
    size=$(size -A "$W/guest.o" | awk '$1 == ".text" { print $2 }')
    [ -n "$start" ] || broken "the guest has no run_test"
    RANGE=0x$start+$size
    echo "the guest's own code: -dfilter $RANGE"
}

# guest PROGRAM OPTIONS: run $OUT/guest.bin; what it prints goes to $W/guest.txt, messages to $W/stderr. Status 0: it passed.
guest()
{
    program=$1
    shift
    DRAGOMAN=$program timeout "${LAB_SECONDS:-20}" "$L/guest.sh" "$OUT/guest.bin" "$@" >"$W/guest.txt" 2>"$W/stderr"
}

# Programs with the student's file in them are linked from the libraries and a few objects more.
link_dragoman()
{
    out=$1
    shift
    $LAB_CC $LAB_LDFLAGS -o "$out" "$B/obj/frontend/main.o" "$@" "$B/libfront.a" "$B/libdragoman.a" "$B/libfront.a" \
        $LAB_LIBS || broken "the program cannot be linked"
}

# Only the part of a lab's check.sh that builds: it defines `lab_rom` and `lab_program` where there are such.
load()
{
    lab_rom() { broken "lab $N has no guest program"; }
    lab_program() { broken "lab $N has no program of its own"; }
    . "$LAB/check.sh"
}

check()
{
    find_lab "$@"
    need_dir
    load
    echo "lab $N, $DIR:"
    lab_check
    if [ "$bad" = 0 ] && [ "$ok" != 0 ]; then
        echo "lab $N: all $ok passed"
        exit 0
    fi
    echo "lab $N: $ok passed, $bad missed"
    exit 1
}

# prove_one N FOLDER STATUS
prove_one()
{
    (check "$1" "$2") >"$B/labs/prove.txt" 2>&1
    got=$?
    if [ "$got" = "$3" ]; then
        return 0
    fi
    cat "$B/labs/prove.txt"
    echo "labs: $2 gives status $got, not $3"
    return 1
}

case $1 in
start)
    find_lab "$2"
    [ ! -e "$DIR" ] || { echo "$DIR is there already; remove it to begin anew" >&2; exit 2; }
    mkdir -p "$DIR" "$B/labs" && cp "$LAB/template/"* "$DIR/" && echo "lab $N: work in $DIR/, then: make lab N=$N"
    ;;
check)
    shift
    check "$@"
    ;;
rom)
    find_lab "$2" "$3"
    need_dir
    load
    lab_rom
    echo "$OUT/guest.bin"
    ;;
program)
    find_lab "$2" "$3"
    need_dir
    load
    lab_program
    echo "$PROGRAM"
    ;;
all)
    status=0 n=0
    for d in labs/[0-9][0-9]-*; do
        [ -d "$d" ] || continue
        n=$((n + 1))
        i=${d#labs/}
        i=${i%%-*}
        (check "$i") || status=1
    done
    [ $n != 0 ] || { echo "no lab is started: make lab-start N=1"; exit 2; }
    exit $status
    ;;
prove)
    mkdir -p "$B/labs"
    status=0
    for d in "$L"/[0-9][0-9]-*; do
        i=${d##*/}
        i=${i%%-*}
        # A guest that waits for ever need not do so for long: it fails either way.
        (LAB_SECONDS=2 && prove_one "$i" "$d/template" 1) || status=1
        prove_one "$i" "$d/solution" 0 || status=1
    done
    [ $status = 0 ] && echo "labs: every template misses something, every solution passes"
    exit $status
    ;;
*)
    echo "lab.sh start|check|rom|program N [FOLDER], all, prove" >&2
    exit 2
    ;;
esac
