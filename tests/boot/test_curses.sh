#!/bin/sh
# The text screen in a terminal: what a pseudo terminal gets, keys back, graphic modes said, refusals.
. "$(dirname "$0")/lib.sh"
command -v script >/dev/null 2>&1 || skip "needs script (util-linux)"

refuses 'needs a terminal|no curses screen' -bios "$R/boot.bin" -display curses -serial null -monitor none
grep -q 'no curses screen' "$W/stderr" && skip "this build has no curses screen"
mkfifo "$W/keys"
exec 7<>"$W/keys"
# script gives it a terminal of 100 by 40 and copies what it writes.
TERM=xterm LC_ALL=C.UTF-8 script -qfec "stty rows 40 cols 100; exec '$DRAGOMAN' -bios '$R/boot.bin' -m 32 \
-display curses -serial null -monitor none" "$W/typescript" <"$W/keys" >/dev/null 2>"$W/stderr" 7>&- &
pid=$!

# until PATTERN SECONDS: in what the terminal got.
until_shown()
{
    end=$(($(date +%s) + $2 * slow))
    until sed 's/\x1b\[[0-9;?]*[a-zA-Z]//g; s/\x1b(B//g' "$W/typescript" 2>/dev/null | grep -aq -- "$1"; do
        alive || fail "it ended before the terminal showed '$1'"
        [ "$(date +%s)" -lt "$end" ] || fail "no '$1' in the terminal"
        sleep 0.2
    done
}

until_shown 'a PC in software' 20
printf 'terminal' >&7
until_shown 'terminal' 10
printf '\033' >&7 # alone it is the key; the demo echoes it as nothing
sleep 0.3
printf 'P' >&7
until_shown 'graphic mode, 640x400' 20
printf 'x' >&7
sleep 1
printf '\035q' >&7 # Ctrl+] q ends it
end=$(($(date +%s) + 10 * slow))
while alive; do
    [ "$(date +%s)" -lt "$end" ] || fail "Ctrl+] q does not end it"
    sleep 0.1
done
pid=
done_testing "screen, keys, graphic mode, end"
