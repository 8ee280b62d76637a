package recipes_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/codec"
	"github.com/larder-go/larder/drivers/gomemcache"
)

const (
	idle     = 30 * time.Minute // a session ends so long after its last use,
	lifetime = 12 * time.Hour   // and so long after the login at the latest
)

// A Session is the data that a web server keeps of a visitor.
type Session struct {
	User  string
	Login time.Time
	Cart  []string
}

// errNoSession is returned for a session that never was or that ended.
var errNoSession = errors.New("no session")

// sessionKey returns the key of a session. It does not contain the token, so that somebody
// who can list the keys of a server cannot take sessions over.
func sessionKey(token string) string {
	sum := sha256.Sum256([]byte(token))
	return "session:" + hex.EncodeToString(sum[:])
}

// login starts a session and returns its token, for a cookie.
func login(ctx context.Context, sessions *codec.View[Session], user string) (token string, err error) {
	token = rand.Text()
	return token, sessions.Set(ctx, sessionKey(token), Session{User: user, Login: time.Now()}, idle)
}

// session returns the session of a token and prolongs it.
func session(ctx context.Context, sessions *codec.View[Session], token string) (Session, error) {
	s, err := sessions.GetAndTouch(ctx, sessionKey(token), idle)
	switch {
	case errors.Is(err, cache.ErrMiss):
		return s, errNoSession
	case err != nil:
		return s, err // not errNoSession: an outage does not log anybody out
	case time.Since(s.Login) > lifetime:
		return Session{}, errNoSession
	}
	return s, nil
}

// put puts something into the cart of a session.
func put(ctx context.Context, sessions *codec.View[Session], token, thing string) error {
	return sessions.Update(ctx, sessionKey(token), idle, func(s Session) (Session, error) {
		s.Cart = append(s.Cart, thing)
		return s, nil
	})
}

// logout ends a session.
func logout(ctx context.Context, sessions *codec.View[Session], token string) error {
	err := sessions.Delete(ctx, sessionKey(token))
	if errors.Is(err, cache.ErrMiss) {
		return nil
	}
	return err
}

// account is a page for those who are logged in.
func account(sessions *codec.View[Session]) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s, err := session(r.Context(), sessions, r.Header.Get("Token"))
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
	sessions := codec.NewView(c, codec.JSON[Session]())

	token, err := login(ctx, sessions, "ann")
	check(err)
	check(put(ctx, sessions, token, "apple"))
	s, err := session(ctx, sessions, token)
	check(err)
	fmt.Println(s.User, s.Cart)

	check(logout(ctx, sessions, token))
	_, err = session(ctx, sessions, token)
	fmt.Println(err)
	// A request that came at the same time does not bring the session back.
	fmt.Println(put(ctx, sessions, token, "pear"))
	// Output:
	// ann [apple]
	// no session
	// cache: miss
}

func TestSessionEnds(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cache.Cache) {
		sessions := codec.NewView(c, codec.JSON[Session]())
		token, err := login(t.Context(), sessions, "ann")
		if err != nil {
			t.Fatal(err)
		}
		used := time.Duration(0)
		for ; used < lifetime; used += 20 * time.Minute {
			if _, err := session(t.Context(), sessions, token); err != nil {
				t.Fatalf("after %v of use: %v", used, err)
			}
			time.Sleep(20 * time.Minute)
		}
		time.Sleep(time.Minute)
		if _, err := session(t.Context(), sessions, token); !errors.Is(err, errNoSession) {
			t.Errorf("after its lifetime: %v", err)
		}

		token, err = login(t.Context(), sessions, "ann")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(idle)
		if _, err := session(t.Context(), sessions, token); !errors.Is(err, errNoSession) {
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
	of := func(c *cache.Cache) *codec.View[Session] { return codec.NewView(c, codec.JSON[Session]()) }
	token, err := login(t.Context(), of(up), "ann")
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
		account(of(c.cache))(w, r)
		if w.Code != c.want {
			t.Errorf("%s, token %q: status %d, want %d", c.cache.Driver(), c.token, w.Code, c.want)
		}
	}
}
