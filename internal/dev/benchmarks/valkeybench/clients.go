package valkeybench

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
	vk "github.com/valkey-io/valkey-go"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/dependency"
	"github.com/larder-go/larder/drivers/valkey"
)

const (
	timeout = 10 * time.Second // nothing here should fail for slowness
	ttl     = 10 * time.Minute
	pool    = 128 // connections of go-redis: more than goroutines
)

// The names of the clients, in the order of the tables.
const (
	nameLarder = "larder/valkey"
	nameBare   = "valkey-go"
	nameRedis  = "go-redis"
)

var names = []string{nameLarder, nameBare, nameRedis}

// A client does what is compared. All are safe for concurrent use.
type client interface {
	get(key string) error
	set(key string, value []byte) error
	getAll(keys []string) (found int, err error)
	setAll(values map[string][]byte) error
	close() error
}

var ctx = context.Background()

// larder is the driver through the portable type.
type larder struct {
	cache *cache.Cache
	deps  *dependency.Dependency
}

func newLarder(cfg valkey.Config) (*larder, error) {
	cfg.Timeout = timeout
	c, err := valkey.New(cfg)
	if err != nil {
		return nil, err
	}
	deps, err := dependency.New(c, ttl)
	return &larder{c, deps}, err
}

func (l *larder) get(key string) error {
	_, err := l.cache.Get(ctx, key)
	return err
}

func (l *larder) set(key string, value []byte) error { return l.cache.Set(ctx, key, value, ttl) }

func (l *larder) getAll(keys []string) (int, error) {
	values, err := l.cache.GetMulti(ctx, keys)
	return len(values), err
}

func (l *larder) setAll(values map[string][]byte) error {
	return l.cache.SetMulti(ctx, values, ttl)
}

func (l *larder) close() error { return l.cache.Close() }

// bare is valkey-go with its defaults, but for the client-side cache, which this compares
// nothing with. It pipelines by itself.
type bare struct{ c vk.Client }

func newBare(addr string) (bare, error) {
	c, err := vk.NewClient(vk.ClientOption{InitAddress: []string{addr}, DisableCache: true, ConnWriteTimeout: timeout})
	return bare{c}, err
}

func (b bare) get(key string) error {
	_, err := b.c.Do(ctx, b.c.B().Get().Key(key).Build()).AsBytes()
	return err
}

func (b bare) setCommand(key string, value []byte) vk.Completed {
	return b.c.B().Set().Key(key).Value(string(value)).Px(ttl).Build()
}

func (b bare) set(key string, value []byte) error {
	return b.c.Do(ctx, b.setCommand(key, value)).Error()
}

func (b bare) getAll(keys []string) (int, error) {
	cmds := make(vk.Commands, len(keys))
	for i, key := range keys {
		cmds[i] = b.c.B().Get().Key(key).Build()
	}
	values := make(map[string][]byte, len(keys))
	for i, r := range b.c.DoMulti(ctx, cmds...) {
		v, err := r.AsBytes()
		if err != nil {
			return 0, err
		}
		values[keys[i]] = v
	}
	return len(values), nil
}

func (b bare) setAll(values map[string][]byte) error {
	cmds := make(vk.Commands, 0, len(values))
	for key, value := range values {
		cmds = append(cmds, b.setCommand(key, value))
	}
	for _, r := range b.c.DoMulti(ctx, cmds...) {
		if err := r.Error(); err != nil {
			return err
		}
	}
	return nil
}

func (b bare) close() error {
	b.c.Close()
	return nil
}

// goRedis is go-redis with a pool that is large enough, and its pipelines.
type goRedis struct{ c *redis.Client }

func newGoRedis(addr string) goRedis {
	return goRedis{redis.NewClient(&redis.Options{
		Addr: addr, PoolSize: pool, ReadTimeout: timeout, WriteTimeout: timeout, PoolTimeout: timeout,
	})}
}

func (g goRedis) get(key string) error {
	_, err := g.c.Get(ctx, key).Bytes()
	return err
}

func (g goRedis) set(key string, value []byte) error { return g.c.Set(ctx, key, value, ttl).Err() }

func (g goRedis) getAll(keys []string) (int, error) {
	cmds := make([]*redis.StringCmd, len(keys))
	_, err := g.c.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, key := range keys {
			cmds[i] = p.Get(ctx, key)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	values := make(map[string][]byte, len(keys))
	for i, cmd := range cmds {
		if values[keys[i]], err = cmd.Bytes(); err != nil {
			return 0, err
		}
	}
	return len(values), nil
}

func (g goRedis) setAll(values map[string][]byte) error {
	_, err := g.c.Pipelined(ctx, func(p redis.Pipeliner) error {
		for key, value := range values {
			p.Set(ctx, key, value, ttl)
		}
		return nil
	})
	return err
}

func (g goRedis) close() error { return g.c.Close() }
