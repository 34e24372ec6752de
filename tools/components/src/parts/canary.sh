# A share of the traffic for the new version of $[[ inputs.service ]], judged.
set -- canary "$[[ inputs.service ]]" --then "$[[ inputs.then ]]"
[ -z "$[[ inputs.target ]]" ] || set -- "$@" --target "$[[ inputs.target ]]"
[ -z "$[[ inputs.version ]]" ] || set -- "$@" --version "$[[ inputs.version ]]"
[ -z "$[[ inputs.artifact ]]" ] || set -- "$@" --artifact "$[[ inputs.artifact ]]"
for step in $[[ inputs.steps ]]; do
  set -- "$@" --step "$step"
done
[ -z "$[[ inputs.wait ]]" ] || set -- "$@" --wait "$[[ inputs.wait ]]"
[ -z "$[[ inputs.threshold ]]" ] || set -- "$@" --threshold "$[[ inputs.threshold ]]"
[ -z "$[[ inputs.method ]]" ] || set -- "$@" --method "$[[ inputs.method ]]"
[ -z "$[[ inputs.unsure ]]" ] || set -- "$@" --unsure "$[[ inputs.unsure ]]"
[ -z "$[[ inputs.shift-with ]]" ] || set -- "$@" --shift-with "$[[ inputs.shift-with ]]"
[ -z "$[[ inputs.read-with ]]" ] || set -- "$@" --read-with "$[[ inputs.read-with ]]"
for alarm in $[[ inputs.alarms ]]; do
  set -- "$@" --alarm "$alarm"
done
<% part "reports.sh" 0 . %>
nines_code=0
nines_shift "$@" || nines_code=$?
if [ "$nines_code" -eq 4 ] && [ "$[[ inputs.inconclusive ]]" = warn ]; then
  echo "nines: not known well enough; the pipeline goes on" >&2
  exit 5
fi
exit "$nines_code"
