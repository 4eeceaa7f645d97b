#!/bin/sh
# Debian's PAE kernel to a shell on the serial port, and power-off.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/linux.sh"
need_seabios
need_guest vmlinuz-686-pae initrd-busybox.cpio.gz

linux_session vmlinuz-686-pae "PAE"
done_testing "linux-image-686-pae: shell, tools, power-off"
