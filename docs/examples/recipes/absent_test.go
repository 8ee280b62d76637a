package recipes_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/larder-go/larder/cache"
)

// errNoUser is returned for a user that does not exist.
var errNoUser = errors.New("no such user")

// user returns a user from the cache or the database. It remembers for ten seconds that a
// user does not exist, as an empty value, which no user has.
func user(ctx context.Context, c *cache.Cache, db *table, id string) (string, error) {
	key := "user:" + id
	name, err := c.Get(ctx, key)
	switch {
	case err == nil && len(name) == 0:
		return "", errNoUser
	case err == nil:
		return string(name), nil
	case !errors.Is(err, cache.ErrMiss):
		return "", err
	}
	row, found := db.find(id)
	if !found {
		if err := c.Set(ctx, key, nil, 10*time.Second); err != nil {
			return "", err
		}
		return "", errNoUser
	}
	return row, c.Set(ctx, key, []byte(row), time.Hour)
}

// addUser stores a user, and forgets that it did not exist.
func addUser(ctx context.Context, c *cache.Cache, db *table, id, name string) error {
	db.insert(id, name)
	err := c.Delete(ctx, "user:"+id)
	if errors.Is(err, cache.ErrMiss) {
		return nil
	}
	return err
}

func Example_absent() {
	c := open()
	defer c.Close()
	ctx, db := context.Background(), &table{}

	for range 3 {
		_, err := user(ctx, c, db, "7")
		fmt.Println(err)
	}
	fmt.Println(db.count(), "query")

	check(addUser(ctx, c, db, "7", "ann"))
	name, err := user(ctx, c, db, "7")
	fmt.Println(name, err)
	// Output:
	// no such user
	// no such user
	// no such user
	// 1 query
	// ann <nil>
}
