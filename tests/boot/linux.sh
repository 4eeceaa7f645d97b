# The conversation with a Linux kernel that the kernel tests share: from GUEST-UP to power-off and
# reboot.

INITRD=initrd-busybox.cpio.gz
MACHINE=i686

# linux_session KERNEL LABEL ARGUMENTS: boot, use the shell, power off.
linux_session()
{
    kernel=$1
    label=$2
    shift 2
    start -m 128 -kernel "$G/$kernel" -initrd "$G/$INITRD" -append "console=ttyS0" -no-reboot "$@"
    wait_serial '^GUEST-UP' 120
    say "$label: $(grep -a GUEST-UP "$W/serial" | tr -d '\r' | cut -c1-60) after $(took)"
    wait_serial '^guest# ' 30
    run 'uname -a'
    wait_serial "^Linux .* $MACHINE GNU/Linux" 20
    # The answers are computed, so that the echo of the command line does not look like one.
    run 'i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done; echo loop=$((i*3))'
    wait_serial '^loop=6000' 60
    run 'seq 1 20000 | gzip | gzip -d | md5sum'
    want=$(seq 1 20000 | md5sum | cut -c1-32)
    wait_serial "^$want" 30
    run 'seq 1 50000 | sha256sum'
    want=$(seq 1 50000 | sha256sum | cut -c1-64)
    wait_serial "^$want" 60
    run "awk 'BEGIN{for(i=1;i<=20000;i++)s+=i%13/7; printf \"awk=%.6f\\n\", s}'"
    want=$(awk 'BEGIN{for(i=1;i<=20000;i++)s+=i%13/7; printf "%.6f", s}')
    wait_serial "^awk=$want" 60
    # vi with cursor keys: write two lines, go up and left, insert, save.
    send 'vi /tmp/f\r'
    sleep 2
    send 'ione\rto\033'
    sleep 1
    send '\033[A\033[D\033[B'
    sleep 1
    send '0aw\033'
    sleep 1
    send ':wq\r'
    sleep 1
    run 'echo vi=$(tr "\n" "," </tmp/f)'
    wait_serial '^vi=one,two,' 30
    run 'poweroff -f'
    wait_end 0 60
}

# linux_reboot KERNEL ARGUMENTS: `reboot -f` starts the machine again.
linux_reboot()
{
    kernel=$1
    shift
    start -m 128 -kernel "$G/$kernel" -initrd "$G/$INITRD" -append "console=ttyS0 quiet" "$@"
    wait_serial '^guest# ' 120
    run 'reboot -f'
    wait_serial '^GUEST-UP' 120 2
    wait_serial '^guest# ' 60 2
    run 'poweroff -f'
    wait_end 0 60
}
