module github.com/larder-go/larder/internal/dev/linearcheck

go 1.25.0

require (
	github.com/anishathalye/porcupine v1.3.1
	github.com/larder-go/larder v0.1.0
	github.com/larder-go/larder/drivers/memcached v0.1.0
	github.com/larder-go/larder/drivers/valkey v0.1.0
)

require (
	github.com/valkey-io/valkey-go v1.0.79 // indirect
	golang.org/x/sys v0.47.0 // indirect
)

// This module is a test and is never published.
replace (
	github.com/larder-go/larder => ../../..
	github.com/larder-go/larder/drivers/memcached => ../../../drivers/memcached
	github.com/larder-go/larder/drivers/valkey => ../../../drivers/valkey
)
