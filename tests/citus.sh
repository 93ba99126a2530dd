#!/usr/bin/env bash
# What is run on Citus: the tests, on the cluster that CHATLOGGER_TEST_CITUS names (see CONTRIBUTING.md), and the drills, on clusters that they start
# themselves. Not a part of .ci/run, because it needs Citus: `tests/citus.sh`, `tests/citus.sh tests [FILTER]` or `tests/citus.sh drills [ROUNDS]`.
# The first prints how many tests of each class passed and failed.
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
results=tests/ChatLogger.Tests/TestResults/citus.trx
status=0

if [ "${1:-tests}" = tests ]; then
  : "${CHATLOGGER_TEST_CITUS:?Set it to the URL of a database of a coordinator that has workers.}"
  rm -f "$results"
  dotnet test tests/ChatLogger.Tests --logger "trx;LogFileName=$(basename "$results")" ${2:+--filter "$2"} || status=$?
  grep -o '<UnitTestResult [^>]*>' "$results" \
    | sed -E 's/.*testName="([^"(]*)\.[^."(]+(\([^"]*)?".*/\1 &/; s/^([^ ]*) .* outcome="([A-Za-z]*)".*/\1 \2/' \
    | awk '{ sub(/.*\./, "", $1); all[$1]; n[$1, $2]++ }
        END { for (class in all) printf "%s: %d passed, %d failed, %d skipped\n", class, n[class, "Passed"], n[class, "Failed"], n[class, "NotExecuted"] }' \
    | sort
fi
if [ "${1:-drills}" = drills ]; then
  dotnet run -c Release --project bench -- drill --fault node,coordinator,shard,service --citus --rounds "${2:-5}" || status=$?
fi
exit "$status"
