#!/bin/sh
# An ISO made here from isolinux and Debian's i386 netboot installer boots to the installer's
# first question.
. "$(dirname "$0")/lib.sh"
need_seabios
need_guest d-i/vmlinuz d-i/initrd.gz isolinux/isolinux.bin isolinux/ldlinux.c32
command -v xorriso >/dev/null 2>&1 || skip "needs xorriso to make the ISO"

mkdir -p "$W/iso/isolinux"
cp "$G/isolinux/isolinux.bin" "$G/isolinux/ldlinux.c32" "$W/iso/isolinux/"
cp "$G/d-i/vmlinuz" "$W/iso/linux"
cp "$G/d-i/initrd.gz" "$W/iso/initrd.gz"
cat >"$W/iso/isolinux/isolinux.cfg" <<'END'
default install
prompt 0
label install
  kernel /linux
  append vga=normal fb=false nomodeset initrd=/initrd.gz
END
xorriso -as mkisofs -quiet -o "$W/cd.iso" -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 \
    -boot-info-table -V DRAGOMAN "$W/iso" >"$W/xorriso.log" 2>&1 || fail "xorriso: $(tail -n 1 "$W/xorriso.log")"

start -m 512 -cdrom "$W/cd.iso" -boot d
wait_screen 'ISOLINUX|Loading|Linux version|Select a language' 60
wait_screen 'Select a language' 300
say "first question after $(took)"
# It takes an answer: the next one is about the location.
key ret
wait_screen 'Select your location' 120
done_testing "the installer asked for the language and then for the location"
