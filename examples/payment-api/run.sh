#!/usr/bin/env bash
# Measures the example from its recorded series and asks: how much budget is
# left, may this be deployed, and why not.
#
#   examples/payment-api/run.sh [NINES]     the program; bin/nines unless said
set -euo pipefail
cd "$(dirname "$0")/../.."

nines=${1:-bin/nines}
export NINES_CONFIG=examples/payment-api
export NINES_ACTOR=${NINES_ACTOR:-you}
# The recording ends here. Without --at the gate would ask what is in force
# today, and hold everything on a weekend.
at=(--at 2025-02-05T00:00:00Z)

# Everything begins anew, so that it can be run again.
rm -rf "$NINES_CONFIG/.nines"

# Shows a command, runs it, and says how it ended when that was not with 0. What
# a pipeline would stop at is the point here: only 1 and 2 end the example.
show() {
	local bold='' plain=''
	[ ! -t 1 ] || bold=$'\033[1m' plain=$'\033[0m'
	printf '\n%s$ nines %s%s\n' "$bold" "$*" "$plain"
	local code=0
	"$nines" "$@" || code=$?
	[ "$code" -eq 0 ] || echo "(exit $code)"
	[ "$code" -ne 1 ] && [ "$code" -ne 2 ] || exit "$code"
}

show lint examples/payment-api
show measure
show status
show gate payment-api "${at[@]}"
show gate checkout-api "${at[@]}"
show why

cat <<'END'

The documents are in examples/payment-api, the history in its .nines folder. Go on with

  bin/nines --config examples/payment-api status checkout-api/availability
  bin/nines --config examples/payment-api gate checkout-api --class fix --at 2025-02-05T00:00:00Z
  bin/nines --config examples/payment-api replay
END
