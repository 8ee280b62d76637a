package valkey

import (
	"context"
	"strconv"
	"strings"

	"github.com/larder-go/larder/cache"
)

// maxForeign bounds the times that a call begins again because the connection that it waited
// for was made by another caller, whose context ended.
const maxForeign = 5

// call sends a request and returns its reply, or an error. If the request is idempotent
// and its connection is lost, it is sent once more: a server that was restarted has
// closed the connections to the one before.
func (s *store) call(ctx context.Context, op cache.Op, r request, idempotent bool) (value, error) {
	for t := (tries{idempotent: idempotent}); ; {
		reply := s.lib.do(ctx, &r)
		err := failureOf(reply)
		if err == nil {
			return valueOf(reply), nil
		}
		if !t.again(ctx, s, &r.source, err) {
			var l locator
			return value{}, naming(strings.TrimPrefix(r.key, s.prefix), s.failure(ctx, op, l.locate(ctx, s, r.key, err)))
		}
	}
}

// tries decides whether a request is sent again.
type tries struct {
	idempotent bool
	lost       bool // it was sent again after its connection was lost
	connected  bool // it was tried again after an attempt to connect had failed
	foreign    int
}

// again reports whether it is, after err. Source is set if the script has to go with it.
func (t *tries) again(ctx context.Context, s *store, source *bool, err error) bool {
	switch {
	case ctx.Err() != nil || s.closed.Load():
		return false
	case noScript(err) && !*source:
		*source = true
		return true
	case foreignContext(err) && t.foreign < maxForeign:
		t.foreign++
		return true
	case unsent(err):
		// The attempt may have begun before the call, for another one. The next has not.
		again := !t.connected
		t.connected = true
		return again
	case t.idempotent && !t.lost && lostConnection(err):
		t.lost = true
		return true
	}
	return false
}

// key returns the key on the server.
func (s *store) key(key string) string {
	if s.prefix == "" {
		return key
	}
	return s.prefix + key
}

func decimal(n int) string { return strconv.Itoa(n) }
