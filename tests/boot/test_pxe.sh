#!/bin/sh
# The boot ROMs of the ipxe-qemu package boot the installer's pxelinux tree by TFTP over user networking, up to its menu.
. "$(dirname "$0")/lib.sh"
need_seabios
tree=$(find "$G/apt/root/debian-installer-12-netboot-i386" -path '*text/pxelinux.0' 2>/dev/null | head -n 1)
[ -n "$tree" ] || skip "needs the installer's netboot tree: run 'make guests'"
"$DRAGOMAN" -netdev help | grep -q '^user' || skip "this build has no user networking"
[ -f /usr/lib/ipxe/qemu/pxe-e1000.rom ] || skip "needs the boot ROMs (Debian: ipxe-qemu)"

for nic in e1000 rtl8139 ne2k_pci; do
    start -m 512 -boot n -nic "user,model=$nic,tftp=$(dirname "$tree"),bootfile=/pxelinux.0"
    # The menu is a picture: pxelinux, its menu, fonts and background came through before.
    end=$(($(date +%s) + 60 * slow))
    while :; do
        sleep 1
        mon 'info network'
        sleep 0.3
        n=$(sed -n 's/.*: \([0-9]*\) frames (\([0-9]*\) bytes) to the guest.*/\2/p' "$W/monitor" | tail -n 1)
        [ "${n:-0}" -gt 400000 ] && break
        alive || fail "$nic: the emulator ended"
        [ "$(date +%s)" -lt "$end" ] || fail "$nic: only ${n:-0} bytes came by TFTP"
    done
    say "$nic: iPXE, pxelinux and the menu ($n bytes) in $(took)"
done
# The last one goes on: the menu starts the kernel, whose console is the serial port.
key tab
sleep 1
for k in spc c o n s o l e equal t t y shift-s 0; do
    key $k
done
key ret
wait_serial 'syslog daemon|Choose the language|Select a language' 120
say "the installer's kernel and initial disk came by TFTP; the installer starts after $(took)"
done_testing "PXE with three adapters, and the installer's kernel"
