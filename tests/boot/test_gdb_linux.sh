#!/bin/sh
# gdb and Debian's kernel by its symbols: breakpoints that are set at the reset vector, before the kernel
# is loaded and before paging is on; a variable that is watched; single steps in the kernel.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/gdb.sh"
need_guest vmlinuz-686 initrd-busybox.cpio.gz
APPEND="console=ttyS0 nokaslr"

# Debian ships no symbols with the kernel; the kernel itself knows them.
start -m 128 -kernel "$G/vmlinuz-686" -initrd "$G/initrd-busybox.cpio.gz" -cpu qemu32 -append "$APPEND quiet" -no-reboot
wait_serial '^guest# ' 120
run 'mkdir -p /proc; mount -t proc proc /proc 2>/dev/null; echo 0 >/proc/sys/kernel/kptr_restrict'
run 'grep -E " [TtDB] (_text|_etext|_einittext|start_kernel|vfs_caches_init|kernel_execve|do_timer)$" /proc/kallsyms; echo END-$((6*7))'
wait_serial '^END-42' 60
tr -d '\r' <"$W/serial" | grep -E '^[0-9a-f]{8} [TtDB] ' >"$W/map" || fail "no kallsyms"
MAP=$W/map
stop

# An object with nothing but the kernel's functions, where they lie.
{
    echo '.section .text,"ax",@nobits'
    awk '$3 == "_text" { base = $1 } $3 == "_einittext" { end = $1 }
         END { printf ".globl base\nbase:\n.space 0x%s - 0x%s\n", end, base }' "$MAP"
    awk '$3 == "_text" { base = $1 }
         $3 !~ /^_/ && $2 ~ /[Tt]/ && $3 ~ /^[A-Za-z_][A-Za-z_0-9]*$/ {
             printf ".globl %s\n.type %s,@function\n.set %s, base + 0x%s - 0x%s\n", $3, $3, $3, $1, base }' "$MAP"
} >"$W/kernel.s"
base=$(awk '$3 == "_text" { print $1 }' "$MAP")
gcc -m32 -c -o "$W/kernel.o" "$W/kernel.s" 2>"$W/stderr" &&
    ld -m elf_i386 -Ttext "0x$base" -e base -o "$W/kernel" "$W/kernel.o" 2>"$W/stderr" ||
    fail "no symbols"

kernel()
{
    cat <<END
set architecture i386
hbreak start_kernel
hbreak vfs_caches_init
hbreak kernel_execve
continue
printf "paging %d\n", \$cr0 >> 31 & 1
x/2i \$eip
set \$from = \$eip
stepi
stepi
printf "went on %d\n", \$eip > \$from
continue
delete
hbreak do_timer
continue
delete
# It adds to the kernel's clock: add %eax, m32 is 01 05 and the address.
set \$i = 0
while \$i < 40 && *(unsigned short *)(\$eip + \$i) != 0x0501
  set \$i = \$i + 1
end
set \$clock = *(unsigned int *)(\$eip + \$i + 2)
watch *(unsigned int *)\$clock
continue
info symbol \$eip
continue
delete
hbreak kernel_execve
continue
delete
x/s *(char **)\$esp
info registers cr3
monitor info jit
detach
END
}
gdb_machine -m 128 -kernel "$G/vmlinuz-686" -initrd "$G/initrd-busybox.cpio.gz" -cpu qemu32 \
    -append "$APPEND" -no-reboot
gdb_run 120 "$(kernel)" "$W/kernel"
said 'Breakpoint 1, .* in start_kernel'
said '^paging 1'
said '^went on 1'
said 'Breakpoint 2, .* in vfs_caches_init'
said 'do_timer.* in section'
said '^Old value = '
[ "$(grep -c '^New value = ' "$W/session")" -ge 2 ] || session_fails "the clock was not seen twice"
said 'in kernel_execve'
wait_serial '^GUEST-UP' 120
say "kernel functions and its clock; the shell is up after $(took)"
done_testing "breakpoints before the kernel is loaded, a watched variable, steps"
