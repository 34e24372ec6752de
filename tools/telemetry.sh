#!/usr/bin/env bash
# Installs what the telemetry library is held against in the tests, pinned, under
# .tools/telemetry: the official TypeScript library for Lambda (npm), and an
# OpenTelemetry Collector, built from the Go module proxy. Once installed it does
# nothing. `make test` calls it, and tells the tests by
# NINES_TELEMETRY_NODE_MODULES and NINES_COLLECTOR where they are.
#
#   tools/telemetry.sh
set -euo pipefail
cd "$(dirname "$0")/.."

tools/need.sh node

js=.tools/telemetry/js
if ! cmp -s tools/telemetry/package-lock.json "$js/installed"; then
	echo "installing the official TypeScript library under $js (once)"
	mkdir -p "$js"
	cp tools/telemetry/package.json tools/telemetry/package-lock.json "$js"
	npm ci --silent --no-audit --no-fund --prefix "$js"
	cp tools/telemetry/package-lock.json "$js/installed"
fi

source=tools/telemetry/collector
if ! cat "$source"/{main.go,go.mod,go.sum} | cmp -s - .tools/telemetry/collector.built; then
	echo "building an OpenTelemetry Collector under .tools/telemetry (once, one or two minutes)"
	mkdir -p .tools/telemetry
	GOWORK=off CGO_ENABLED=0 go -C "$source" build -trimpath -buildvcs=false -ldflags "-s -w" -o "$PWD/.tools/telemetry/collector" .
	.tools/telemetry/collector --version >/dev/null
	cat "$source"/{main.go,go.mod,go.sum} >.tools/telemetry/collector.built
fi
