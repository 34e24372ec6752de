# nines_deploy ROLE STACK OTHERWISE PARAMETERS... deploys the template, by a change
# set, as this stack, or as OTHERWISE where STACK is empty.
nines_deploy() (
  nines_rights "$1"
  stack="$2" template="$[[ inputs.template ]]"
  [ -n "$stack" ] || stack="$3"
  shift 3
  if [ -n "$[[ inputs.bucket ]]" ]; then
    aws cloudformation package --template-file "$template" --s3-bucket "$[[ inputs.bucket ]]" --output-template-file packaged.yaml
    template=packaged.yaml
  fi
  [ $# -eq 0 ] || set -- --parameter-overrides "$@"
  nines_child aws cloudformation deploy --stack-name "$stack" --template-file "$template" --capabilities $[[ inputs.capabilities ]] \
    --no-fail-on-empty-changeset "$@"
)
