#!/usr/bin/env bash
# Lints docs/openapi.json, generates a client from it, and goes a whole round with it through a service that is started for it.
# Run it after `dotnet build`; it needs Node and npm, and PostgreSQL's programs.
set -euo pipefail
cd "$(dirname "$0")"
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true
document=../../docs/openapi.json
service=../../src/ChatLogger/bin/${CONFIGURATION:-Debug}/net10.0/ChatLogger.dll

[ -d node_modules ] || npm ci --silent
npx redocly lint "$document" --config redocly.yaml
npx spectral lint "$document" --ruleset .spectral.yaml --fail-severity warn
mkdir -p build
npx openapi-typescript "$document" -o build/api.ts
npx tsc

data=$(mktemp -d)
chmod 755 "$data"
ASPNETCORE_ENVIRONMENT=Development DataDirectory="$data/data" dotnet "$service" --urls http://127.0.0.1:0 >"$data/output" 2>&1 &
pid=$!
stop() {
  kill "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  rm -rf "$data"
}
trap stop EXIT

# The first start ends with commands to paste; by then everything else has been said.
for _ in $(seq 600); do
  if grep -q 'API key' "$data/output"; then break; fi
  if ! kill -0 "$pid" 2>/dev/null; then cat "$data/output" >&2; exit 1; fi
  sleep 0.1
done
said() { sed -n "s/$1/\1/p" "$data/output" | head -n 1; }
node build/js/round.js \
  "$(said '.*is listening on \(http:[^ ,]*\).*')" \
  "$(said '^ *organization  *\([^ ]*\)$')" \
  "$(said '^ *API key  *\([^ ]*\)$')" \
  "$(said '^ *admin  *\([^ ]*\)  password  .*')" \
  "$(said '^ *admin  *[^ ]*  password  \([^ ]*\)$')" || { cat "$data/output" >&2; exit 1; }
