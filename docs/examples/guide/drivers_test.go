package guide_test

// The drivers that a DSN of the guide may name.
import (
	_ "github.com/larder-go/larder/drivers/gomemcache"
	_ "github.com/larder-go/larder/drivers/ketama"
	_ "github.com/larder-go/larder/drivers/memcached"
	_ "github.com/larder-go/larder/drivers/valkey"
	_ "github.com/larder-go/larder/memory"
	_ "github.com/larder-go/larder/null"
)
