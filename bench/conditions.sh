#!/usr/bin/env bash
# Posts messages to the service of up.sh over 64 connections, with and without a condition in turn, and prints the ratios of the rates:
#   bench/conditions.sh DIRECTORY start | organizations | consumers | snapshot [MINUTES] | pages
# start: the fifth and sixth second after a restart, to what it is later. organizations: written to a thousand, to written to one.
# consumers: rollups and search as usual, to both at rest. snapshot: with a transaction that has been open for MINUTES (15) of load, to
# without. pages: no rates, but the memory after a start, and at most while twelve members read 200 messages of 256 KiB each. ROUNDS (3)
# rounds each. It needs psql and wrk, and restarts the service with the settings that it has.
set -euo pipefail
dir=$(cd "$1" && pwd) here=$(cd "$(dirname "$0")" && pwd) rounds=${ROUNDS:-3}
. "$dir/env"
export CHATLOGGER_KEY CHATLOGGER_REQUESTS=$dir/requests
mapfile -d '' -t environment <"/proc/$CHATLOGGER_PID/environ"
work=$(mktemp -d)
trap 'rm -rf "$work"; kill $(jobs -p) 2>/dev/null || true' EXIT

restart() { # NAME=VALUE …
  kill "$(cat "$dir/service.pid")"
  while kill -0 "$(cat "$dir/service.pid")" 2>/dev/null; do sleep 0.1; done
  setsid env -i "${environment[@]}" "$@" dotnet "$dir/app/ChatLogger.dll" --urls "$CHATLOGGER_URL" >>"$dir/log" 2>&1 &
  echo $! >"$dir/service.pid"
  disown
  until curl -fs "$CHATLOGGER_URL/healthz/ready" >/dev/null; do sleep 0.1; done
}

# Waits until rollups and search have all messages, so that none of the rates has the work of another.
# An empty organization has nothing to wait for.
settle() {
  until [ "$(psql -qXAt "$DATABASE_URL" -c "select coalesce(bool_and(seq >= (select max(seq) from messages m where m.org_id = o.id)), true)
    from followers f join organizations o on f.org_id = o.id where slug = '$CHATLOGGER_SLUG' and follower in ('rollups', 'search_index')")" = t ]; do
    sleep 1
  done
}

rate() { # SECONDS [FILE]: accepted messages a second
  CHATLOGGER_REQUESTS=${2:-$CHATLOGGER_REQUESTS} wrk --threads 1 --connections 64 --duration "$1s" --timeout 10s \
    --script "$here/wrk/requests.lua" "$CHATLOGGER_URL" |
    awk -F'[:,]' '/^\{/ {
      if ($6 + $8 + $10 + $12 + $14 > 0) print "Some requests failed: " $0 > "/dev/stderr"
      printf "%d\n", ($2 - $6) / $4 * 1e6
    }'
}

# A line for a message to a chat that is made for it: SLUG KEY
request() {
  local chat
  chat=$(curl -sf --retry 9 "$CHATLOGGER_URL/api/v1/orgs/$1/chats" -H "x-organization-api-key: $2" -H 'content-type: application/json' -d '{}' |
    sed 's/^{"id":"\([^"]*\)".*/\1/')
  printf '/api/v1/orgs/%s/chats/%s/messages\t{"role":"user","content":"%s"}\t%s\n' \
    "$1" "$chat" "$(printf 'where is my order %.0s' {1..11})" "$2"
}

# The cookie of a member: EMAIL PASSWORD. Curl sends Secure cookies over https only; this is loopback.
log_in() {
  curl -sf -c "$work/cookies" "$CHATLOGGER_URL/auth/login" -H 'content-type: application/json' -d "{\"email\":\"$1\",\"password\":\"$2\"}" >/dev/null
  awk 'END { print $6 "=" $7 }' "$work/cookies"
}

# The median, least and greatest of the ratios of two columns, and both rates in the round of the median.
ratios() {
  awk '{ print $1 / $2, $1, $2 }' | sort -n | awk -v what="$1" '{ r[NR] = $1; a[NR] = $2; b[NR] = $3 }
    END {
      middle = int((NR + 1) / 2)
      printf "%s: %.2f (%.2f to %.2f), as in %d/s to %d/s\n", what, r[middle], r[1], r[NR], a[middle], b[middle]
    }'
}

[ -s "$CHATLOGGER_REQUESTS" ] || for _ in $(seq 1000); do request "$CHATLOGGER_SLUG" "$CHATLOGGER_KEY"; done >"$CHATLOGGER_REQUESTS"

case ${2:-} in
  start)
    for _ in $(seq "$rounds"); do
      settle
      restart
      rate 4 >/dev/null
      early=$(rate 2)
      rate 40 >/dev/null
      echo "$early $(rate 5)"
    done | ratios "the fifth and sixth second after the start : later" ;;

  organizations)
    if [ ! -s "$dir/thousand" ]; then
      service() { env -i "${environment[@]}" dotnet "$dir/app/ChatLogger.dll" "$@"; }
      echo 'a password for benchmarks' | service admin create-superadmin --email root@bench.example --password-stdin >/dev/null || true
      cookie=$(log_in root@bench.example 'a password for benchmarks')
      post() { curl -sf --retry 9 "$CHATLOGGER_URL$1" -H "cookie: $cookie" -H 'content-type: application/json' -d "$2"; }
      for at in $(seq 1000); do
        slug=bench-$(date +%s)-$at
        post /orgs "{\"slug\":\"$slug\",\"name\":\"Organization $at\"}" >/dev/null
        request "$slug" "$(post "/orgs/$slug/apikeys" '{"label":"bench"}' | grep -o 'clk_[0-9A-Za-z_]*' | head -1)"
      done >"$work/thousand"
      mv "$work/thousand" "$dir/thousand"
    fi
    rate 8 >/dev/null
    rate 8 "$dir/thousand" >/dev/null
    for _ in $(seq "$rounds"); do echo "$(rate 8 "$dir/thousand") $(rate 8)"; done | ratios "a thousand organizations : one" ;;

  consumers)
    for _ in $(seq "$rounds"); do
      restart
      settle
      rate 30 >/dev/null
      with=$(rate 8)
      restart Feed__PollInterval=01:00:00 Search__PollInterval=00:01:00
      rate 30 >/dev/null
      echo "$with $(rate 8)"
    done | ratios "rollups and search on : at rest"
    restart
    settle ;;

  snapshot)
    # Longer than elsewhere: all rounds without come first, and must not be those of a service that has just started.
    rate 60 >/dev/null
    for _ in $(seq "$rounds"); do rate 8; done >"$work/without"
    psql -qX "$DATABASE_URL" -c 'begin isolation level repeatable read' -c 'select count(*) from organizations' \
      -c "select pg_sleep($((${3:-15} * 60 + rounds * 9 + 5)))" >/dev/null &
    rate $((${3:-15} * 60)) >/dev/null
    for _ in $(seq "$rounds"); do rate 8; done >"$work/with"
    paste -d' ' "$work/with" "$work/without" | ratios "a snapshot held for ${3:-15} minutes : none" ;;

  pages)
    chat=$(request "$CHATLOGGER_SLUG" "$CHATLOGGER_KEY" | sed 's|.*/chats/\([^/]*\)/.*|\1|')
    { printf '{"role":"user","content":"'; head -c 262144 /dev/zero | tr '\0' x; printf '"}'; } >"$work/message"
    for _ in $(seq 200); do
      curl -sf "$CHATLOGGER_URL/api/v1/orgs/$CHATLOGGER_SLUG/chats/$chat/messages" -H "x-organization-api-key: $CHATLOGGER_KEY" \
        -H 'content-type: application/json' -d "@$work/message" >/dev/null
    done
    memory() { awk -v what="$1" '$1 == what { print int($2 / 1024) }' "/proc/$(cat "$dir/service.pid")/status"; }
    for _ in $(seq "$rounds"); do
      restart
      cookie=$(log_in "$CHATLOGGER_EMAIL" "$CHATLOGGER_PASSWORD")
      page() { curl -sf "$CHATLOGGER_URL/orgs/me/chats/$chat/messages?limit=200$2" -H "cookie: $cookie" -o "$work/page$1" -w '%{size_download}\n'; }
      # The first one warms up.
      page 0 "" >/dev/null
      before=$(memory VmRSS:)
      for reader in $(seq 12); do
        while page "$reader" "${cursor:-}" >>"$work/sizes"; do
          cursor=$(tail -c 300 "$work/page$reader" | grep -o '"nextCursor":"[^"]*"' | cut -d'"' -f4) || break
          [ -n "$cursor" ] || break
          cursor="&cursor=$cursor"
        done &
      done
      wait
      echo "$before $(memory VmHWM:)"
    done | awk '{ printf "%d MB, at most %d MB with twelve readers: +%d MB\n", $1, $2, $2 - $1 }'
    awk '{ bytes += $1 } END { printf "%d MB were read in %d pages\n", bytes / 1048576, NR }' "$work/sizes" ;;

  *)
    sed -n '2,7s/^# //p' "$0" >&2
    exit 2 ;;
esac
