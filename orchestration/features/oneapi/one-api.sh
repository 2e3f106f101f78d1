#!/bin/sh
# Gives one-api's first account, which it makes as root/123456, a password of its own, by one-api's API. Runs where nothing
# is published, on the same database; the page is served only after it. Leaves a password that the user has set as it is.
# The image has BusyBox only. printf is built into its shell, so no password is in any process's arguments.
set -eu

fail() {
    echo "The first account (root) has no safe password: $1" >&2
    exit 1
}

# ask METHOD PATH BODY [COOKIE]: the answer with its headers. BusyBox's wget has no PUT, and no
# no_proxy.
ask() {
    {
        printf '%s %s HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\n' "$1" "$2"
        printf 'Content-Length: %s\r\nCookie: %s\r\n\r\n%s' "${#3}" "${4-}" "$3"
    } | timeout 30 nc 127.0.0.1 3000
}

login() {
    ask POST /api/user/login "{\"username\":\"root\",\"password\":\"$1\"}" || fail "one-api does not answer"
}

# succeeded ANSWER: 0 where one-api says so, 1 where it says no; ends where it says neither.
succeeded() {
    case $1 in
        *'"success":true'* | *'"success": true'*) return 0 ;;
        *'"success":false'* | *'"success": false'*) return 1 ;;
    esac
    fail "an answer was expected from one-api, found: $(printf %s "$1" | head -n 1)"
}

ended() {
    case $(cat /tmp/oneapi-*.log 2>/dev/null) in
        *'token encoder: '*)
            fail "one-api could not download its encodings, as it must at its first start, from\
 openaipublic.blob.core.windows.net. Let it reach the internet, or choose the edition New API, which needs none"
            ;;
    esac
    fail "one-api ended; what it says is above"
}

# The log goes to a file of this container, too, in which the reason of an end is looked up: of this
# one, and not of an earlier start.
rm -f /tmp/oneapi-*.log
/one-api --log-dir /tmp &
program=$!
until wget -Y off -q -O /dev/null http://127.0.0.1:3000/api/status 2>/dev/null; do
    kill -0 "$program" 2>/dev/null || ended
    sleep 0.2
done

answer=$(login 123456)
if succeeded "$answer"; then
    cookie=$(printf %s "$answer" | sed -n 's/^[Ss]et-[Cc]ookie: *\(session=[^;[:space:]]*\).*/\1/p')
    answer=$(ask PUT /api/user/self "{\"password\":\"$ONEAPI_ROOT_PASSWORD\"}" "$cookie") || fail "one-api does not answer"
    succeeded "$answer" || fail "one-api refused the new one"
    answer=$(login "$ONEAPI_ROOT_PASSWORD")
    succeeded "$answer" || fail "one-api does not take the new one"
fi
answer=$(login 123456)
if succeeded "$answer"; then
    fail "the published one still works"
fi
echo "The published password of root does not work."
kill "$program"
