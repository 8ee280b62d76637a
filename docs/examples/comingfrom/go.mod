module github.com/larder-go/larder/docs/examples/comingfrom

go 1.25.0

require (
	github.com/bradfitz/gomemcache v0.0.0-20260422231931-4d751bb6e37c
	github.com/dgraph-io/ristretto/v2 v2.4.2
	github.com/go-redis/cache/v9 v9.0.0
	github.com/larder-go/larder v0.1.0
	github.com/larder-go/larder/drivers/gomemcache v0.1.0
	github.com/maypok86/otter/v2 v2.4.0
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/dgryski/go-rendezvous v0.0.0-20200823014737-9f7001d12a5f // indirect
	github.com/dustin/go-humanize v1.0.1 // indirect
	github.com/klauspost/compress v1.13.6 // indirect
	github.com/redis/go-redis/v9 v9.0.0-rc.4 // indirect
	github.com/vmihailenco/go-tinylfu v0.2.2 // indirect
	github.com/vmihailenco/msgpack/v5 v5.3.4 // indirect
	github.com/vmihailenco/tagparser/v2 v2.0.0 // indirect
	golang.org/x/sync v0.1.0 // indirect
	golang.org/x/sys v0.36.0 // indirect
)

// This module is tests and is never published. It is one by itself so that the other
// examples do not need the libraries that it compares with.
replace (
	github.com/larder-go/larder => ../../..
	github.com/larder-go/larder/drivers/gomemcache => ../../../drivers/gomemcache
)
