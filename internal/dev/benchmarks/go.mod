module github.com/larder-go/larder/internal/dev/benchmarks

go 1.25.0

require (
	github.com/VictoriaMetrics/fastcache v1.13.0
	github.com/Yiling-J/theine-go v0.6.3
	github.com/allegro/bigcache/v3 v3.1.0
	github.com/bradfitz/gomemcache v0.0.0-20260422231931-4d751bb6e37c
	github.com/cespare/xxhash/v2 v2.3.0
	github.com/coocood/freecache v1.2.7
	github.com/dgraph-io/ristretto/v2 v2.4.2
	github.com/go-redis/cache/v9 v9.0.0
	github.com/grafana/gomemcache v0.0.0-20251127154401-74f93547077b
	github.com/hashicorp/golang-lru/v2 v2.0.7
	github.com/jellydator/ttlcache/v3 v3.4.1
	github.com/larder-go/larder v0.1.0
	github.com/larder-go/larder/drivers/gomemcache v0.1.0
	github.com/larder-go/larder/drivers/ketama v0.1.0
	github.com/larder-go/larder/drivers/memcached v0.1.0
	github.com/larder-go/larder/drivers/valkey v0.1.0
	github.com/maypok86/otter/v2 v2.4.0
	github.com/patrickmn/go-cache v2.1.0+incompatible
	github.com/puzpuzpuz/xsync/v4 v4.5.0
	github.com/rainycape/memcache v0.0.0-20150622160815-1031fa0ce2f2
	github.com/redis/go-redis/v9 v9.22.0
	github.com/valkey-io/valkey-go v1.0.79
	github.com/viccon/sturdyc v1.1.5
)

require (
	github.com/dustin/go-humanize v1.0.1 // indirect
	github.com/golang/snappy v1.0.0 // indirect
	github.com/jackc/puddle/v2 v2.2.3 // indirect
	github.com/klauspost/compress v1.13.6 // indirect
	github.com/klauspost/cpuid/v2 v2.2.10 // indirect
	github.com/vmihailenco/go-tinylfu v0.2.2 // indirect
	github.com/vmihailenco/msgpack/v5 v5.3.4 // indirect
	github.com/vmihailenco/tagparser/v2 v2.0.0 // indirect
	github.com/zeebo/xxh3 v1.1.0 // indirect
	go.uber.org/atomic v1.11.0 // indirect
	golang.org/x/sync v0.16.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
)

// This module is not published: it measures the tree that it is in.
replace (
	github.com/larder-go/larder => ../../..
	github.com/larder-go/larder/drivers/gomemcache => ../../../drivers/gomemcache
	github.com/larder-go/larder/drivers/ketama => ../../../drivers/ketama
	github.com/larder-go/larder/drivers/memcached => ../../../drivers/memcached
	github.com/larder-go/larder/drivers/valkey => ../../../drivers/valkey
)
