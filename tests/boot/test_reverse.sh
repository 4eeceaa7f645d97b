#!/bin/sh
# gdb goes back: to the stray store that a byte was corrupted by, long after; step by step through the switch to protected mode; out
# of a function at its beginning; what a log in a file recorded.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/gdb.sh"
. "$(dirname "$0")/reverse.sh"
ELF=$R/test/stray.elf
[ -f "$ELF" ] || skip "needs the test ROMs: run 'make roms'"

# An account's balance is wrong when somebody looks. Who did that?
culprit()
{
    cat <<'END'
break audit
continue
printf "wrong %d\n", accounts[2].balance
watch -l accounts[2].balance
END
    timed culprit reverse-continue
    cat <<'END'
printf "right %d\n", accounts[2].balance
printf "letter %c zero %d\n", *(name - 1), *name
backtrace
x/i $eip
stepi
printf "again %d\n", accounts[2].balance
delete 2
END
    timed step-back reverse-stepi
    timed out-of-function reverse-finish
    cat <<'END'
x/i $eip
backtrace
info symbol $eip
END
    timed line-back reverse-next
    cat <<'END'
watch -l accounts[2].balance
END
    timed first-balance reverse-continue
    cat <<'END'
info symbol $eip
printf "balance %d\n", accounts[2].balance
END
    timed beginning reverse-continue
    cat <<'END'
printf "begin %x\n", $cs*16+$eip
maintenance packet P0=77000000
maintenance packet M9000,1:77
monitor info replay
monitor system_reset
delete
break audit
END
    timed forwards-to-the-present continue
    cat <<'END'
printf "wrong again %d\n", accounts[2].balance
monitor info replay
kill
END
}
for engine in jit exec; do
    gdb_machine -bios "$R/test/stray.bin" -engine $engine -m 64 -icount shift=0,sleep=off -device isa-debug-exit,iobase=0x501 \
        -debugcon "file:$W/e9"
    gdb_run 60 "$(culprit)" "$ELF"
    said '^wrong 768'
    said '^right 1003'
    said '^Old value = 768'
    said '^New value = 1003'
    said '^#0 .*set_name'
    said '^#1 .*run_test'
    said '=> 0x.*mov +%.l,'
    said '^again 768'
    said '=> 0x.*call .*set_name'
    said '^#0 .*run_test'
    said 'open_account'
    said '^balance 0'
    said 'No more reverse-execution history'
    said '^begin ffff0'
    said 'go back to instruction 0; it is at 0,'
    said 'received: "E.The machine is in its past'
    said 'nothing can be changed: system_reset'
    said '^wrong again 768'
    said 'points take'
    at_most 30000 # the figures are for people: hosts of tests are busy
    say "the culprit of a corrupted byte, $engine"
done

# Backwards through the switch to protected mode: each step back is where the step forwards was.
there_and_back()
{
    cat <<'END'
set $n = 0
while $n < 40
  printf "to %x:%x %x %x\n", $cs, $eip, $cr0 & 1, $eax
  stepi
  set $n = $n + 1
end
printf "turn\n"
END
    echo 'shell date +%s%N >>'"$W/times"
    cat <<'END'
set $n = 0
while $n < 40
  reverse-stepi
  printf "from %x:%x %x %x\n", $cs, $eip, $cr0 & 1, $eax
  set $n = $n + 1
end
reverse-stepi
END
    echo 'shell date +%s%N >>'"$W/times"
    cat <<'END'
monitor break mode:pe
continue
stepi 3
reverse-continue
printf "pe %d\n", $cr0 & 1
printf "insn %x\n", *(unsigned *)($cs*16+$eip) & 0xffffff
kill
END
}
: >"$W/times"
gdb_machine -bios "$R/boot.bin" -icount shift=0
gdb_run 60 "$(there_and_back)"
sed -n 's/^to //p' "$W/session" >"$W/to"
sed -n 's/^from //p' "$W/session" | tac >"$W/from"
grep -q '^8:.* 1 ' "$W/to" || session_fails "40 steps do not reach protected mode"
cmp "$W/to" "$W/from" || session_fails "the steps back are others"
said 'No more reverse-execution history'
said 'pe changed by the instruction'
said '^pe 0'
said '^insn c0220f' # mov eax to cr0
say "40 steps back through the switch of modes: $(awk 'NR == 1 { a = $1 } NR == 2 { printf "%d", ($1 - a) / 1000000 }' "$W/times") ms"

# A log in a file goes back, too; at its end gdb is told, then the replay ends.
log()
{
    cat <<'END'
break audit
continue
watch -l accounts[2].balance
reverse-continue
printf "right %d\n", accounts[2].balance
delete
continue
END
}
machine="-bios $R/test/stray.bin -m 64 -device isa-debug-exit,iobase=0x501 -debugcon file:$W/e9"
start $machine -icount "shift=0,sleep=off,rr=record,rrfile=$W/log"
wait_end 1 60
rm "$W/e9"
gdb_machine $machine -icount "shift=0,sleep=off,rr=replay,rrfile=$W/log"
gdb_run 60 "$(log)" "$ELF"
said '^right 1003'
said 'exited with code 01'
wait_end 1 20
grep -q 'to the end.*all is equal' "$W/stderr" || fail "the replay: $(cat "$W/stderr")"
[ "$(grep -c PASS "$W/e9")" = 1 ] || fail "said twice, or never: $(cat "$W/e9")"
say "in a log: found, and replayed to the end"

# Without: a sentence.
gdb_machine -bios "$R/boot.bin" -icount shift=0,reverse=off
gdb_run 60 'maintenance packet bs'
said 'no recording to go back in'
refuses "on, off or a size" -bios "$R/boot.bin" -display none -icount shift=0,reverse=maybe
refuses "on, off or a size" -bios "$R/boot.bin" -display none -icount shift=0,reverse=1M
done_testing "to a stray store, through modes, in a log"
