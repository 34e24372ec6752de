# Does $[[ inputs.service ]] do as well as before it was deployed?
set -- watch "$[[ inputs.service ]]" --duration "$[[ inputs.duration ]]" --rollback "$[[ inputs.rollback ]]"
for limit in $[[ inputs.alert-threshold ]]; do
  set -- "$@" --alert-threshold "$limit"
done
for alarm in $[[ inputs.alarms ]]; do
  set -- "$@" --alarm "$alarm"
done
[ -z "$[[ inputs.target ]]" ] || set -- "$@" --target "$[[ inputs.target ]]"
<% part "reports.sh" 0 . %>
nines_code=0
nines_shift "$@" || nines_code=$?
exit "$nines_code"
