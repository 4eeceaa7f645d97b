# A headless Chromium, driven by chromedriver (WebDriver, W3C Recommendation); behind lib.sh.
for p in chromium chromedriver curl; do
    command -v $p >/dev/null 2>&1 || skip "needs $p"
done
driver=$((40000 + $$ % 20000))
driver_pid=

end_driver()
{
    [ -z "$driver_pid" ] || kill "$driver_pid" 2>/dev/null
    cleanup
}
trap end_driver EXIT

# ask METHOD PATH JSON: one request to the browser's driver; the answer is in $W/answer.
ask()
{
    curl -s -m 60 -X "$1" -H 'Content-Type: application/json' ${3:+-d "$3"} \
        "http://127.0.0.1:$driver/session$2" >"$W/answer" || fail "the browser's driver does not answer"
}

# browse ARGUMENTS CAPABILITIES: start it with these arguments of Chromium and other capabilities, each followed by a comma or
# empty; $session is its session.
browse()
{
    chromedriver --port=$driver >"$W/driver" 2>&1 &
    driver_pid=$!
    for i in $(seq 100); do
        curl -s "http://127.0.0.1:$driver/status" | grep -q '"ready":true' && break
        sleep 0.2
    done
    ask POST '' "{\"capabilities\":{\"alwaysMatch\":{${2}\"goog:chromeOptions\":{\"args\":[${1}\"--headless=new\",\"--no-sandbox\",
\"--disable-gpu\",\"--user-data-dir=$W/chrome\"]}}}}"
    session=$(sed -n 's/.*"sessionId":"\([^"]*\)".*/\1/p' "$W/answer")
    [ -n "$session" ] || skip "the browser does not start here: $(head -c 300 "$W/answer")"
}
