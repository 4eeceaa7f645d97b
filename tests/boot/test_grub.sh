#!/bin/sh
# SeaBIOS boots GRUB's rescue floppy and CD to the prompt, which takes a command.
. "$(dirname "$0")/lib.sh"
need_seabios
need_guest grub-rescue-floppy.img grub-rescue-cdrom.iso

cp "$G/grub-rescue-floppy.img" "$W/floppy.img"
for medium in floppy CD; do
    if [ $medium = floppy ]; then
        start -m 64 -fda "$W/floppy.img" -boot a -snapshot
    else
        start -m 64 -cdrom "$G/grub-rescue-cdrom.iso" -boot d
    fi
    wait_screen 'GNU GRUB' 90
    say "$medium: menu after $(took)"
    key c
    wait_screen 'grub>' 20
    key e c h o spc o n e minus t w o ret
    wait_screen '^one-two' 20
done
# The display's description, through the adapter's BIOS (VBE/DDC).
for line in 'insmod vbe' 'set pager=1' 'videoinfo'; do
    mon "paste $line"
    sleep 1
    key ret
done
end=$(($(date +%s) + 30 * slow))
until grep -aq 'Preferred mode: 1024x768' "$W/screen"; do
    [ "$(date +%s)" -lt "$end" ] || fail "no preferred mode of the display"
    key spc
    wait_screen . 10
done
say "EDID: $(grep -a 'EDID version' "$W/screen"), 1024x768 preferred"
done_testing "GRUB from floppy and CD, the display's description"
