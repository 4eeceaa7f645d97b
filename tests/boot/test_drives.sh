#!/bin/sh
# Drives in the monitor: every kind has a name, `info block` lists it, and change, eject and commit find it or refuse it
# with a sentence. No guest is needed: the boot ROM waits without a disk to boot.
. "$(dirname "$0")/lib.sh"

for f in floppy cd other base stick spare; do
    head -c 1474560 /dev/zero | tr '\0' "$(echo $f | cut -c1)" >"$W/$f.img"
done
"$DRAGOMAN" image create -q -f qcow2 -b "$W/base.img" -F raw "$W/top.qcow2" || fail "no overlay"

# ask COMMAND PATTERN: the monitor's answer to it must match.
n=0
ask()
{
    : >"$W/monitor"
    n=$((n + 1))
    mon "$1"
    mon "print $n+4096"
    end=$(($(date +%s) + 20 * slow))
    while ! grep -aq "0x$(printf %x $((n + 4096)))" "$W/monitor"; do
        alive || fail "the emulator ended at '$1'"
        [ "$(date +%s)" -lt "$end" ] || fail "no answer to '$1'"
        sleep 0.05
    done
    tr -d '\r' <"$W/monitor" | sed 's/^(dragoman) //' >"$W/answer"
    grep -aqE -- "$2" "$W/answer" || fail "'$1' answers: $(head -n 3 "$W/answer" | tr '\n' '|')"
}

start -bios "$R/boot.bin" -fda "$W/floppy.img" -drive "file=$W/cd.img,media=cdrom,format=raw" \
    -drive "file=$W/base.img,id=root,format=raw,index=1,readonly=on" -drive "if=virtio,file=$W/top.qcow2" \
    -drive "if=virtio,file=$W/spare.img,format=raw,snapshot=on,id=data" -device piix3-usb-uhci \
    -drive "if=none,file=$W/stick.img,format=raw,id=stick" -device usb-storage,drive=stick
ask 'info block' "^floppy0: $W/floppy.img"
for line in "ide0-cd0: $W/cd.img .raw, read-only, 1474560 bytes., removable" "root: $W/base.img .raw, read-only" \
    "virtio0: $W/top.qcow2 .qcow2, 1474560" "    Backing file: +$W/base.img .raw" "data: $W/spare.img .raw, snapshot" \
    "stick: $W/stick.img .raw, 1474560"; do
    grep -aqE "^$line" "$W/answer" || fail "info block has no '$line': $(tr '\n' '|' <"$W/answer")"
done
grep -aqE '^(e1000|usb|VGA)' "$W/answer" && fail "info block lists what is no drive"
say "info block: floppy, CD, disk with an id, two virtio disks, a USB disk"

# A CD by the name of its place, and a disk by both.
ask "change ide0-cd0 $W/other.img raw" '0x1002'
ask 'info block' "^ide0-cd0: $W/other.img"
ask 'eject ide0-cd0' '0x1004'
ask 'info block' '^ide0-cd0: .not inserted'
ask 'eject ide0-hd1' "cannot be|not removable|no removable"
ask "change virtio0 $W/other.img" "cannot be|not removable|no removable"
ask 'eject data' "cannot be|not removable|no removable"
ask 'eject stick' "cannot be|not removable|no removable"
ask 'change virtio7 x' "There is no drive 'virtio7'"
ask 'eject ""' "There is no drive|Which drive"
ask 'eject floppy1' "no drive 'floppy1'"

# Commit: into the backing file, which the other drive only reads; a disk without one has nothing.
ask 'commit stick' '[Nn]o backing|nothing|without'
ask 'commit data' '0x100e'
grep -aq 'backing\|no drive' "$W/answer" && fail "commit data: $(cat "$W/answer")"

# Trays, limits, watchdogs.
ask 'tray' "takes 'open' or 'close'"
ask 'tray open' 'Which drive'
ask 'tray close -f' 'Which drive'
ask 'block_set_io_throttle' 'Which drive'
ask 'tray open data' 'fixed disk'
ask 'tray open nose' "There is no drive 'nose'"
ask 'tray open -f ide0-cd0' '0x'
grep -aq 'drive' "$W/answer" && fail "tray open: $(cat "$W/answer")"
ask 'tray close ide0-cd0' '0x'
ask 'block_set_io_throttle data 1000 1 0 0 0 0' 'bps_rd is 0'
ask 'block_set_io_throttle data 1000000 0 0 500 0 0' '0x'
grep -aq 'is 0\|drive' "$W/answer" && fail "block_set_io_throttle: $(cat "$W/answer")"
ask 'watchdog_action nonsense' 'poweroff'
ask 'watchdog_action pause' '0x'
mon quit
wait_end 0 20

refuses "Two drives have the id 'a'" -drive "if=virtio,file=$W/base.img,id=a" -drive "if=none,file=$W/other.img,id=a"
refuses "Two drives have the id 'virtio0'" -drive "if=virtio,file=$W/base.img" \
    -drive "file=$W/other.img,id=virtio0"
done_testing "names, change, eject and commit of all kinds of drives"
