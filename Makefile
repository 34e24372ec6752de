# Nines. `make help` lists the targets. Go is all that run and build need; the
# tests want Python and Node for clients that are not ours (tools/foreign.sh).

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

GOLANGCI_VERSION := v2.15.0
GOLANGCI         := .tools/golangci-lint-$(GOLANGCI_VERSION)
FUZZTIME         ?= 30s
TEST_TIMEOUT     ?= 20m
# How many random cases a property is held against; the full test takes more.
RAPID_CHECKS     ?= 20
export RAPID_CHECKS

# The version comes from git alone and is "dev" outside a checkout: the build
# does not rely on what the go command knows about version control.
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT  := $(shell git rev-parse HEAD 2>/dev/null)

# The race detector needs a C compiler; without one the tests run without it.
RACE := $(shell [ "$$(go env CGO_ENABLED)" = 1 ] && command -v "$$(go env CC)" >/dev/null 2>&1 && echo -race)

# The program as a user runs it, hundreds of processes: five times slower with the
# race detector, which the full test gives them. Everything else always has it.
WHOLE := /internal/(e2e|cli)$$|/doc$$

# Arithmetic without a goroutine, whose random cases cost ten times as much with the
# race detector: it has nothing to find there, and looks in the full test all the same.
PURE := /internal/(slo|alert|backtest|backtest/synthetic|evidence|rollout|watch|judge|judge/[a-z]+)$$

# The modules beside the program's own: what others import, examples, comparisons.
PEERS   := $(patsubst %/go.mod,%,$(wildcard bench/go.mod telemetry/bench/go.mod))
MODULES := $(filter-out $(PEERS),$(patsubst %/go.mod,%,$(wildcard telemetry/go.mod telemetry/*/go.mod examples/*/go.mod examples/*/*/go.mod)))

# Where the tests find what tools/foreign.sh, tools/gitlab-ci.sh and tools/telemetry.sh install.
# NINES_SKIP_FOREIGN=1 leaves those tests out, on a machine without Python or Node.
ifeq ($(NINES_SKIP_FOREIGN),)
FOREIGN := NINES_PYTHON="$(CURDIR)/.tools/foreign/py/bin/python" NINES_NODE_MODULES="$(CURDIR)/.tools/foreign/js/node_modules" \
	NINES_NODE="$(CURDIR)/.tools/gitlab-ci/node" NINES_GITLAB_CI_LOCAL="$(CURDIR)/.tools/gitlab-ci/node_modules/gitlab-ci-local/dist/index.js" \
	NINES_TELEMETRY_NODE_MODULES="$(CURDIR)/.tools/telemetry/js/node_modules" NINES_COLLECTOR="$(CURDIR)/.tools/telemetry/collector" \
	NINES_PIPELINE_TOOLS="$(CURDIR)/.tools/templates"
endif

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build payment-api ## the example, live: a payment API under load, measured and gated; FAULT=errors breaks it
	@bin/payment-api live --nines bin/nines --fault "$(FAULT)"

.PHONY: ship
ship: build payment-api ## the example's next version, rolled out beside the old one: promoted, or put back with FAULT=errors
	@bin/payment-api live --nines bin/nines --ship --fault "$(FAULT)"

.PHONY: demo
demo: build ## the example, recorded, in seconds: five weeks of budgets, a gate that passes, one that halts, and why
	@examples/payment-api/run.sh bin/nines

# The example's service: a server, a load and, started by Lambda, a function.
.PHONY: payment-api
payment-api:
	@mkdir -p bin
	@CGO_ENABLED=0 go build -C examples/payment-api/service -tags lambda.norpc -trimpath -buildvcs=false -ldflags "-s -w" -o "$(CURDIR)/bin/payment-api" .

.PHONY: build
build: ## bin/nines, static
	@mkdir -p bin
	CGO_ENABLED=0 go build -tags lambda.norpc -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)" -o bin/nines ./cmd/nines

.PHONY: foreign
foreign:
	@$(if $(NINES_SKIP_FOREIGN),echo "NINES_SKIP_FOREIGN is set: testing without foreign clients and servers",tools/foreign.sh && tools/gitlab-ci.sh && tools/telemetry.sh)

.PHONY: templates
templates:
	@$(if $(NINES_SKIP_FOREIGN),echo "NINES_SKIP_FOREIGN is set: the templates are not checked",tools/templates.sh)

.PHONY: test
test: foreign templates ## what every change must pass: vet, and every test in random order, with the race detector
	go vet ./...
	@$(if $(RACE),:,echo "no C compiler: testing without the race detector")
	$(FOREIGN) go test $(RACE) -shuffle=on -timeout $(TEST_TIMEOUT) $$(go list ./... | grep -vE '$(WHOLE)|$(PURE)')
	$(FOREIGN) go test -shuffle=on -timeout $(TEST_TIMEOUT) $$(go list ./... | grep -E '$(WHOLE)|$(PURE)')
	@for m in $(MODULES); do echo "in $$m:" && (cd $$m && go vet ./... && $(FOREIGN) go test $(RACE) -shuffle=on -timeout $(TEST_TIMEOUT) ./...) || exit 1; done

.PHONY: test-full
test-full: test ## the long ones: 50 kills in the middle of measuring, fuzzing, peers
	$(if $(RACE),$(FOREIGN) go test $(RACE) -shuffle=on -timeout 60m $$(go list ./... | grep -E '$(WHOLE)|$(PURE)'))
	NINES_FULL=1 go test -count=1 -timeout 30m ./internal/e2e/... ./internal/run/poll
	RAPID_CHECKS=200 go test -count=1 -timeout 60m ./internal/slo ./internal/gate ./internal/metric/... ./internal/timeline/... ./internal/ledger/... ./internal/run/...
	NINES_FULL=1 go test -count=1 -timeout 30m -run Reproducible ./tools/release
	NINES_FULL=1 RAPID_CHECKS=30 go test -count=1 -timeout 30m ./internal/timeline/dynamodb ./internal/ledger/dynamodb ./internal/run/measure
	tools/dynamodb.sh
	tools/promtool.sh
	NINES_PROMTOOL="$(CURDIR)/.tools/promtool" go test -count=1 -timeout 40m -run Promtool ./internal/render/prometheus ./internal/run/render
	tools/templates.sh --scan
	$(FOREIGN) NINES_FULL=1 go test -count=1 -timeout 30m -run 'Pipeline' ./internal/e2e
	$(if $(NINES_SKIP_FOREIGN),,tools/alertmanager.sh && NINES_ALERTMANAGER="$(CURDIR)/.tools/alertmanager" go test -count=1 ./internal/notify/alertmanager)
	tools/fuzz.sh $(FUZZTIME)
	@for m in $(PEERS); do echo "in $$m:" && (cd $$m && go test -timeout $(TEST_TIMEOUT) ./...) || exit 1; done

.PHONY: check
check: $(GOLANGCI) ## lint, formats, modern Go, a tidy go.mod
	$(GOLANGCI) config verify
	$(GOLANGCI) fmt --diff
	$(GOLANGCI) run
	go fix -diff ./...
	go mod tidy -diff
	@for m in $(MODULES); do echo "in $$m:" && (cd $$m && $(CURDIR)/$(GOLANGCI) run && go fix -diff ./... && go mod tidy -diff) || exit 1; done
	@for m in $(PEERS); do echo "in $$m:" && (cd $$m && go vet ./... && go mod tidy -diff) || exit 1; done

.PHONY: bench
bench: ## every benchmark, the comparisons with others last
	go test -run '^$$' -bench . -benchmem -timeout 30m ./...
	@for m in $(MODULES) $(PEERS); do echo "in $$m:" && (cd $$m && go test -run '^$$' -bench . -benchmem -timeout 30m ./...) || exit 1; done

.PHONY: release
release: ## dist/: archives of every platform, Lambda packages, bill of materials, checksums
	go run ./tools/release -version "$(VERSION)" -commit "$(COMMIT)" -epoch "$$(git log -1 --format=%ct)" -out dist

.PHONY: rename
rename: ## another module path: make rename MODULE=gitlab.example.com/team/nines
	tools/rename.sh "$(MODULE)"

.PHONY: clean
clean: ## remove what was built
	rm -rf bin dist .tools

$(GOLANGCI):
	@mkdir -p .tools
	GOBIN="$(CURDIR)/.tools" go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv .tools/golangci-lint $@
