#!/bin/sh
# A kernel's boot is behind us (some 6,000 million instructions): gdb goes back in it by each way, and each answer comes within a second:
# steps, breakpoints and watchpoints near and far, the beginning, the present. What recording costs.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/gdb.sh"
. "$(dirname "$0")/reverse.sh"
need_guest vmlinuz-686 initrd-busybox.cpio.gz
APPEND="console=ttyS0 nokaslr"
machine="-m 128 -kernel $G/vmlinuz-686 -initrd $G/initrd-busybox.cpio.gz -cpu qemu32 -no-reboot"

# Debian ships no symbols with the kernel; the kernel itself knows them.
start $machine -append "$APPEND quiet"
wait_serial '^guest# ' 120
run 'mkdir -p /proc; mount -t proc proc /proc 2>/dev/null; echo 0 >/proc/sys/kernel/kptr_restrict'
run 'grep -E " (start_kernel|schedule|schedule_preempt_disabled|kernel_execve|do_timer)$" /proc/kallsyms; echo END-$((6*7))'
wait_serial '^END-42' 60
tr -d '\r' <"$W/serial" | grep -E '^[0-9a-f]{8} [A-Za-z] ' >"$W/map" || fail "no kallsyms"
stop
address()
{
    awk -v s="$1" '$3 == s { print "0x" $1; exit }' "$W/map"
}

# boot ARGUMENTS: until the shell is up; says the processor time of it.
boot()
{
    gdb_machine $machine -append "$APPEND" "$@"
    sleep 0.3
    mon cont
    wait_serial '^GUEST-UP' 200
    cpu=$(awk '{ print ($14 + $15) * 10 }' "/proc/$pid/stat")
}

# A function that ran seldom, long ago (the first process does before it becomes the idle one), on a page of the kernel's that runs all
# the time: that of schedule(). To it, and from there to another of the kind in front of it.
seldom()
{
    cat <<END
set architecture i386
hbreak *$(address schedule_preempt_disabled)
END
    timed seldom-on-a-hot-page reverse-continue
    cat <<END
monitor info replay
printf "schedule_preempt_disabled %x\n", \$eip
delete
hbreak *$(address schedule)
END
    timed schedule-before-it reverse-continue
    cat <<'END'
monitor replay_seek
shell sleep 2
detach
END
}

session()
{
    cat <<END
set architecture i386
END
    timed one-step reverse-stepi
    timed another reverse-stepi
    timed twenty 'reverse-stepi 20'
    cat <<END
monitor break exc:14
END
    timed page-fault reverse-continue
    timed page-fault-before reverse-continue
    cat <<END
monitor delete
hbreak *$(address kernel_execve)
END
    timed breakpoint-near reverse-continue
    printf '%s\n' 'printf "kernel_execve %x\n", $eip'
    timed out-of-it reverse-stepi
    cat <<END
delete
# The kernel's clock, which do_timer adds to: add %eax, m32 is 01 05 and the address.
set \$i = 0
while \$i < 40 && *(unsigned short *)($(address do_timer) + \$i) != 0x0501
  set \$i = \$i + 1
end
set \$clock = *(unsigned int *)($(address do_timer) + \$i + 2)
watch *(unsigned int *)\$clock
END
    timed watch-near reverse-continue
    timed watch-again reverse-continue
    cat <<END
delete
hbreak *$(address do_timer)
END
    timed breakpoint-far reverse-continue
    cat <<END
printf "do_timer %x\n", \$eip
delete
hbreak *$(address start_kernel)
END
    timed breakpoint-farther reverse-continue
    cat <<END
printf "start_kernel %x\n", \$eip
delete
hbreak *$(address kernel_execve)
END
    timed forwards-to-kernel_execve continue
    cat <<END
delete
watch *(int *)$(address never)
END
    timed watch-what-nobody-wrote reverse-continue
    cat <<END
printf "begin %x\n", \$cs*16+\$eip
delete
hbreak *$(address start_kernel)
END
    timed forwards-to-start_kernel continue
    cat <<'END'
printf "start_kernel again %x\n", $eip
delete
END
    timed back reverse-stepi
    cat <<'END'
monitor info replay
monitor replay_seek
shell sleep 2
monitor info replay
detach
END
}
echo "c1000000 T never" >>"$W/map"
boot -icount shift=2,sleep=off,reverse=off
plain=$cpu
boot -icount shift=2,sleep=off
say "processor time of the boot: $plain ms, with history $cpu ms"
[ "$(address schedule | cut -c1-7)" = "$(address schedule_preempt_disabled | cut -c1-7)" ] ||
    say "this kernel's schedule() and schedule_preempt_disabled() are on two pages"
gdb_run 200 "$(seldom)"
said "^schedule_preempt_disabled $(address schedule_preempt_disabled | sed 's/^0x//')"
say "$(grep -E "it is at" "$W/session" | head -n 1)"
gdb_run 200 "$(session)"
at_most ${REVERSE_MS:-0}
for s in do_timer kernel_execve start_kernel; do
    said "^$s $(address $s | sed 's/^0x//')"
done
said "^start_kernel again $(address start_kernel | sed 's/^0x//')"
said '^New value = '
said '^begin ffff0'
[ "$(grep -c '^stopped: exception 14' "$W/session")" = 2 ] || session_fails "no two page faults"
said ', the present'
grep -E 'points take' "$W/session" | tail -n 1
# It is alive, and nothing was said twice.
run 'echo ali''ve-$((40+2))'
wait_serial '^alive-42' 60
[ "$(tr -d '\r' <"$W/serial" | grep -ac '^GUEST-UP')" = 1 ] || fail "said twice"
done_testing "a boot's history"
