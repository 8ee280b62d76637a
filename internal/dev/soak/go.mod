module github.com/larder-go/larder/internal/dev/soak

go 1.25.0

require (
	github.com/larder-go/larder v0.1.0
	github.com/larder-go/larder/drivers/gomemcache v0.1.0
	github.com/larder-go/larder/drivers/ketama v0.1.0
	github.com/larder-go/larder/drivers/memcached v0.1.0
)

require (
	github.com/bradfitz/gomemcache v0.0.0-20260422231931-4d751bb6e37c // indirect
	github.com/jackc/puddle/v2 v2.2.3 // indirect
	github.com/rainycape/memcache v0.0.0-20150622160815-1031fa0ce2f2 // indirect
	golang.org/x/sync v0.1.0 // indirect
)

// This module is a test and is never published.
replace (
	github.com/larder-go/larder => ../../..
	github.com/larder-go/larder/drivers/gomemcache => ../../../drivers/gomemcache
	github.com/larder-go/larder/drivers/ketama => ../../../drivers/ketama
	github.com/larder-go/larder/drivers/memcached => ../../../drivers/memcached
)
