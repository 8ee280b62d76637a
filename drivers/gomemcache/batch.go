package gomemcache

import (
	"context"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/gomemcache/internal/conn"
	"github.com/larder-go/larder/drivers/gomemcache/internal/wire"
	"github.com/larder-go/larder/drivers/internal/fanout"
	"github.com/larder-go/larder/drivers/internal/memcached"
)

// The library has no stores and deletes of many keys, and a loop over single ones would
// take a round trip for each. So the driver writes these requests itself, many in one piece
// over one connection to each server; the replies come in the same order.
//
// A server is sent no more than this before its replies are read: they fit into the buffers
// of a connection, so that neither side waits for the other to read. The context is looked
// at in between.
const (
	maxRequests = 128
	maxRequest  = 64 << 10 // bytes, unless one request alone is longer
)

// pipeline is a batch of requests with a reply of one line each. They are numbered from 0.
type pipeline struct {
	op         cache.Op
	idempotent bool
	key        func(i int) string
	append     func(b []byte, i int) []byte
	// reply returns the error that a line means for its key. If the line is not a
	// reply to such a request, known is false.
	reply func(line []byte) (err error, known bool)
	// token returns the condition of a swap; nil if these are not swaps.
	token func(i int) memcached.Token
	errs  []error // by number; a request that has one at the start is not sent
}

// StoreMulti implements [driver.Batcher].
func (d *cluster) StoreMulti(ctx context.Context, mode driver.Mode, entries []driver.Entry) []error {
	p := &pipeline{
		op: mode.MultiOp(), idempotent: mode != driver.Add, errs: make([]error, len(entries)),
		key:    func(i int) string { return entries[i].Key },
		append: func(b []byte, i int) []byte { return d.appendStore(b, mode.String(), entries[i], memcached.Token{}) },
		reply: func(line []byte) (error, bool) {
			switch {
			case string(line) == "STORED":
				return nil, true
			case string(line) == "NOT_STORED" && mode != driver.Set:
				return driver.ErrNotStored, true
			}
			return nil, false
		},
	}
	memcached.LeaveOut(entries, p.errs)
	return memcached.ExplainMulti(d.fail, p.op, entries, d.run(ctx, p))
}

func (d *cluster) appendStore(b []byte, verb string, e driver.Entry, t memcached.Token) []byte {
	s := wire.Store{Verb: verb, Key: e.Key, Expiry: memcached.ExpiryFromNow(e.TTL), CAS: t.CAS}
	s.Value, s.Flags = d.dialect.Encode(e.Kind, e.Value)
	return s.Append(b)
}

// DeleteMulti implements [driver.Batcher].
func (d *cluster) DeleteMulti(ctx context.Context, keys []string) []error {
	return d.run(ctx, &pipeline{
		op: cache.OpDeleteMulti, idempotent: true, errs: make([]error, len(keys)),
		key:    func(i int) string { return keys[i] },
		append: func(b []byte, i int) []byte { return wire.AppendDelete(b, keys[i]) },
		reply: func(line []byte) (error, bool) {
			return nil, string(line) == "DELETED" || string(line) == "NOT_FOUND"
		},
	})
}

// run runs p on all servers at the same time, and returns its errors, or nil if there are
// none.
func (d *cluster) run(ctx context.Context, p *pipeline) []error {
	parts := fanout.Split(len(p.errs), len(d.servers), func(i int) int {
		if p.errs[i] != nil {
			return -1
		}
		return d.distribution.Pick(p.key(i))
	})
	fanout.Each(parts, func(i int, part []int) { d.servers[i].run(ctx, p, part) })
	return fanout.Failures(p.errs)
}

// run sends those requests of p that part lists. When the server fails, its error is that of
// all keys that it was not yet asked about: a server that does not reply costs one timeout,
// and not one for each key.
func (s *server) run(ctx context.Context, p *pipeline, part []int) {
	var b []byte
	for len(part) > 0 {
		n := 0
		for b = b[:0]; n < min(len(part), maxRequests) && len(b) < maxRequest; n++ {
			b = p.append(b, part[n])
		}
		done, err := s.runPiece(ctx, p, b, part[:n])
		switch {
		case err == errNoOldConnection:
			part = s.conflict(ctx, p, part)
			continue
		case err != nil:
			for _, i := range part[done:] {
				p.errs[i] = err
			}
			return
		}
		part = part[n:]
	}
}

// runPiece sends the requests in b, which are those that part lists, and returns to how many
// the server has replied.
func (s *server) runPiece(ctx context.Context, p *pipeline, b []byte, part []int) (done int, err error) {
	r := request{op: p.op, idempotent: p.idempotent, exchange: func(c *conn.Conn) error {
		return c.Exchange(b, func(r *wire.Reader) error {
			for done < len(part) {
				line, err := r.Line()
				if err != nil {
					return err
				}
				err, known := p.reply(line)
				switch {
				case known:
				case wire.IsRefusal(line):
					// It is the reply to this request, and to no other.
					err = s.refused(p.op, line)
				default:
					return wire.Unexpected(line)
				}
				p.errs[part[done]] = err
				done++
				c.Progress()
			}
			return nil
		})
	}}
	if p.token != nil {
		r.token = p.earliest(part)
	}
	err = s.do(ctx, &r)
	if err != nil && done == len(part) {
		done-- // the bytes after the last reply make it doubtful
	}
	return done, err
}
