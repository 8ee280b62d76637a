#!/usr/bin/env bash
# Runs a command in the folder of every module of this repository, found by its
# go.mod, so that no list can forget one:
#
#	each-module.sh go vet ./...
#
# With --library first, only what serves users: no module below internal. Members of
# go.work see each other's sources. Every other module runs by itself, with GOWORK=off.
# A module without Go files (the pinned tools) is left out: the go command calls an
# empty ./... an error. A failure does not keep the other modules from their turn.
set -euo pipefail
cd "$(dirname "$0")/../../.."

library=false
if [ "$1" = --library ]; then
	library=true
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
	if "$library" && [[ $module == ./internal/* ]]; then
		continue
	fi
	own=(env GOWORK=off)
	if grep -qxF "$dir" <<<"$members"; then
		own=()
	fi
	echo "-- module $module"
	(cd "$dir" && ${own[@]+"${own[@]}"} "$@" </dev/null) || failed+=("$module")
done <<<"$modules"

if [ ${#failed[@]} -gt 0 ]; then
	echo "failed in module ${failed[*]}: $*" >&2
	exit 1
fi
