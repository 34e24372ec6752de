#!/bin/sh
# Tells how the traffic of the tests lies.
set -eu
dir=$NINES_TEST_DIR
{
	read -r stable
	read -r canary
	read -r share
} <"$dir/state"
revision=$(wc -l <"$dir/writes")
busy=$(cat "$dir/busy" 2>/dev/null || true)
echo "{\"stable\": \"$stable\", \"canary\": \"$canary\", \"weight\": ${share:-0}, \"revision\": \"r$((revision))\", \"busy\": \"$busy\"}"
