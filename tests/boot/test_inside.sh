#!/bin/sh
# The perf map against `info jit`, the timeline as JSON and bounded, -d nochain and op_pass, and the page
# of `dragoman trace` without a browser (slow_trace.sh has one).
. "$(dirname "$0")/lib.sh"
src=$(cd "$(dirname "$0")/../.." && pwd)
${CC:-cc} -O1 -o "$W/json" "$src/tests/tools/json_check.c" || fail "json_check.c does not compile"
selftest="-bios $R/boot.bin -icount shift=3,sleep=off -device isa-debug-exit,iobase=0x501 -fw_cfg name=opt/dragoman/selftest,string=1"

# Counted runs of the timeline are equal, and within their bounds.
for run in 1 2; do
    start $selftest -timeline "$W/time$run.json,size=256K"
    wait_serial 'DEMO PASS' 100
    wait_end 0 20
done
cmp -s "$W/time1.json" "$W/time2.json" || fail "two timelines of a counted run differ"
[ "$(wc -c <"$W/time1.json")" -le 262144 ] || fail "the timeline is longer than it may be"
grep -q 'is full: [0-9]* events' "$W/stderr" || fail "nobody says that the timeline is full"
n=$("$W/json" "$W/time1.json") || fail "the timeline is not JSON"
[ "$n" -gt 1000 ] || fail "the timeline has $n events"
start $selftest -timeline "$W/time.json"
wait_serial 'DEMO PASS' 100
wait_end 0 20
n=$("$W/json" "$W/time.json") || fail "the whole timeline is not JSON"
for row in serial0 interrupts 'exception 0e' '"count"'; do
    grep -q "$row" "$W/time.json" || fail "no $row in the timeline"
done
say "timeline: $n events in $(wc -c <"$W/time.json") bytes"

case $("$DRAGOMAN" -bios "$R/boot.bin" -engine jit -perfmap -display none -monitor none -serial null -pidfile "$W/no/pid" 2>&1 </dev/null) in
*'needs -engine jit'*) say "no translated code here, no perf map" ;;
*)
    start -bios "$R/boot.bin" -perfmap
    map=/tmp/perf-$pid.map
    wait_screen 'keys:  P picture' 20
    mon stop
    mon 'info jit'
    sleep 1
    mon quit
    wait_end 0 10
    blocks=$(tr -d '\r' <"$W/monitor" | sed -n 's/^blocks  *\([0-9]*\)$/\1/p' | tail -n 1)
    lines=$(wc -l <"$map")
    cp "$map" "$W/map"
    rm -f "$map"
    [ "${blocks:-0}" -gt 50 ] || fail "'info jit' tells of ${blocks:-no} blocks"
    [ "$lines" = "$blocks" ] || fail "the perf map has $lines lines for $blocks blocks"
    [ "$(grep -Ecx '[0-9a-f]+ [0-9a-f]+ guest:[0-9a-f]+' "$W/map")" = "$lines" ] || fail "odd lines in the perf map"
    # Code does not overlap: sorted by address, each ends in front of the next.
    sort "$W/map" | while read -r at size rest; do
        [ $((0x$at)) -ge "${end:-0}" ] || exit 1
        end=$((0x$at + 0x$size))
    done || fail "code overlaps in the perf map"
    say "perf map: $lines lines, as many as blocks"
    # perf itself, where it may look.
    if command -v perf >/dev/null 2>&1 &&
        setsid perf record -q -e cpu-clock -o "$W/perf.data" sh -c 'echo $$ >"$0"; exec "$@"' "$W/perfpid" \
            "$DRAGOMAN" $selftest -perfmap -display none -monitor none \
            -serial null </dev/null >"$W/perf.out" 2>&1 && [ -s "$W/perf.data" ]; then
        perf report -i "$W/perf.data" --stdio 2>/dev/null >"$W/report"
        rm -f "/tmp/perf-$(cat "$W/perfpid").map"
        grep -q 'guest:[0-9a-f]' "$W/report" || fail "perf report shows no guest address"
        say "perf report: $(grep -c 'guest:' "$W/report") guest blocks"
    fi
    ;;
esac
refuses 'jit-map single' -bios "$R/boot.bin" -perfmap -jit-map dual -display none -monitor none -serial null
refuses 'jit-gdb' -bios "$R/boot.bin" -engine exec -jit-gdb -display none -monitor none -serial null
refuses 'perfmap' -bios "$R/boot.bin" -engine exec -perfmap -display none -monitor none -serial null
refuses 'timeline size' -timeline "$W/t,size=1"

# mov cx,1000; L: inc ax; loop L; mov dx,0x501; out dx,al; jmp $
{
    printf '\271\350\003\100\342\375\272\001\005\356\353\376'
    head -c $((65536 - 16 - 12)) /dev/zero
    printf '\352\000\000\000\360'
    head -c 11 /dev/zero
} >"$W/loop.bin"
for engine in jit eval exec; do
    start -bios "$W/loop.bin" -m 16 -nodefaults -engine $engine -device isa-debug-exit,iobase=0x501 \
        -d exec,nochain,op_pass,int,cpu -D "$W/log" -dfilter 0xf0003-0xf0005
    wait_end $((1000 % 256 * 2 % 256 + 1)) 10
    n=$(grep -Ec '^(exec|block) f000:00000003' "$W/log")
    [ "$n" = 1000 ] || fail "$engine: the loop is entered $n times in the log, not 1000"
    n=$(grep -Ec '^(exec|block) f000:0000000[06]' "$W/log")
    [ "$n" = 0 ] || fail "$engine: -dfilter lets $n lines through"
    [ $engine = exec ] || grep -q '^IR after dce' "$W/log" || fail "$engine: no op_pass"
    [ "$(grep -c '^EAX=\|^AX=\|EAX' "$W/log")" -ge 1000 ] || fail "$engine: -d cpu shows no registers"
done
say "-d exec,nochain: 1000 rounds on three engines"

# A gdb on the program itself: names of translated code, and frames through it. The ROM: L: inc eax; inc ebx; jmp L.
case $("$DRAGOMAN" -bios "$W/loop.bin" -engine jit -jit-gdb -display none -monitor none -serial null -pidfile "$W/no/pid" 2>&1 </dev/null) in
*'need -engine jit'*) say "no translated code here, no names for gdb" ;;
*)
    {
        printf '\146\100\146\103\353\372'
        head -c $((65536 - 16 - 6)) /dev/zero
        printf '\352\000\000\000\360'
        head -c 11 /dev/zero
    } >"$W/spin.bin"
    start -bios "$W/spin.bin" -m 16 -nodefaults -engine jit -jit-gdb
    sleep 1
    if command -v gdb >/dev/null && [ "$(uname -m)" = x86_64 ] &&
        timeout $((60 * slow)) gdb -nx -batch -p $pid -ex 'info symbol $pc' -ex bt >"$W/gdb" 2>&1 </dev/null &&
        grep -q '^#0' "$W/gdb"; then
        grep -q '^guest_f0000' "$W/gdb" || fail "gdb does not know where it is: $(grep -v LWP "$W/gdb")"
        grep -q '^#0 .*guest_f0000' "$W/gdb" && grep -q '^#1 .*jit_run' "$W/gdb" && grep -q 'main (' "$W/gdb" ||
            fail "no frames through translated code: $(cat "$W/gdb")"
        say "gdb: $(grep '^guest_' "$W/gdb")"
    else
        say "no gdb that may look at a program: names in translated code not tested"
    fi
    mon quit
    wait_end 0 10
    ;;
esac

# The trace's page.
cd "$W" || fail "no folder"
"$DRAGOMAN" trace -o "$W/page.html" -blocks 20 -insns 300000 -- $selftest -display none -monitor none -serial null \
    </dev/null 2>"$W/stderr" || fail "dragoman trace fails"
sed -n '/id="data">/,/<\/script>/p' "$W/page.html" | sed '1d;$d' >"$W/data.json"
"$W/json" "$W/data.json" >"$W/n" || fail "the page's data are not JSON"
grep -q '^{"insns":300000,' "$W/data.json" || fail "not 300000 instructions: $(head -c 60 "$W/data.json")"
[ "$(grep -c '"la":' "$W/data.json")" = 20 ] || fail "not 20 blocks"
grep -q '[<&]' "$W/data.json" && fail "the data could be taken for HTML"
sed 's|http://www.w3.org/2000/svg||' "$W/page.html" | grep -qE 'https?:|src=|href=|@import|url\([^#]' && fail "the page needs something from outside"
cp "$W/data.json" "$W/data1.json"
"$DRAGOMAN" trace -o "$W/page.html" -blocks 20 -insns 300000 -- $selftest -display none -monitor none -serial null \
    </dev/null 2>"$W/stderr" || fail "dragoman trace fails"
sed -n '/id="data">/,/<\/script>/p' "$W/page.html" | sed '1d;$d' | sed 's/"t":.*//' >"$W/data.json"
sed 's/"t":.*//' "$W/data1.json" | cmp -s - "$W/data.json" || fail "two traces of a counted run differ in their counts"
# Walks: a table's entry leads to the next one's page, and a fault is among them.
"$DRAGOMAN" trace -o "$W/page.html" -blocks 1 -insns 12000000 -- $selftest -display none -monitor none -serial null \
    </dev/null 2>"$W/stderr" || fail "dragoman trace fails"
sed -n '/"walks":/,/],$/p' "$W/page.html" | grep -o '{"page".*}' | sed 's/,$//' >"$W/walks"
sed -n 's/.*"cr3":"\([0-9a-f]*\)".*"end":"\([0-9a-f]*\)","steps":\[\["PDE","\([0-9a-f]*\)","\([0-9a-f]*\)","[^]]*\],\["PTE","\([0-9a-f]*\)","\([0-9a-f]*\)".*/\1 \2 \3 \4 \5 \6/p' \
    "$W/walks" >"$W/steps"
n=0
while read -r cr3 to at pde at2 pte; do
    [ $((0x$at & ~0xfff)) = $((0x$cr3 & ~0xfff)) ] && [ $((0x$at2 & ~0xfff)) = $((0x$pde & ~0xfff)) ] &&
        [ $((0x$to)) = $((0x$pte & ~0xfff)) ] || fail "a walk that goes astray: $cr3 $at $pde $at2 $pte $to"
    n=$((n + 1))
done <"$W/steps"
[ $n -ge 5 ] || fail "only $n walks of two levels on the page"
grep -q '"end":"page fault, error code' "$W/walks" || fail "no walk that ended in a page fault"
say "page walks: $(wc -l <"$W/walks") on the page"
refuses "behind '--'" trace -colour red
refuses 'options are missing' trace -o page.html
refuses '1 to 2000' trace -blocks 0 -- -bios "$R/boot.bin"
refuses 'need -engine jit or eval' trace -o "$W/no.html" -- -bios "$W/loop.bin" -engine exec -display none -monitor none -serial null
done_testing "perf map, timeline, log areas, trace page"
