package comingfrom

import (
	"context"
	"testing"
	"time"

	rediscache "github.com/go-redis/cache/v9"
	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/codec"
	"github.com/larder-go/larder/load"
	"github.com/maypok86/otter/v2"
)

// loadedUsers finds users with larder.
type loadedUsers struct {
	db    *database
	users *load.Loader[User]
}

// newLoadedUsers takes any cache.
func newLoadedUsers(db *database, c *cache.Cache) (*loadedUsers, error) {
	users, err := load.New(c, load.Config[User]{
		Codec: codec.JSON[User](),
		TTL:   time.Hour,
	})
	return &loadedUsers{db, users}, err
}

func (l *loadedUsers) User(ctx context.Context, id string) (User, error) {
	return l.users.Get(ctx, "user:"+id, func(ctx context.Context, _ *load.Entry[User]) (User, error) {
		return l.db.User(ctx, id)
	})
}

func (l *loadedUsers) Rename(ctx context.Context, id, name string) error {
	l.db.rename(id, name)
	return l.users.Delete(ctx, "user:"+id)
}

func TestLoaded(t *testing.T) {
	db := newDatabase()
	users, err := newLoadedUsers(db, newMemory(t))
	if err != nil {
		t.Fatal(err)
	}
	testFinder(t, db, users)
	if err := users.users.Close(); err != nil {
		t.Error(err)
	}
}

// redisUsers finds users with go-redis/cache.
type redisUsers struct {
	db    *database
	cache *rediscache.Cache
}

// newRedisUsers has no Redis, for the test, only the cache in the process.
func newRedisUsers(db *database) *redisUsers {
	return &redisUsers{db, rediscache.New(&rediscache.Options{
		LocalCache: rediscache.NewTinyLFU(1000, time.Minute),
	})}
}

func (r *redisUsers) User(ctx context.Context, id string) (User, error) {
	var u User
	err := r.cache.Once(&rediscache.Item{
		Ctx:   ctx,
		Key:   "user:" + id,
		Value: &u,
		TTL:   time.Hour,
		Do: func(*rediscache.Item) (any, error) {
			return r.db.User(ctx, id)
		},
	})
	return u, err
}

func (r *redisUsers) Rename(ctx context.Context, id, name string) error {
	r.db.rename(id, name)
	return r.cache.Delete(ctx, "user:"+id)
}

func TestGoRedisCache(t *testing.T) {
	db := newDatabase()
	testFinder(t, db, newRedisUsers(db))
}

// otterUsers finds users with otter.
type otterUsers struct {
	db    *database
	cache *otter.Cache[string, User]
}

func newOtterUsers(db *database) (*otterUsers, error) {
	c, err := otter.New(&otter.Options[string, User]{
		MaximumSize:      100_000,
		ExpiryCalculator: otter.ExpiryWriting[string, User](time.Hour),
	})
	return &otterUsers{db, c}, err
}

func (o *otterUsers) User(ctx context.Context, id string) (User, error) {
	return o.cache.Get(ctx, "user:"+id, otter.LoaderFunc[string, User](
		func(ctx context.Context, _ string) (User, error) {
			return o.db.User(ctx, id)
		}))
}

func (o *otterUsers) Rename(_ context.Context, id, name string) error {
	o.db.rename(id, name)
	o.cache.Invalidate("user:" + id)
	return nil
}

func TestOtter(t *testing.T) {
	db := newDatabase()
	users, err := newOtterUsers(db)
	if err != nil {
		t.Fatal(err)
	}
	defer users.cache.StopAllGoroutines()
	testFinder(t, db, users)
}

// A value that is invalidated while it is being loaded: larder and otter do not keep it,
// go-redis/cache does. The comparison of features says so.
func TestInvalidatedWhileLoading(t *testing.T) {
	ctx := t.Context()
	const key = "user:7"
	old, now := User{Name: "ann"}, User{Name: "anna"}

	t.Run("larder", func(t *testing.T) {
		users, err := newLoadedUsers(nil, newMemory(t))
		if err != nil {
			t.Fatal(err)
		}
		_, err = users.users.Get(ctx, key, func(ctx context.Context, _ *load.Entry[User]) (User, error) {
			return old, users.users.Delete(ctx, key)
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := users.users.Get(ctx, key, func(context.Context, *load.Entry[User]) (User, error) {
			return now, nil
		})
		if err != nil || got != now {
			t.Errorf("the value is %v, error %v; want that of now", got, err)
		}
	})
	t.Run("otter", func(t *testing.T) {
		users, err := newOtterUsers(nil)
		if err != nil {
			t.Fatal(err)
		}
		defer users.cache.StopAllGoroutines()
		calls := 0
		got, err := users.cache.Get(ctx, key, otter.LoaderFunc[string, User](
			func(context.Context, string) (User, error) {
				if calls++; calls > 1 {
					return now, nil
				}
				users.cache.Invalidate(key)
				return old, nil
			}))
		if err != nil {
			t.Fatal(err)
		}
		if got, found := users.cache.GetIfPresent(key); found && got != now {
			t.Errorf("%v is in the cache", got)
		}
		t.Logf("%v after %d loads", got, calls)
	})
	t.Run("go-redis/cache", func(t *testing.T) {
		users := newRedisUsers(nil)
		var got User
		err := users.cache.Once(&rediscache.Item{Ctx: ctx, Key: key, Value: &got, TTL: time.Hour,
			Do: func(*rediscache.Item) (any, error) { return old, users.cache.Delete(ctx, key) }})
		if err != nil {
			t.Fatal(err)
		}
		if err := users.cache.Get(ctx, key, &got); err != nil || got != old {
			t.Errorf("%v, %v: the comparison says something else", got, err)
		}
	})
}

// taggedUsers finds users with larder, and can forget all of them.
type taggedUsers struct {
	db    *database
	users *load.Loader[User]
}

func (t *taggedUsers) User(ctx context.Context, id string) (User, error) {
	return t.users.Get(ctx, "user:"+id, func(ctx context.Context, _ *load.Entry[User]) (User, error) {
		return t.db.User(ctx, id)
	}, "users", "user:"+id)
}

func (t *taggedUsers) Rename(ctx context.Context, id, name string) error {
	t.db.rename(id, name)
	return t.users.Invalidate(ctx, "user:"+id)
}

func (t *taggedUsers) Imported(ctx context.Context) error {
	return t.users.Invalidate(ctx, "users")
}

func TestTags(t *testing.T) {
	db := newDatabase()
	loaded, err := newLoadedUsers(db, newMemory(t))
	if err != nil {
		t.Fatal(err)
	}
	users := &taggedUsers{db, loaded.users}
	testFinder(t, db, users)
	queries := db.queries
	if err := users.Imported(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := users.User(t.Context(), "7"); err != nil || db.queries != queries+1 {
		t.Errorf("after an import: %v, %d queries more", err, db.queries-queries)
	}
}
