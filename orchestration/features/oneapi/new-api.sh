#!/bin/sh
# Makes new-api's first account with a password of its own, by new-api's API for its setup, which whoever comes first may
# use. Runs where nothing is published, on the same database; the page is served only after it. Where there is an account,
# it is left as it is, unless its password is the published one of one-api.
# What is sent stands in a file in memory, so no password is in any process's arguments or left behind.
set -eu
umask 077

fail() {
    echo "The first account (root) has no safe password: $1" >&2
    exit 1
}

# ask PATH [BODY]: the answer, also to what is refused.
ask() {
    printf %s "${2-}" >/dev/shm/body
    wget -q -O - --timeout=30 --tries=1 --content-on-error --header='Content-Type: application/json' \
        ${2+--post-file=/dev/shm/body} "http://127.0.0.1:3000$1" || true
}

# succeeded ANSWER: 0 where new-api says so, 1 where it says no; ends where it says neither.
succeeded() {
    case $1 in
        *'"success":true'* | *'"success": true'*) return 0 ;;
        *'"success":false'* | *'"success": false'*) return 1 ;;
    esac
    fail "an answer was expected from new-api, found: ${1:-none}"
}

login() {
    ask /api/user/login "{\"username\":\"root\",\"password\":\"$1\"}"
}

/new-api --log-dir "" &
program=$!
until wget -q -O /dev/null http://127.0.0.1:3000/api/status; do
    kill -0 "$program" 2>/dev/null || fail "new-api ended; what it says is above"
    sleep 0.2
done

answer=$(ask /api/setup)
succeeded "$answer" || fail "new-api does not tell whether it is set up"
case $answer in
    *'"status":false'* | *'"status": false'*)
        password="\"password\":\"$ONEAPI_ROOT_PASSWORD\",\"confirmPassword\":\"$ONEAPI_ROOT_PASSWORD\""
        # For one's own use: models without a price are not refused.
        answer=$(ask /api/setup "{\"username\":\"root\",$password,\"SelfUseModeEnabled\":true,\"DemoSiteEnabled\":false}")
        succeeded "$answer" || fail "new-api refused it"
        answer=$(login "$ONEAPI_ROOT_PASSWORD")
        succeeded "$answer" || fail "new-api does not take the new one"
        ;;
esac
answer=$(login 123456)
if succeeded "$answer"; then
    fail "the published one works; change it in new-api"
fi
echo "The published password of root does not work."
kill "$program"
