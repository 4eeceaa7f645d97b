#!/bin/sh
# Debian's 64-bit kernel to a shell on the serial port, directly by the boot ROM and through
# SeaBIOS, power-off and reboot.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/linux.sh"
need_guest vmlinuz-amd64 initrd-busybox-amd64.cpio.gz
INITRD=initrd-busybox-amd64.cpio.gz
MACHINE=x86_64

linux_session vmlinuz-amd64 "boot ROM" -cpu qemu64 -bios "$R/boot.bin"
need_seabios
linux_session vmlinuz-amd64 "SeaBIOS" -cpu qemu64
linux_reboot vmlinuz-amd64 -cpu qemu64
done_testing "linux-image-amd64: shell, tools, power-off, reboot"
