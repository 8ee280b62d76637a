#!/usr/bin/env bash
# Runs the allocation tests of the module in this folder, without the race
# detector, which allocates on its own. Only packages that have such tests are
# named: elsewhere the go command would report that it ran none.
set -euo pipefail

dirs=$(grep -rlE --include='*_test.go' '^func Test[A-Za-z0-9_]*Alloc' . |
	while IFS= read -r file; do
		dir=$(dirname "$file")
		# A nested module has its own turn.
		up=$dir
		while [ "$up" != . ] && [ ! -e "$up/go.mod" ]; do
			up=$(dirname "$up")
		done
		[ "$up" = . ] && echo "$dir"
	done | sort -u) || true

if [ -n "$dirs" ]; then
	# One folder a line, none with a blank in its name.
	# shellcheck disable=SC2086
	go test "$@" -run Alloc $dirs
fi
