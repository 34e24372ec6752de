set -- promote "$[[ inputs.service ]]" --reason "${NINES_REASON:-promoted by $CI_JOB_NAME of pipeline ${CI_PIPELINE_ID:-0}}"
[ -z "$[[ inputs.target ]]" ] || set -- "$@" --target "$[[ inputs.target ]]"
<% part "reports.sh" 0 . %>
nines_code=0
nines_shift "$@" || nines_code=$?
