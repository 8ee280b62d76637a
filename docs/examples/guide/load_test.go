package guide_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/codec"
	"github.com/larder-go/larder/load"
)

// A User is the value that the examples load.
type User struct {
	ID   int
	Name string
	Team int
}

// users is a table in a database.
type users map[int]User

func (u users) User(_ context.Context, id int) (User, error) {
	fmt.Println("reads user", id)
	if user, ok := u[id]; ok {
		return user, nil
	}
	return User{}, sql.ErrNoRows
}

func (u users) Users(_ context.Context, ids []int) ([]User, error) {
	fmt.Println("reads users", ids)
	var found []User
	for _, id := range ids {
		if user, ok := u[id]; ok {
			found = append(found, user)
		}
	}
	return found, nil
}

var db = users{7: {7, "Ann", 3}, 8: {8, "Bob", 3}}

func userKey(id int) string { return fmt.Sprint("user:", id) }
func teamTag(id int) string { return fmt.Sprint("team:", id) }

func Example_load() {
	run(func(ctx context.Context, c *cache.Cache) error {
		users, err := load.New(c, load.Config[User]{Codec: codec.JSON[User](), TTL: time.Hour})
		if err != nil {
			return err
		}
		user := func(id int) (User, error) {
			return users.Get(ctx, userKey(id), func(ctx context.Context, _ *load.Entry[User]) (User, error) {
				return db.User(ctx, id)
			})
		}

		for range 2 {
			u, err := user(7)
			fmt.Println(u.Name, err)
		}
		if err := users.Delete(ctx, userKey(7)); err != nil { // user 7 has changed
			return err
		}
		_, err = user(7)
		return err
	})
	// Output:
	// reads user 7
	// Ann <nil>
	// Ann <nil>
	// reads user 7
}

func Example_loadTags() {
	run(func(ctx context.Context, c *cache.Cache) error {
		users, err := load.New(c, load.Config[User]{Codec: codec.JSON[User](), TTL: time.Hour, NotFoundTTL: time.Minute})
		if err != nil {
			return err
		}
		user := func(id int) (User, error) {
			return users.Get(ctx, userKey(id), func(ctx context.Context, e *load.Entry[User]) (User, error) {
				u, err := db.User(ctx, id)
				if errors.Is(err, sql.ErrNoRows) {
					return User{}, load.ErrNotFound // remembered for NotFoundTTL
				}
				return u, err
			}, userKey(id)) // a tag that is known beforehand
		}

		for range 2 {
			_, err := user(9)
			fmt.Println(errors.Is(err, load.ErrNotFound))
		}
		// User 9 is made: after the change, announce it.
		if err := users.Invalidate(ctx, userKey(9)); err != nil {
			return err // call it again
		}
		_, err = user(9)
		fmt.Println(err)
		return nil
	})
	// Output:
	// reads user 9
	// true
	// true
	// reads user 9
	// load: not found
}

func Example_loadPages() {
	run(func(ctx context.Context, c *cache.Cache) error {
		pages, err := load.New(c, load.Config[[]byte]{TTL: time.Hour})
		if err != nil {
			return err
		}
		page := func(id int) ([]byte, error) {
			return pages.Get(ctx, fmt.Sprint("page:", id), func(ctx context.Context, e *load.Entry[[]byte]) ([]byte, error) {
				// The tag first, then the data that it names: a change in between is not missed.
				if err := e.Tag(ctx, userKey(id)); err != nil {
					return nil, err
				}
				u, err := db.User(ctx, id)
				if err != nil {
					return nil, err
				}
				// This tag is known only now. The team is read after it.
				if err := e.Tag(ctx, teamTag(u.Team)); err != nil {
					return nil, err
				}
				return render(fmt.Sprintf("%s of team %d", u.Name, u.Team))
			})
		}

		for _, id := range []int{7, 8, 7} {
			b, err := page(id)
			if err != nil {
				return err
			}
			fmt.Printf("%s\n", b)
		}
		// Every page that shows something of the team, with one command.
		if err := pages.Invalidate(ctx, teamTag(3)); err != nil {
			return err
		}
		_, err = page(8)
		return err
	})
	// Output:
	// reads user 7
	// <h1>Ann of team 3</h1>
	// reads user 8
	// <h1>Bob of team 3</h1>
	// <h1>Ann of team 3</h1>
	// reads user 8
}

func Example_loadMulti() {
	run(func(ctx context.Context, c *cache.Cache) error {
		users, err := load.New(c, load.Config[User]{Codec: codec.JSON[User](), TTL: time.Hour})
		if err != nil {
			return err
		}
		found, err := users.GetMulti(ctx, []string{userKey(7), userKey(8), userKey(9)},
			func(ctx context.Context, e *load.Entries[User], missing []string) (map[string]User, error) {
				var ids []int
				for _, key := range missing {
					var id int
					if _, err := fmt.Sscanf(key, "user:%d", &id); err != nil {
						return nil, err
					}
					ids = append(ids, id)
				}
				rows, err := db.Users(ctx, ids)
				loaded := map[string]User{}
				for _, u := range rows {
					loaded[userKey(u.ID)] = u
				}
				return loaded, err // what is not in it does not exist
			})
		fmt.Println(len(found), err)
		return nil
	})
	// Output:
	// reads users [7 8 9]
	// 2 <nil>
}

func Example_loadStale() {
	run(func(ctx context.Context, c *cache.Cache) error {
		users, err := load.New(c, load.Config[User]{
			Codec:        codec.JSON[User](),
			TTL:          time.Hour,
			Jitter:       0.1,                    // values that were loaded together do not expire together
			RefreshAfter: 50 * time.Minute,       // from then on loaded in the background, before it expires
			KeepStale:    24 * time.Hour,         // after the TTL, if the database is down ...
			Patience:     500 * time.Millisecond, // ... or takes longer than this
		})
		if err != nil {
			return err
		}
		fmt.Printf("%+v\n", users.Stats().Hits)
		return users.Close() // waits for refreshes that are running
	})
	// Output: 0
}

func Example_view() {
	run(func(ctx context.Context, c *cache.Cache) error {
		sessions := codec.NewView(c.WithPrefix("session:"), codec.JSON[User]())
		if err := sessions.Set(ctx, "5f3a", User{ID: 7, Name: "Ann"}, 30*time.Minute); err != nil {
			return err
		}
		s, err := sessions.GetAndTouch(ctx, "5f3a", 30*time.Minute) // cache.ErrMiss: log in again
		if err != nil {
			return err
		}
		// By compare and swap: no change of another request is lost.
		err = sessions.Update(ctx, "5f3a", 30*time.Minute, func(s User) (User, error) {
			s.Team = 4
			return s, nil
		})
		fmt.Println(s.Name, err)
		return nil
	})
	// Output: Ann <nil>
}
