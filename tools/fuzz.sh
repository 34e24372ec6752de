#!/usr/bin/env bash
# Runs every fuzz target of every module for a while, one after the other: the
# go command fuzzes one target of one package at a time.
#
#   tools/fuzz.sh [TIME]     30s unless said
set -euo pipefail
cd "$(dirname "$0")/.."

time=${1:-30s}
count=0
while IFS=: read -r file target; do
	echo "fuzz $target ($file) for $time"
	go test -C "$(dirname "$file")" -run '^$' -fuzz "^$target\$" -fuzztime "$time" .
	count=$((count + 1))
done < <(git ls-files '*_test.go' | grep -v '^bench/' | xargs grep -HoE '^func Fuzz[A-Za-z0-9_]*' | sed 's/func //')

# A list that came out empty would look like success.
[ "$count" -gt 0 ] || { echo "no fuzz target was found" >&2; exit 1; }
echo "$count fuzz targets"
