# Everything that is done to this repository, by hand or in CI, is a target here.
# Modules are found by their go.mod, never listed.

GO       ?= go
SCRIPTS  := internal/dev/scripts
# In each module: members of go.work together, the others on their own.
EACH     := $(SCRIPTS)/each-module.sh
BIN      := $(CURDIR)/bin
TOOLS    := internal/dev/tools
CONSUMER  = GOWORK=off $(GO) -C internal/dev/consumercheck run . -root $(CURDIR)
RELEASE   = GOWORK=off $(GO) -C internal/dev/release run . -root $(CURDIR)
TESTRUN   = $(BIN)/testrun -root $(CURDIR)

# How long each fuzz target runs, and what benchmarks run with.
FUZZTIME ?= 10s
BENCH    ?= .
BENCHFLAGS ?= -benchmem
# How many times test-restarts restarts a server for each of its tests.
RESTARTS ?= 1000
# How long the soak uses each of three drivers: ten minutes in all.
SOAK     ?= 200s
# Where the demo is served.
ADDRESS  ?= localhost:8080

# What CI runs, on each Go release, cheapest first.
CHECKS := lint cross tidy-check consumer-check released-check demo test-386 test

.DEFAULT_GOAL := help

##@ Try it

.PHONY: demo
demo: ## Cache the Go documentation on this machine: make demo [DSN=memory://] [ARGS=...]
	$(GO) run ./docs/examples/godocs $(if $(DSN),-dsn '$(DSN)') $(ARGS)

.PHONY: demo-web
demo-web: ## The same in a browser: make demo-web [ADDRESS=localhost:8080] [DSN=memory://]
	$(GO) run ./docs/examples/godocs -http '$(ADDRESS)' $(if $(DSN),-dsn '$(DSN)') $(ARGS)

.PHONY: demo-cluster
demo-cluster: ## The same on servers, started for it: three of memcached through each driver, and one of Valkey
	$(SCRIPTS)/test-deps.sh memcached
	$(SCRIPTS)/demo-cluster.sh $(ARGS)

.PHONY: demo-metrics
demo-metrics: ## The same with Prometheus, both started for it: make demo-metrics [ARGS=-keep]
	$(SCRIPTS)/test-deps.sh prometheus
	$(GO) run ./internal/dev/demometrics $(ARGS)

##@ Test

.PHONY: test
test: test-deps $(BIN)/testrun ## Test every module: under the race detector except for the benchmarks, and allocations without it
	$(TESTRUN) race alloc

.PHONY: test-race
test-race: test-deps $(BIN)/testrun ## The first half of it
	$(TESTRUN) race

.PHONY: test-alloc
test-alloc: test-deps $(BIN)/testrun ## The second half of it: allocations, and what has one goroutine
	$(TESTRUN) alloc

.PHONY: test-long
test-long: test-deps $(BIN)/testrun ## Test what make test leaves out: every schedule, every server; takes an hour
	LARDER_TEST_RESTARTS=$(RESTARTS) $(TESTRUN) long

.PHONY: test-stress
test-stress: test-deps $(BIN)/testrun ## Test the workspace three times while every processor is busy, to find flaky tests; takes half an hour
	$(TESTRUN) stress

.PHONY: test-386
test-386: test-deps $(BIN)/testrun ## Test the core as a 32-bit program, where atomics and sizes differ
	$(TESTRUN) 386

.PHONY: soak
soak: test-deps ## Play production on servers that fail, and check every read: make soak [SOAK=200s for each driver]
	GOWORK=off $(GO) -C internal/dev/soak test -count=1 -timeout 0 -v . -duration $(SOAK)

.PHONY: test-restarts
test-restarts: test-deps ## Test that tokens end with their server, in thousands of restarts: [RESTARTS=1000]
	LARDER_TEST_RESTARTS=$(RESTARTS) $(EACH) $(GO) test -count=1 -timeout=1h -run='Test(Servers|Faults)/tokens' ./...

.PHONY: test-deps
test-deps: ## Install what the tests need: a C compiler, servers, Python clients, Prometheus, a browser
	$(SCRIPTS)/test-deps.sh

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (10s) each
	$(EACH) $(CURDIR)/$(SCRIPTS)/fuzz.sh $(FUZZTIME)

.PHONY: cover
cover: test-deps | $(BIN) ## Measure test coverage of the workspace: bin/cover.html
	$(GO) test -coverpkg=./... -coverprofile=$(BIN)/cover.out work
	$(GO) tool cover -html=$(BIN)/cover.out -o $(BIN)/cover.html
	$(GO) tool cover -func=$(BIN)/cover.out | tail -n 1

.PHONY: consumer-check
consumer-check: ## Use the published modules as a stranger would: go get, vendor, build, run
	$(CONSUMER) check

.PHONY: released-check
released-check: ## Build every driver that was released with the core of today
	$(RELEASE) released

##@ Write

.PHONY: fmt
fmt: ## Format the Go files
	gofmt -w .

.PHONY: fmt-check
fmt-check: ## Fail if a Go file is not formatted
	$(SCRIPTS)/fmt-check.sh

.PHONY: vet
vet: ## Run go vet
	$(EACH) $(GO) vet ./...

.PHONY: staticcheck
staticcheck: $(BIN)/tools ## Run staticcheck
	$(EACH) $(BIN)/staticcheck ./...

.PHONY: govulncheck
govulncheck: $(BIN)/tools ## Look for known vulnerabilities, where the database can be reached
	$(SCRIPTS)/govulncheck.sh $(BIN)/govulncheck

.PHONY: lint
lint: fmt-check vet staticcheck govulncheck ## The four above

.PHONY: cross
cross: $(BIN)/tools ## Vet what serves users for darwin/arm64, linux/386 and windows/amd64
	GOOS=darwin GOARCH=arm64 CGO_ENABLED=0 $(EACH) --library $(GO) vet ./...
	GOOS=linux GOARCH=386 CGO_ENABLED=0 $(EACH) --library $(GO) vet ./...
	@# Tests start servers as Unix does, so there they are left out.
	GOOS=windows GOARCH=amd64 CGO_ENABLED=0 $(EACH) --library $(BIN)/staticcheck -tests=false ./...

.PHONY: tidy
tidy: ## Tidy each go.mod and go.sum, the core's unpublished version included
	$(CONSUMER) tidy

.PHONY: tidy-check
tidy-check: ## Fail if a go.mod or go.sum is not tidy
	$(CONSUMER) tidy -check

.PHONY: check
check: $(CHECKS) ## What CI runs: lint and the other checks, the demo, and the tests

# For CI, which runs them one at a time.
.PHONY: print-checks
print-checks:
	@echo $(CHECKS)

##@ Release

.PHONY: apidiff
apidiff: $(BIN)/tools ## Show how the exported API differs: make apidiff [BASE=the last release]
	$(RELEASE) api -apidiff $(BIN)/apidiff $(BASE)

.PHONY: release
release: ## Make the commit and tags of a release, see docs/releasing.md: make release VERSION=v0.2.0 [DRYRUN=1]
	$(RELEASE) publish $(if $(DRYRUN),-dry-run) $(VERSION)

##@ Measure

.PHONY: bench
bench: ## Benchmark the core packages: make bench [BENCH=Get]
	$(GO) test -run '^$$' -bench '$(BENCH)' $(BENCHFLAGS) ./...

.PHONY: bench-memory
bench-memory: ## Compare package memory with its peers
	$(MAKE) -C internal/dev/benchmarks memory

.PHONY: bench-drivers
bench-drivers: test-deps ## Compare the drivers with their bare client libraries
	$(MAKE) -C internal/dev/benchmarks drivers

.PHONY: bench-native
bench-native: test-deps ## Compare drivers/memcached with its peers
	$(MAKE) -C internal/dev/benchmarks native

.PHONY: bench-hooks
bench-hooks: ## Measure what hooks add to operations on package memory
	$(GO) test -run '^$$' -bench Cost -count 9 -benchtime 0.2s ./hooks/promhook ./hooks/otelhook ./hooks/sloghook

.PHONY: bench-valkey
bench-valkey: test-deps ## Compare the driver for Valkey and Redis with client libraries
	$(MAKE) -C internal/dev/benchmarks valkey

.PHONY: bench-through
bench-through: test-deps ## Compare reading through a cache with doing it by hand and with other loaders
	$(MAKE) -C internal/dev/benchmarks through

##@ The rest

.PHONY: clean
clean: ## Remove what the targets above made
	rm -rf $(BIN)

.PHONY: help
help: ## Show this
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z0-9-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(BIN):
	mkdir -p $@

# The linters are built from the versions pinned in their own module, and again
# when those change.
$(BIN)/tools: $(TOOLS)/go.mod $(TOOLS)/go.sum | $(BIN)
	cd $(TOOLS) && GOWORK=off GOBIN=$(BIN) $(GO) install tool
	touch $@

$(BIN)/testrun: $(wildcard internal/dev/testrun/*.go) | $(BIN)
	cd internal/dev/testrun && GOWORK=off $(GO) build -o $@ .
