# Does $[[ inputs.service ]] do as well as before it was deployed?
set -- watch "$[[ inputs.service ]]" --duration "$[[ inputs.duration ]]" --rollback "$[[ inputs.rollback ]]"
[ -z "$[[ inputs.alert-threshold ]]" ] || set -- "$@" --alert-threshold "$[[ inputs.alert-threshold ]]"
for alarm in $[[ inputs.alarms ]]; do
  set -- "$@" --alarm "$alarm"
done
<% part "reports.sh" 0 . %>
nines_code=0
nines_shift "$@" || nines_code=$?
exit "$nines_code"
