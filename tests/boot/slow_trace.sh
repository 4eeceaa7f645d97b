#!/bin/sh
# The page of `dragoman trace` in a headless Chromium: no error, its parts are there, a click shows a block.
# TEST_SHOTS=FOLDER: a picture of the page goes there.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/browser.sh"

# js CODE WHAT: it returns true.
js()
{
    ask POST "/$session/execute/sync" "{\"script\":\"$1\",\"args\":[]}"
    grep -q '"value":true' "$W/answer" || fail "$2: $(head -c 300 "$W/answer")"
}

"$DRAGOMAN" trace -o "$W/page.html" -blocks 150 -insns 12000000 -- -bios "$R/boot.bin" -icount shift=3,sleep=off \
    -fw_cfg name=opt/dragoman/selftest,string=1 -display none -monitor none -serial null </dev/null 2>"$W/stderr" ||
    fail "dragoman trace fails"
browse '"--window-size=1400,2100",' '"goog:loggingPrefs":{"browser":"ALL"},'
ask POST "/$session/url" "{\"url\":\"file://$W/page.html\"}"
js "return document.body.dataset.ready === '150'" "the page did not get to its end"
js "return document.querySelectorAll('#cells button').length === 150" "not 150 cells"
js "return document.querySelectorAll('#graph rect').length > 20 && document.querySelectorAll('#graph path').length > 20" "no graph"
js "return document.querySelectorAll('#plots svg').length === 6" "not six plots"
js "return document.querySelectorAll('#exits tr').length === 9 && document.querySelectorAll('#pages tr').length > 50" "no tables"
js "document.querySelectorAll('#cells button')[3].click(); var g = document.querySelector('#guest').textContent; return g.length > 10 && document.querySelector('#what').textContent.indexOf(document.querySelectorAll('#cells button')[3].title.split(':')[0]) > 0" \
    "a click shows no block"
js "var s = document.querySelector('#pass'), i = document.querySelector('#ir'), a = i.textContent; s.value = '3'; s.onchange(); return a.length > 10 && i.textContent.length > 10" "no IR"
js "var r = document.querySelectorAll('#walks tr'), w = document.querySelector('#walk'), a = w.textContent; r[r.length - 1].onclick(); return r.length > 10 && a !== w.textContent && document.querySelectorAll('#steps tr').length >= 3" \
    "no walks of the page tables"
ask POST "/$session/se/log" '{"type":"browser"}'
grep -q 'SEVERE' "$W/answer" && fail "the browser complains: $(head -c 600 "$W/answer")"
if [ -n "${TEST_SHOTS:-}" ]; then
    ask GET "/$session/screenshot"
    sed 's/.*"value":"\([^"]*\)".*/\1/' "$W/answer" | base64 -d >"$TEST_SHOTS/trace.png"
fi
ask DELETE "/$session" ''
done_testing "150 blocks, graph, tables, walks and plots without an error"
