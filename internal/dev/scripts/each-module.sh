#!/usr/bin/env bash
# Runs a command in the folder of every module of this repository, found by its
# go.mod, so that no list can forget one:
#
#	each-module.sh go vet ./...
#
# Members of go.work see each other's sources. Every other module runs on its
# own, with GOWORK=off; with --outside first, only those. A module without Go files of its own (the pinned tools)
# is left out: the go command calls an empty ./... an error. A failure does not
# keep the other modules from their turn.
set -euo pipefail
cd "$(dirname "$0")/../../.."

outside=false
if [ "$1" = --outside ]; then
	outside=true
	shift
fi

members=$(go list -m -f '{{.Dir}}')
modules=$(find . -name go.mod -not -path '*/testdata/*' -not -path '*/vendor/*' -not -path './.*/*' \
	-exec dirname {} \; | sort)

failed=()
while IFS= read -r module; do
	dir=$(cd "$module" && pwd)
	if [ -z "$(find "$dir" -name '*.go' -print -quit)" ]; then
		continue
	fi
	own=(env GOWORK=off)
	if grep -qxF "$dir" <<<"$members"; then
		"$outside" && continue
		own=()
	fi
	echo "-- module $module"
	(cd "$dir" && ${own[@]+"${own[@]}"} "$@" </dev/null) || failed+=("$module")
done <<<"$modules"

if [ ${#failed[@]} -gt 0 ]; then
	echo "failed in module ${failed[*]}: $*" >&2
	exit 1
fi
