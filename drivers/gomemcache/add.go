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

// adding is a batch of adds, each followed by a get.
type adding struct {
	reading
	entries []driver.Entry
	added   []bool
	refused []error // why an entry could not be added, other than that it was there
}

// GetOrAddMulti implements [driver.BatchSwapper]. The adds and one get of all their keys are
// one request: a round trip for up to 128 entries, or 64 KiB of them.
func (d *cluster) GetOrAddMulti(ctx context.Context, entries []driver.Entry) ([]driver.Item, []bool, []error) {
	const op = cache.OpGetOrAddMulti
	items := make([]driver.Item, len(entries))
	b := &adding{entries: entries, added: make([]bool, len(entries)), refused: make([]error, len(entries))}
	b.reading = reading{op: op, keys: make([]string, len(entries)), errs: make([]error, len(entries))}
	b.found = func(s *server, i int, it stored) (err error) {
		items[i], err = s.item(op, entries[i].Key, it)
		return err
	}
	for i, e := range entries {
		b.keys[i] = e.Key
	}
	memcached.LeaveOut(entries, b.errs)
	parts := fanout.Split(len(entries), len(d.servers), func(i int) int {
		if b.errs[i] != nil {
			return -1
		}
		return d.distribution.Pick(b.keys[i])
	})
	fanout.Each(parts, func(i int, part []int) { d.add(ctx, d.servers[i], b, part) })
	for i, err := range b.errs {
		switch {
		case err != nil:
			items[i] = driver.Item{}
		case items[i].Token != nil: // whether it could be added or not
		case b.refused[i] != nil:
			b.errs[i] = b.refused[i]
		default:
			b.errs[i] = driver.ErrMiss
		}
	}
	return items, b.added, memcached.ExplainMulti(d.fail, op, entries, fanout.Failures(b.errs))
}

// add adds and gets the entries that part lists, in pieces.
func (d *cluster) add(ctx context.Context, s *server, b *adding, part []int) {
	var requests []byte
	for len(part) > 0 {
		n := 0
		for requests = requests[:0]; n < min(len(part), maxRequests) && len(requests) < maxRequest; n++ {
			requests = d.appendStore(requests, driver.Add.String(), b.entries[part[n]], memcached.Token{})
		}
		piece := part[:n]
		requests = wire.AppendGets(requests, n, func(k int) string { return b.keys[piece[k]] })
		if err := s.add(ctx, b, requests, piece); err != nil {
			b.fail(part[n:], err)
			return
		}
		part = part[n:]
	}
}

// add sends the adds and the get of a piece. An error is that of the server, which the
// entries without an item have as well.
func (s *server) add(ctx context.Context, b *adding, requests []byte, part []int) error {
	w := wanted{keys: b.keys, part: part}
	var refusal error
	r := request{op: b.op}
	r.exchange = func(c *conn.Conn) error {
		return c.Exchange(requests, func(rd *wire.Reader) (err error) {
			for _, i := range part {
				line, err := rd.Line()
				if err != nil {
					return err
				}
				switch {
				case string(line) == "STORED":
					b.added[i] = true
				case string(line) == "NOT_STORED":
				case wire.IsRefusal(line):
					b.refused[i] = s.refused(b.op, line)
				default:
					return wire.Unexpected(line)
				}
				c.Progress()
			}
			refusal, err = s.readValues(c, rd, &b.reading, &w, r.epoch)
			return err
		})
	}
	err := s.do(ctx, &r)
	switch {
	case err != nil:
		b.fail(w.left(), err)
	case refusal != nil:
		s.read(ctx, &b.reading, w.left()) // the added items stay
	}
	return err
}
