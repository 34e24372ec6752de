#!/usr/bin/env bash
# Gives the module another path. The path is decided in go.mod; what repeats it
# (import lines, lint rules, the modules below it) is rewritten here in one step,
# and every module is built, its tests included.
set -euo pipefail
cd "$(dirname "$0")/.."

new=${1:-}
old=$(sed -n 's/^module //p' go.mod)
[ -n "$new" ] || { echo "usage: tools/rename.sh MODULE   (now: $old)" >&2; exit 2; }

git ls-files -z | xargs -0 grep -lZF "$old" -- | xargs -0 sed -i "s|${old//./\\.}|$new|g"
# Modules reach each other by replace lines, so each builds from this checkout. Those
# below tools build programs of others and import nothing of ours.
git ls-files -z -- go.mod '*/go.mod' ':!tools' | while IFS= read -r -d '' mod; do
	go -C "$(dirname "$mod")" vet ./...
done
echo "$old is now $new"
