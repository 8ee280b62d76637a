package valkey

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/valkey/internal/guard"
)

// scanCount is about how many keys the server looks at for one reply of Flush.
const scanCount = "1000"

// errFlush is returned by Flush if the configuration does not say what to remove.
var errFlush = fmt.Errorf("the cache has no prefix, and the database may be shared; want a prefix, or flush_database=true to remove everything in it: %w", errors.ErrUnsupported)

// Flush implements [driver.Cache].
func (s *store) Flush(ctx context.Context) error {
	const op = cache.OpFlush
	defer s.views.dropAll()
	switch {
	case s.flushAll:
		return s.everywhere(ctx, op, func(n node) error {
			_, err := n.do(ctx, "FLUSHDB", "ASYNC")
			return err
		})
	case s.prefix == "":
		return &driver.Error{Driver: name, Op: op, Server: s.single, Err: errFlush}
	}
	return s.everywhere(ctx, op, func(n node) error { return s.flush(ctx, n) })
}

// flush removes the keys with the prefix that n has.
func (s *store) flush(ctx context.Context, n node) error {
	cursor := "0"
	for {
		v, err := n.do(ctx, "SCAN", cursor, "MATCH", globEscape(s.prefix)+"*", "COUNT", scanCount)
		if err != nil {
			return err
		}
		reply, err := listOf(v)
		if err != nil || len(reply) != 2 {
			return errors.Join(errShortReply, err)
		}
		next, err1 := bytesOf(reply[0])
		keys, err2 := listOf(reply[1])
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		if err := s.unlink(ctx, keys); err != nil {
			return err
		}
		if cursor = string(next); cursor == "0" {
			return nil
		}
	}
}

// unlink removes keys that have their prefix.
func (s *store) unlink(ctx context.Context, keys []value) error {
	errs := s.run(ctx, &batch{
		op: cache.OpFlush, idempotent: true, errs: make([]error, len(keys)),
		request: func(k []int) request {
			key, _ := bytesOf(keys[k[0]])
			return request{name: "UNLINK", key: string(key)}
		},
		reply: func(int, value) error { return nil },
	})
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// globEscape escapes what has a meaning in a pattern.
func globEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(s)
}

// Ping implements [driver.Pinger].
func (s *store) Ping(ctx context.Context) error {
	return s.everywhere(ctx, cache.OpPing, func(n node) error {
		if !s.lib.cluster {
			_, err := n.do(ctx, "PING")
			return err
		}
		v, err := n.do(ctx, "CLUSTER", "INFO")
		if err != nil {
			return err
		}
		info, err := bytesOf(v)
		if err == nil && !strings.Contains(string(info), "cluster_state:ok\r") {
			err = errors.New("the cluster is down")
		}
		return err
	})
}

// everywhere calls f for all primaries at the same time and joins their errors. A
// connection that was lost is tried once more.
func (s *store) everywhere(ctx context.Context, op cache.Op, f func(node) error) error {
	var nodes []node
	err := s.persistently(ctx, func() (err error) {
		nodes, err = s.lib.primaries(ctx)
		return err
	})
	if err != nil {
		return s.failure(ctx, op, err)
	}
	errs := make([]error, len(nodes))
	var wg sync.WaitGroup
	for i, n := range nodes {
		wg.Go(func() {
			err := errNoServer
			if n.c != nil {
				err = s.persistently(ctx, func() error { return f(n) })
			}
			if err != nil {
				errs[i] = s.failure(ctx, op, n.named(err))
			}
		})
	}
	wg.Wait()
	return join(errs)
}

// persistently repeats f, which is idempotent, as a request is repeated.
func (s *store) persistently(ctx context.Context, f func() error) error {
	noScripts := true
	for t := (tries{idempotent: true}); ; {
		err := f()
		if err == nil || !t.again(ctx, s, &noScripts, err) {
			return err
		}
	}
}

// named adds the server to an error that does not name one.
func (n node) named(err error) error {
	var g *guard.Error
	if n.addr == "" || errors.As(err, &g) {
		return err
	}
	return &nodeError{n.addr, err}
}

// join is errors.Join that returns a single error as it is.
func join(errs []error) error {
	var only error
	for _, err := range errs {
		switch {
		case err == nil:
		case only != nil:
			return errors.Join(errs...)
		default:
			only = err
		}
	}
	return only
}
