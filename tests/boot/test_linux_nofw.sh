#!/bin/sh
# A kernel with no firmware package at all: our own boot ROM enters it by the 32-bit boot protocol.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/linux.sh"
need_guest vmlinuz-686 initrd-busybox.cpio.gz

linux_session vmlinuz-686 "boot ROM" -bios "$R/boot.bin"
done_testing "linux-image-686 without SeaBIOS"
