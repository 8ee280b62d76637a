package service

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/codec"
	"github.com/larder-go/larder/load"
)

const idle = 30 * time.Minute // after which a session ends

type caches struct {
	users    *load.Loader[User]
	pages    *load.Bytes
	sessions *codec.View[Session]
}

func newCaches(c *cache.Cache) (caches, error) {
	users, err1 := load.New(c, load.Config[User]{Codec: codec.JSON[User](), TTL: time.Hour, NotFoundTTL: time.Minute})
	pages, err2 := load.New(c, load.Config[[]byte]{TTL: time.Hour, RefreshAfter: 50 * time.Minute, KeepStale: 24 * time.Hour})
	return caches{users, pages, codec.NewView(c.WithPrefix("session:"), codec.JSON[Session]())}, errors.Join(err1, err2)
}

func (s *Service) user(ctx context.Context, id string) (User, error) {
	return s.users.Get(ctx, "user:"+id, func(ctx context.Context, _ *load.Entry[User]) (User, error) {
		u, err := s.db.User(ctx, id)
		if errors.Is(err, sql.ErrNoRows) {
			return u, load.ErrNotFound // remembered for a minute
		}
		return u, err
	}, "user:"+id)
}

func (s *Service) teamPage(ctx context.Context, team string) ([]byte, error) {
	return s.pages.Get(ctx, "page:"+team, func(ctx context.Context, e *load.Entry[[]byte]) ([]byte, error) {
		return s.render(ctx, team, func(id string) error { return e.Tag(ctx, "user:"+id) })
	}, "team:"+team)
}

// changed is called after a user was written: pages that show the user have its tag too.
func (s *Service) changed(ctx context.Context, u User) error {
	return s.users.Invalidate(ctx, "user:"+u.ID, "team:"+u.Team)
}

func (s *Service) login(ctx context.Context, user string) (token string, err error) {
	token = rand.Text()
	return token, s.sessions.Add(ctx, hashed(token), Session{user}, idle)
}

// session returns the session of a token, which then lasts for another half an hour.
func (s *Service) session(ctx context.Context, token string) (Session, error) {
	return s.sessions.GetAndTouch(ctx, hashed(token), idle) // cache.ErrMiss if it has ended
}
