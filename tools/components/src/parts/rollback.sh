# The version before comes back, or the one that NINES_TO names. Who starts the
# job says why by NINES_REASON.
set -- rollback "$[[ inputs.service ]]" --reason "${NINES_REASON:-rolled back by $CI_JOB_NAME of pipeline ${CI_PIPELINE_ID:-0}}"
if [ -n "${NINES_TO:-}" ]; then
  set -- "$@" --to "$NINES_TO"
fi
[ -z "$[[ inputs.target ]]" ] || set -- "$@" --target "$[[ inputs.target ]]"
<% part "reports.sh" 0 . %>
nines_code=0
nines_shift "$@" || nines_code=$?
exit "$nines_code"
