package recipes_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/gomemcache"
)

const (
	idle     = 30 * time.Minute // a session ends so long after its last use,
	lifetime = 12 * time.Hour   // and so long after the login at the latest
)

// A Session is what a web server remembers of a visitor.
type Session struct {
	User  string
	Login time.Time
	Cart  []string
}

// errNoSession is returned for a session that never was or that ended.
var errNoSession = errors.New("no session")

// sessionKey returns the key of a session. It does not contain the token, so that who can
// list the keys of a server cannot take sessions over.
func sessionKey(token string) string {
	sum := sha256.Sum256([]byte(token))
	return "session:" + hex.EncodeToString(sum[:])
}

// login starts a session and returns its token, for a cookie.
func login(ctx context.Context, c *cache.Cache, user string) (token string, err error) {
	token = rand.Text()
	data, err := json.Marshal(Session{User: user, Login: time.Now()})
	if err != nil {
		return "", err
	}
	return token, c.Set(ctx, sessionKey(token), data, idle)
}

// session returns the session of a token and prolongs it.
func session(ctx context.Context, c *cache.Cache, token string) (s Session, err error) {
	data, err := c.GetAndTouch(ctx, sessionKey(token), idle)
	if errors.Is(err, cache.ErrMiss) {
		return s, errNoSession
	}
	if err != nil {
		return s, err // not errNoSession: an outage does not log anybody out
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, err
	}
	if time.Since(s.Login) > lifetime {
		return Session{}, errNoSession
	}
	return s, nil
}

// update changes a session that other requests may be changing too.
func update(ctx context.Context, c *cache.Cache, token string, change func(*Session)) error {
	for {
		item, err := c.GetItem(ctx, sessionKey(token))
		if err != nil {
			return err
		}
		var s Session
		if err := json.Unmarshal(item.Value, &s); err != nil {
			return err
		}
		change(&s)
		data, err := json.Marshal(s)
		if err != nil {
			return err
		}
		err = c.CompareAndSwap(ctx, item, data, idle)
		if !errors.Is(err, cache.ErrConflict) {
			return err
		}
	}
}

// logout ends a session.
func logout(ctx context.Context, c *cache.Cache, token string) error {
	err := c.Delete(ctx, sessionKey(token))
	if errors.Is(err, cache.ErrMiss) {
		return nil
	}
	return err
}

// account is a page for those who are logged in.
func account(c *cache.Cache) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s, err := session(r.Context(), c, r.Header.Get("Token"))
		switch {
		case errors.Is(err, errNoSession):
			http.Error(w, "log in first", http.StatusUnauthorized)
		case err != nil:
			http.Error(w, "try again", http.StatusServiceUnavailable)
		default:
			fmt.Fprintln(w, "hello", s.User)
		}
	}
}

func Example_sessions() {
	c := open()
	defer c.Close()
	ctx := context.Background()

	token, err := login(ctx, c, "ann")
	check(err)
	check(update(ctx, c, token, func(s *Session) { s.Cart = append(s.Cart, "apple") }))
	s, err := session(ctx, c, token)
	check(err)
	fmt.Println(s.User, s.Cart)

	check(logout(ctx, c, token))
	_, err = session(ctx, c, token)
	fmt.Println(err)
	// Output:
	// ann [apple]
	// no session
}

func TestSessionEnds(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cache.Cache) {
		token, err := login(t.Context(), c, "ann")
		if err != nil {
			t.Fatal(err)
		}
		used := time.Duration(0)
		for ; used < lifetime; used += 20 * time.Minute {
			if _, err := session(t.Context(), c, token); err != nil {
				t.Fatalf("after %v of use: %v", used, err)
			}
			time.Sleep(20 * time.Minute)
		}
		time.Sleep(time.Minute)
		if _, err := session(t.Context(), c, token); !errors.Is(err, errNoSession) {
			t.Errorf("after its lifetime: %v", err)
		}

		token, err = login(t.Context(), c, "ann")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(idle)
		if _, err := session(t.Context(), c, token); !errors.Is(err, errNoSession) {
			t.Errorf("after %v without use: %v", idle, err)
		}
	})
}

func TestSessionInOutage(t *testing.T) {
	down, err := gomemcache.New(gomemcache.Config{Servers: []string{"127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer down.Close()
	up := open()
	defer up.Close()
	token, err := login(t.Context(), up, "ann")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		cache *cache.Cache
		token string
		want  int
	}{
		{up, token, http.StatusOK},
		{up, "another", http.StatusUnauthorized},
		{down, token, http.StatusServiceUnavailable},
	} {
		r := httptest.NewRequest("GET", "/account", nil)
		r.Header.Set("Token", c.token)
		w := httptest.NewRecorder()
		account(c.cache)(w, r)
		if w.Code != c.want {
			t.Errorf("%s, token %q: status %d, want %d", c.cache.Driver(), c.token, w.Code, c.want)
		}
	}
}
