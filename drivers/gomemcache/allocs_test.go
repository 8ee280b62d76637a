package gomemcache_test

import (
	"testing"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/gomemcache"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
	"github.com/larder-go/larder/internal/race"
)

// A single operation makes at most one allocation more than the same operation of the
// library.
func TestAllocsOverTheLibrary(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	s := memcachedtest.Start(t, "unix")
	bare := memcache.New(s.Addr())
	bare.Timeout = patient
	defer bare.Close()
	c := open(t, gomemcache.Config{Servers: []string{s.Addr()}})
	ctx := t.Context()
	value := make([]byte, 128)
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	check(c.Set(ctx, "k", value, 0))
	check(c.Set(ctx, "n", []byte("1000000000"), 0))
	text := c.WithKind(cache.Text)
	for _, op := range []struct {
		name       string
		bare, ours func()
	}{
		{"Get", func() { _, err := bare.Get("k"); check(err) }, func() { _, err := c.Get(ctx, "k"); check(err) }},
		{"Get miss", func() { _, _ = bare.Get("absent") }, func() { _, _ = c.Get(ctx, "absent") }},
		{"Set", func() { check(bare.Set(&memcache.Item{Key: "k", Value: value})) }, func() { check(c.Set(ctx, "k", value, 0)) }},
		{"Set with TTL", func() { check(bare.Set(&memcache.Item{Key: "k", Value: value, Expiration: 60})) }, func() { check(c.Set(ctx, "k", value, ttl)) }},
		{"Set text", func() { check(bare.Set(&memcache.Item{Key: "k", Value: value, Flags: 16})) }, func() { check(text.Set(ctx, "k", value, 0)) }},
		{"Add", func() { _ = bare.Add(&memcache.Item{Key: "k", Value: value}) }, func() { _ = c.Add(ctx, "k", value, 0) }},
		{"Replace", func() { check(bare.Replace(&memcache.Item{Key: "k", Value: value})) }, func() { check(c.Replace(ctx, "k", value, 0)) }},
		{"Delete miss", func() { _ = bare.Delete("absent") }, func() { _ = c.Delete(ctx, "absent") }},
		{"Increment", func() { _, err := bare.Increment("n", 1); check(err) }, func() { _, err := c.Increment(ctx, "n", 1); check(err) }},
		{"Decrement", func() { _, err := bare.Decrement("n", 1); check(err) }, func() { _, err := c.Decrement(ctx, "n", 1); check(err) }},
		{"Touch", func() { check(bare.Touch("k", 60)) }, func() { check(c.Touch(ctx, "k", ttl)) }},
		{"GetItem", func() { _, err := bare.Get("k"); check(err) }, func() { _, err := c.GetItem(ctx, "k"); check(err) }},
	} {
		theirs, ours := testing.AllocsPerRun(200, op.bare), testing.AllocsPerRun(200, op.ours)
		t.Logf("%s: the library %v, the driver %v", op.name, theirs, ours)
		if ours > theirs+1 {
			t.Errorf("%s: %v allocations, the library makes %v", op.name, ours, theirs)
		}
	}
}
