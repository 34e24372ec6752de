nines_code=0
nines_gate "<% .File %>" || nines_code=$?
case "$nines_code" in
0) ;;
5) echo "nines: a warning; the job goes on" ;;
*)
  if [ "$[[ inputs.mode ]]" != advise ]; then
    exit "$nines_code"
  fi
  echo "nines: the gate ended with $nines_code; it only advises, and the job goes on" >&2
  ;;
esac
