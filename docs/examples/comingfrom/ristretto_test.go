package comingfrom

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/dgraph-io/ristretto/v2"
	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/codec"
)

// ristrettoUsers finds users with ristretto.
type ristrettoUsers struct {
	db    *database
	cache *ristretto.Cache[string, User]
}

// newRistrettoUsers bounds the cache by a cost that the program estimates.
func newRistrettoUsers(db *database) (*ristrettoUsers, error) {
	c, err := ristretto.NewCache(&ristretto.Config[string, User]{
		NumCounters: 1e5,
		MaxCost:     8 << 20,
		BufferItems: 64,
	})
	return &ristrettoUsers{db, c}, err
}

func (r *ristrettoUsers) User(ctx context.Context, id string) (User, error) {
	if u, found := r.cache.Get("user:" + id); found {
		return u, nil
	}
	u, err := r.db.User(ctx, id)
	if err != nil {
		return User{}, err
	}
	r.cache.SetWithTTL("user:"+id, u, 200, time.Hour)
	r.cache.Wait() // otherwise a Get that follows may miss
	return u, nil
}

func (r *ristrettoUsers) Rename(_ context.Context, id, name string) error {
	r.db.rename(id, name)
	r.cache.Del("user:" + id)
	return nil
}

// viewedUsers finds users with larder.
type viewedUsers struct {
	db    *database
	cache *codec.View[User]
}

// newViewedUsers takes a cache such as memory://?max_bytes=8MiB.
func newViewedUsers(db *database, c *cache.Cache) *viewedUsers {
	return &viewedUsers{db, codec.NewView(c, codec.JSON[User]())}
}

func (v *viewedUsers) User(ctx context.Context, id string) (User, error) {
	u, err := v.cache.Get(ctx, "user:"+id)
	if !errors.Is(err, cache.ErrMiss) {
		return u, err
	}
	if u, err = v.db.User(ctx, id); err != nil {
		return User{}, err
	}
	return u, v.cache.Set(ctx, "user:"+id, u, time.Hour)
}

func (v *viewedUsers) Rename(ctx context.Context, id, name string) error {
	v.db.rename(id, name)
	err := v.cache.Delete(ctx, "user:"+id)
	if errors.Is(err, cache.ErrMiss) {
		return nil
	}
	return err
}

func TestRistretto(t *testing.T) {
	db := newDatabase()
	before, err := newRistrettoUsers(db)
	if err != nil {
		t.Fatal(err)
	}
	defer before.cache.Close()
	testFinder(t, db, before)

	db = newDatabase()
	testFinder(t, db, newViewedUsers(db, newMemory(t)))
}
