#!/usr/bin/env bash
# Gives the module another path. The path is decided in go.mod; what repeats it
# (import lines, lint rules, the nested module) is rewritten here in one step.
set -euo pipefail
cd "$(dirname "$0")/.."

new=${1:-}
old=$(sed -n 's/^module //p' go.mod)
[ -n "$new" ] || { echo "usage: tools/rename.sh MODULE   (now: $old)" >&2; exit 2; }

git ls-files -z | xargs -0 grep -lZF "$old" -- | xargs -0 sed -i "s|${old//./\\.}|$new|g"
go build ./...
echo "$old is now $new"
