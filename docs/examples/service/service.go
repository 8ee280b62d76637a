// Package service is a web service that reads through a cache: typed users, of which some do
// not exist, pages with tags, and sessions that end when they are not used. All that it does
// with the cache is in cache.go.
package service

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"net/http"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/load"
)

// A User is a row of the database.
type User struct{ ID, Name, Team string }

// A Session identifies a client that has logged in.
type Session struct{ User string }

// A DB is the database. User returns sql.ErrNoRows if there is no such user.
type DB interface {
	User(ctx context.Context, id string) (User, error)
	Members(ctx context.Context, team string) (ids []string, err error)
	Save(ctx context.Context, u User) error
}

// A Service serves users and the pages of their teams.
type Service struct {
	db DB
	caches
}

// New returns a service with that database and that cache.
func New(db DB, c *cache.Cache) (*Service, error) {
	caches, err := newCaches(c)
	return &Service{db, caches}, err
}

// ServeHTTP implements http.Handler.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /users/{id}", s.serveUser)
	mux.HandleFunc("PUT /users/{id}", s.serveSave)
	mux.HandleFunc("GET /teams/{team}", s.serveTeam)
	mux.HandleFunc("POST /login", s.serveLogin)
	mux.HandleFunc("GET /me", s.serveMe)
	mux.ServeHTTP(w, r)
}

func (s *Service) serveUser(w http.ResponseWriter, r *http.Request) {
	u, err := s.user(r.Context(), r.PathValue("id"))
	write(w, u.Name, err)
}

func (s *Service) serveSave(w http.ResponseWriter, r *http.Request) {
	u := User{r.PathValue("id"), r.FormValue("name"), r.FormValue("team")}
	err := s.db.Save(r.Context(), u)
	if err == nil {
		err = s.changed(r.Context(), u)
	}
	write(w, "saved", err)
}

func (s *Service) serveTeam(w http.ResponseWriter, r *http.Request) {
	page, err := s.teamPage(r.Context(), r.PathValue("team"))
	write(w, string(page), err)
}

func (s *Service) serveLogin(w http.ResponseWriter, r *http.Request) {
	token, err := s.login(r.Context(), r.FormValue("user")) // a real one asks for a password
	http.SetCookie(w, &http.Cookie{Name: "session", Value: token, HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode})
	write(w, "welcome", err)
}

func (s *Service) serveMe(w http.ResponseWriter, r *http.Request) {
	var session Session
	cookie, err := r.Cookie("session")
	if err == nil {
		session, err = s.session(r.Context(), cookie.Value)
	}
	write(w, session.User, err)
}

var page = template.Must(template.New("").Parse(`<h1>{{.Team}}</h1>{{range .Names}}<p>{{.}}</p>{{end}}`))

// render makes the page of a team. It calls shows before it reads a user.
func (s *Service) render(ctx context.Context, team string, shows func(id string) error) ([]byte, error) {
	ids, err := s.db.Members(ctx, team)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, id := range ids {
		if err := shows(id); err != nil {
			return nil, err
		}
		u, err := s.user(ctx, id)
		if err != nil {
			return nil, err
		}
		names = append(names, u.Name)
	}
	var b bytes.Buffer
	err = page.Execute(&b, map[string]any{"Team": team, "Names": names})
	return b.Bytes(), err
}

// hashed returns the key of a token. Somebody who can read the cache cannot log in with it.
func hashed(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// write writes a response.
func write(w http.ResponseWriter, text string, err error) {
	switch {
	case err == nil:
		fmt.Fprint(w, text)
	case errors.Is(err, load.ErrNotFound):
		http.Error(w, "there is no such user", http.StatusNotFound)
	case errors.Is(err, cache.ErrMiss), errors.Is(err, http.ErrNoCookie):
		http.Error(w, "log in", http.StatusUnauthorized)
	case errors.Is(err, cache.ErrInvalidKey):
		http.Error(w, err.Error(), http.StatusBadRequest)
	default:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
