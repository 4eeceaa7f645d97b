#!/bin/sh
# Debian's i386 and amd64 on disks of their own: SeaBIOS, GRUB, login on the serial port, then the
# work of root_work.sh, whose results must be those of the same binaries run natively (chroot).
#
#   slow_root.sh BUILD [ARCH:CPU:SECONDS...]      default: "i386::60 amd64:qemu64:60", each with
#                                                 stress-ng for so long, then -cpu max without it
. "$(dirname "$0")/lib.sh"
need_seabios
here=$(cd "$(dirname "$0")" && pwd)
runs=${2:-i386::60 i386:qemu32:0 i386:max:0 amd64:qemu64:60 amd64:max:0}

# The same work on the host, once for each root.
native()
{
    [ -f "$W/native-$1" ] && return 0
    cp "$here/root_work.sh" "$G/root-$1/tmp/work.sh" || skip "cannot write to the unpacked root $G/root-$1"
    chroot "$G/root-$1" /bin/sh /tmp/work.sh 1 >"$W/native-$1" 2>"$W/native-$1.err"
    rm -f "$G/root-$1/tmp/work.sh"
    grep -q WORK-DONE "$W/native-$1" || skip "programs of the $1 root do not run natively here: $(head -n 1 "$W/native-$1.err")"
}

[ "$(id -u)" = 0 ] || skip "needs root to run the roots' programs natively"
tar -C "$here" -cf "$W/work.tar" root_work.sh
for r in $runs; do
    arch=${r%%:*}
    cpu=${r#*:}
    secs=${cpu##*:}
    cpu=${cpu%%:*}
    need_guest "root-$arch.img"
    native "$arch"
    start -m 512 ${cpu:+-cpu $cpu} -snapshot -drive "file=$G/root-$arch.img,format=raw" -drive "file=$W/work.tar,format=raw,index=1"
    wait_serial 'GNU GRUB' 60
    wait_serial '^guest login:' 300
    say "$arch ${cpu:-default CPU}: login after $(took)"
    run root
    wait_serial '^Password:' 30
    run guest
    wait_serial 'root@guest:.*# ' 60
    # Linux probes disks side by side: either may be sdb.
    run 'cd /tmp; for d in /dev/sda /dev/sdb; do [ $(blockdev --getsize64 $d) -gt 9999999 ] || tar xf $d; done'
    run "sh root_work.sh $secs || echo WORK-FAILED"
    wait_serial '^WORK-(DONE|FAILED)' $((900 + secs * 3))
    # Only `max` must have the instructions that the CPU need not have.
    tr -d '\r\000' <"$W/serial" | grep -q '^WORK-DONE' || fail "the work could not be started"
    without=none
    [ "$secs" != 0 ] || without='^R stress-ng'
    [ "$cpu" = max ] || without="$without|ssse3"
    tr -d '\r\000' <"$W/serial" | grep '^R ' | grep -vE "$without" >"$W/guest"
    grep '^R ' "$W/native-$arch" | grep -vE "$without" >"$W/want"
    grep -a 'stress-ng: metrc.* cpu  ' "$W/serial" | tr -d '\r'
    if ! cmp -s "$W/want" "$W/guest"; then
        diff "$W/want" "$W/guest" | cut -c1-300
        fail "$arch ${cpu:-default CPU}: results that differ from the native ones"
    fi
    say "$arch ${cpu:-default CPU}: $(wc -l <"$W/guest") results equal the native ones after $(took)"
    run 'poweroff'
    wait_end 0 120
done
done_testing "roots on disk: $runs"
