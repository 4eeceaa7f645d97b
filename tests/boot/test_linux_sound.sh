#!/bin/sh
# Linux's own drivers of the Sound Blaster 16 and the ES1370 find the cards and play a tone of the host's
# through /dev/dsp; the WAV file holds it. The mixers' loudness, which the drivers leave at nothing, is set
# through the monitor.
. "$(dirname "$0")/lib.sh"
need_seabios
need_guest vmlinuz-686 initrd-modules.cpio.gz apt/kernel-686
[ -x "$B/wavtone" ] || skip "needs $B/wavtone"
command -v cpio >/dev/null 2>&1 || skip "needs cpio"

modules="soundcore snd snd-timer snd-pcm snd-seq-device snd-rawmidi snd-mpu401-uart snd-hwdep snd-opl3-lib
    snd-sb-common snd-sb16-dsp snd-sb16-csp snd-sb16 gameport ac97_bus snd-ac97-codec snd-ens1370 snd-mixer-oss snd-pcm-oss"
mkdir -p "$W/tree/snd"
for m in $modules; do
    f=$(find "$G/apt/root/$(cat "$G/apt/kernel-686")" -name "$m.ko" 2>/dev/null | head -n 1)
    case $m in
    snd-sb16) args='port=0x220 irq=5 dma8=1 dma16=5 isapnp=0' ;;
    *) args= ;;
    esac
    [ -z "$f" ] || cp "$f" "$W/tree/snd/" || exit 1
    [ -z "$f" ] || echo "insmod /snd/$m.ko $args" >>"$W/tree/snd/load"
done
[ -f "$W/tree/snd/snd-pcm-oss.ko" ] || skip "the kernel's sound modules are not there"
# Bytes at 8000 Hz, as /dev/dsp is opened: 440 Hz for two seconds and a half.
LC_ALL=C awk 'BEGIN { for (i = 0; i < 20000; i++) { v = int(128 + 100 * sin(6.283185307179586 * 440 * i / 8000)); printf "\\%03o", v } }' >"$W/octal"
printf "$(cat "$W/octal")" >"$W/tree/snd/tone"
(cd "$W/tree" && find . | cpio -o -H newc --quiet | gzip) >"$W/sound.cpio.gz"
cat "$G/initrd-modules.cpio.gz" "$W/sound.cpio.gz" >"$W/initrd.gz"

# session CARD MODULES-TO-LEAVE ARGUMENTS
session()
{
    card=$1
    leave=$2
    shift 2
    start -m 128 -kernel "$G/vmlinuz-686" -initrd "$W/initrd.gz" -append "console=ttyS0 quiet" -no-reboot \
        -audiodev "wav,id=a,path=$W/$card.wav" "$@"
    wait_serial '^guest# ' 120
    run "grep -v $leave /snd/load | sh 2>&1 | tail -n 2; cat /proc/asound/cards; echo loaded=\$((1+1))"
    wait_serial '^loaded=2' 60
    wait_serial "$card" 5
}

tone()
{
    run 'cat /snd/tone >/dev/dsp; echo played=$((40+2))'
    wait_serial '^played=42' 60
    run 'poweroff -f'
    wait_end 0 60
    # the edges of what a driver plays are its own; the tone in between must be whole
    "$B/wavtone" "$W/$card.wav" 1 440 2 2 >"$W/tones" || fail "$card: $(tr '\n' ';' <"$W/tones")"
    say "$card: $(tr '\n' ';' <"$W/tones")"
}

session SB16 ens1370 -device sb16,audiodev=a
for r in 0x30 0x31 0x32 0x33; do
    mon "o /b 0x224 $r"
    mon "o /b 0x225 0xf8"
done
tone
session ENS1370 sb16 -device ES1370,audiodev=a
run 'echo base=$(sed -n "s/-.*ENS1370.*//p;s/-.*Ensoniq.*//p" /proc/ioports | tail -n 1)'
wait_serial '^base= *[0-9a-f]' 10
base=0x$(tr -d '\r' <"$W/serial" | sed -n 's/^base= *\([0-9a-f]*\).*/\1/p' | tail -n 1)
for r in 0x0000 0x0100 0x0206 0x0306 0x0406 0x0506; do
    mon "o /w $base+0x10 $r"
done
tone
done_testing "Linux plays through both cards"
