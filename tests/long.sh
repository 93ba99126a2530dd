#!/usr/bin/env bash
# The long form of the tests (ChatLogger.Testing/TestLength.cs): every value in every place, and more random cases. Arguments go to `dotnet test`.
set -euo pipefail
cd "$(dirname "$0")/.."
CHATLOGGER_LONG_TESTS=1 exec dotnet test "$@"
