package recipes_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/codec"
	"github.com/larder-go/larder/load"
)

// Users are the users of a database, and those that do not exist.
type Users struct {
	db     *table
	loader *load.Loader[string]
}

func newUsers(c *cache.Cache, db *table) (*Users, error) {
	loader, err := load.New(c, load.Config[string]{
		Codec:       codec.Text[string](),
		TTL:         time.Hour,
		Jitter:      0.1,
		NotFoundTTL: time.Minute,
	})
	return &Users{db, loader}, err
}

// Get returns a user, or load.ErrNotFound.
func (u *Users) Get(ctx context.Context, id string) (string, error) {
	return u.loader.Get(ctx, "user:"+id, func(context.Context, *load.Entry[string]) (string, error) {
		name, found := u.db.find(id)
		if !found {
			return "", load.ErrNotFound
		}
		return name, nil
	})
}

// Add stores a user, and forgets that it did not exist.
func (u *Users) Add(ctx context.Context, id, name string) error {
	u.db.insert(id, name)
	return u.loader.Delete(ctx, "user:"+id)
}

func Example_notFound() {
	c := open()
	defer c.Close()
	ctx, db := context.Background(), &table{}
	users, err := newUsers(c, db)
	check(err)

	for range 3 {
		_, err := users.Get(ctx, "7")
		fmt.Println(errors.Is(err, load.ErrNotFound))
	}
	fmt.Println(db.count(), "query")

	check(users.Add(ctx, "7", "ann"))
	fmt.Println(users.Get(ctx, "7"))
	// Output:
	// true
	// true
	// true
	// 1 query
	// ann <nil>
}

// That a user does not exist is forgotten after NotFoundTTL, and a user that is created
// while the database is asked is found.
func TestNotFound(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cache.Cache) {
		db := &table{}
		users, err := newUsers(c, db)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if _, err := users.Get(t.Context(), "7"); !errors.Is(err, load.ErrNotFound) {
				t.Fatal(err)
			}
			if db.count() != i+1 {
				t.Errorf("%d queries after %d minutes", db.count(), i)
			}
			time.Sleep(time.Minute)
		}

		_, err = users.loader.Get(t.Context(), "user:8", func(ctx context.Context, _ *load.Entry[string]) (string, error) {
			_, found := db.find("8")
			if err := users.Add(ctx, "8", "bob"); err != nil || found {
				return "", fmt.Errorf("%v %w", found, err)
			}
			return "", load.ErrNotFound
		})
		if !errors.Is(err, load.ErrNotFound) {
			t.Fatal(err)
		}
		if name, err := users.Get(t.Context(), "8"); err != nil || name != "bob" {
			t.Errorf("created during the load: %q, %v", name, err)
		}
	})
}
