package valkey

import "github.com/larder-go/larder/cache"

// NearKeepingNothing returns a near view that sends each read to the server, over its tracker.
func NearKeepingNothing(c *cache.Cache) (*cache.Cache, error) {
	return newNearView(c, NearConfig{MaxAge: 1, MaxBytes: DefaultNearMaxBytes})
}
