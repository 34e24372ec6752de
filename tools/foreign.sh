#!/usr/bin/env bash
# Installs the programs that are not ours and that the tests drive, pinned, under
# .tools/foreign: the AWS CLI, boto3, moto and numpy for Python, the AWS SDK for
# JavaScript for Node. What is missing fails by name. Once installed it does
# nothing. `make test` calls it, and tells the tests by NINES_PYTHON and
# NINES_NODE_MODULES where they are.
#
#   tools/foreign.sh
set -euo pipefail
cd "$(dirname "$0")/.."

for program in python3 node npm; do
	command -v "$program" >/dev/null || {
		echo "tools/foreign.sh: $program is missing; the tests drive the local CloudWatch with clients that need it" >&2
		echo "hint: install it, or set NINES_SKIP_FOREIGN=1 to leave those tests out" >&2
		exit 1
	}
done

py=.tools/foreign/py
if ! cmp -s tools/foreign/requirements.txt "$py/installed"; then
	echo "installing the AWS CLI, boto3, moto and numpy under $py (once, about half a minute)"
	rm -rf "$py"
	python3 -m venv "$py" || {
		echo "tools/foreign.sh: python3 cannot make a virtual environment; Debian has it in python3-venv" >&2
		exit 1
	}
	"$py/bin/pip" install --quiet --disable-pip-version-check --no-compile --no-deps --requirement tools/foreign/requirements.txt
	cp tools/foreign/requirements.txt "$py/installed"
fi

js=.tools/foreign/js
if ! cmp -s tools/foreign/package-lock.json "$js/installed"; then
	echo "installing the AWS SDK for JavaScript under $js"
	mkdir -p "$js"
	cp tools/foreign/package.json tools/foreign/package-lock.json "$js"
	npm ci --silent --no-audit --no-fund --prefix "$js"
	cp tools/foreign/package-lock.json "$js/installed"
fi
