module github.com/larder-go/larder/docs/examples/comingfrom

go 1.25.0

require (
	github.com/bradfitz/gomemcache v0.0.0-20260422231931-4d751bb6e37c
	github.com/dgraph-io/ristretto/v2 v2.4.2
	github.com/larder-go/larder v0.1.0
	github.com/larder-go/larder/drivers/gomemcache v0.1.0
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/dustin/go-humanize v1.0.1 // indirect
	github.com/google/go-cmp v0.7.0 // indirect
	golang.org/x/sys v0.36.0 // indirect
)

// This module is tests and is never published. It is one by itself so that the other
// examples do not need the libraries that it compares with.
replace (
	github.com/larder-go/larder => ../../..
	github.com/larder-go/larder/drivers/gomemcache => ../../../drivers/gomemcache
)
