#!/usr/bin/env bash
# Fails, and shows what differs, if a Go file of this repository is not as gofmt
# would write it.
set -euo pipefail
cd "$(dirname "$0")/../../.."

files=$(gofmt -l .)
if [ -n "$files" ]; then
	gofmt -d . || true
	echo "not as gofmt writes it (run 'make fmt'):" >&2
	echo "$files" >&2
	exit 1
fi
