#!/usr/bin/env bash
# Checks the CloudFormation templates with programs that are not ours: cfn-lint,
# AWS's translator of SAM (what it makes of them is linted too), and with --scan
# checkov as well. All are installed, pinned, under .tools/templates; checkov takes
# a minute and 300 MB, so that only `make test-full` runs it. None talks to anybody.
# bandit is installed for the tests of the pipeline, which run it and cfn-lint; with
# --scan gosec is, too.
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

templates=(deploy/*.yaml examples/payment-api/template.yaml)

program cfn-lint tools/templates/requirements.txt
program sam tools/templates/sam.txt
program bandit tools/templates/bandit.txt
.tools/templates/cfn-lint/bin/cfn-lint --regions eu-west-1 us-east-1 eu-central-1 -- "${templates[@]}"
# What nines render writes, as the golden files keep it.
.tools/templates/cfn-lint/bin/cfn-lint --regions eu-west-1 us-east-1 -- internal/run/render/testdata/*/cloudformation/*.template.json

# The translator fills parameters and conditions in where it needs them, which
# leaves some unused (W2001) or in reach of nothing (W1028).
mkdir -p .tools/templates/translated
rm -f .tools/templates/translated/*
.tools/templates/sam/bin/python tools/templates/sam.py .tools/templates/translated "${templates[@]}"
.tools/templates/cfn-lint/bin/cfn-lint --regions eu-west-1 --ignore-checks W2001 W1028 -- .tools/templates/translated/*.json

if [ "${1:-}" = --scan ]; then
	[ -x .tools/templates/gosec/bin/gosec ] || GOBIN="$PWD/.tools/templates/gosec/bin" go install github.com/securego/gosec/v2/cmd/gosec@v2.30.0
	program checkov tools/templates/checkov.txt
	.tools/templates/checkov/bin/checkov $(printf -- '--file %s ' "${templates[@]}") --framework cloudformation --compact --quiet --skip-download
fi
