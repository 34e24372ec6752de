nines_code=0
nines_gate "<% .File %>" || nines_code=$?
if [ "$nines_code" -ne 0 ] && [ "$[[ inputs.mode ]]" = advise ]; then
  echo "nines: the gate ended with $nines_code; it only advises" >&2
  exit 5
fi
exit "$nines_code"
