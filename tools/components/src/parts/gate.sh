# Asks the gate. What may be claimed by a variable is a claim: the policy says
# what bears it out. $1 begins the names of its reports.
nines_gate() (
  class="$[[ inputs.class ]]" file="$1"
  set -- --max-age "$[[ inputs.max-age ]]" --note=$[[ inputs.note ]]
  case "$[[ inputs.mode ]]" in
  advise | enforce) set -- "$@" --mode "$[[ inputs.mode ]]" ;;
  esac
  if [ "$[[ inputs.claims ]]" = true ]; then
    class="${NINES_CLASS:-$class}"
    if [ -n "${NINES_OVERRIDE:-}" ]; then
      set -- "$@" --override --reason "$NINES_OVERRIDE"
      [ -z "${NINES_OVERRIDE_FOR:-}" ] || set -- "$@" --for "$NINES_OVERRIDE_FOR"
    fi
  fi
  rm -f "$file.xml" "$file.env" "$file.json" "$file.txt"
  nines_run gate "$[[ inputs.service ]]" --class "$class" "$@" \
    --report junit="$file.xml" --report dotenv="$file.env" --report annotations="$file.json" --report metrics="$file.txt"
)
