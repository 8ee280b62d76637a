module github.com/larder-go/larder/internal/dev/linearcheck

go 1.25.0

require (
	github.com/anishathalye/porcupine v1.3.1
	github.com/larder-go/larder v0.0.0
)

// This module is a test and is never published.
replace github.com/larder-go/larder => ../../..
