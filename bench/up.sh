#!/usr/bin/env bash
# A cluster with default durability, the service in Production (Release build), an organization, a key and an admin, all in one directory:
#   bench/up.sh DIRECTORY [start | stop | destroy]
# Then `. DIRECTORY/env` for the bench's settings. BENCH_PORT, BENCH_PGPORT and BENCH_NICE (-10 keeps others out, as root) may be set.
# stop leaves the data, destroy does not. start builds again, so that it is what one runs after a change.
set -euo pipefail
dir=$(mkdir -p "$1" && cd "$1" && pwd) repository=$(cd "$(dirname "$0")/.." && pwd)
port=${BENCH_PORT:-5090} pgport=${BENCH_PGPORT:-55490} nice=${BENCH_NICE:-0}
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1 || true)
export PATH="${bin:+$bin:}$PATH"
# PostgreSQL refuses to run as root.
postgres() { if [ "$(id -u)" = 0 ]; then nice -n "$nice" runuser -u postgres -- "$@"; else nice -n "$nice" "$@"; fi; }
query() { psql -qXAtv ON_ERROR_STOP=1 -h 127.0.0.1 -p "$pgport" -U bench "$@"; }
running() { [ -s "$dir/service.pid" ] && kill -0 "$(cat "$dir/service.pid")" 2>/dev/null; }

if running; then
  kill "$(cat "$dir/service.pid")"
  while running; do sleep 0.1; done
fi
if [ "${2:-start}" != start ]; then
  postgres pg_ctl -D "$dir/postgres" -m fast -w stop || true
  [ "$2" = stop ] || (cd "$dir" && rm -rf postgres app data env log service.pid)
  exit
fi

if [ ! -f "$dir/postgres/PG_VERSION" ]; then
  mkdir -p "$dir/postgres"
  if [ "$(id -u)" = 0 ]; then chmod a+x "$dir" && chown postgres "$dir/postgres"; fi
  postgres initdb -D "$dir/postgres" -U bench -A trust -E UTF8 --locale=C.UTF-8 >/dev/null
  # Room for 256 clients and a million rows. Everything else, durability above all, stays as PostgreSQL ships it.
  postgres tee -a "$dir/postgres/postgresql.conf" >/dev/null <<CONF
listen_addresses = '127.0.0.1'
port = $pgport
unix_socket_directories = '$dir/postgres'
max_connections = 400
shared_buffers = 1GB
max_wal_size = 8GB
CONF
fi
postgres pg_ctl -D "$dir/postgres" status >/dev/null || postgres pg_ctl -D "$dir/postgres" -l "$dir/postgres/log" -w start >/dev/null
query -d postgres -c "select 1 from pg_database where datname = 'chatlogger'" | grep -q 1 || query -d postgres -c 'create database chatlogger'

dotnet publish -c Release -o "$dir/app" "$repository/src/ChatLogger" -v quiet
export ASPNETCORE_ENVIRONMENT=Production DATABASE_URL="postgres://bench@127.0.0.1:$pgport/chatlogger"
# The limits stay on, and out of the way: one key here stands for many plugins.
export RateLimits__Ingest__PerSecond=1000000 RateLimits__Ingest__Burst=1000000 RateLimits__Analytics__PerMinute=100000
export Session__Secret="a secret that guards nothing, for benchmarks only" DataDirectory="$dir/data"
service() { dotnet "$dir/app/ChatLogger.dll" "$@"; }
if [ ! -f "$dir/env" ]; then
  service migrate >/dev/null
  service org create --slug acme --name Acme >/dev/null
  echo 'a password for benchmarks' | service user create --org acme --email ann@acme.example --role admin --password-stdin >/dev/null
  service org create --slug redacted --name Redacted >/dev/null
  query -d chatlogger -c "update organizations set redaction = '{\"kinds\":[\"email\",\"phone\",\"creditCard\",\"iban\",\"ipAddress\",\"secret\"],\"patterns\":[],\"metadata\":true}'
    where slug = 'redacted'"
  redacted=$(service apikey create --org redacted --label bench | grep -o 'clk_[0-9A-Za-z_]*' | head -1)
  key=$(service apikey create --org acme --label bench | grep -o 'clk_[0-9A-Za-z_]*' | head -1)
  cat >"$dir/env.new" <<ENV
export CHATLOGGER_URL=http://127.0.0.1:$port CHATLOGGER_SLUG=acme CHATLOGGER_KEY=$key
export REDACTED_KEY=$redacted
export CHATLOGGER_EMAIL=ann@acme.example CHATLOGGER_PASSWORD='a password for benchmarks'
export DATABASE_URL=$DATABASE_URL
export CHATLOGGER_PID=\$(cat '$dir/service.pid') POSTGRES_PID=\$(head -1 '$dir/postgres/postmaster.pid')
ENV
  mv "$dir/env.new" "$dir/env"
fi
setsid nice -n "$nice" dotnet "$dir/app/ChatLogger.dll" --urls "http://127.0.0.1:$port" >"$dir/log" 2>&1 &
echo $! >"$dir/service.pid"
# Where Linux shares the processors out by sessions, niceness counts only within one; a session has a niceness of its own.
for pid in $! "$(head -1 "$dir/postgres/postmaster.pid")"; do
  if [ "$nice" != 0 ] && [ -w "/proc/$pid/autogroup" ]; then echo "$nice" >"/proc/$pid/autogroup"; fi
done
for _ in $(seq 100); do
  curl -fs "http://127.0.0.1:$port/healthz/ready" >/dev/null && echo "Ready. Next: . $dir/env" && exit
  running || break
  sleep 0.1
done
cat "$dir/log" >&2
exit 1
