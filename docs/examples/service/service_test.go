package service_test

import (
	"context"
	"database/sql"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/docs/examples/service"
	"github.com/larder-go/larder/memory"
)

// table is a database that counts what it is asked for.
type table struct {
	mu    sync.Mutex
	users map[string]service.User
	asked int
}

func (t *table) User(_ context.Context, id string) (service.User, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked++
	u, ok := t.users[id]
	if !ok {
		return u, sql.ErrNoRows
	}
	return u, nil
}

func (t *table) Members(_ context.Context, team string) (ids []string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked++
	for id, u := range t.users {
		if u.Team == team {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

func (t *table) Save(_ context.Context, u service.User) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.users[u.ID] = u
	return nil
}

// client calls a service without a network.
type client struct {
	t      *testing.T
	s      *service.Service
	db     *table
	cookie string
}

// want sends a request, and checks the status, the text and how often the database is asked.
func (c *client) want(method, path string, form url.Values, status int, text string, asked int) {
	c.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Cookie", c.cookie)
	w := httptest.NewRecorder()
	before := c.db.asked
	c.s.ServeHTTP(w, r)
	if set := w.Header().Get("Set-Cookie"); set != "" {
		c.cookie, _, _ = strings.Cut(set, ";")
	}
	if got := strings.TrimSpace(w.Body.String()); w.Code != status || got != text || c.db.asked-before != asked {
		c.t.Errorf("%s %s: %d, %q, asked %d times; want %d, %q, %d", method, path, w.Code, got, c.db.asked-before, status, text, asked)
	}
}

func TestService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := memory.New(memory.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		db := &table{users: map[string]service.User{"7": {ID: "7", Name: "Ann", Team: "red"}, "8": {ID: "8", Name: "Bob", Team: "red"}}}
		s, err := service.New(db, c)
		if err != nil {
			t.Fatal(err)
		}
		cl := &client{t: t, s: s, db: db}

		// Users, and one who does not exist until he does.
		cl.want("GET", "/users/7", nil, http.StatusOK, "Ann", 1)
		cl.want("GET", "/users/7", nil, http.StatusOK, "Ann", 0)
		cl.want("GET", "/users/9", nil, http.StatusNotFound, "there is no such user", 1)
		cl.want("GET", "/users/9", nil, http.StatusNotFound, "there is no such user", 0)
		cl.want("PUT", "/users/9", url.Values{"name": {"Eve"}, "team": {"blue"}}, http.StatusOK, "saved", 0)
		cl.want("GET", "/users/9", nil, http.StatusOK, "Eve", 1)

		// A page shows users, and is made again when one of them changes or joins.
		cl.want("GET", "/teams/red", nil, http.StatusOK, "<h1>red</h1><p>Ann</p><p>Bob</p>", 2) // the members, and Bob
		cl.want("GET", "/teams/red", nil, http.StatusOK, "<h1>red</h1><p>Ann</p><p>Bob</p>", 0)
		cl.want("PUT", "/users/8", url.Values{"name": {"Rob"}, "team": {"red"}}, http.StatusOK, "saved", 0)
		cl.want("GET", "/teams/red", nil, http.StatusOK, "<h1>red</h1><p>Ann</p><p>Rob</p>", 2)
		cl.want("PUT", "/users/9", url.Values{"name": {"Eve"}, "team": {"red"}}, http.StatusOK, "saved", 0)
		cl.want("GET", "/teams/red", nil, http.StatusOK, "<h1>red</h1><p>Ann</p><p>Rob</p><p>Eve</p>", 2)
		cl.want("PUT", "/users/7", url.Values{"name": {"Ann"}, "team": {"blue"}}, http.StatusOK, "saved", 0)
		cl.want("GET", "/teams/red", nil, http.StatusOK, "<h1>red</h1><p>Rob</p><p>Eve</p>", 1)

		// A session lasts as long as it is used.
		cl.want("GET", "/me", nil, http.StatusUnauthorized, "log in", 0)
		cl.want("POST", "/login", url.Values{"user": {"7"}}, http.StatusOK, "welcome", 0)
		for range 3 {
			time.Sleep(20 * time.Minute)
			cl.want("GET", "/me", nil, http.StatusOK, "7", 0)
		}
		time.Sleep(31 * time.Minute)
		cl.want("GET", "/me", nil, http.StatusUnauthorized, "log in", 0)
	})
}

// The cache takes fewer than 60 lines, with the imports.
func TestLines(t *testing.T) {
	b, err := os.ReadFile("cache.go")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(b), "\n"); n >= 60 {
		t.Errorf("cache.go has %d lines, want fewer than 60", n)
	}
}
