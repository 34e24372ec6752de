rm -f "<% .File %>.xml" "<% .File %>.env" "<% .File %>.json" "<% .File %>.txt"
set -- "$@" --note=$[[ inputs.note ]] --report junit="<% .File %>.xml" --report dotenv="<% .File %>.env" \
  --report annotations="<% .File %>.json" --report metrics="<% .File %>.txt"
