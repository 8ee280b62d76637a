package valkey_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/valkey"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
	"github.com/larder-go/larder/internal/dev/valkeytest"
)

const (
	appUser     = "app"
	appPassword = "s3cret/@:?"
)

// addUser adds the user that the documentation asks for, who may use the keys that match a
// pattern, and commands beside those that are always needed.
func addUser(s *valkeytest.Server, keys, more string) {
	rules := []string{"ACL", "SETUSER", appUser, "on", ">" + appPassword, "resetkeys", "~" + keys}
	s.Do(append(rules, strings.Fields(documentedCommands+" "+more)...)...)
}

// The permissions of a user that the package documentation lists: always, in a cluster, and
// with Sentinels.
const (
	documentedCommands = "+get +set +del +unlink +pexpire +getex +evalsha +eval +exists +persist +pttl +getrange +scan +ping +select +@connection"
	documentedCluster  = "+cluster|slots +cluster|shards +cluster|info +asking"
	documentedWatched  = "+role"
)

// TestUser: with a user who may use the keys with the prefix and the documented commands,
// everything works; and nothing outside of the prefix can be reached.
func TestUser(t *testing.T) {
	s := valkeytest.Start(t, valkeytest.Any(t), "tcp")
	addUser(s, "app:*", "")
	cfg := valkey.Config{Servers: []string{s.Addr()}, User: appUser, Password: appPassword, Timeout: patient}
	ctx := t.Context()

	// The other caches of this user find what they may not use, key by key.
	all := append(keys(300), "app:1", "app:2")
	c := open(t, cfg)
	denied := map[string]bool{}
	for _, k := range keys(300) {
		denied[k] = true
	}
	refused := func(what string, err error) {
		t.Helper()
		var m *cache.MultiError
		if !errors.As(err, &m) || len(m.Errors) != len(denied) {
			t.Errorf("%s: %.100v, want an error for %d keys", what, err, len(denied))
			return
		}
		for k, err := range m.Errors {
			if !denied[k] || errors.Is(err, cache.ErrUnavailable) || errors.Is(err, cache.ErrMiss) {
				t.Errorf("%s of %q: %v", what, k, err)
			}
			memcachedtest.IsNamed(t, err, "valkey", m.Op, s.Addr())
			withoutSecrets(t, err)
		}
	}
	refused("SetMulti", c.SetMulti(ctx, valuesOf(all), 0))
	found, err := c.GetMulti(ctx, all)
	refused("GetMulti", err)
	items, err := c.GetItemMulti(ctx, all)
	refused("GetItemMulti", err)
	if len(found) != 2 || len(items) != 2 {
		t.Errorf("%d values and %d items of the prefix, want 2", len(found), len(items))
	}
	_, _, err = c.GetOrAddMulti(ctx, valuesOf(all), 0)
	refused("GetOrAddMulti", err)
}

// TestUserCallsEverything calls everything as that user, in each way to reach servers.
func TestUserCallsEverything(t *testing.T) {
	t.Parallel()
	b := valkeytest.Any(t)
	for name, start := range map[string]func(t *testing.T) valkey.Config{
		"single": func(t *testing.T) valkey.Config {
			s := valkeytest.Start(t, b, "unix")
			addUser(s, "app:*", "")
			return valkey.Config{Servers: []string{s.Addr()}, DB: 3}
		},
		"cluster": func(t *testing.T) valkey.Config {
			cl := valkeytest.StartCluster(t, b, 3)
			for _, s := range cl.Servers {
				addUser(s, "app:*", documentedCluster)
			}
			return valkey.Config{Servers: cl.Addrs(), Cluster: true}
		},
		"sentinel": func(t *testing.T) valkey.Config {
			w := valkeytest.StartWatched(t, b)
			for _, s := range w.Servers {
				addUser(s, "app:*", documentedWatched)
			}
			return valkey.Config{Servers: []string{w.Sentinel.Addr()}, Sentinel: valkeytest.PrimaryName}
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := start(t)
			cfg.User, cfg.Password, cfg.Prefix, cfg.Timeout = appUser, appPassword, "app:", patient
			everything(t, open(t, cfg))
		})
	}
}

// everything calls what a cache can do.
func everything(t *testing.T, c *cache.Cache) {
	t.Helper()
	ctx := t.Context()
	warm(t, c)
	it, _, err := c.GetOrAdd(ctx, "k", []byte("1"), time.Hour)
	_, err2 := c.GetAndTouch(ctx, "k", 0)
	_, err3 := c.Increment(ctx, "k", 1)
	_, err4 := c.Decrement(ctx, "k", 1)
	if err := errors.Join(err, err2, err3, err4, c.Touch(ctx, "k", time.Hour), c.Touch(ctx, "k", 0), c.Ping(ctx),
		c.SetMulti(ctx, valuesOf(keys(10)), time.Hour), c.DeleteMulti(ctx, keys(5)), c.Flush(ctx)); err != nil {
		t.Error(err)
	}
	if err := c.CompareAndSwap(ctx, it, nil, 0); !errors.Is(err, cache.ErrMiss) {
		t.Errorf("CompareAndSwap after Flush: %v, want a miss", err)
	}
}

// withoutSecrets reports an error that has a password in its text.
func withoutSecrets(t *testing.T, err error) {
	t.Helper()
	if err != nil && (strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "s3ntinel")) {
		t.Errorf("the error tells a password: %v", err)
	}
}

// TestWrongPassword: it fails every call, as an outage, since it may be changing; the
// error has no password in it; and when the server takes the password, calls work.
func TestWrongPassword(t *testing.T) {
	s := valkeytest.Start(t, valkeytest.Any(t), "tcp")
	ctx := t.Context()
	c := open(t, valkey.Config{Servers: []string{s.Addr()}, User: appUser, Password: appPassword, Timeout: patient})
	for range 2 {
		err := c.Set(ctx, "k", nil, 0)
		memcachedtest.IsOutage(t, err, "valkey", cache.OpSet, s.Addr())
		if err != nil && !strings.Contains(err.Error(), "WRONGPASS") {
			t.Errorf("error %v", err)
		}
		withoutSecrets(t, err)
		_, err = c.GetMulti(ctx, keys(3))
		withoutSecrets(t, err)
	}
	addUser(s, "*", "")
	if err := c.Set(ctx, "k", nil, 0); err != nil {
		t.Errorf("Set with the right password: %v", err)
	}
	s.Do("ACL", "DELUSER", appUser) // closes the connections of the user
	err := c.Set(ctx, "k", nil, 0)
	memcachedtest.IsOutage(t, err, "valkey", cache.OpSet, s.Addr())
	withoutSecrets(t, err)

	s.Do("CONFIG", "SET", "requirepass", "other")
	for _, cfg := range []valkey.Config{{}, {Password: "s3cret"}} {
		cfg.Servers, cfg.Timeout = []string{s.Addr()}, patient
		err := open(t, cfg).Set(ctx, "k", nil, 0)
		memcachedtest.IsOutage(t, err, "valkey", cache.OpSet, s.Addr())
		withoutSecrets(t, err)
	}
	if err := open(t, valkey.Config{Servers: []string{s.Addr()}, Password: "other", Timeout: patient}).Set(ctx, "k", nil, 0); err != nil {
		t.Errorf("Set with a password alone: %v", err)
	}
}
