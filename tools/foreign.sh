#!/usr/bin/env bash
# Installs the programs that are not ours and that the tests drive, pinned, under
# .tools/foreign: the AWS CLI, boto3, moto, aiosmtpd and numpy for Python, the AWS SDK for
# JavaScript for Node. Once installed it does nothing. `make test` calls it, and tells the tests by NINES_PYTHON and
# NINES_NODE_MODULES where they are.
#
#   tools/foreign.sh
set -euo pipefail
cd "$(dirname "$0")/.."

tools/need.sh python node

py=.tools/foreign/py
if ! cmp -s tools/foreign/requirements.txt "$py/installed"; then
	echo "installing the AWS CLI, boto3, moto, aiosmtpd and numpy under $py (once, about half a minute)"
	rm -rf "$py"
	python3 -m venv "$py"
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
