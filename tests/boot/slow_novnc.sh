#!/bin/sh
# noVNC in a headless Chromium shows the demo guest's picture and types into it.
. "$(dirname "$0")/lib.sh"
page=/usr/share/novnc/vnc_lite.html
[ -f $page ] || skip "needs the package novnc"
. "$(dirname "$0")/browser.sh"
number=$((1000 + $$ % 20000))
ws=$((5700 + number))

# js CODE: what it returns, as JSON.
js()
{
    ask POST "/$session/execute/sync" "{\"script\":\"$1\",\"args\":[]}"
    cat "$W/answer"
}

# js_until CODE SECONDS WHAT: until it returns true.
js_until()
{
    end=$(($(date +%s) + $2 * slow))
    until js "$1" | grep -q '"value":true'; do
        [ "$(date +%s)" -lt "$end" ] || fail "$3: $(head -c 300 "$W/answer")"
        sleep 0.5
    done
}

start -bios "$R/boot.bin" -m 32 -vnc "127.0.0.1:$number,websocket=on"
wait_screen 'Dragoman demo: a PC in software' 20
browse '"--allow-file-access-from-files","--window-size=1000,800",' ''
ask POST "/$session/url" "{\"url\":\"file://$page?host=127.0.0.1&port=$ws&path=websockify\"}"
js_until "var c = document.querySelector('canvas'); return !!c && c.width == 720 && c.height == 400" 60 \
    "noVNC shows no picture of 720x400"
# The demo's title line is blue; letters are not.
js_until "var c = document.querySelector('canvas'), d = c.getContext('2d').getImageData(0, 0, 720, 16).data, b = 0, o = 0;
 for (var i = 0; i < d.length; i += 4) { if (d[i] == 0 && d[i+1] == 0 && d[i+2] > 100) b++; else o++; }
 return b > 8000 && o > 200" 30 "the title line is not blue"
say "noVNC shows the demo's screen after $(took)"

# A click gives the keyboard to the picture.
ask POST "/$session/actions" '{"actions":[{"type":"pointer","id":"m","parameters":{"pointerType":"mouse"},"actions":[
{"type":"pointerMove","x":400,"y":300},{"type":"pointerDown","button":0},{"type":"pointerUp","button":0}]}]}'
keys=
for k in h i t h e r e; do
    keys="$keys${keys:+,}{\"type\":\"keyDown\",\"value\":\"$k\"},{\"type\":\"pause\",\"duration\":40},{\"type\":\"keyUp\",\"value\":\"$k\"}"
done
ask POST "/$session/actions" "{\"actions\":[{\"type\":\"key\",\"id\":\"k\",\"actions\":[$keys]}]}"
wait_screen 'hithere' 20
# P: the picture is a graphic mode, so the browser's canvas follows its size.
ask POST "/$session/actions" '{"actions":[{"type":"key","id":"k","actions":[{"type":"keyDown","value":"\uE008"},
{"type":"keyDown","value":"P"},{"type":"pause","duration":40},{"type":"keyUp","value":"P"},{"type":"keyUp","value":"\uE008"}]}]}'
wait_serial 'picture shown' 20
mon "screendump $W/dump.ppm"
js_until "var c = document.querySelector('canvas'); return c.width == 640 && c.height == 400" 20 "the canvas kept its size"
# The same points as the monitor's.
sum=$(tail -c $((640 * 400 * 3)) "$W/dump.ppm" | od -An -v -tu1 -w3 | awk '{s = (s * 31 + $1 + 2 * $2 + 3 * $3) % 1000003} END {print s}')
js_until "var c = document.querySelector('canvas'), d = c.getContext('2d').getImageData(0, 0, 640, 400).data, s = 0;
 for (var i = 0; i < d.length; i += 4) s = (s * 31 + d[i] + 2 * d[i+1] + 3 * d[i+2]) % 1000003; return s == $sum" 20 \
    "the canvas has another picture than the monitor"
ask DELETE "/$session" ''
done_testing "noVNC showed the demo's text and picture point for point, and typed into it"
