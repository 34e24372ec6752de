#!/usr/bin/env bash
# Builds promtool, Prometheus's own program that checks and tries rules, pinned by
# tools/promtool/go.mod, as .tools/promtool. It takes four minutes from nothing, so
# only `make test-full` does it; once built it does nothing. The discovery of
# targets is left out: no test scrapes.
#
#   tools/promtool.sh
set -euo pipefail
cd "$(dirname "$0")/.."

source=tools/promtool
if ! cat "$source"/{go.mod,go.sum} | cmp -s - .tools/promtool.built; then
	echo "building promtool as .tools/promtool (once, some minutes)"
	mkdir -p .tools
	GOWORK=off CGO_ENABLED=0 go -C "$source" build -trimpath -buildvcs=false -tags remove_all_sd -ldflags "-s -w" \
		-o "$PWD/.tools/promtool" github.com/prometheus/prometheus/cmd/promtool
	.tools/promtool --version >/dev/null 2>&1
	cat "$source"/{go.mod,go.sum} >.tools/promtool.built
fi
