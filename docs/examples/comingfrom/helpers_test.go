package comingfrom

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/memory"
)

// A User is a row of a table.
type User struct {
	Name string
	Team string
}

// errNoUser is returned by the database for an unknown user.
var errNoUser = errors.New("no such user")

// database is a table of users that counts its queries.
type database struct {
	mu      sync.Mutex
	users   map[string]User
	queries int
}

// User returns a user.
func (d *database) User(_ context.Context, id string) (User, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queries++
	u, ok := d.users[id]
	if !ok {
		return User{}, errNoUser
	}
	return u, nil
}

// rename changes a user.
func (d *database) rename(id, name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	u := d.users[id]
	u.Name = name
	d.users[id] = u
}

// newDatabase has one user, 7.
func newDatabase() *database {
	return &database{users: map[string]User{"7": {"ann", "red"}}}
}

// newMemory returns an empty cache.
func newMemory(t *testing.T) *cache.Cache {
	t.Helper()
	c, err := memory.New(memory.Config{MaxBytes: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// A finder finds users through a cache.
type finder interface {
	User(ctx context.Context, id string) (User, error)
	Rename(ctx context.Context, id, name string) error
}

// testFinder checks what the programs before and after have in common: that a user is
// queried once, that a change is seen at once, and that an error of the database reaches
// the caller.
func testFinder(t *testing.T, db *database, f finder) {
	t.Helper()
	ctx := t.Context()
	for range 3 {
		if u, err := f.User(ctx, "7"); err != nil || u != (User{"ann", "red"}) {
			t.Fatalf("user 7: %v, %v", u, err)
		}
	}
	if db.queries != 1 {
		t.Errorf("%d queries for three requests", db.queries)
	}
	if err := f.Rename(ctx, "7", "anna"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if u, err := f.User(ctx, "7"); err != nil || u != (User{"anna", "red"}) {
			t.Fatalf("user 7, renamed: %v, %v", u, err)
		}
	}
	if db.queries != 2 {
		t.Errorf("%d queries in all", db.queries)
	}
	if _, err := f.User(ctx, "8"); !errors.Is(err, errNoUser) {
		t.Errorf("user 8: %v", err)
	}
}
