# nines_rights gives the shell it runs in, which is one of its own, the rights of
# a role, and takes away what a variable could slip in.
nines_rights() {
  how="$[[ inputs.aws-credentials ]]" role="$1" token=""
  if [ "$how" = auto ]; then
    how=variables
    [ -z "${AWS_CONTAINER_CREDENTIALS_RELATIVE_URI:-}${AWS_CONTAINER_CREDENTIALS_FULL_URI:-}${AWS_WEB_IDENTITY_TOKEN_FILE:-}" ] || how=runner
    [ -z "$role" ] || how=id-token
  fi
  if [ "$how" != variables ]; then
    unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
  fi
  if [ "$how" = id-token ]; then
    [ -n "$role" ] || { echo "nines: the input aws-role is missing" >&2; exit 2; }
    [ -n "${NINES_AWS_TOKEN:-}" ] || { echo "nines: the job has no identity token in NINES_AWS_TOKEN" >&2; exit 2; }
    unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE
    unset AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_CONTAINER_CREDENTIALS_FULL_URI
    token="$(mktemp)" || exit 2
    trap 'rm -f "$token"' EXIT
    printf '%s' "$NINES_AWS_TOKEN" >"$token" || exit 2
    export AWS_WEB_IDENTITY_TOKEN_FILE="$token" AWS_ROLE_ARN="$role" AWS_ROLE_SESSION_NAME="nines-${CI_JOB_ID:-job}"
  fi
  for name in $(env | sed -n 's/^\(AWS_ENDPOINT_URL[A-Z0-9_]*\)=.*/\1/p'); do
    unset "$name"
  done
  export AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true
  if [ -n "$[[ inputs.aws-endpoint ]]" ]; then
    export AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=false AWS_ENDPOINT_URL="$[[ inputs.aws-endpoint ]]" AWS_ENDPOINT_URL_STS="$[[ inputs.aws-endpoint ]]"
  fi
  [ -z "$[[ inputs.aws-region ]]" ] || export AWS_REGION="$[[ inputs.aws-region ]]" AWS_DEFAULT_REGION="$[[ inputs.aws-region ]]"
}
# nines_child runs a command so that the signal of a cancelled job reaches it, and
# waits until it has put back what it changed.
nines_child() {
  "$@" &
  child=$!
  trap 'told=1; kill -TERM "$child" 2>/dev/null || :' TERM INT HUP
  told=1
  while [ -n "$told" ]; do
    told="" code=0
    wait "$child" || code=$?
  done
  trap - TERM INT HUP
  return "$code"
}
# nines_call runs the program with these rights, and with the documents that the
# inputs name and no variable.
nines_call() {
  nines_rights "$[[ inputs.aws-role ]]"
  unset NINES_CONFIG NINES_STORE
  set -- "$@" --config "$[[ inputs.config ]]"
  [ -z "$[[ inputs.store ]]" ] || set -- "$@" --store "$[[ inputs.store ]]"
  [ -z "$[[ inputs.environment ]]" ] || set -- "$@" --env "$[[ inputs.environment ]]"
  [ -z "$[[ inputs.gitlab ]]" ] || set -- "$@" --gitlab "$[[ inputs.gitlab ]]"
  [ -z "$[[ inputs.project ]]" ] || set -- "$@" --project "$[[ inputs.project ]]"
  if [ -n "$[[ inputs.policy-ref ]]" ]; then
    [ -n "$[[ inputs.gitlab ]]" ] && [ -n "$[[ inputs.project ]]" ] || { echo "nines: the input policy-ref needs gitlab and project" >&2; exit 2; }
    set -- "$@" --policy-ref "$[[ inputs.policy-ref ]]"
  fi
  nines_child "$[[ inputs.binary ]]" "$@"
}
# nines_run asks it something; nines_shift has it change something, and hears of
# the job being cancelled meanwhile.
nines_run() (
  nines_call "$@"
)
nines_shift() {
  nines_child nines_call "$@"
}
