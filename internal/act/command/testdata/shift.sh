#!/bin/sh
# Moves the traffic of the tests: state in files beside it.
set -eu
dir=$NINES_TEST_DIR
if [ -s "$dir/trouble" ]; then
	read -r trouble <"$dir/trouble"
	case $trouble in
	lost) rm "$dir/trouble" ;;
	*)
		echo "first line" >&2
		echo "trouble $trouble" >&2
		exit "$trouble"
		;;
	esac
fi
echo "$NINES_STABLE|$NINES_CANARY|$NINES_SHARE|$NINES_WEIGHT|$NINES_VERB|$NINES_KEY|$NINES_REASON|$NINES_FROM_STABLE|$NINES_FROM_CANARY|$NINES_FROM_SHARE|$NINES_FROM_REVISION" >>"$dir/log"
printf '%s\n' "$NINES_STABLE" "$NINES_CANARY" "$NINES_SHARE" >"$dir/new"
mv "$dir/new" "$dir/state"
echo x >>"$dir/writes"
if [ "${trouble-}" = lost ]; then
	echo "killed on the way home" >&2
	exit 1
fi
