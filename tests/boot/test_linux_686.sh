#!/bin/sh
# Debian's kernel without PAE to a shell on the serial port, power-off and reboot.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/linux.sh"
need_seabios
need_guest vmlinuz-686 initrd-busybox.cpio.gz

linux_session vmlinuz-686 "no PAE"
linux_reboot vmlinuz-686
done_testing "linux-image-686: shell, tools, power-off, reboot"
