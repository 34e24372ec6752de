#!/usr/bin/env bash
# Checks the CloudFormation templates with programs that are not ours: cfn-lint,
# and with --scan checkov as well. Both are installed, pinned, under
# .tools/templates; checkov takes a minute and 300 MB, so that `make test` runs
# cfn-lint alone and `make test-full` both. Neither talks to anybody.
#
#   tools/templates.sh [--scan]
set -euo pipefail
cd "$(dirname "$0")/.."

tools/need.sh python

# program NAME REQUIREMENTS installs a program in an environment of its own.
program() {
	local dir=.tools/templates/$1
	if ! cmp -s "$2" "$dir/installed"; then
		echo "installing $1 under $dir (once)"
		rm -rf "$dir"
		python3 -m venv "$dir"
		"$dir/bin/pip" install --quiet --disable-pip-version-check --no-compile --no-deps --requirement "$2"
		cp "$2" "$dir/installed"
	fi
}

program cfn-lint tools/templates/requirements.txt
.tools/templates/cfn-lint/bin/cfn-lint --regions eu-west-1 us-east-1 eu-central-1 -- deploy/*.yaml
if [ "${1:-}" = --scan ]; then
	program checkov tools/templates/checkov.txt
	.tools/templates/checkov/bin/checkov --directory deploy --framework cloudformation --compact --quiet --skip-download
fi
