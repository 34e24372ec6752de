#!/usr/bin/env bash
# Builds the Alertmanager that the tests tell alerts, pinned, under
# .tools/alertmanager, from the Go module proxy. The module comes without the
# pages of its web interface, which it embeds: they are left empty. Once built it
# does nothing. `make test-full` calls it (it takes minutes), and tells the tests by
# NINES_ALERTMANAGER where it is.
#
#   tools/alertmanager.sh
set -euo pipefail
cd "$(dirname "$0")/.."

version=v0.35.0
sum="h1:nbXMjr+P2JaoFd7aHNDxKifEwTPN+TWxM0gNPonuH5w="

built=.tools/alertmanager.built
if [ "$(cat "$built" 2>/dev/null)" != "$version $sum" ]; then
	echo "building Alertmanager $version under .tools (once, minutes)"
	got=$(GOWORK=off GOFLAGS=-mod=mod go mod download -json "github.com/prometheus/alertmanager@$version")
	field() { sed -n "s/^\t\"$1\": \"\(.*\)\",*$/\1/p" <<<"$got"; }
	if [ "$(field Sum)" != "$sum" ]; then
		echo "Alertmanager $version has another checksum than the one that was pinned: $(field Sum)" >&2
		exit 1
	fi
	source=.tools/alertmanager-source
	rm -rf "$source" && mkdir -p .tools
	cp -r "$(field Dir)" "$source"
	chmod -R u+w "$source"
	mkdir -p "$source"/ui/app/dist/{elm,mantine}
	for page in elm mantine; do echo "<!doctype html><title>Alertmanager</title>" >"$source/ui/app/dist/$page/index.html"; done
	GOWORK=off CGO_ENABLED=0 go -C "$source" build -mod=readonly -trimpath -buildvcs=false -ldflags "-s -w" -o "$PWD/.tools/alertmanager" ./cmd/alertmanager
	rm -rf "$source"
	.tools/alertmanager --version >/dev/null 2>&1
	echo "$version $sum" >"$built"
fi
