#!/usr/bin/env bash
# Runs every fuzz target of the module in this folder for a while each:
#
#	fuzz.sh 10s
set -euo pipefail
time=$1

go list -f '{{$dir := .Dir}}{{range .TestGoFiles}}{{$dir}}/{{.}}
{{end}}{{range .XTestGoFiles}}{{$dir}}/{{.}}
{{end}}' ./... | while IFS= read -r file; do
	[ -n "$file" ] || continue
	{ grep -oE '^func Fuzz[A-Za-z0-9_]*' "$file" || true; } | while read -r _ name; do
		echo "$name ($file)"
		go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" "$(dirname "$file")" </dev/null
	done
done
