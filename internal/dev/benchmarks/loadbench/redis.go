package loadbench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	rediscache "github.com/go-redis/cache/v9"
	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/codec"
	"github.com/larder-go/larder/drivers/valkey"
	"github.com/larder-go/larder/load"
)

// redisKeys is the number of keys of which hits are measured.
const redisKeys = 1000

// runRedis compares hits and misses on a Redis. All ways encode as JSON.
func (r *Results) runRedis(o Options) (err error) {
	addr, stop, err := startRedis()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	c, err := valkey.New(valkey.Config{Servers: []string{addr}, Timeout: 10 * time.Second})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	loader, err := load.New(c, load.Config[user]{Codec: codec.JSON[user](), TTL: time.Hour})
	if err != nil {
		return err
	}
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: addr})
	defer func() { err = errors.Join(err, client.Close()) }()
	once := rediscache.New(&rediscache.Options{Redis: client, Marshal: json.Marshal, Unmarshal: func(b []byte, v any) error { return json.Unmarshal(b, v) }})

	u := newUser(1)
	tags := []string{"user", "team"}
	value := func(context.Context, *load.Entry[user]) (user, error) { return u, nil }
	byLoad := func(tags ...string) func(key string) error {
		return func(key string) error {
			_, err := loader.Get(ctx, "load:"+fmt.Sprint(len(tags))+":"+key, value, tags...)
			return err
		}
	}
	byHand := func(key string) error {
		var got user
		b, err := client.Get(ctx, "hand:"+key).Bytes()
		if err == nil {
			return json.Unmarshal(b, &got)
		}
		if !errors.Is(err, redis.Nil) {
			return err
		}
		if b, err = json.Marshal(u); err != nil {
			return err
		}
		return client.Set(ctx, "hand:"+key, b, time.Hour).Err()
	}
	byOnce := func(key string) error {
		var got user
		return once.Once(&rediscache.Item{
			Ctx: ctx, Key: "once:" + key, Value: &got, TTL: time.Hour,
			Do: func(*rediscache.Item) (any, error) { return u, nil },
		})
	}
	all := []struct {
		name string
		get  func(key string) error
	}{
		{"load, two tags", byLoad(tags...)},
		{"load, no tags", byLoad()},
		{"go-redis/cache, Once, no tags", byOnce},
		{"go-redis by hand, no tags: get, decode, set on a miss", byHand},
	}
	rounds := 11
	if o.Quick {
		rounds = 2
	}
	keys := make([]string, redisKeys)
	for i := range keys {
		keys[i] = fmt.Sprint("hit:", i)
	}
	var hits, misses []way
	for _, w := range all {
		for _, key := range keys {
			if err := w.get(key); err != nil {
				return err
			}
		}
		hits = append(hits, way{w.name, func(i int) error { return w.get(keys[i%len(keys)]) }})
		next := 0
		misses = append(misses, way{w.name, func(int) error {
			next++
			return w.get(fmt.Sprint("miss:", next))
		}})
	}
	before := loader.Stats()
	for _, group := range []struct {
		name string
		ways []way
	}{{"hit", hits}, {"miss", misses}} {
		rows, err := turns(group.name, group.ways, rounds, 100*time.Millisecond)
		if err != nil {
			return err
		}
		r.Redis = append(r.Redis, rows...)
		after := loader.Stats()
		if (group.name == "hit") != (after.Loads == before.Loads) {
			return fmt.Errorf("%s: %d loads", group.name, after.Loads-before.Loads)
		}
	}
	return nil
}
