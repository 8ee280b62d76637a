module github.com/larder-go/larder/docs/examples

go 1.25.0

require (
	github.com/google/go-cmp v0.7.0
	github.com/larder-go/larder v0.1.0
	github.com/larder-go/larder/drivers/gomemcache v0.1.0
	github.com/larder-go/larder/drivers/ketama v0.1.0
	github.com/larder-go/larder/drivers/memcached v0.1.0
	github.com/larder-go/larder/drivers/valkey v0.1.0
	github.com/larder-go/larder/hooks/promhook v0.1.0
	github.com/prometheus/client_golang v1.24.1
)

require (
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/bradfitz/gomemcache v0.0.0-20260422231931-4d751bb6e37c // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/jackc/puddle/v2 v2.2.3 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/prometheus/client_model v0.6.2 // indirect
	github.com/prometheus/common v0.70.1 // indirect
	github.com/prometheus/procfs v0.21.1 // indirect
	github.com/rainycape/memcache v0.0.0-20150622160815-1031fa0ce2f2 // indirect
	github.com/valkey-io/valkey-go v1.0.79 // indirect
	golang.org/x/sync v0.21.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
	google.golang.org/protobuf v1.36.11 // indirect
)
