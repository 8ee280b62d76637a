package gomemcache

import (
	"context"
	"slices"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/gomemcache/internal/conn"
	"github.com/larder-go/larder/drivers/gomemcache/internal/wire"
	"github.com/larder-go/larder/drivers/internal/epoch"
	"github.com/larder-go/larder/drivers/internal/fanout"
	"github.com/larder-go/larder/drivers/internal/memcached"
)

// maxGet bounds the keys of one request. A server begins to reply when it has all of a
// request, so this bounds what it holds. The context is checked between two requests.
const maxGet = 1000

// reading is a batch of gets.
type reading struct {
	op    cache.Op
	keys  []string
	errs  []error
	found func(s *server, i int, it stored) error // called by one goroutine for each server
}

// stored is an item as a server stores it.
type stored struct {
	value []byte
	flags uint32
	cas   uint64
	epoch epoch.Number // in which it was read
}

// GetMulti implements [driver.Batcher].
func (d *cluster) GetMulti(ctx context.Context, keys []string) ([][]byte, []error) {
	const op = cache.OpGetMulti
	values := make([][]byte, len(keys))
	errs := d.read(ctx, op, keys, func(s *server, i int, it stored) (err error) {
		values[i], _, err = s.decode(op, keys[i], it.value, it.flags)
		return err
	})
	return values, errs
}

// GetItemMulti implements [driver.BatchSwapper].
func (d *cluster) GetItemMulti(ctx context.Context, keys []string) ([]driver.Item, []error) {
	const op = cache.OpGetItemMulti
	items := make([]driver.Item, len(keys))
	errs := d.read(ctx, op, keys, func(s *server, i int, it stored) (err error) {
		items[i], err = s.item(op, keys[i], it)
		return err
	})
	return items, errs
}

// item returns an item with its token. Its remaining TTL is unknown: no command of the text
// protocol tells it together with the value.
func (s *server) item(op cache.Op, key string, it stored) (driver.Item, error) {
	token, err := memcached.NewToken(it.cas, it.epoch)
	if err != nil {
		return driver.Item{}, s.Fail(op, err)
	}
	value, kind, err := s.decode(op, key, it.value, it.flags)
	if err != nil {
		return driver.Item{}, err
	}
	return driver.Item{Value: value, Kind: kind, Token: token}, nil
}

// read asks all servers for their parts of keys, at the same time. The result has an error
// for each key, or is nil.
func (d *cluster) read(ctx context.Context, op cache.Op, keys []string, found func(s *server, i int, it stored) error) []error {
	b := &reading{op: op, keys: keys, errs: make([]error, len(keys)), found: found}
	parts := fanout.Split(len(keys), len(d.servers), func(i int) int { return d.distribution.Pick(keys[i]) })
	fanout.Each(parts, func(i int, part []int) { d.servers[i].read(ctx, b, part) })
	return fanout.Failures(b.errs)
}

func (b *reading) fail(part []int, err error) {
	for _, i := range part {
		b.errs[i] = err
	}
}

// read asks for the keys that part lists, in pieces. When the server fails, its error is
// that of all keys that it was not yet asked about.
func (s *server) read(ctx context.Context, b *reading, part []int) {
	pieces := slices.Collect(slices.Chunk(part, maxGet))
	for len(pieces) > 0 {
		piece := pieces[0]
		pieces = pieces[1:]
		left, refusal, err := s.readPiece(ctx, b, piece)
		switch {
		case err != nil:
			b.fail(left, err)
			for _, piece := range pieces {
				b.fail(piece, err)
			}
			return
		case refusal == nil:
		case len(piece) == 1:
			b.fail(left, refusal)
		default:
			// The server may be short of memory for the whole and not for the halves.
			half := (len(left) + 1) / 2
			pieces = append(slices.Collect(slices.Chunk(left, max(half, 1))), pieces...)
		}
	}
}

// readPiece asks for the keys that part lists, in one request. It returns those for which no
// value came, and may have been looked at or not, if the server refused, or failed. The
// values that came are kept in any case.
func (s *server) readPiece(ctx context.Context, b *reading, part []int) (left []int, refusal, err error) {
	w := wanted{keys: b.keys, part: part}
	r := request{op: b.op, idempotent: true}
	r.exchange = func(c *conn.Conn) error {
		requests := wire.AppendGets(nil, len(part), func(k int) string { return b.keys[part[k]] })
		return c.Exchange(requests, func(rd *wire.Reader) (err error) {
			refusal, err = s.readValues(c, rd, b, &w, r.epoch)
			return err
		})
	}
	if err = s.do(ctx, &r); err != nil || refusal != nil {
		left = w.left()
	}
	return left, refusal, err
}

// readValues reads the reply to a gets. If the server refuses, the refusal is not nil.
func (s *server) readValues(c *conn.Conn, r *wire.Reader, b *reading, w *wanted, e epoch.Number) (refusal, err error) {
	for {
		line, err := r.Line()
		if err != nil {
			return nil, err
		}
		h, ok, err := wire.ParseHeader(line)
		switch {
		case err != nil:
			return nil, err
		case !ok && wire.IsEnd(line):
			return nil, nil
		case !ok && wire.IsRefusal(line):
			return s.refused(b.op, line), nil
		case !ok:
			return nil, wire.Unexpected(line)
		}
		i, ok := w.take(h.Key)
		if !ok {
			return nil, wire.ErrForeignKey
		}
		it := stored{flags: h.Flags, cas: h.CAS, epoch: e}
		if it.value, err = r.Value(h.Size); err != nil {
			w.untake()
			return nil, err
		}
		b.errs[i] = b.found(s, i, it)
		c.Progress()
	}
}

// wanted are the keys of a request for which no value has come. A server replies in the
// order of the request; a proxy may not.
type wanted struct {
	keys  []string
	part  []int
	taken []bool // by position in part
	last  int    // the position that was taken last
	next  int
}

// take returns which of the keys a value is for.
func (w *wanted) take(key []byte) (i int, ok bool) {
	if w.taken == nil {
		w.taken = make([]bool, len(w.part))
	}
	for n := range w.part {
		k := (w.next + n) % len(w.part)
		if !w.taken[k] && w.keys[w.part[k]] == string(key) {
			w.taken[k] = true
			w.last, w.next = k, k+1
			return w.part[k], true
		}
	}
	return 0, false
}

// untake takes back the last take.
func (w *wanted) untake() { w.taken[w.last] = false }

// left returns the keys that were not taken.
func (w *wanted) left() []int {
	if w.taken == nil {
		return w.part
	}
	var left []int
	for k, i := range w.part {
		if !w.taken[k] {
			left = append(left, i)
		}
	}
	return left
}
