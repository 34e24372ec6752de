#!/usr/bin/env bash
# Makes sure that programs are there which the tests need and cannot bring along:
# python (with venv), node (with npm), rsync. What is missing is installed with
# apt where this is root on Debian; elsewhere it is named with the line to type.
#
#   tools/need.sh python node rsync
set -euo pipefail

packages() {
	case $1 in
	python) python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3 python3-venv ;;
	node) { command -v node && command -v npm; } >/dev/null || echo nodejs npm ;;
	rsync) command -v rsync >/dev/null || echo rsync ;;
	*) echo "tools/need.sh: $1 is not a program it knows" >&2 && exit 2 ;;
	esac
}

missing=()
for program in "$@"; do
	read -r -a names <<<"$(packages "$program")"
	missing+=("${names[@]}")
done
[ ${#missing[@]} -gt 0 ] || exit 0

install="apt-get install -y --no-install-recommends ${missing[*]}"
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
	echo "the tests need ${missing[*]}: sudo $install (or NINES_SKIP_FOREIGN=1 to leave those tests out)" >&2
	exit 1
fi
echo "installing ${missing[*]} with apt"
apt-get update >/dev/null
$install >/dev/null
