#!/usr/bin/env bash
# Imports a large file into the service of up.sh, and says how long that took and how much memory the import had at most (Linux):
#   bench/import.sh DIRECTORY [MEGABYTES]
# The file is made first, at DIRECTORY/import.jsonl: chats of 20 messages of about two kilobytes, in the service's own format.
set -euo pipefail
dir=$(cd "$1" && pwd) megabytes=${2:-1000}
. "$dir/env"
service() { dotnet "$dir/app/ChatLogger.dll" "$@"; }
export CHATLOGGER_KEY
CHATLOGGER_KEY=$(service apikey create --org acme --label import --scope ingest --scope import | grep -o 'clk_[0-9A-Za-z_]*' | head -1)

file=$dir/import.jsonl
rm -f "$file" "$file.chatlogger-import"
awk -v most=$((megabytes * 1000000)) -v run="$(date +%s)" 'BEGIN {
  split("where is my order it was to come on monday thank you size ten blue please again wait a moment let me look that up", words, " ")
  for (chat = 1; written < most; chat++) {
    line = "{\"id\":\"" run "-" chat "\",\"title\":\"Chat " chat "\",\"externalUserId\":\"v-" chat % 5000 "\",\"messages\":["
    for (message = 1; message <= 20; message++) {
      said = ""
      for (word = 1; word <= 400; word++) said = said words[1 + int(25 * rand())] " "
      line = line (message > 1 ? "," : "") "{\"role\":\"" (message % 2 ? "user" : "assistant") "\",\"content\":\"" said message "\"}"
    }
    line = line "]}"
    written += length(line) + 1
    print line
  }
}' >"$file"
ls -l "$file"

start=$(date +%s.%N)
dotnet "$dir/app/ChatLogger.dll" import "$file" &
import=$!
while grep VmHWM "/proc/$import/status" >"$dir/import.memory.new" 2>/dev/null; do
  mv "$dir/import.memory.new" "$dir/import.memory"
  sleep 0.2
done
code=0
wait "$import" || code=$?
echo "elapsed    $(awk -v start="$start" -v end="$(date +%s.%N)" 'BEGIN { printf "%.1f s", end - start }')"
echo "memory     $(awk '{ printf "%.0f MB at most", $2 / 1000 }' "$dir/import.memory")"
rm -f "$dir/import.memory" "$dir/import.memory.new"
exit "$code"
