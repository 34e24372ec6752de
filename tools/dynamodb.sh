#!/usr/bin/env bash
# Holds the local DynamoDB, and the adapters over it, against two others: dynalite,
# whose answers and capacity were compared with the service's, and moto, which has
# transactions. Installs them, pinned, under .tools, and starts them on loopback
# ports of their own. cfn-lint reads the table's template.
#
#   tools/dynamodb.sh
set -euo pipefail
cd "$(dirname "$0")/.."

tools/need.sh python node

py=.tools/dynamodb/py
if ! cmp -s tools/dynamodb/requirements.txt "$py/installed"; then
	python3 -m venv "$py"
	"$py/bin/pip" install --quiet --no-deps --requirement tools/dynamodb/requirements.txt
	cp tools/dynamodb/requirements.txt "$py/installed"
fi

js=.tools/dynamodb/js
if ! cmp -s tools/dynamodb/package-lock.json "$js/installed"; then
	mkdir -p "$js"
	cp tools/dynamodb/package.json tools/dynamodb/package-lock.json "$js"
	npm ci --silent --prefix "$js"
	cp tools/dynamodb/package-lock.json "$js/installed"
fi

port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
answers() {
	for _ in $(seq 100); do
		python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1)' "$1" 2>/dev/null && return
		sleep 0.2
	done
	echo "tools/dynamodb.sh: nothing answers on port $1" >&2
	exit 1
}

moto=$(port)
"$py/bin/python" -c 'import sys; from moto.server import main; main(["-H", "127.0.0.1", "-p", sys.argv[1]])' "$moto" >.tools/dynamodb/moto.log 2>&1 &
started=$!
trap 'kill "$started" ${second:-} 2>/dev/null || true' EXIT
dynalite=$(port)
node "$js/node_modules/dynalite/cli.js" --host 127.0.0.1 --port "$dynalite" --createTableMs 5 --deleteTableMs 5 --updateTableMs 5 >.tools/dynamodb/dynalite.log 2>&1 &
second=$!
answers "$moto"
answers "$dynalite"

# Request by request.
NINES_MOTO="http://127.0.0.1:$moto" NINES_DYNALITE="http://127.0.0.1:$dynalite" \
	go test -count=1 -v -run '^TestForeign' ./internal/dynamodbd -rapid.checks=100
# The adapters' own suites. moto counts bytes as they are spelled on the wire, so
# the largest item there is is too large for it. A transaction it refuses puts back
# the tables as they were before, and loses what others wrote meanwhile: what is
# about writers at once is left to the local one. It is slow, so histories are few.
NINES_DYNAMODB_ENDPOINT="http://127.0.0.1:$moto" \
	go test -count=1 -run '^(TestSuite|TestLostAnswers)$/^(store|history)?$/^(versions|conflict|atomic|onePart|range|ownBytes|reopen|caps|cancellation|writesNothingTwice|cutOff)?$' \
	./internal/timeline/dynamodb
NINES_DYNAMODB_ENDPOINT="http://127.0.0.1:$moto" \
	go test -count=1 -run '^TestSuite$/^(append|key|get|subjects|refused|exactText|reopen|cancellation)$' ./internal/ledger/dynamodb
NINES_DYNAMODB_ENDPOINT="http://127.0.0.1:$moto" go test -count=1 ./internal/dynamo

go run ./cmd/nines store create dynamodb:nines --cloudformation >.tools/dynamodb/table.yaml
"$py/bin/cfn-lint" .tools/dynamodb/table.yaml
