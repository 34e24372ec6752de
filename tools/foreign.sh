#!/usr/bin/env bash
# Drives the local CloudWatch with clients that are not ours: the AWS CLI, boto3
# and the AWS SDK for JavaScript, with numpy as the second opinion on every
# statistic. Installs them, pinned, under .tools; what is missing fails by name.
#
#   tools/foreign.sh
set -euo pipefail
cd "$(dirname "$0")/.."

for program in python3 npm node go; do
	command -v "$program" >/dev/null || { echo "tools/foreign.sh needs $program" >&2; exit 1; }
done

py=.tools/foreign/py
if ! cmp -s tools/foreign/requirements.txt "$py/installed"; then
	python3 -m venv "$py"
	"$py/bin/pip" install --quiet --no-deps --requirement tools/foreign/requirements.txt
	cp tools/foreign/requirements.txt "$py/installed"
fi

js=.tools/foreign/js
if ! cmp -s tools/foreign/package-lock.json "$js/installed"; then
	mkdir -p "$js"
	cp tools/foreign/package.json tools/foreign/package-lock.json "$js"
	npm ci --silent --prefix "$js"
	cp tools/foreign/package-lock.json "$js/installed"
fi

NINES_PYTHON="$PWD/$py/bin/python" NINES_NODE_MODULES="$PWD/$js/node_modules" \
	go test -count=1 -v -run '^TestForeign' ./internal/cloudwatchd
