# Everything that is done to this repository, by hand or in CI, is a target here.
# Modules are found by their go.mod, never listed.

GO       ?= go
SCRIPTS  := internal/dev/scripts
# In each module: members of go.work together, the others on their own.
EACH     := $(SCRIPTS)/each-module.sh
BIN      := $(CURDIR)/bin
TOOLS    := internal/dev/tools
CONSUMER  = $(GO) -C internal/dev/consumercheck run . -root $(CURDIR)

# How long each fuzz target runs, and what benchmarks run with.
FUZZTIME ?= 10s
BENCH    ?= .
BENCHFLAGS ?= -benchmem

.DEFAULT_GOAL := help

##@ Try it

.PHONY: demo
demo: ## Cache the Go documentation on this machine: make demo [DSN=memory://] [ARGS='-http :8080']
	$(GO) run ./docs/examples/godocs $(if $(DSN),-dsn '$(DSN)') $(ARGS)

.PHONY: demo-cluster
demo-cluster: ## The same program on three memcached servers, started for it
	$(SCRIPTS)/test-deps.sh --memcached-only
	$(SCRIPTS)/demo-cluster.sh $(ARGS)

##@ Test

.PHONY: test
test: test-race test-alloc ## Test every module: under the race detector, and what allocates without it

# The modules of the workspace at once, so that the tests that wait for a server
# and those that compute overlap.
.PHONY: test-race
test-race: export CGO_ENABLED := 1
test-race: test-deps
	$(GO) test -race -count=1 work
	$(EACH) --outside $(GO) test -race -count=1 ./...

# The race detector allocates on its own, so allocations are counted without it.
.PHONY: test-alloc
test-alloc: test-deps
	$(EACH) $(CURDIR)/$(SCRIPTS)/alloc-tests.sh -count=1

.PHONY: test-deps
test-deps: ## Install what the tests need: a C compiler, memcached, two Python clients
	$(SCRIPTS)/test-deps.sh

.PHONY: test-386
test-386: test-deps ## Test the core as a 32-bit program, where atomics and sizes differ
	GOARCH=386 CGO_ENABLED=0 $(GO) vet ./...
	GOARCH=386 CGO_ENABLED=0 $(GO) test -short ./...

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
	GOWORK=off $(CONSUMER) check

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
lint: fmt-check vet staticcheck govulncheck ## All of the above that only look

.PHONY: tidy
tidy: ## Tidy each go.mod and go.sum, the core's unpublished version included
	GOWORK=off $(CONSUMER) tidy

.PHONY: tidy-check
tidy-check: ## Fail if a go.mod or go.sum is not tidy
	GOWORK=off $(CONSUMER) tidy -check

.PHONY: check
check: lint tidy-check consumer-check test-386 test ## What CI runs

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
