#!/bin/sh
# Sessions of gdb with the demo guest: its start from real mode, its functions and variables by
# their names, string instructions, other kinds of breakpoints, a second debugger.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/gdb.sh"
ELF=$R/demo/demo.elf
[ -f "$ELF" ] || skip "needs the demo's symbols: run 'make roms'"

# Step by step from the reset vector into protected mode; registers keep their layout. A monitor
# breakpoint on the mode stops in between.
steps()
{
    cat <<'END'
printf "reset %x:%x\n", $cs, $eip
printf "linear %x\n", $cs*16+$eip
stepi
printf "jump %x\n", $cs*16+$eip
monitor break mode:pe
monitor info breakpoints
continue
printf "pe %x cr0 %x\n", $cs*16+$eip, $cr0 & 1
stepi
printf "cs %x eip %x\n", $cs, $eip
stepi 10
x/i $eip
set $at = $eip
stepi
printf "string %d ecx %d\n", $eip - $at, $ecx
monitor delete
END
}
for engine in jit exec; do
    gdb_machine -bios "$R/boot.bin" -engine $engine -icount shift=0
    gdb_run 60 "$(steps)"
    said '^reset f000:fff0'
    said '^linear ffff0'
    said '^jump f0000'
    said '^1 +mode:pe'
    said 'stopped: pe changed by the instruction at 0xf00'
    said '^pe f0.* cr0 1'
    said '^cs 8 eip f00'
    said 'rep movs'
    said '^string 2 ecx 0'
    say "from real to protected mode, $engine"
done

# Functions and variables, before they are loaded; a hardware breakpoint; the call stack; values
# that are written.
names()
{
    cat <<'END'
break timer_init
hbreak keyboard_init
continue
backtrace
printf "if %d\n", ($eflags >> 9) & 1
delete 1
continue
delete
watch timer.ticks
continue
printf "ticks %d\n", timer.ticks
continue
printf "ticks %d\n", timer.ticks
delete
rwatch timer.ticks
continue
delete
set $ticks = timer.ticks
set var timer.ticks = 12345
p timer_ticks()
set var timer.ticks = $ticks
p $xmm0.uint128
p $st0
set $old = $eax
set $eax = 0x12345678
p/x $eax
p/x $ax
set $eax = $old
p $eflags
p $cr0
find /b &_bss_start, 0x60000, 0x39, 0x30
find /b 0xf0000, 0xfffff, 'D', 'r', 'a', 'g', 'o', 'm', 'a', 'n'
monitor info status
monitor x /2xw 0x20000
info mem
maintenance packet Qqemu.PhyMemMode:1
maintenance packet qqemu.PhyMemMode
maintenance packet Qqemu.PhyMemMode:0
maintenance packet qqemu.sstepbits
maintenance packet Qqemu.sstep=5
maintenance packet qqemu.sstep
stepi
maintenance packet Qqemu.sstep=7
maintenance packet bs
detach
END
}
gdb_machine -bios "$R/boot.bin" -fw_cfg name=opt/dragoman/selftest,string=1
gdb_run 60 "$(names)" "$ELF"
said 'Breakpoint 1, .*timer_init'
said '#1 .*main'
said 'Breakpoint 2, .*keyboard_init'
said 'watchpoint 3: timer.ticks'
said '^Old value = 0'
said '^New value = 1'
said '^ticks 2'
said '^Value = '
said '^\$[0-9]+ = 12345'
said '^\$[0-9]+ = 0x12345678'
said '^\$[0-9]+ = 0x5678'
said '\[ .*PE .*\]'
said '0xf[0-9a-f]{4}'
said 'VM status: paused'
said '^0*20000: 0x'
said 'received: "OK"'
said 'received: "1"'
said 'ENABLE=1,NOIRQ=2,NOTIMER=4'
said 'received: "0x5"'
said 'E\.There is no recording'
wait_serial 'DEMO PASS' 90
say "functions, variables, values; the self-test passes behind it"

# Ports, vectors and Ctrl-C; pc=linear; kill.
gdb_machine -bios "$R/boot.bin" -gdb "unix:$W/gdb,pc=linear"
events()
{
    cat <<'END'
printf "pc %x\n", $eip
monitor break io:0x43
monitor break int:0x20
continue
printf "port %x\n", *(unsigned char*)($eip - 1)
monitor delete 1
continue
monitor info breakpoints
monitor delete all
monitor info breakpoints
monitor break exc:99
monitor breek
kill
END
}
gdb_run 60 "$(events)"
said '^pc fffffff0'
said 'stopped: port 0x43 was written'
said '^port 43'
said 'stopped: interrupt 0x20'
said 'no breakpoints'
said 'Exceptions are 0 to 31'
said "nearest is 'break'"
wait_end 0 10
say "ports and vectors; kill ends the machine"

# A second debugger is turned away with a sentence while the first is there.
gdb_machine -bios "$R/boot.bin"
turned_away()
{
    cat <<END
shell timeout 5 gdb -nx -batch -ex 'target remote $W/gdb' >$W/second 2>&1 </dev/null
stepi
END
}
gdb_run 60 "$(turned_away)"
said '^0x00000000 in'
grep -q 'Another debugger is connected to this machine' "$W/second" ||
    fail "the second debugger heard: $(tail -n 1 "$W/second")"
gdb_run 20 'printf "again %x\n", $eip'
said '^again'
stop

refuses "'upside'" -bios "$R/boot.bin" -display none -gdb tcp::1234,pc=upside
refuses "this host only" -bios "$R/boot.bin" -display none -gdb tcp:0.0.0.0:1234
refuses "'vax'" -bios "$R/boot.bin" -display none -gdb tcp::1234,arch=vax
refuses "no-such" -bios "$R/boot.bin" -display none -gdb chardev:no-such
# A line of C is one range of steps; a call in it is stepped over.
gdb_machine -bios "$R/boot.bin"
gdb_run 60 'break timer_init
continue
delete
set debug remote 1
next
set debug remote 0
info symbol $eip
maintenance packet Qqemu.sstep=1
next
info symbol $eip' "$ELF"
said 'Sending packet: \$vCont;r[0-9a-f]+,[0-9a-f]+:1;c'
said '^timer_init \+ [1-9]'
[ "$(grep -c '^timer_init + ' "$W/session")" = 2 ] || session_fails "no second step, with time going on"
[ "$(grep -c 'Sending packet: .vCont' "$W/session")" -le 4 ] || fail "gdb steps by instructions"
say "next: one packet for a range"
stop

done_testing "steps, ranges, names, watches, events, second debugger"
